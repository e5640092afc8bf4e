/* The matrix core that qconv_s8, qgemm_s8 and qconv_transpose_s8 share. qmat.c turns each of them into tiles
 * C[rows][columns] = sum over segments of A * B: A is reached through one pointer per output pixel, to its window in a band of
 * the image with borders (no patch matrix is ever built), and one offset per segment; B is panel-packed (el_quant.h).
 * One function per instruction set computes a tile. */
#ifndef EL_QMAT_H
#define EL_QMAT_H
#include "qfinish_s16.h"
#include <string.h>

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
 * carry is 2^31 where right > 0, else 0: its bitwise and with the low half of a << left is what is taken off.
 * scale = multiplier * 2^(shift - 31), for qfinish_near.h. */
typedef struct el_qpanel {
    int32_t start[16], multiplier[16], left[16], right[16];
    float scale[16];
    int64_t round[2][8], shift[2][8], carry[2][8];
} el_qpanel;

/* `quads` dwords (4 input channels each), starting at quad `first` of every panel of B and `offset` bytes into a window. */
typedef struct el_qseg {
    int32_t first, quads;
    int64_t offset;
} el_qseg;

typedef struct el_qtile {
    const int8_t* const* rows; /* [EL_QROWS] windows */
    const el_qseg* segs;
    int32_t seg_count;
    int32_t row_count;   /* 1..EL_QROWS; pointers past it repeat the last row */
    int32_t panel_count; /* 1..EL_QPANELS */
    int32_t columns;     /* valid ones of 16*panel_count */
    const int8_t* b;
    size_t panel_bytes;
    int32_t ahead;       /* panels behind these that will be needed next, 0: none, or somebody fetched them already */
    const el_qpanel* panels;
    int32_t shifts;   /* EL_QSHIFT bits */
    int32_t once;     /* el_requantize_once, else el_requantize */
    int32_t y_zero, y_min, y_max;
    int32_t y_column;  /* first column of the tile: bytes to add to y */
    int8_t* const* y;  /* [EL_QROWS] */
    int32_t* sums;     /* [EL_QROWS + 8][64]: where sums stay as they are, start included; NULL: they go to y */
} el_qtile;

/* What an instruction set brings: its tile function, and el_qpanels_fill, el_qcopy_N, el_qspread and el_qfinish16 compiled for it. x_bias: 128 when the
 * tile function multiplies x+128 (bands then hold it), else 0. x_bytes: 2 when bands hold int16, else 1. */
typedef struct el_qisa {
    void (*tile)(const el_qtile* tile);
    int (*fill)(el_qpanel* panels, int32_t channels, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier,
                const int32_t* shift, int32_t x_zero_plus_bias, int once);
    void (*copy)(int8_t* to, const int8_t* from, int64_t count, int8_t flip);
    int64_t (*spread)(int8_t* to, const int8_t* from, int64_t count, int64_t there);
    void (*finish16)(const el_qtile* tile, const int32_t* high, const int32_t* low, const el_qend16* ends);
    int32_t x_bias, x_bytes;
} el_qisa;

void el_qmat_conv(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa);
void el_qmat_conv_transpose(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa);
void el_qmat_gemm(const el_ctx* ctx, const el_qgemm_params* p, void* const* buffers, const el_qisa* isa);
void el_qmat_conv16(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa);
void el_qmat_gemm16(const el_ctx* ctx, const el_qgemm_params* p, void* const* buffers, const el_qisa* isa);
size_t el_qmat_conv_scratch(const el_qconv_params* p, int32_t threads, int transpose, int planes);
size_t el_qmat_gemm_scratch(const el_qgemm_params* p, int32_t threads, int planes);

#if defined(__clang__)
#define EL_UNROLL _Pragma("unroll")
#else
#define EL_UNROLL _Pragma("GCC unroll 16")
#endif
#define EL_INLINE static inline __attribute__((always_inline))

/* some shift is positive; some shift is outside [-23, -1]; some shift is below -23 */
enum { EL_QSHIFT_LEFT = 1, EL_QSHIFT_ANY = 2, EL_QSHIFT_FAR = 4 };

