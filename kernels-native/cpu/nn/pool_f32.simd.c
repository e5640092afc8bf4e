/* Max and average pooling over vectors of EL_VF channels, four vectors at a time; the last ones together, the very last with fewer lanes. A unit of work is one output row of up to CHUNK channels. */
#include "el_nn.h"
#include "el_vmath.h"

EL_KERNEL_SIMD(max_pool_f32, el_pool_params)
EL_KERNEL_SIMD(avg_pool_f32, el_pool_params)

#define INLINE static inline __attribute__((always_inline))
#define CHUNK 256
#define PARALLEL_READS (1 << 16)

typedef struct pool_task {
    const el_pool_params* p;
    const float* x;
    float* y;
    int64_t chunks;
} pool_task;

/* Positions [k0, k1) of a window of k taps, dilated, that lie inside [0, size) when the first is at `at`. */
INLINE void inside(int64_t at, int32_t k, int32_t dilation, int32_t size, int32_t* k0, int32_t* k1) {
    *k0 = 0, *k1 = k;
    while (*k0 < *k1 && at + *k0 * dilation < 0) ++*k0;
    while (*k1 > *k0 && at + (*k1 - 1) * (int64_t)dilation >= size) --*k1;
}

INLINE el_vf combine(el_vf a, el_vf v, const int max) { return max ? el_vmax_nan(a, v) : el_vadd(a, v); }

/* One window of high x wide positions over V vectors of channels, of which the last has `lanes`, or all where they are whole. */
INLINE void window(const float* x, float* y, int32_t high, int32_t wide, int64_t line, int64_t step, float count, int64_t lanes, const int V, const int whole,
                   const int max) {
    const int64_t end = (V - 1) * EL_VF;
    el_vf a[4];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) a[v] = max ? el_vset1(-INFINITY) : el_vzero();
    for (int32_t ky = 0; ky < high; ky++, x += line) {
        const float* from = x;
        for (int32_t kx = 0; kx < wide; kx++, from += step) {
#pragma GCC unroll 4
            for (int v = 0; v < V - 1; v++) a[v] = combine(a[v], el_vload(from + v * EL_VF), max);
            a[V - 1] = combine(a[V - 1], whole ? el_vload(from + end) : el_vload_n(from + end, lanes), max);
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
        if (!max) a[v] = el_vdiv(a[v], el_vset1(count));
        if (v < V - 1 || whole) el_vstore(y + v * EL_VF, a[v]);
        else el_vstore_n(y + end, a[v], lanes);
    }
}

INLINE void rows(const pool_task* t, int64_t begin, int64_t end, const int max) {
    const el_pool_params* p = t->p;
    int64_t c = p->c, step = p->dilation_w * c, line = (int64_t)p->dilation_h * p->w * c;
    for (int64_t item = begin; item < end; item++) {
        int64_t row = item / t->chunks, c0 = item % t->chunks * CHUNK, c1 = c0 + CHUNK < c ? c0 + CHUNK : c;
        int64_t image = row / p->oh, iy = row % p->oh * p->stride_h - p->pad_top;
        int32_t ky0, ky1, kx0, kx1;
        inside(iy, p->kh, p->dilation_h, p->h, &ky0, &ky1);
        for (int64_t ox = 0; ox < p->ow; ox++) {
            int64_t ix = ox * p->stride_w - p->pad_left;
            inside(ix, p->kw, p->dilation_w, p->w, &kx0, &kx1);
            int64_t count = (int64_t)(ky1 - ky0) * (kx1 - kx0);
            if (p->count_include_pad) { /* without the overhang past the declared padding */
                int64_t high = 0, wide = 0;
                for (int32_t k = 0; k < p->kh; k++) high += iy + k * (int64_t)p->dilation_h < p->h + p->pad_bottom;
                for (int32_t k = 0; k < p->kw; k++) wide += ix + k * (int64_t)p->dilation_w < p->w + p->pad_right;
                count = high * wide;
            }
            const float* x = t->x + ((image * p->h + iy + ky0 * (int64_t)p->dilation_h) * p->w + ix + kx0 * (int64_t)p->dilation_w) * c;
            float* y = t->y + (row * p->ow + ox) * c;
            const int32_t tall = ky1 - ky0, broad = kx1 - kx0;
            int64_t ch = c0;
            for (; ch + 4 * EL_VF <= c1; ch += 4 * EL_VF) window(x + ch, y + ch, tall, broad, line, step, (float)count, EL_VF, 4, 1, max);
            const int64_t left = c1 - ch, lanes = (left - 1) % EL_VF + 1;
            if (left > 3 * EL_VF) window(x + ch, y + ch, tall, broad, line, step, (float)count, lanes, 4, 0, max);
            else if (left > 2 * EL_VF) window(x + ch, y + ch, tall, broad, line, step, (float)count, lanes, 3, 0, max);
            else if (left > EL_VF) window(x + ch, y + ch, tall, broad, line, step, (float)count, lanes, 2, 0, max);
            else if (left > 0) window(x + ch, y + ch, tall, broad, line, step, (float)count, lanes, 1, 0, max);
            if (p->act.kind != EL_ACT_NONE)
                for (ch = c0; ch < c1; ch += EL_VF) {
                    int64_t lanes = c1 - ch < EL_VF ? c1 - ch : EL_VF;
                    el_vstore_n(y + ch, el_vact(p->act, el_vload_n(y + ch, lanes)), lanes);
                }
        }
    }
}

static void max_rows(void* arg, int64_t begin, int64_t end, int32_t worker) { rows(arg, begin, end, 1); }
static void avg_rows(void* arg, int64_t begin, int64_t end, int32_t worker) { rows(arg, begin, end, 0); }

static void run(const el_ctx* ctx, const el_pool_params* p, void* const* buffers, el_body_fn body) {
    pool_task t = {p, buffers[0], buffers[1], (p->c + CHUNK - 1) / CHUNK};
    int64_t cost = (int64_t)p->ow * (p->c < CHUNK ? p->c : CHUNK) * p->kh * p->kw;
    el_parallel(ctx, (int64_t)p->n * p->oh * t.chunks, PARALLEL_READS / (cost + 1) + 1, body, &t);
}

void EL_SIMD_NAME(max_pool_f32)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, max_rows); }
void EL_SIMD_NAME(avg_pool_f32)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, avg_rows); }
