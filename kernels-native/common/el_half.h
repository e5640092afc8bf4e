/* IEEE 754-2008 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits; as the scalar kernels convert it. */
#ifndef EL_HALF_H
#define EL_HALF_H
#include <stdint.h>
#include <string.h>

/* Exact. Without branches, so that compilers make vectors of it: the fields as a float are 2^-112 of the value, denormals included. */
static inline float el_half_widen(uint16_t h) {
    uint32_t magnitude = h & 0x7FFF, bits = magnitude << 13;
    float f;
    memcpy(&f, &bits, 4);
    f *= 0x1p112f;
    memcpy(&bits, &f, 4);
    if (magnitude >= 0x7C00) bits = 0x7F800000u | magnitude << 13 | (magnitude > 0x7C00 ? 0x400000 : 0); /* infinity, quiet NaN */
    bits |= (uint32_t)(h & 0x8000) << 16;
    memcpy(&f, &bits, 4);
    return f;
}

/* To nearest, ties to even; what is too large becomes infinite. */
static inline uint16_t el_half_narrow(float f) {
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

#endif
