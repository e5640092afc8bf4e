/* int8 to int8 with another scale and zero point. */
#include "el_quant.h"

EL_KERNEL(requantize_s8, scalar, el_requantize_params)

void el_requantize_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_requantize_params* p = params;
    const int8_t* x = buffers[0];
    int8_t* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++)
        y[i] = (int8_t)el_clamp_s8(el_requantize(x[i] - p->x_zero, p->multiplier, p->shift), p->y_zero, p->y_min, p->y_max);
}
