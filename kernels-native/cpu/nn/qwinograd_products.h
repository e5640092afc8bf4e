/* Products of Winograd's minimal filtering of int8 convolutions (qwinograd.h), in registers of 256 or 128 bits. */
#ifndef EL_QWINOGRAD_PRODUCTS_H
#define EL_QWINOGRAD_PRODUCTS_H
#include "qmat_finish.h"
#include "qwinograd.h"

/* QW_ROWS rows and a panel at a time. */
#if defined(__AVX2__)
#define QW_ROWS 6
#else
#define QW_ROWS 2
#endif
static __attribute__((noinline)) void qw_some_rows(const int16_t* v, int64_t v_row, const int16_t* u, int32_t quads, int32_t* m) {
#if defined(__AVX2__)
    __m256i acc[QW_ROWS][2];
    EL_UNROLL for (int r = 0; r < QW_ROWS; r++) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
#else
    int32x4_t acc[QW_ROWS][8]; /* sums of the two products of a pair lie side by side */
    EL_UNROLL for (int r = 0; r < QW_ROWS; r++)
        EL_UNROLL for (int c = 0; c < 8; c++) acc[r][c] = vdupq_n_s32(0);
#endif
    for (int32_t left = quads; left > 0; left -= QW_BYTES / 4, v += QW_WORDS)
        for (const int16_t* end = v + 2 * (left < QW_BYTES / 4 ? left : QW_BYTES / 4); v < end; v += 2)
            EL_ROLLED for (int half = 0; half < 2; half++, u += 32) {
#if defined(__AVX2__)
                const __m256i b0 = _mm256_load_si256((const __m256i*)(const void*)u), b1 = _mm256_load_si256((const __m256i*)(const void*)(u + 16));
#else
                const int16x8_t b[4] = {vld1q_s16(u), vld1q_s16(u + 8), vld1q_s16(u + 16), vld1q_s16(u + 24)};
#endif
                EL_UNROLL for (int r = 0; r < QW_ROWS; r++) {
                    int32_t pair;
                    memcpy(&pair, v + r * v_row + half * QW_WORDS, 4);
#if defined(__AVXVNNI__)
                    const __m256i x = _mm256_set1_epi32(pair);
                    acc[r][0] = _mm256_dpwssd_avx_epi32(acc[r][0], x, b0), acc[r][1] = _mm256_dpwssd_avx_epi32(acc[r][1], x, b1);
#elif defined(__AVX2__)
                    const __m256i x = _mm256_set1_epi32(pair);
                    acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(x, b0)), acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(x, b1));
#else
                    const int16x8_t x = vreinterpretq_s16_s32(vdupq_n_s32(pair));
                    EL_UNROLL for (int c = 0; c < 4; c++) {
                        acc[r][2 * c] = vmlal_s16(acc[r][2 * c], vget_low_s16(b[c]), vget_low_s16(x));
                        acc[r][2 * c + 1] = vmlal_high_s16(acc[r][2 * c + 1], b[c], x);
                    }
#endif
                }
            }
    EL_UNROLL for (int r = 0; r < QW_ROWS; r++) {
#if defined(__AVX2__)
        _mm256_store_si256((__m256i*)(void*)(m + r * 64), acc[r][0]), _mm256_store_si256((__m256i*)(void*)(m + r * 64 + 8), acc[r][1]);
#else
        EL_UNROLL for (int c = 0; c < 4; c++) vst1q_s32(m + r * 64 + 4 * c, vpaddq_s32(acc[r][2 * c], acc[r][2 * c + 1]));
#endif
    }
}

static void qw_products(const int16_t* v, int64_t v_row, int64_t rows, const int16_t* u, int64_t u_panel, int32_t quads, int32_t* m) {
    for (int32_t p = 0; p < EL_QPANELS; p++)
        for (int64_t r = 0; r < rows; r += QW_ROWS) qw_some_rows(v + r * v_row, v_row, u + p * u_panel, quads, m + r * 64 + p * 16);
}
#endif
