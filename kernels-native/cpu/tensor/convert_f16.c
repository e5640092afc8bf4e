/* IEEE 754-2008 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
#include "el_tensor.h"
#include <string.h>

static float widen(uint16_t h) {
    uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, fraction = h & 1023, bits;
    if (exponent == 31) bits = 0x7F800000u | fraction << 13 | (fraction ? 0x400000u : 0); /* infinity, quiet NaN */
    else if (exponent) bits = (exponent + 112) << 23 | fraction << 13;
    else {
        float f = (float)fraction * 0x1p-24f; /* zero and denormals are exact in float */
        memcpy(&bits, &f, 4);
    }
    bits |= sign;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static uint16_t narrow(float f) {
    uint32_t bits;
    memcpy(&bits, &f, 4);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return (uint16_t)(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
    if (magnitude >= 0x477FF000) return (uint16_t)(sign | 0x7C00); /* 65520 and above round to infinity */
    /* The value in units of the last place of the result: 2^-24 for denormals, else 10 bits below the leading one. */
    uint32_t exponent = magnitude >> 23, fraction = (magnitude & 0x7FFFFF) | (exponent ? 0x800000 : 0);
    uint32_t shift = exponent >= 113 ? 13 : 126 - exponent;
    if (shift > 24) return (uint16_t)sign; /* below half of the smallest denormal */
    uint32_t kept = fraction >> shift, lost = fraction & ((1u << shift) - 1), half = 1u << (shift - 1);
    kept += lost > half || (lost == half && (kept & 1));
    if (exponent >= 113) kept += (exponent - 113) << 10; /* the leading one of `kept` adds 1 to the exponent field */
    return (uint16_t)(sign | kept);
}

EL_KERNEL(f16_to_f32, scalar, el_convert_params)
void el_f16_to_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_convert_params* p = params_;
    const uint16_t* x = buffers[0];
    float* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) y[i] = widen(x[i]);
}

EL_KERNEL(f32_to_f16, scalar, el_convert_params)
void el_f32_to_f16__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_convert_params* p = params_;
    const float* x = buffers[0];
    uint16_t* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) y[i] = narrow(x[i]);
}
