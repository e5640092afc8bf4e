/* Requantization by the rules of el_quant.h in few instructions, and four int8 in a word: what an integer kernel does for a byte costs more
 * than the memory that the byte takes. */
#ifndef EL_CUDA_QUANT_H
#define EL_CUDA_QUANT_H
#include "el_cuda_device.h"

/* A multiplier whose shift is taken apart, for el_rescaled. */
struct el_rescale {
    int multiplier, left, right;
    unsigned half; /* of 2^right; 0 where nothing is divided */
};
EL_DEVICE el_rescale el_rescale_by(int multiplier, int shift) {
    const int right = shift > 0 ? 0 : -shift;
    return {multiplier, shift > 0 ? shift : 0, right, (1u << right) >> 1};
}

/* a * b + c by the one instruction for it: the compiler takes the widening of a factor out of loops, and multiplies 64 by 64 bits then. */
EL_DEVICE int64_t el_multiply_add_wide(int a, int b, int64_t c) {
#ifdef __CUDA__
    int64_t y;
    asm("mad.wide.s32 %0, %1, %2, %3;" : "=l"(y) : "r"(a), "r"(b), "l"(c));
    return y;
#else
    return (int64_t)a * b + c;
#endif
}

/* el_requantize of what is shifted left already. Of the doubling high multiplication, nudge and division toward zero come to (a * b + 2^30) >> 31 for
 * products of either sign; the division by a power of two, ties away from zero, is that of the absolute value. */
EL_DEVICE int el_rescaled_right(const el_rescale& by, int shifted) {
    const int v = (int)(el_multiply_add_wide(shifted, by.multiplier, 1ll << 30) >> 31);
    const unsigned size = ((v < 0 ? 0u - (unsigned)v : (unsigned)v) + by.half) >> by.right;
    return (int)(v < 0 ? 0u - size : size);
}
/* el_requantize. */
EL_DEVICE int el_rescaled(const el_rescale& by, int acc) { return el_rescaled_right(by, (int)((unsigned)acc << by.left)); }

/* el_clamp_s8 in 32 bits: clamped before the zero is added. */
EL_DEVICE int8_t el_clamped_s8(int v, int zero, int lo, int hi) {
    const int least = lo - zero, most = hi - zero;
    return (int8_t)((v < least ? least : v > most ? most : v) + zero);
}

/* Bytes of the words a (numbers 0 to 3) and b (4 to 7), named by the digits of `select`, lowest first. */
EL_DEVICE unsigned el_bytes(unsigned a, unsigned b, unsigned select) {
#ifdef __CUDA__
    unsigned y;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(y) : "r"(a), "r"(b), "r"(select));
    return y;
#else
    unsigned y = 0;
    for (int i = 0; i < 4; i++) {
        const unsigned from = select >> 4 * i & 15u;
        y |= ((from < 4 ? a : b) >> 8 * (from % 4) & 255u) << 8 * i;
    }
    return y;
#endif
}

/* Four words of four bytes, as a matrix, transposed. */
EL_DEVICE void el_transpose_bytes(unsigned* w) {
    const unsigned a = el_bytes(w[0], w[1], 0x5140), b = el_bytes(w[2], w[3], 0x5140), c = el_bytes(w[0], w[1], 0x7362), d = el_bytes(w[2], w[3], 0x7362);
    w[0] = el_bytes(a, b, 0x5410);
    w[1] = el_bytes(a, b, 0x7632);
    w[2] = el_bytes(c, d, 0x5410);
    w[3] = el_bytes(c, d, 0x7632);
}

#endif