/* The least and the largest shift met. */
#if defined(__AVX2__)
#include <immintrin.h>
typedef struct el_qshifts { __m256i least, most; } el_qshifts;
EL_INLINE el_qshifts el_qshifts_none(void) { return (el_qshifts){_mm256_set1_epi32(-1), _mm256_set1_epi32(-1)}; }
EL_INLINE int el_qshifts_bits(el_qshifts s) {
    int left = _mm256_movemask_epi8(_mm256_cmpgt_epi32(s.most, _mm256_setzero_si256())), zero = _mm256_movemask_epi8(_mm256_cmpgt_epi32(s.most, _mm256_set1_epi32(-1)));
    int far = _mm256_movemask_epi8(_mm256_cmpgt_epi32(_mm256_set1_epi32(-23), s.least));
    return (left ? EL_QSHIFT_LEFT : 0) | (zero || far ? EL_QSHIFT_ANY : 0) | (far ? EL_QSHIFT_FAR : 0);
}
EL_INLINE void el_qpanel_fill(el_qpanel* e, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier, const int32_t* shift,
                              int32_t x_zero_plus_bias, int once, el_qshifts* met) {
    const __m256i none = _mm256_setzero_si256(), z = _mm256_set1_epi32(x_zero_plus_bias), low = _mm256_set1_epi64x(0xffffffff);
    const __m256i unit = _mm256_set1_epi64x(1ll << 30), first = once ? none : unit, carry = _mm256_set1_epi64x(once ? 0 : 1ll << 31);
    EL_UNROLL for (int h = 0; h < 16; h += 8) {
        __m256i b = bias ? _mm256_loadu_si256((const __m256i*)(bias + h)) : none, w = wsum ? _mm256_loadu_si256((const __m256i*)(wsum + h)) : none;
        __m256i m = _mm256_loadu_si256((const __m256i*)(multiplier + h)), s = _mm256_loadu_si256((const __m256i*)(shift + h));
        s = _mm256_blendv_epi8(s, _mm256_set1_epi32(-1), _mm256_cmpeq_epi32(m, none));
        met->least = _mm256_min_epi32(met->least, s), met->most = _mm256_max_epi32(met->most, s);
        __m256i right = _mm256_max_epi32(_mm256_sub_epi32(none, s), none);
        __m256i power = _mm256_slli_epi32(_mm256_add_epi32(s, _mm256_set1_epi32(127 - 31)), 23); /* 2^(s - 31) as a float */
        _mm256_storeu_ps(e->scale + h, _mm256_mul_ps(_mm256_cvtepi32_ps(m), _mm256_castsi256_ps(power)));
        _mm256_storeu_si256((__m256i*)(e->start + h), _mm256_sub_epi32(b, _mm256_mullo_epi32(z, w)));
        _mm256_storeu_si256((__m256i*)(e->multiplier + h), m);
        _mm256_storeu_si256((__m256i*)(e->left + h), _mm256_max_epi32(s, none));
        _mm256_storeu_si256((__m256i*)(e->right + h), right);
        EL_UNROLL for (int odd = 0; odd < 2; odd++) {
            __m256i r = odd ? _mm256_srli_epi64(right, 32) : _mm256_and_si256(right, low), some = _mm256_cmpgt_epi64(r, none);
            _mm256_storeu_si256((__m256i*)(e->round[odd] + h / 2), _mm256_add_epi64(_mm256_sllv_epi64(unit, r), _mm256_and_si256(first, some)));
            _mm256_storeu_si256((__m256i*)(e->shift[odd] + h / 2), _mm256_add_epi64(r, _mm256_set1_epi64x(31)));
            _mm256_storeu_si256((__m256i*)(e->carry[odd] + h / 2), _mm256_and_si256(carry, some));
        }
    }
}
#else
typedef struct el_qshifts { int32_t least, most; } el_qshifts;
EL_INLINE el_qshifts el_qshifts_none(void) { return (el_qshifts){-1, -1}; }
EL_INLINE int el_qshifts_bits(el_qshifts s) {
    return (s.most > 0 ? EL_QSHIFT_LEFT : 0) | (s.least < -23 || s.most > -1 ? EL_QSHIFT_ANY : 0) | (s.least < -23 ? EL_QSHIFT_FAR : 0);
}
EL_INLINE void el_qpanel_fill(el_qpanel* e, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier, const int32_t* shift,
                              int32_t x_zero_plus_bias, int once, el_qshifts* met) { /* round, shift, carry and scale are for x86 */
    for (int32_t j = 0; j < 16; j++) {
        int32_t s = multiplier[j] == 0 ? -1 : shift[j];
        met->least = s < met->least ? s : met->least, met->most = s > met->most ? s : met->most;
        e->start[j] = (int32_t)((bias ? (uint32_t)bias[j] : 0) - (uint32_t)x_zero_plus_bias * (wsum ? (uint32_t)wsum[j] : 0));
        e->multiplier[j] = multiplier[j];
        e->left[j] = s > 0 ? s : 0;
        e->right[j] = s > 0 ? 0 : -s;
    }
}
#endif

/* Fills ceil(channels/16) panels for one of the two rules; bias may be NULL, wsum when x_zero + x_bias is zero. A multiplier of 0
 * gives 0 with any shift: it gets -1. Returns EL_QSHIFT bits. */
