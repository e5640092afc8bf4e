/* The matrix core that qconv_s8, qgemm_s8 and qconv_transpose_s8 share. qmat.c turns each of them into tiles
 * C[rows][columns] = sum over segments of A * B: A is reached through one pointer per output pixel, to its window in a band of
 * the image with borders (no patch matrix is ever built), and one offset per segment; B is panel-packed (el_quant.h).
 * One function per instruction set computes a tile. */
#ifndef EL_QMAT_H
#define EL_QMAT_H
#include "qfinish_s16.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define EL_QROWS 24   /* rows of a tile at most */
#define EL_QPANELS 4  /* panels of a tile at most: 64 columns */
#define EL_QWINDOW 32 /* values from one window that is copied to the next */
#define EL_QWINDOW_ROWS 3

/* What the end of a tile needs of 16 columns; entries past the last column are zero. `start` is bias - x_zero*wsum, minus 128*wsum where x counts as
 * x + 128. scale, nudge, whole and base are for qfinish_near.h. The shift of a multiplier of 0, which gives 0 with any, is -1.
 * el_requantize is one step in 64 bits for acc << max(shift, 0) that fits into 32 bits, right = max(-shift, 0):
 *     el_requantize(a) = ((a << max(shift, 0)) * multiplier + round - (a < 0 && right > 0 ? 2^31 : 0)) >> (31 + right)
 * with round = 2^30 + (right > 0 ? 2^(30+right) : 0). Proof: the first rounding is
 * floor((ab + 2^30) / 2^31) = t for every sign; the second is floor((t + 2^(right-1) - (t < 0)) / 2^right); floors nest.
 * t < 0 may be replaced by a < 0: they differ only for t = 0, where both give 0. */
typedef struct el_qpanel {
    int32_t start[16], multiplier[16], shift[16];
#if defined(__x86_64__)
    float scale[16], nudge[16], whole[16], base[16];
#endif
} el_qpanel;

/* Begins what a call keeps (el_ctx.kept); panels follow. */
typedef struct el_qkept {
    _Alignas(64) const void* by; /* whose panels they are: something of an instruction set's own. NULL: nobody has filled them yet */
    int32_t shifts;              /* EL_QSHIFT bits */
} el_qkept;

/* `quads` dwords (4 input channels each), starting at quad `first` of every panel of B and `offset` bytes into a window. */
typedef struct el_qseg {
    int32_t first, quads;
    int64_t offset;
} el_qseg;

typedef struct el_qtile {
    const int8_t* const* rows; /* [row_count] windows */
    const el_qseg* segs;
    int32_t seg_count;
    int32_t row_count;   /* 1..EL_QROWS, where the tile function takes them more; pointers past it repeat the last row, up to a multiple of EL_QROWS */
    int32_t panel_count; /* 1..EL_QPANELS */
    int32_t columns;     /* valid ones of 16*panel_count */
    const int8_t* b;
    size_t panel_bytes;
    int32_t ahead;       /* panels behind these that will be needed next, 0: none, or somebody fetched them already */
    const el_qpanel* panels;
    int32_t shifts;   /* EL_QSHIFT bits */
    int32_t flip;     /* what the tile function makes x + 128 by: 128 (rows hold x) or 0 (they hold x + 128), taken as xor */
    int32_t once;     /* el_requantize_once, else el_requantize */
    int32_t y_zero, y_min, y_max;
    int32_t y_column;  /* first column of the tile: bytes to add to y */
    int8_t* const* y;  /* [row_count] */
    int32_t* sums;     /* [EL_QROWS + 8][64]: where sums stay as they are, start included; NULL: they go to y */
} el_qtile;

typedef struct el_qwinograd el_qwinograd;

/* What an instruction set brings: its tile function, and el_qpanels_fill, el_qcopy_N, el_qwindows, el_qspread, el_qplaces and el_qfinish16 compiled for it. x_bias: 128 when the
 * tile function multiplies x+128 (bands then hold it), else 0; flips: it may also take x itself. x_bytes: 2 when bands hold int16, else 1.
 * most: rows of such a tile that it takes at most; NULL: EL_QROWS of any. rounds: EL_QROUNDS_DOWN. */
