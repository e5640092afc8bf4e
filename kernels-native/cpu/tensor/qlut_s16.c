/* A function of int16 by a table of 513 numbers and straight lines between them. */
#include "el_quant.h"

EL_KERNEL(lut_s16, scalar, el_lut_params)

static void some(void* arg, int64_t begin, int64_t end, int32_t worker) {
    void* const* buffers = arg;
    const int16_t *x = buffers[0], *table = buffers[1];
    int16_t* y = buffers[2];
    for (int64_t i = begin; i < end; i++) {
        const int16_t* t = table + 256 + (x[i] >> 7);
        y[i] = (int16_t)(t[0] + (((t[1] - t[0]) * (x[i] & 127) + 64) >> 7));
    }
}

void el_lut_s16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_parallel(ctx, ((const el_lut_params*)params)->count, 32768, some, (void*)buffers);
}
