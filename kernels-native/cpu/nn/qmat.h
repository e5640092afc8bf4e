/* The matrix core that qconv_s8, qgemm_s8 and qconv_transpose_s8 share. qmat.c turns each of them into tiles
 * C[rows][columns] = sum over segments of A * B: A is reached through row pointers (one per output pixel and segment, so
 * no patch matrix is ever built; padding points to a row of x_zero), B is panel-packed (el_quant.h).
 * One function per instruction set computes a tile. */
#ifndef EL_QMAT_H
#define EL_QMAT_H
#include "el_quant.h"

#define EL_QROWS 24   /* rows of a tile at most */
#define EL_QPANELS 4  /* panels of a tile at most: 64 columns */

/* What the end of a tile needs of 16 columns; entries past the last column are zero. `start` is bias - x_zero*wsum, minus
 * 128*wsum for instruction sets that read x as unsigned x+128. left = max(shift, 0), right = max(-shift, 0).
 * round and shift state the rule in one 64-bit step, for even [0] and odd [1] columns. Rounding once:
 *     el_requantize_once(a) = (s * multiplier + round) >> shift, round = 2^(30+right), shift = 31 + right, carry = 0,
 *     s = a << left, saturated to int32. Where s saturates, the result is beyond 2^29 in size on the same side as the exact
 *     one (multiplier >= 2^30), so that both end at the same bound of int8; elsewhere it is exact.
 * Rounding twice:
 *     el_requantize(a) = ((a << left) * multiplier + round - (a << left < 0 && right > 0 ? 2^31 : 0)) >> shift
 * with round = 2^30 + (right > 0 ? 2^(30+right) : 0), shift = 31 + right. Proof: the first rounding is
 * floor((ab + 2^30) / 2^31) = t for every sign; the second is floor((t + 2^(right-1) - (t < 0)) / 2^right); floors nest.
 * t < 0 may be replaced by a < 0: they differ only for t = 0, where both give 0.
 * carry is 2^31 where right > 0, else 0: its bitwise and with the low half of a << left is what is taken off. */
typedef struct el_qpanel {
    int32_t start[16], multiplier[16], left[16], right[16];
    int64_t round[2][8], shift[2][8], carry[2][8];
} el_qpanel;

/* `quads` dwords (4 input channels each) starting at quad `first` of every panel of B. */
typedef struct el_qseg {
    int32_t first, quads;
} el_qseg;

typedef struct el_qtile {
    const int8_t* const* rows; /* [segments][EL_QROWS] */
    const el_qseg* segs;
    int32_t seg_count;
    int32_t row_count;   /* 1..EL_QROWS; pointers past it repeat the last row */
    int32_t panel_count; /* 1..EL_QPANELS */
    int32_t columns;     /* valid ones of 16*panel_count */
    const int8_t* b;
    size_t panel_bytes;
    const el_qpanel* panels;
    int32_t any_left; /* some shift is positive */
    int32_t once;     /* el_requantize_once, else el_requantize */
    int32_t y_zero, y_min, y_max;
    int8_t* y[EL_QROWS];
} el_qtile;

typedef void (*el_qtile_fn)(const el_qtile* tile);

/* x_bias: 128 when the tile function multiplies x+128, else 0. */
void el_qmat_conv(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, el_qtile_fn tile, int32_t x_bias);
void el_qmat_conv_transpose(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, el_qtile_fn tile, int32_t x_bias);
void el_qmat_gemm(const el_ctx* ctx, const el_qgemm_params* p, void* const* buffers, el_qtile_fn tile, int32_t x_bias);
size_t el_qmat_conv_scratch(const el_qconv_params* p, int32_t threads, int transpose);
size_t el_qmat_gemm_scratch(const el_qgemm_params* p, int32_t threads);

/* Fills ceil(channels/16) panels for one of the two rules; wsum may be NULL when x_zero + x_bias is zero. Returns whether some shift is positive. */
int el_qpanels_fill(el_qpanel* panels, int32_t channels, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier,
                    const int32_t* shift, int32_t x_zero_plus_bias, int once);

#if defined(__clang__)
#define EL_UNROLL _Pragma("unroll")
#else
#define EL_UNROLL _Pragma("GCC unroll 16")
#endif
#define EL_INLINE static inline __attribute__((always_inline))

/* Declares the three kernels of one instruction set over its tile function. The EL_KERNEL markers stand beside. */
#define EL_QMAT_KERNELS(isa, tile, x_bias)                                                              \
    void el_qconv_s8__##isa(const el_ctx* ctx, const void* params, void* const* buffers) {              \
        el_qmat_conv(ctx, params, buffers, tile, x_bias);                                               \
    }                                                                                                   \
    void el_qconv_transpose_s8__##isa(const el_ctx* ctx, const void* params, void* const* buffers) {    \
        el_qmat_conv_transpose(ctx, params, buffers, tile, x_bias);                                     \
    }                                                                                                   \
    void el_qgemm_s8__##isa(const el_ctx* ctx, const void* params, void* const* buffers) {              \
        el_qmat_gemm(ctx, params, buffers, tile, x_bias);                                               \
    }
#endif