typedef struct el_qisa {
    void (*tile)(const el_qtile* tile);
    int (*fill)(el_qpanel* panels, int32_t channels, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier,
                const int32_t* shift, const int32_t* near, int32_t x_zero_plus_bias, int32_t y_zero, int once, int doubt, int64_t products);
    void (*copy)(int8_t* to, const int8_t* from, int64_t count, int8_t flip);
    void (*windows)(int8_t* to, const int8_t* from, int64_t count, int64_t bytes, int64_t row_step, int64_t step);
    int64_t (*spread)(int8_t* to, const int8_t* from, int64_t count, int64_t there, int8_t flip);
    void (*places)(const int8_t** in, const int8_t* x, int64_t in_step, int8_t** out, int8_t* y, int64_t out_step, int64_t count);
    void (*finish16)(const el_qtile* tile, const int32_t* high, const int32_t* low, const el_qend16* ends);
    int32_t (*most)(const el_qtile* tile);
    int32_t x_bias, x_bytes, flips, rounds;
    void (*finish)(const el_qtile* tile, const int32_t* sums);
    const el_qwinograd* winograd; /* qwinograd.h; NULL: products of int16 gain nothing */
    void (*products)(const int16_t* v, int64_t v_row, int64_t rows, const int16_t* u, int64_t u_panel, int32_t quads, int32_t* m); /* of winograd: m[row][64] = v[row] * u[panel] */
} el_qisa;

void el_qmat_conv(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa);
void el_qmat_conv_transpose(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa);
void el_qmat_gemm(const el_ctx* ctx, const el_qgemm_params* p, void* const* buffers, const el_qisa* isa);
void el_qmat_conv16(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa);
void el_qmat_gemm16(const el_ctx* ctx, const el_qgemm_params* p, void* const* buffers, const el_qisa* isa);
size_t el_qmat_conv_scratch(const el_qconv_params* p, int32_t threads, int transpose, int planes);
size_t el_qmat_gemm_scratch(const el_qgemm_params* p, int32_t threads, int planes);
size_t el_qmat_conv_kept(const el_qconv_params* p);
size_t el_qmat_gemm_kept(const el_qgemm_params* p);

#if defined(__clang__)
#define EL_UNROLL _Pragma("unroll")
#define EL_ROLLED _Pragma("nounroll")
#else
#define EL_UNROLL _Pragma("GCC unroll 16")
#define EL_ROLLED _Pragma("GCC unroll 1")
#endif
#define EL_INLINE static inline __attribute__((always_inline))

/* some shift is positive; some shift is outside [-23, -1]; some shift is below -23; outputs may be in doubt (qfinish_near.h): y has other bounds than int8,
 * or, unless there is `near`, some multiplier * 2^(shift - 15) is no integer of 24 bits or some multiplier * 2^(shift - 31) times a sum may reach 2^31 */
enum { EL_QSHIFT_LEFT = 1, EL_QSHIFT_ANY = 2, EL_QSHIFT_FAR = 4, EL_QDOUBT = 8 };

EL_INLINE int el_qbounds(int32_t y_min, int32_t y_max) { return y_min > INT8_MIN || y_max < INT8_MAX ? EL_QDOUBT : 0; }

/* 1 where code that leaves nobody in doubt (qfinish_near.h) wants floats to be rounded down by the thread, as its instructions do not say how they round. */
#if defined(__AVX2__) && !defined(__AVX512BW__)
#define EL_QROUNDS_DOWN 1
#else
#define EL_QROUNDS_DOWN 0
#endif

/* Where `down`, floats of the calling thread are rounded down until el_round_again(down, what this returned). Compilers do not know: floats that round are for functions
 * which are called between the two and not inlined, and nothing there may count on another rounding. */
EL_INLINE uint32_t el_round_down(int down) {
#if defined(__x86_64__)
    if (down) {
        const uint32_t was = _mm_getcsr();
        _mm_setcsr((was & ~(uint32_t)_MM_ROUND_MASK) | _MM_ROUND_DOWN);
        return was;
    }
#endif
    return 0;
}
EL_INLINE void el_round_again(int down, uint32_t was) {
#if defined(__x86_64__)
    if (down) _mm_setcsr(was);
#endif
}

/* The bits of the float 2^exponent, exponent in [-126, 127]. Loops over bits become vectors; of floats made one by one and of branches they do not, and
 * memcpy of an array of bits to one of floats goes by registers of 8 bytes. So bits are written where the float will be. */
typedef int32_t __attribute__((may_alias)) el_bits;
EL_INLINE int32_t el_power_of_2(int32_t exponent) { return (exponent + 127) * (1 << 23); }

