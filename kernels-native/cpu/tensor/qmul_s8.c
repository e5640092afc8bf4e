/* int8 multiplication by TFLite's rule. */
#include "el_quant.h"

EL_KERNEL(qmul_s8, scalar, el_qmul_params)

void el_qmul_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qmul_params* p = params;
    const int8_t *a = buffers[0], *b = buffers[1];
    int8_t* y = buffers[2];
    for (int64_t i = 0; i < p->count; i++) {
        int32_t product = (a[i % p->a_period] + p->a_offset) * (b[i % p->b_period] + p->b_offset);
        y[i] = (int8_t)el_clamp_s8(el_requantize(product, p->y_multiplier, p->y_shift), p->y_offset, p->y_min, p->y_max);
    }
}
