/* Max and average pooling over vectors of EL_VF channels, four vectors at a time while there are that many; the rest one
 * vector at a time, the last one with fewer lanes. A unit of work is one output row of up to CHUNK channels. */
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
            const el_vf first = max ? el_vset1(-INFINITY) : el_vzero(), divisor = el_vset1((float)count);
            int64_t ch = c0;
            for (; ch + 4 * EL_VF <= c1; ch += 4 * EL_VF) {
                el_vf a0 = first, a1 = first, a2 = first, a3 = first;
                for (int32_t ky = 0; ky < ky1 - ky0; ky++)
                    for (int32_t kx = 0; kx < kx1 - kx0; kx++) {
                        const float* v = x + ky * line + kx * step + ch;
                        a0 = combine(a0, el_vload(v), max);
                        a1 = combine(a1, el_vload(v + EL_VF), max);
                        a2 = combine(a2, el_vload(v + 2 * EL_VF), max);
                        a3 = combine(a3, el_vload(v + 3 * EL_VF), max);
                    }
                if (!max) a0 = el_vdiv(a0, divisor), a1 = el_vdiv(a1, divisor), a2 = el_vdiv(a2, divisor), a3 = el_vdiv(a3, divisor);
                el_vstore(y + ch, a0);
                el_vstore(y + ch + EL_VF, a1);
                el_vstore(y + ch + 2 * EL_VF, a2);
                el_vstore(y + ch + 3 * EL_VF, a3);
            }
            for (; ch < c1; ch += EL_VF) {
                int64_t lanes = c1 - ch < EL_VF ? c1 - ch : EL_VF;
                el_vf a = first;
                for (int32_t ky = 0; ky < ky1 - ky0; ky++)
                    for (int32_t kx = 0; kx < kx1 - kx0; kx++) a = combine(a, el_vload_n(x + ky * line + kx * step + ch, lanes), max);
                if (!max) a = el_vdiv(a, divisor);
                el_vstore_n(y + ch, a, lanes);
            }
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