EL_INLINE void el_qpanel_fill(el_qpanel* restrict e, const int32_t* restrict bias, const int32_t* restrict wsum, const int32_t* restrict multiplier,
                              const int32_t* restrict shift, const int32_t* restrict near, int32_t x_zero_plus_bias, int32_t y_zero, int once, int doubt, float reach,
                              int32_t* restrict least, int32_t* restrict most, int32_t* restrict rounded) {
    for (int j = 0; j < 16; j++) {
        const int32_t s = shift[j] | -(multiplier[j] == 0);
        e->start[j] = (int32_t)((uint32_t)bias[j] - (uint32_t)x_zero_plus_bias * (uint32_t)wsum[j]);
        e->multiplier[j] = multiplier[j];
        e->shift[j] = s;
    }
#if defined(__x86_64__)
    const int32_t twice = once ? 0 : -1;
    el_bits *scale = (el_bits*)e->scale, *nudge = (el_bits*)e->nudge, *whole = (el_bits*)e->whole;
    for (int j = 0; j < 16; j++) {
        const int32_t s = e->shift[j];
        scale[j] = el_power_of_2(s - 15);
        nudge[j] = el_power_of_2(s + 15) & s >> 31 & twice;
    }
    for (int j = 0; j < 16; j++) e->scale[j] *= (float)multiplier[j];
    if (doubt) return;
    for (int j = 0; j < 16; j++) { /* fractions of the scale are the lower 15 - s bits of the multiplier; of a scale without any, neither has the nudge */
        const int32_t s = e->shift[j], kept = s < -17 ? 0 : s > 14 ? 31 : 17 + s;
        rounded[j] |= (int32_t)((uint32_t)multiplier[j] << kept) | (multiplier[j] & 127);
    }
    for (int j = 0; j < 16; j++) {
        e->whole[j] = e->scale[j] * 0x1p-16f;
        rounded[j] |= -((reach + __builtin_fabsf((float)bias[j])) * e->whole[j] > 0x1p30f);
    }
    for (int j = 0; j < 16; j++) e->base[j] = (float)y_zero + 0.5f + e->nudge[j] * 0x1p-16f;
    if (near == NULL) return;
    for (int j = 0; j < 16; j++) whole[j] += (int32_t)((uint32_t)near[j] << 24) >> 24;
    for (int j = 0; j < 16; j++) e->base[j] += (float)(near[j] >> 8) * (e->whole[j] * 0x1p-20f);
#else
    for (int j = 0; j < 16; j++) least[j] = e->shift[j] < least[j] ? e->shift[j] : least[j], most[j] = e->shift[j] > most[j] ? e->shift[j] : most[j];
#endif
}

/* Fills ceil(channels/16) panels for one of the two rules, of layers whose outputs are `products` products each; bias and near may be NULL, wsum when
 * x_zero + x_bias is zero. Where `doubt`, outputs are looked at whatever the factors are, and nothing is filled in for the other way. Returns EL_QSHIFT bits. */
