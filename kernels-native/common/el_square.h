/* y[j][l] = x[l][j] for a square of EL_SQUARE rows and columns of 4-byte elements; xs and ys are the bytes from row to row. */
#ifndef EL_SQUARE_H
#define EL_SQUARE_H
#include "el_simd.h"

#if defined(__aarch64__)
#define EL_SQUARE 4
static inline void el_transpose_square(const char* x, int64_t xs, char* y, int64_t ys) {
    float32x4_t r[4];
    for (int i = 0; i < 4; i++) r[i] = vld1q_f32((const float*)(const void*)(x + i * xs));
    for (int h = 0; h < 2; h++) { /* columns 2h, 2h+1 */
        float64x2_t p = vreinterpretq_f64_f32(h ? vzip2q_f32(r[0], r[1]) : vzip1q_f32(r[0], r[1]));
        float64x2_t q = vreinterpretq_f64_f32(h ? vzip2q_f32(r[2], r[3]) : vzip1q_f32(r[2], r[3]));
        vst1q_f32((float*)(void*)(y + 2 * h * ys), vreinterpretq_f32_f64(vzip1q_f64(p, q)));
        vst1q_f32((float*)(void*)(y + (2 * h + 1) * ys), vreinterpretq_f32_f64(vzip2q_f64(p, q)));
    }
}
#else
#define EL_SQUARE 8
static inline void el_transpose_square(const char* x, int64_t xs, char* y, int64_t ys) {
    __m256 r[8], a[8];
    for (int i = 0; i < 4; i++) { /* lanes 0-3: row i, columns 0-3 then of row i+4; r[i+4]: columns 4-7 */
        const float *lo = (const float*)(const void*)(x + i * xs), *hi = (const float*)(const void*)(x + (i + 4) * xs);
        r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(lo)), _mm_loadu_ps(hi), 1);
        r[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(lo + 4)), _mm_loadu_ps(hi + 4), 1);
    }
    for (int h = 0; h < 8; h += 4) {
        a[h] = _mm256_unpacklo_ps(r[h], r[h + 1]);
        a[h + 1] = _mm256_unpackhi_ps(r[h], r[h + 1]);
        a[h + 2] = _mm256_unpacklo_ps(r[h + 2], r[h + 3]);
        a[h + 3] = _mm256_unpackhi_ps(r[h + 2], r[h + 3]);
        for (int k = 0; k < 2; k++) {
            __m256d p = _mm256_castps_pd(a[h + k]), q = _mm256_castps_pd(a[h + 2 + k]);
            _mm256_storeu_pd((double*)(void*)(y + (h + 2 * k) * ys), _mm256_unpacklo_pd(p, q));
            _mm256_storeu_pd((double*)(void*)(y + (h + 2 * k + 1) * ys), _mm256_unpackhi_pd(p, q));
        }
    }
}
#endif

#endif
