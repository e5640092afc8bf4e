/* A block of 16 hidden units is one pass over its weights, a single stream of G * 16 columns for each h[k]: the G gates of a
 * block are G * 16 / lanes registers, which then turn into the new state without leaving them. Where those are few, two sums
 * take turns, so that the latency of the multiply-add is hidden.
 * The weights are read once a step. Every other step goes over them backwards: what the last step left in the cache is used
 * first, which counts when they fill it. */
#include "el_vmath.h"
#include "recurrent.h"

EL_KERNEL_SIMD(lstm_f32, el_recurrent_params)
EL_KERNEL_SIMD(gru_f32, el_recurrent_params)

#define PARTS (EL_PANEL / EL_VF)
#define PARALLEL_FMAS (1 << 16) /* multiply-adds of one step that are worth waking a second thread */

typedef struct recurrent {
    const el_recurrent_params* p;
    const float *x, *w, *candidate;
    float *y, *h, *next, *c;
    int64_t blocks, step;
    float clip;
} recurrent;

/* sum[i] = x[i] + sum_k h[k] * w[k][i], i over G * PARTS vectors; x of the third of three gates is added elsewhere. */
#if defined(__aarch64__)
/* Eight k at a time as instructions: one load for four registers of weights, and sums that stay where they are, which GCC moves about. */
#define FOUR(h, a, b, c, d)                                                                                            \
    "ld1 {v28.4s-v31.4s}, [%[w]], #64\n\t"                                                                             \
    "fmla " a ".4s, v28.4s, " h "\n\tfmla " b ".4s, v29.4s, " h "\n\t"                                                 \
    "fmla " c ".4s, v30.4s, " h "\n\tfmla " d ".4s, v31.4s, " h "\n\t"
#define ROW_3(h) FOUR(h, "v0", "v1", "v2", "v3") FOUR(h, "v4", "v5", "v6", "v7") FOUR(h, "v16", "v17", "v18", "v19")
#define ROW_4(h) ROW_3(h) FOUR(h, "v20", "v21", "v22", "v23")
#define EIGHT(ROW)                                                                                                     \
    ROW("v24.s[0]") ROW("v24.s[1]") ROW("v24.s[2]") ROW("v24.s[3]") ROW("v25.s[0]") ROW("v25.s[1]") ROW("v25.s[2]") ROW("v25.s[3]")
