/* The packing of block_gemm's weights of few bits (el_quant.h), and its scales and zero points, one by one. */
#ifndef EL_BLOCK_LAYOUT_H
#define EL_BLOCK_LAYOUT_H
#include "el_quant.h"

typedef struct el_block_sizes {
    int32_t rows, bytes;   /* of a unit */
    int32_t units, blocks; /* of a panel */
    int32_t block_units;   /* units of a block; the last block may have fewer */
    int32_t depth;         /* k up to whole units */
} el_block_sizes;

static inline el_block_sizes el_block_sizes_of(const el_block_gemm_params* p) {
    el_block_sizes s;
    s.rows = p->bits == 3 ? 32 : 32 / p->bits;
    s.bytes = p->bits == 3 ? 192 : 64;
    s.units = (p->k + s.rows - 1) / s.rows;
    s.block_units = p->block >= p->k ? s.units : p->block / s.rows;
    s.blocks = s.units == 0 ? 0 : (s.units + s.block_units - 1) / s.block_units;
    s.depth = s.units * s.rows;
    return s;
}

static inline float el_block_half(uint16_t h) { /* IEEE 754 binary16; scales are finite */
    uint32_t exponent = h >> 10 & 31, fraction = h & 1023, bits = (uint32_t)(h >> 15) << 31 | (exponent + 112) << 23 | fraction << 13;
    float f;
    if (exponent == 0) return (h >> 15 ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
    __builtin_memcpy(&f, &bits, 4);
    return f;
}

/* Scale of column j of a panel in one block; both kernels, scalar. */
static inline float el_block_scale(const el_block_gemm_params* p, const void* scales, int64_t at) {
    return p->half_scales ? el_block_half(((const uint16_t*)scales)[at]) : ((const float*)scales)[at];
}

/* Zero point less 128 for 8 bits. */
static inline int32_t el_block_zero(const el_block_gemm_params* p, const uint8_t* zeros, int64_t at) {
    int32_t zero = zeros ? zeros[at] : 1 << (p->bits - 1);
    return p->bits == 8 ? zero - 128 : zero;
}

/* q' of row r (within its unit) of column j. */
static inline int32_t el_block_q(int32_t bits, const uint8_t* unit, int32_t r, int32_t j) {
    const uint8_t* at = unit + 4 * j + r % 4;
    int32_t s = r / 4;
    if (bits == 8) return (int8_t)*at;
    if (bits == 4) return *at >> 4 * s & 15;
    if (bits == 2) return *at >> 2 * s & 3;
    return (at[s / 4 * 64] >> 2 * (s % 4) & 3) | (at[128] >> s & 1) << 2;
}

#endif