EL_INLINE int el_qpanels_fill(el_qpanel* panels, int32_t channels, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier,
                              const int32_t* shift, const int32_t* near, int32_t x_zero_plus_bias, int32_t y_zero, int once, int doubt, int64_t products) {
#if !defined(__x86_64__)
    near = NULL;
#endif
    static const int32_t none[16];
    int32_t least[16], most[16], rounded[16] = {0};
    for (int j = 0; j < 16; j++) least[j] = most[j] = -1;
    const float reach = (float)products * (255 * 128); /* x - x_zero is below 256 in size */
    int32_t last[5][16] = {{0}};
    for (int32_t base = 0; base < channels; base += 16) {
        const int32_t *b = bias ? bias + base : none, *w = wsum ? wsum + base : none, *m = multiplier + base, *s = shift + base, *n = near ? near + base : NULL;
        if (channels - base < 16) {
            const int32_t* from[5] = {b, w, m, s, n};
            for (int i = 0; i < 5; i++)
                if (from[i]) memcpy(last[i], from[i], (size_t)(channels - base) * 4);
            b = last[0], w = last[1], m = last[2], s = last[3], n = near ? last[4] : NULL;
        }
        el_qpanel_fill(&panels[base / 16], b, w, m, s, n, x_zero_plus_bias, y_zero, once, doubt, reach, least, most, rounded);
    }
    int32_t lowest = -1, highest = -1, any = 0;
    for (int j = 0; j < 16; j++) lowest = least[j] < lowest ? least[j] : lowest, highest = most[j] > highest ? most[j] : highest, any |= rounded[j];
    return (highest > 0 ? EL_QSHIFT_LEFT : 0) | (lowest < -23 || highest > -1 ? EL_QSHIFT_ANY : 0) | (lowest < -23 ? EL_QSHIFT_FAR : 0) | (doubt || (any && !near) ? EL_QDOUBT : 0);
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

/* `count` pixels of three bytes to four xor flip, the fourth being anything, of `there` pixels that may be read; returns how many of
 * them it did. */
EL_INLINE int64_t el_qspread(int8_t* restrict to, const int8_t* restrict from, int64_t count, int64_t there, int8_t flip) {
    int64_t i = 0;
#if defined(__AVX2__)
    const __m128i order = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1), flips = _mm_set1_epi8(flip);
#if defined(__AVX512BW__)
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12), orders = _mm512_broadcast_i32x4(order), all_flips = _mm512_broadcast_i32x4(flips);
    for (; i + 16 <= count && i + 22 <= there; i += 16) /* 64 bytes are read, of 66 */
        _mm512_storeu_si512(to + 4 * i, _mm512_xor_si512(_mm512_shuffle_epi8(_mm512_permutexvar_epi32(lanes, _mm512_loadu_si512(from + 3 * i)), orders), all_flips));
#endif
    for (; i + 4 <= count && i + 6 <= there; i += 4) /* 16 bytes are read, of 18 */
        _mm_storeu_si128((__m128i*)(to + 4 * i), _mm_xor_si128(_mm_shuffle_epi8(_mm_loadu_si128((const __m128i*)(from + 3 * i)), order), flips));
#elif defined(__aarch64__)
    const int8x16_t flips = vdupq_n_s8(flip);
    for (; i + 16 <= count; i += 16) {
        int8x16x3_t v = vld3q_s8(from + 3 * i);
        vst4q_s8(to + 4 * i, (int8x16x4_t){{veorq_s8(v.val[0], flips), veorq_s8(v.val[1], flips), veorq_s8(v.val[2], flips), flips}});
    }
#endif
    const uint32_t each = (uint8_t)flip * 0x01010101u;
    for (; i < count && i + 2 <= there; i++) {
        uint32_t pixel;
        memcpy(&pixel, from + 3 * i, 4);
        pixel ^= each;
        memcpy(to + 4 * i, &pixel, 4);
    }
    return i;
}

/* `count` windows of three rows of `bytes` (at most 16) each, their rows side by side and anything behind them, as values of `x_bytes`; row_step lies between rows, step between
 * windows. 16 bytes of every row are read, and one window more may be written. A byte of a window comes from one row; the tables are what instructions that look up bytes take:
 * on x86 for each row, negative for bytes of others. */
EL_INLINE void el_qwindows(int8_t* restrict to, const int8_t* restrict from, int64_t count, int64_t bytes, int64_t row_step, int64_t step, const int x_bytes) {
#if defined(__AVX512BW__)
    const int pair = step + bytes <= 16; /* two windows lie in the same 16 bytes of every row */
    _Alignas(64) int8_t order[EL_QWINDOW_ROWS][64];
    for (int8_t r = 0; r < EL_QWINDOW_ROWS; r++)
        for (int8_t i = 0; i < 64; i++) {
            const int8_t at = (int8_t)((i & 31) - r * (int8_t)bytes);
            order[r][i] = at < 0 || at >= (int8_t)bytes ? -128 : i < 32 || !pair ? at : (int8_t)(at + (int8_t)step);
        }
    const __m512i order0 = _mm512_load_si512(order[0]), order1 = _mm512_load_si512(order[1]), order2 = _mm512_load_si512(order[2]);
    const int each = pair ? 2 : 1;
    for (int64_t i = 0; i < count; i += each, from += each * step, to += each * EL_QWINDOW) {
        const __m512i row0 = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)from)), row1 = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)(from + row_step))),
                      row2 = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)(from + 2 * row_step)));
        _mm512_storeu_si512(to, _mm512_ternarylogic_epi32(_mm512_shuffle_epi8(row0, order0), _mm512_shuffle_epi8(row1, order1), _mm512_shuffle_epi8(row2, order2), 0xfe));
    }