EL_INLINE int el_qpanels_fill(el_qpanel* panels, int32_t channels, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier,
                              const int32_t* shift, int32_t x_zero_plus_bias, int once) {
    el_qshifts met = el_qshifts_none();
    int32_t base = 0;
    for (; base + 16 <= channels; base += 16)
        el_qpanel_fill(&panels[base / 16], bias ? bias + base : NULL, wsum ? wsum + base : NULL, multiplier + base, shift + base, x_zero_plus_bias, once, &met);
    if (base < channels) {
        int32_t all[4][16] = {{0}};
        const int32_t* from[4] = {bias, wsum, multiplier, shift};
        for (int i = 0; i < 4; i++)
            if (from[i]) memcpy(all[i], from[i] + base, (size_t)(channels - base) * 4);
        el_qpanel_fill(&panels[base / 16], all[0], all[1], all[2], all[3], x_zero_plus_bias, once, &met);
    }
    return el_qshifts_bits(met);
}

/* to[i] = from[i] xor flip */
EL_INLINE void el_qcopy_1(int8_t* restrict to, const int8_t* restrict from, int64_t count, int8_t flip) {
    for (int64_t i = 0; i < count; i++) to[i] = from[i] ^ flip;
}
EL_INLINE void el_qcopy_2(int8_t* restrict to, const int8_t* restrict from, int64_t count, int8_t flip) {
    for (int64_t i = 0; i < count; i++) {
        int16_t v = from[i] ^ flip;
        memcpy(to + 2 * i, &v, 2);
    }
}

/* `count` pixels of three bytes to four, the fourth being anything, of `there` pixels that may be read; returns how many of
 * them it did. */
EL_INLINE int64_t el_qspread(int8_t* to, const int8_t* from, int64_t count, int64_t there) {
    int64_t i = 0;
#if defined(__AVX2__)
    const __m128i order = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    for (; i + 4 <= count && i + 6 <= there; i += 4) /* 16 bytes are read, of 18 */
        _mm_storeu_si128((__m128i*)(to + 4 * i), _mm_shuffle_epi8(_mm_loadu_si128((const __m128i*)(from + 3 * i)), order));
#endif
    for (; i < count && i + 2 <= there; i++) memcpy(to + 4 * i, from + 3 * i, 4);
    return i;
}

/* The end of a tile of int16: sums of both planes to y. */
EL_INLINE void el_qfinish16(const el_qtile* t, const int32_t* high, const int32_t* low, const el_qend16* ends) {
    for (int32_t p = 0; p < t->panel_count; p++, high += 16, low += 16) {
        const int32_t count = t->columns - p * 16;
        for (int32_t r = 0; r < t->row_count; r++) {
            int16_t part[16], *y = (int16_t*)(void*)t->y[r] + t->y_column + p * 16;
            el_qend16_store(&ends[p], high + r * 64, low + r * 64, t->y_zero, t->y_min, t->y_max, count < 16 ? part : y);
            if (count < 16) memcpy(y, part, (size_t)count * 2);
        }
    }
}

/* Defines the kernels of one instruction set over its tile function. The EL_KERNEL markers stand beside. */
#define EL_QMAT_KERNELS(isa, tile, x_bias, x_bytes)                                                                               \
    static int fill(el_qpanel* panels, int32_t channels, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier,    \
                    const int32_t* shift, int32_t x_zero_plus_bias, int once) {                                                  \
        return el_qpanels_fill(panels, channels, bias, wsum, multiplier, shift, x_zero_plus_bias, once);                         \
    }                                                                                                                            \
    static void copy(int8_t* to, const int8_t* from, int64_t count, int8_t flip) { el_qcopy_##x_bytes(to, from, count, flip); }  \
    static int64_t spread(int8_t* to, const int8_t* from, int64_t count, int64_t there) { return el_qspread(to, from, count, there); } \
    static void finish16(const el_qtile* t, const int32_t* high, const int32_t* low, const el_qend16* ends) { el_qfinish16(t, high, low, ends); } \
    static const el_qisa brought = {tile, fill, copy, spread, finish16, x_bias, x_bytes};                                                \
    void el_qconv_s8__##isa(const el_ctx* ctx, const void* params, void* const* buffers) {                                       \
        el_qmat_conv(ctx, params, buffers, &brought);                                                                            \
    }                                                                                                                            \
    void el_qconv_transpose_s8__##isa(const el_ctx* ctx, const void* params, void* const* buffers) {                             \
        el_qmat_conv_transpose(ctx, params, buffers, &brought);                                                                  \
    }                                                                                                                            \
    void el_qgemm_s8__##isa(const el_ctx* ctx, const void* params, void* const* buffers) {                                       \
        el_qmat_gemm(ctx, params, buffers, &brought);                                                                            \
    }                                                                                                                            \
    void el_qconv_s16__##isa(const el_ctx* ctx, const void* params, void* const* buffers) {                                      \
        el_qmat_conv16(ctx, params, buffers, &brought);                                                                          \
    }                                                                                                                            \
    void el_qgemm_s16__##isa(const el_ctx* ctx, const void* params, void* const* buffers) {                                      \
        el_qmat_gemm16(ctx, params, buffers, &brought);                                                                          \
    }
#endif
