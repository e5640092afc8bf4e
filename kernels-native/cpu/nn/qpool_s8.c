/* int8 pooling over NHWC windows: average (TFLite: round half away from zero of sum / positions inside) and maximum. */
#include "el_quant.h"

EL_KERNEL(qavg_pool_s8, scalar, el_qpool_params)
EL_KERNEL(max_pool_s8, scalar, el_qpool_params)

static void pool(const el_qpool_params* p, const int8_t* x, int8_t* y, int average) {
    for (int32_t n = 0; n < p->n; n++)
        for (int32_t oy = 0; oy < p->oh; oy++)
            for (int32_t ox = 0; ox < p->ow; ox++)
                for (int32_t c = 0; c < p->c; c++) {
                    int32_t sum = 0, count = 0, largest = -128;
                    for (int32_t ky = 0; ky < p->kh; ky++)
                        for (int32_t kx = 0; kx < p->kw; kx++) {
                            int32_t iy = oy * p->stride_h - p->pad_top + ky, ix = ox * p->stride_w - p->pad_left + kx;
                            if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                            int32_t v = x[(((int64_t)n * p->h + iy) * p->w + ix) * p->c + c];
                            sum += v;
                            count++;
                            if (v > largest) largest = v;
                        }
                    int32_t mean = count == 0 ? 0 : sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
                    y[(((int64_t)n * p->oh + oy) * p->ow + ox) * p->c + c] =
                        (int8_t)el_clamp_s8(average ? mean : largest, 0, p->y_min, p->y_max);
                }
}

void el_qavg_pool_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { pool(params, buffers[0], buffers[1], 1); }
void el_max_pool_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { pool(params, buffers[0], buffers[1], 0); }