#elif defined(__AVX2__)
    _Alignas(32) int8_t order[EL_QWINDOW_ROWS][32];
    for (int8_t r = 0; r < EL_QWINDOW_ROWS; r++)
        for (int8_t i = 0; i < 32; i++) {
            const int8_t at = (int8_t)(i - r * (int8_t)bytes);
            order[r][i] = at < 0 || at >= (int8_t)bytes ? -128 : at;
        }
    const __m256i order0 = _mm256_load_si256((const __m256i*)order[0]), order1 = _mm256_load_si256((const __m256i*)order[1]), order2 = _mm256_load_si256((const __m256i*)order[2]);
    for (int64_t i = 0; i < count; i++, from += step, to += EL_QWINDOW * x_bytes) {
        const __m256i row0 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)from)), row1 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)(from + row_step))),
                      row2 = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)(from + 2 * row_step)));
        const __m256i v = _mm256_or_si256(_mm256_or_si256(_mm256_shuffle_epi8(row0, order0), _mm256_shuffle_epi8(row1, order1)), _mm256_shuffle_epi8(row2, order2));
        if (x_bytes == 1) {
            _mm256_storeu_si256((__m256i*)to, v);
        } else {
            _mm256_storeu_si256((__m256i*)to, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v)));
            _mm256_storeu_si256((__m256i*)(to + 32), _mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1)));
        }
    }
#elif defined(__aarch64__)
    uint8_t order[32];
    for (uint8_t i = 0; i < 32; i++) {
        const uint8_t row = i >= 2 * (uint8_t)bytes ? 2 : i >= (uint8_t)bytes;
        order[i] = (uint8_t)(i - row * (uint8_t)bytes + 16 * row);
    }
    const uint8x16_t order0 = vld1q_u8(order), order1 = vld1q_u8(order + 16);
    for (int64_t i = 0; i < count; i++, from += step, to += EL_QWINDOW) {
        const int8x16x3_t rows = {{vld1q_s8(from), vld1q_s8(from + row_step), vld1q_s8(from + 2 * row_step)}};
        vst1q_s8(to, vqtbl3q_s8(rows, order0)), vst1q_s8(to + 16, vqtbl3q_s8(rows, order1));
    }
#endif
}

/* in[i] = x + i*in_step, out[i] = y + i*out_step */
EL_INLINE void el_qplaces(const int8_t** restrict in, const int8_t* x, int64_t in_step, int8_t** restrict out, int8_t* y, int64_t out_step, int64_t count) {
    for (int64_t i = 0; i < count; i++, x += in_step, y += out_step) in[i] = x, out[i] = y;
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
#define EL_QMAT_KERNELS(isa, tile, x_bias, x_bytes, flips, most, winograd, words)                                                 \
    static int fill(el_qpanel* panels, int32_t channels, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier,    \
                    const int32_t* shift, const int32_t* near, int32_t x_zero_plus_bias, int32_t y_zero, int once, int doubt, int64_t products) {           \
        return el_qpanels_fill(panels, channels, bias, wsum, multiplier, shift, near, x_zero_plus_bias, y_zero, once, doubt, products); \
    }                                                                                                                            \
    static void copy(int8_t* to, const int8_t* from, int64_t count, int8_t flip) { el_qcopy_##x_bytes(to, from, count, flip); }  \
    static void windows(int8_t* to, const int8_t* from, int64_t count, int64_t bytes, int64_t row_step, int64_t step) {          \
        el_qwindows(to, from, count, bytes, row_step, step, x_bytes);                                                            \
    }                                                                                                                            \
    static int64_t spread(int8_t* to, const int8_t* from, int64_t count, int64_t there, int8_t flip) { return el_qspread(to, from, count, there, flip); } \
    static void places(const int8_t** in, const int8_t* x, int64_t in_step, int8_t** out, int8_t* y, int64_t out_step, int64_t count) {  \
        el_qplaces(in, x, in_step, out, y, out_step, count);                                                                     \
    }                                                                                                                            \
    static void finish16(const el_qtile* t, const int32_t* high, const int32_t* low, const el_qend16* ends) { el_qfinish16(t, high, low, ends); } \
    static const el_qisa brought = {tile, fill, copy, windows, spread, places, finish16, most, x_bias, x_bytes, flips, EL_QROUNDS_DOWN, finish_rows, winograd, words};                  \
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
