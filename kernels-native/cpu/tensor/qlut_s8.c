/* y[i] = table[x[i] + 128] */
#include "el_quant.h"

EL_KERNEL(lut_s8, scalar, el_lut_params)

void el_lut_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_lut_params* p = params;
    const int8_t *x = buffers[0], *table = buffers[1];
    int8_t* y = buffers[2];
    for (int64_t i = 0; i < p->count; i++) y[i] = table[x[i] + 128];
}
