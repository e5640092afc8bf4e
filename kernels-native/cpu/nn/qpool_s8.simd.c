/* int8 pooling, 16 channels in lanes, the last ones partially. The window is cut to the input first.
 * The quotient of the average is a float division, exact while |sum| + count/2 < 2^24: windows up to 100,000 positions;
 * larger ones are divided lane by lane in integers. */
#include "el_quant.h"
#include "qvec.h"

EL_KERNEL_SIMD(qavg_pool_s8, el_qpool_params)
EL_KERNEL_SIMD(max_pool_s8, el_qpool_params)

typedef struct pool_args {
    const el_qpool_params* p;
    const int8_t* x;
    int8_t* y;
} pool_args;

EL_VEC q16 divide(q16 sum, int32_t count) {
    if (count == 0) return q16_set(0);
    if (count <= 100000) return q16_divide_round(sum, count);
    int32_t lane[16];
    q16_store(lane, sum);
    for (int i = 0; i < 16; i++) lane[i] = lane[i] > 0 ? (lane[i] + count / 2) / count : (lane[i] - count / 2) / count;
    return q16_load(lane);
}

EL_VEC q16 window(const pool_args* a, const int8_t* x, int32_t h, int32_t w, int64_t lanes, int average) {
    const el_qpool_params* p = a->p;
    q16 acc = q16_set(average ? 0 : -128);
    for (int32_t ky = 0; ky < h; ky++, x += (int64_t)p->w * p->c)
        for (int32_t kx = 0; kx < w; kx++) {
            q16 v = q16_load8_part(x + (int64_t)kx * p->c, lanes);
            acc = average ? q16_add(acc, v) : q16_max(acc, v);
        }
    return average ? divide(acc, h > 0 && w > 0 ? h * w : 0) : acc;
}

EL_VEC void rows(const pool_args* a, int64_t begin, int64_t end, int average) {
    const el_qpool_params* p = a->p;
    for (int64_t row = begin; row < end; row++) {
        int64_t n = row / p->oh;
        int32_t y0 = (int32_t)(row % p->oh) * p->stride_h - p->pad_top, y1 = y0 + p->kh < p->h ? y0 + p->kh : p->h;
        if (y0 < 0) y0 = 0;
        for (int32_t ox = 0; ox < p->ow; ox++) {
            int32_t x0 = ox * p->stride_w - p->pad_left, x1 = x0 + p->kw < p->w ? x0 + p->kw : p->w;
            if (x0 < 0) x0 = 0;
            const int8_t* x = a->x + ((n * p->h + y0) * p->w + x0) * p->c;
            int8_t* y = a->y + (row * p->ow + ox) * p->c;
            int32_t c = 0;
            for (; c + 16 <= p->c; c += 16)
                q16_store8(y + c, q16_clamp(window(a, x + c, y1 - y0, x1 - x0, 16, average), 0, p->y_min, p->y_max));
            if (c < p->c)
                q16_store8_part(y + c, q16_clamp(window(a, x + c, y1 - y0, x1 - x0, p->c - c, average), 0, p->y_min, p->y_max), p->c - c);
        }
    }
}

static void average_rows(void* a, int64_t begin, int64_t end, int32_t worker) { rows(a, begin, end, 1); }
static void maximum_rows(void* a, int64_t begin, int64_t end, int32_t worker) { rows(a, begin, end, 0); }

static void run(const el_ctx* ctx, const el_qpool_params* p, void* const* buffers, el_body_fn body) {
    pool_args a = {p, buffers[0], buffers[1]};
    int64_t work = (int64_t)p->ow * p->c * p->kh * p->kw;
    el_parallel(ctx, (int64_t)p->n * p->oh, 100000 / (work + 1) + 1, body, &a);
}

void EL_SIMD_NAME(qavg_pool_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, average_rows); }
void EL_SIMD_NAME(max_pool_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, maximum_rows); }
