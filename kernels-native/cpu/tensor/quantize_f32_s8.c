/* float to int8 or uint8 (round half to even of a true division) and back. */
#include "el_quant.h"
#include <math.h>

EL_KERNEL(quantize_f32_s8, scalar, el_quantize_params)
EL_KERNEL(dequantize_s8_f32, scalar, el_quantize_params)

void el_quantize_f32_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_quantize_params* p = params;
    const float* x = buffers[0];
    int8_t* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) {
        double q = (double)rintf(isnan(x[i]) ? 0.0f : x[i] / p->scale) + p->zero;
        if (q < p->y_min) q = p->y_min;
        if (q > p->y_max) q = p->y_max;
        y[i] = (int8_t)(uint8_t)(int32_t)q;
    }
}

void el_dequantize_s8_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_quantize_params* p = params;
    const int8_t* x = buffers[0];
    float* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) {
        int32_t v = p->is_unsigned ? (uint8_t)x[i] : x[i];
        y[i] = (float)(v - p->zero) * p->scale;
    }
}
