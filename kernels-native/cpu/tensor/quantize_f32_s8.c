/* float to int8, uint8 or int16 (round half to even of a true division) and back. */
#include "el_quant.h"
#include <math.h>

EL_KERNEL(quantize_f32_s8, scalar, el_quantize_params)
EL_KERNEL(dequantize_s8_f32, scalar, el_quantize_params)
EL_KERNEL(quantize_f32_s16, scalar, el_quantize_params)
EL_KERNEL(dequantize_s16_f32, scalar, el_quantize_params)

static int32_t quantized(const el_quantize_params* p, float x) {
    double q = (double)rintf(isnan(x) ? 0.0f : x / p->scale) + p->zero;
    return (int32_t)(q < p->y_min ? p->y_min : q > p->y_max ? p->y_max : q);
}

void el_quantize_f32_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_quantize_params* p = params;
    const float* x = buffers[0];
    int8_t* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) y[i] = (int8_t)(uint8_t)quantized(p, x[i]);
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

void el_quantize_f32_s16__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_quantize_params* p = params;
    const float* x = buffers[0];
    int16_t* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) y[i] = (int16_t)quantized(p, x[i]);
}

void el_dequantize_s16_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_quantize_params* p = params;
    const int16_t* x = buffers[0];
    float* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) y[i] = (float)(x[i] - p->zero) * p->scale;
}
