/* int16 mean over the spatial positions of NHWC, fewer than 2^15 of them; 1/(h*w) is part of the multiplier. */
#include "el_quant.h"

EL_KERNEL(qmean_s16, scalar, el_qmean_params)

void el_qmean_s16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qmean_params* p = params;
    const int16_t* x = buffers[0];
    int16_t* y = buffers[1];
    for (int32_t n = 0; n < p->n; n++)
        for (int32_t c = 0; c < p->c; c++) {
            int32_t sum = 0;
            for (int32_t i = 0; i < p->hw; i++) sum += x[((int64_t)n * p->hw + i) * p->c + c] - p->x_zero;
            int32_t r = el_requantize(sum, p->multiplier, p->shift);
            y[(int64_t)n * p->c + c] = (int16_t)el_clamp_s8(r, p->y_zero, -32768, 32767);
        }
}