#define BEGIN "ld1 {v0.4s-v3.4s}, [%[x]], #64\n\tld1 {v4.4s-v7.4s}, [%[x]], #64\n\t"
#define BEGIN_3 BEGIN "movi v16.4s, #0\n\tmovi v17.4s, #0\n\tmovi v18.4s, #0\n\tmovi v19.4s, #0\n\t"
#define BEGIN_4 BEGIN "ld1 {v16.4s-v19.4s}, [%[x]], #64\n\tld1 {v20.4s-v23.4s}, [%[x]]\n\t"
#define END_3 "st1 {v0.4s-v3.4s}, [%[to]], #64\n\tst1 {v4.4s-v7.4s}, [%[to]], #64\n\tst1 {v16.4s-v19.4s}, [%[to]], #64\n\t"
#define END_4 END_3 "st1 {v20.4s-v23.4s}, [%[to]]\n\t"
#define PRODUCT(G)                                                                                                     \
    static __attribute__((noinline)) void product_##G(const float* w, const float* h, int64_t hidden, const float* x, el_vf* sum) { \
        const float *whole = h + hidden / 8 * 8, *end = h + hidden;                                                    \
        el_vf* to = sum;                                                                                               \
        __asm__ volatile(BEGIN_##G "cmp %[h], %[whole]\n\tb.hs 2f\n\t"                                                 \
                         "1: ldp q24, q25, [%[h]], #32\n\t" EIGHT(ROW_##G) "cmp %[h], %[whole]\n\tb.lo 1b\n\t"         \
                         "2: " END_##G                                                                                 \
                         : [w] "+r"(w), [h] "+r"(h), [x] "+r"(x), [to] "+r"(to)                                        \
                         : [whole] "r"(whole)                                                                          \
                         : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", \
                           "v23", "v24", "v25", "v28", "v29", "v30", "v31");                                           \
        for (; h < end; h++, w += G * EL_PANEL)                                                                        \
            for (int i = 0; i < G * PARTS; i++) sum[i] = el_vfma(el_vset1(*h), el_vload(w + i * EL_VF), sum[i]);       \
    }
#else
static inline __attribute__((always_inline)) void product(const float* w, const float* h, int64_t hidden, const float* x, const int G, el_vf* sum) {
    const int V = G * PARTS;
    int64_t k = 0;
#pragma GCC unroll 16
    for (int i = 0; i < V; i++) sum[i] = G == 3 && i >= 2 * PARTS ? el_vzero() : el_vload(x + i * EL_VF);
#if EL_VF == 16
    el_vf odd[4 * PARTS];
#pragma GCC unroll 16
    for (int i = 0; i < V; i++) odd[i] = el_vzero();
    for (; k + 2 <= hidden; k += 2, w += 2 * G * EL_PANEL) {
        el_vf a = el_vset1(h[k]), b = el_vset1(h[k + 1]);
#pragma GCC unroll 16
        for (int i = 0; i < V; i++) sum[i] = el_vfma(a, el_vload(w + i * EL_VF), sum[i]);
#pragma GCC unroll 16
        for (int i = 0; i < V; i++) odd[i] = el_vfma(b, el_vload(w + (V + i) * EL_VF), odd[i]);
    }
#endif
    for (; k < hidden; k++, w += G * EL_PANEL) {
        el_vf a = el_vset1(h[k]);
#pragma GCC unroll 16
        for (int i = 0; i < V; i++) sum[i] = el_vfma(a, el_vload(w + i * EL_VF), sum[i]);
    }
#if EL_VF == 16
#pragma GCC unroll 16
    for (int i = 0; i < V; i++) sum[i] = el_vadd(sum[i], odd[i]);
#endif
}
#define PRODUCT(G)                                                                                                     \
    static inline __attribute__((always_inline)) void product_##G(const float* w, const float* h, int64_t hidden, const float* x, el_vf* sum) { \
        product(w, h, hidden, x, G, sum);                                                                              \
    }
#endif
PRODUCT(3)
PRODUCT(4)

/* The functions of the gates: gate, the logistic function; tanh_of; gated, gate(x) tanh(y). */
#if EL_VF == 16
static inline el_vf gate(el_vf x) { return el_vsigmoid(x); }
static inline el_vf tanh_of(el_vf x) { return el_vtanh(x); }
static inline el_vf gated(el_vf x, el_vf y) { return el_vmul(el_vsigmoid(x), el_vtanh(y)); }
#else
/* tanh x = x P(x^2) / Q(x^2) on |x| <= 9.02, where tanh rounds to 1: degrees 4/4, relative error 2.1e-8. Returns what is over the line and sets what is under
 * it, so that a product of several takes one division. With its roundings that is 7 ulp: half of what el_vtanh takes, with twice its error. */
static inline el_vf tanh_quotient(el_vf x, el_vf* under) {
    const el_vf one = el_vset1(1.0f), c = el_vclamp(x, el_vset1(-9.02f), el_vset1(9.02f)), z = el_vmul(c, c);
#if EL_VF == 4
    /* Powers of z take coefficients from lanes; Horner's scheme would copy each to a register that the multiply-add overwrites. Written as instructions, as
     * GCC makes a register of each lane. */
    static const float coefficients[8] = {1.337971096e-01f, 3.494026233e-03f, 2.058334293e-05f, 1.331887922e-08f,
                                          4.671302620e-01f, 2.587104163e-02f, 3.283079159e-04f, 7.761940694e-07f};
    const el_vf z2 = el_vmul(z, z), z3 = el_vmul(z2, z), z4 = el_vmul(z2, z2);
    el_vf p = one, q = one;
    __asm__("fmla %0.4s, %2.4s, %6.s[0]\n\tfmla %1.4s, %2.4s, %7.s[0]\n\tfmla %0.4s, %3.4s, %6.s[1]\n\tfmla %1.4s, %3.4s, %7.s[1]\n\t"
            "fmla %0.4s, %4.4s, %6.s[2]\n\tfmla %1.4s, %4.4s, %7.s[2]\n\tfmla %0.4s, %5.4s, %6.s[3]\n\tfmla %1.4s, %5.4s, %7.s[3]"
            : "+w"(p), "+w"(q) : "w"(z), "w"(z2), "w"(z3), "w"(z4), "w"(el_vload(coefficients)), "w"(el_vload(coefficients + 4)));
    *under = q;
    return el_vmul(c, p);
#else
    el_vf p = el_vset1(1.331887922e-08f), q = el_vset1(7.761940694e-07f);
    p = el_vfma(p, z, el_vset1(2.058334293e-05f));
    q = el_vfma(q, z, el_vset1(3.283079159e-04f));
    p = el_vfma(p, z, el_vset1(3.494026233e-03f));
    q = el_vfma(q, z, el_vset1(2.587104163e-02f));
    p = el_vfma(p, z, el_vset1(1.337971096e-01f));
    q = el_vfma(q, z, el_vset1(4.671302620e-01f));
    *under = el_vfma(q, z, one);
    return el_vmul(c, el_vfma(p, z, one));
#endif
}

/* (1 + tanh(x / 2)) / 2; its error is absolute, not relative: 2^-22. */
static inline el_vf gate_quotient(el_vf x, el_vf* under) {
    el_vf one, over = tanh_quotient(el_vmul(x, el_vset1(0.5f)), &one);
    *under = el_vadd(one, one);
    return el_vadd(one, over);
}

static inline el_vf gate(el_vf x) {
    el_vf under, over = gate_quotient(x, &under);
    return el_vdiv(over, under);
}

static inline el_vf tanh_of(el_vf x) {
    el_vf under, over = tanh_quotient(x, &under);
    return el_vdiv(over, under);
}

static inline el_vf gated(el_vf x, el_vf y) {
    el_vf under, over = gate_quotient(x, &under), tanh_under, tanh_over = tanh_quotient(y, &tanh_under);
    return el_vdiv(el_vmul(over, tanh_over), el_vmul(under, tanh_under));
}
#endif

/* Items are [directions][blocks]. */
static inline __attribute__((always_inline)) void step(const recurrent* r, int64_t begin, int64_t end, const int G) {
    const el_recurrent_params* p = r->p;
    const int64_t width = r->blocks * EL_PANEL, block_floats = (int64_t)p->hidden * G * EL_PANEL;
    const el_vf clip = el_vset1(r->clip);
    for (int64_t n = begin; n < end; n++) {
        int64_t item = r->step % 2 ? begin + end - 1 - n : n, d = item / r->blocks, first = item % r->blocks * EL_PANEL;
        int64_t t = el_recurrent_time(p, d, r->step);
        const float* w = r->w + item * block_floats;
        for (int64_t b = 0; b < p->batch; b++) {
            const float* x = r->x + ((t * p->batch + b) * p->directions * r->blocks + item) * G * EL_PANEL;
            int64_t at = (d * p->batch + b) * width;
            el_vf sum[4 * PARTS];
            if (G == 4) product_4(w, r->h + at, p->hidden, x, sum);
            else product_3(w, r->h + at, p->hidden, x, sum);
            float* to = r->y == NULL ? NULL : r->y + ((t * p->directions + d) * p->batch + b) * p->hidden + first;
            const int64_t units = to == NULL ? 0 : p->hidden - first; /* that go to y */
#pragma GCC unroll 4
            for (int i = 0; i < PARTS; i++) {
                int64_t unit = at + first + i * EL_VF;
                el_vf value;
                if (G == 4) {
                    el_vf c = el_vfma(gate(sum[2 * PARTS + i]), el_vload(r->c + unit), gated(sum[i], sum[3 * PARTS + i]));
                    c = el_vclamp(c, el_vneg(clip), clip);
                    el_vstore(r->c + unit, c);
                    value = gated(sum[PARTS + i], c);
                } else {
                    el_vf recurrent = sum[2 * PARTS + i], old = el_vload(r->h + unit);
                    if (r->candidate) recurrent = el_vadd(recurrent, el_vload(r->candidate + d * width + first + i * EL_VF));
                    el_vf c = tanh_of(el_vfma(gate(sum[PARTS + i]), recurrent, el_vload(x + 2 * EL_PANEL + i * EL_VF)));
                    value = el_vfma(gate(sum[i]), el_vsub(old, c), c);
                }
                el_vstore(r->next + unit, value);
                if (units >= (i + 1) * EL_VF) el_vstore(to + i * EL_VF, value);
                else if (units > i * EL_VF) el_vstore_n(to + i * EL_VF, value, units - i * EL_VF);
            }
        }
    }
}

static void lstm_step(void* arg, int64_t begin, int64_t end, int32_t worker) { step(arg, begin, end, 4); }
static void gru_step(void* arg, int64_t begin, int64_t end, int32_t worker) { step(arg, begin, end, 3); }

static void run(const el_ctx* ctx, const el_recurrent_params* p, void* const* buffers, int32_t gates) {
    int64_t state = el_recurrent_state(p);
    recurrent r = {p, buffers[0], buffers[1], buffers[2], buffers[5], ctx->scratch, (float*)ctx->scratch + state,
                   (float*)ctx->scratch + 2 * state, el_recurrent_blocks(p), 0, el_recurrent_clip(p)};
    el_recurrent_load(p, buffers[3], r.h);
    el_recurrent_load(p, gates == 4 ? buffers[4] : NULL, r.c);
    int64_t items = p->directions * r.blocks, threads = el_ctx_threads(ctx);
    int64_t fmas = items * EL_PANEL * gates * p->hidden * p->batch;
    /* One piece for each thread: it finds its part of the weights in its own cache. */
    int64_t grain = fmas < PARALLEL_FMAS * 2 ? items : (items + threads - 1) / threads;
    for (r.step = 0; r.step < p->steps; r.step++) {
        el_parallel(ctx, items, grain, gates == 4 ? lstm_step : gru_step, &r);
        float* swap = r.h;
        r.h = r.next;
        r.next = swap;
    }
    el_recurrent_store(p, r.h, buffers[6]);
    if (gates == 4) el_recurrent_store(p, r.c, buffers[7]);
}

void EL_SIMD_NAME(lstm_f32)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, 4); }
void EL_SIMD_NAME(gru_f32)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, 3); }
