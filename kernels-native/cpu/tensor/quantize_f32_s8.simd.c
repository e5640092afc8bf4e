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

/* unsigned_type: what the type of y is stored as, as a conversion to it wraps around */
#define QUANTIZE(name, unsigned_type)                                                                                          \
    static void name(void* arg, int64_t begin, int64_t end, int32_t worker) {                                                  \
        const quantize_args* a = arg;                                                                                          \
        const float* restrict x = a->x;                                                                                        \
        unsigned_type* restrict y = a->y;                                                                                      \
        const float scale = a->p->scale, lo = (float)(a->p->y_min - a->p->zero), hi = (float)(a->p->y_max - a->p->zero);       \
        const int32_t zero = a->p->zero;                                                                                       \
        for (int64_t i = begin; i < end; i++) {                                                                                \
            float v = x[i], q = rintf((v == v ? v : 0.0f) / scale);                                                            \
            q = q > lo ? q : lo;                                                                                               \
            q = q < hi ? q : hi;                                                                                               \
            y[i] = (unsigned_type)((int32_t)q + zero);                                                                         \
        }                                                                                                                      \
    }
QUANTIZE(quantize8, uint8_t)
QUANTIZE(quantize16, uint16_t)

#define DEQUANTIZE(name, type)                                                                  \
    static void name(void* arg, int64_t begin, int64_t end, int32_t worker) {                   \
        const quantize_args* a = arg;                                                           \
        const type* restrict x = a->x;                                                          \
        float* restrict y = a->y;                                                               \
        const float scale = a->p->scale;                                                        \
        const int32_t zero = a->p->zero;                                                        \
        for (int64_t i = begin; i < end; i++) y[i] = (float)((int32_t)x[i] - zero) * scale;     \
    }
DEQUANTIZE(dequantize_s8, int8_t)
DEQUANTIZE(dequantize_u8, uint8_t)
DEQUANTIZE(dequantize_s16, int16_t)

static void run(const el_ctx* ctx, const void* params, void* const* buffers, el_body_fn body) {
    quantize_args a = {params, buffers[0], buffers[1]};
    el_parallel(ctx, a.p->count, 32768, body, &a);
}

void EL_SIMD_NAME(quantize_f32_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, quantize8); }
void EL_SIMD_NAME(quantize_f32_s16)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, quantize16); }
void EL_SIMD_NAME(dequantize_s8_f32)(const el_ctx* ctx, const void* params, void* const* buffers) {
    run(ctx, params, buffers, ((const el_quantize_params*)params)->is_unsigned ? dequantize_u8 : dequantize_s8);
}
void EL_SIMD_NAME(dequantize_s16_f32)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, dequantize_s16); }
