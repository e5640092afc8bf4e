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

/* sum[i] += sum_k h[k] * w[k][i], i over G * PARTS vectors. */
static inline __attribute__((always_inline)) void product(const float* w, const float* h, int64_t hidden, const int G, el_vf* sum) {
    const int V = G * PARTS;
    int64_t k = 0;
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
#if defined(__aarch64__)
    /* Four registers of weights for each load, in this order: a compiler that loads earlier stores sums to memory. */
    register el_vf b0 __asm__("v28"), b1 __asm__("v29"), b2 __asm__("v30"), b3 __asm__("v31");
#define ROW(lane) \
    _Pragma("GCC unroll 4") for (int i = 0; i < V; i += 4) { \
        __asm__ volatile("ld1 {v28.4s-v31.4s}, [%0], #64" : "+r"(w), "=w"(b0), "=w"(b1), "=w"(b2), "=w"(b3)::"memory"); \
        __asm__ volatile("fmla %0.4s, v28.4s, %4.s[" #lane "]\n\tfmla %1.4s, v29.4s, %4.s[" #lane "]\n\t" \
                         "fmla %2.4s, v30.4s, %4.s[" #lane "]\n\tfmla %3.4s, v31.4s, %4.s[" #lane "]" \
                         : "+w"(sum[i]), "+w"(sum[i + 1]), "+w"(sum[i + 2]), "+w"(sum[i + 3]) : "w"(a), "w"(b0), "w"(b1), "w"(b2), "w"(b3)); \
    }
    for (const float *at = h, *end = h + (k = hidden / 4 * 4); at < end; at += 4) {
        const el_vf a = el_vload(at);
        ROW(0)
        ROW(1)
        ROW(2)
        ROW(3)
    }
#undef ROW
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

/* Items are [directions][blocks]. */
static inline __attribute__((always_inline)) void step(const recurrent* r, int64_t begin, int64_t end, const int G) {
    const el_recurrent_params* p = r->p;
    const int64_t width = r->blocks * EL_PANEL, block_floats = (int64_t)p->hidden * G * EL_PANEL;
    for (int64_t n = begin; n < end; n++) {
        int64_t item = r->step % 2 ? begin + end - 1 - n : n, d = item / r->blocks, first = item % r->blocks * EL_PANEL;
        int64_t t = el_recurrent_time(p, d, r->step);
        const float* w = r->w + item * block_floats;
        for (int64_t b = 0; b < p->batch; b++) {
            const float* x = r->x + ((t * p->batch + b) * p->directions * r->blocks + item) * G * EL_PANEL;
            int64_t at = (d * p->batch + b) * width;
            el_vf sum[4 * PARTS];
#pragma GCC unroll 16
            for (int i = 0; i < G * PARTS; i++) sum[i] = G == 3 && i >= 2 * PARTS ? el_vzero() : el_vload(x + i * EL_VF);
            product(w, r->h + at, p->hidden, G, sum);
            float* to = r->y ? r->y + ((t * p->directions + d) * p->batch + b) * p->hidden + first : NULL;
#pragma GCC unroll 4
            for (int i = 0; i < PARTS; i++) {
                int64_t unit = at + first + i * EL_VF;
                el_vf value;
                if (G == 4) {
                    el_vf c = el_vmul(el_vsigmoid(sum[2 * PARTS + i]), el_vload(r->c + unit));
                    c = el_vfma(el_vsigmoid(sum[i]), el_vtanh(sum[3 * PARTS + i]), c);
                    c = el_vclamp(c, el_vset1(-r->clip), el_vset1(r->clip));
                    el_vstore(r->c + unit, c);
                    value = el_vmul(el_vsigmoid(sum[PARTS + i]), el_vtanh(c));
                } else {
                    el_vf recurrent = sum[2 * PARTS + i], old = el_vload(r->h + unit);
                    if (r->candidate) recurrent = el_vadd(recurrent, el_vload(r->candidate + d * width + first + i * EL_VF));
                    el_vf c = el_vtanh(el_vfma(el_vsigmoid(sum[PARTS + i]), recurrent, el_vload(x + 2 * EL_PANEL + i * EL_VF)));
                    value = el_vfma(el_vsigmoid(sum[i]), el_vsub(old, c), c);
                }
                el_vstore(r->next + unit, value);
                int64_t lanes = p->hidden - first - i * EL_VF;
                if (to && lanes > 0) el_vstore_n(to + i * EL_VF, value, lanes < EL_VF ? lanes : EL_VF);
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
