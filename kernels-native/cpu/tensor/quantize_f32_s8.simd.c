/* float to int8, uint8 or int16 and back: plain loops that the compiler turns into vectors of this instruction set. The quotient is
 * clamped to integer bounds around zero before it is converted, which gives what clamping afterwards gives. */
#include "el_quant.h"
#include <math.h>

EL_KERNEL_SIMD(quantize_f32_s8, el_quantize_params)
EL_KERNEL_SIMD(dequantize_s8_f32, el_quantize_params)
EL_KERNEL_SIMD(quantize_f32_s16, el_quantize_params)
EL_KERNEL_SIMD(dequantize_s16_f32, el_quantize_params)

typedef struct quantize_args {
    const el_quantize_params* p;
    const void* x;
    void* y;
} quantize_args;

static void quantize(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const quantize_args* a = arg;
    const float* restrict x = a->x;
    int8_t* restrict y = a->y;
    const float scale = a->p->scale, lo = (float)(a->p->y_min - a->p->zero), hi = (float)(a->p->y_max - a->p->zero);
    const int32_t zero = a->p->zero;
    for (int64_t i = begin; i < end; i++) {
        float v = x[i], q = rintf((v == v ? v : 0.0f) / scale);
        q = q > lo ? q : lo;
        q = q < hi ? q : hi;
        y[i] = (int8_t)(uint8_t)(uint32_t)((int32_t)q + zero);
    }
}

static void quantize16(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const quantize_args* a = arg;
    const float* restrict x = a->x;
    int16_t* restrict y = a->y;
    const float scale = a->p->scale, lo = (float)(a->p->y_min - a->p->zero), hi = (float)(a->p->y_max - a->p->zero);
    const int32_t zero = a->p->zero;
    for (int64_t i = begin; i < end; i++) {
        float v = x[i], q = rintf((v == v ? v : 0.0f) / scale);
        q = q > lo ? q : lo;
        q = q < hi ? q : hi;
        y[i] = (int16_t)((int32_t)q + zero);
    }
}

static void dequantize16(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const quantize_args* a = arg;
    const int16_t* restrict x = a->x;
    float* restrict y = a->y;
    const float scale = a->p->scale;
    const int32_t zero = a->p->zero;
    for (int64_t i = begin; i < end; i++) y[i] = (float)(x[i] - zero) * scale;
}

static void dequantize(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const quantize_args* a = arg;
    float* restrict y = a->y;
    const float scale = a->p->scale;
    const int32_t zero = a->p->zero;
    if (a->p->is_unsigned) {
        const uint8_t* restrict x = a->x;
        for (int64_t i = begin; i < end; i++) y[i] = (float)((int32_t)x[i] - zero) * scale;
    } else {
        const int8_t* restrict x = a->x;
        for (int64_t i = begin; i < end; i++) y[i] = (float)((int32_t)x[i] - zero) * scale;
    }
}

void EL_SIMD_NAME(quantize_f32_s8)(const el_ctx* ctx, const void* params, void* const* buffers) {
    quantize_args a = {params, buffers[0], buffers[1]};
    el_parallel(ctx, a.p->count, 32768, quantize, &a);
}

void EL_SIMD_NAME(dequantize_s8_f32)(const el_ctx* ctx, const void* params, void* const* buffers) {
    quantize_args a = {params, buffers[0], buffers[1]};
    el_parallel(ctx, a.p->count, 32768, dequantize, &a);
}

void EL_SIMD_NAME(quantize_f32_s16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    quantize_args a = {params, buffers[0], buffers[1]};
    el_parallel(ctx, a.p->count, 32768, quantize16, &a);
}

void EL_SIMD_NAME(dequantize_s16_f32)(const el_ctx* ctx, const void* params, void* const* buffers) {
    quantize_args a = {params, buffers[0], buffers[1]};
    el_parallel(ctx, a.p->count, 32768, dequantize16, &a);
}
