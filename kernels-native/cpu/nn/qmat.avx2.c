/* int8 tiles with AVX2. Bytes are widened to int16 and VPMADDWD adds products of pairs into int32, exactly: a 64-bit lane is
 * one column, its two int32 the sums over (k0,k1) and (k2,k3) of every quad, added up at the end.
 * 3 rows x 1 panel: 12 accumulators, 3 broadcasts, 1 weight. */
#include "qmat_finish.h"

EL_KERNEL(qconv_s8, avx2, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, avx2, el_qconv_params)
EL_KERNEL(qgemm_s8, avx2, el_qgemm_params)

EL_INLINE void core(const el_qtile* t, int32_t r0, int32_t p, int32_t* out, const int MR) {
    __m256i acc[3][4], x[3];
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int c = 0; c < 4; c++) acc[r][c] = _mm256_setzero_si256();
    const int8_t* const* rows = t->rows + r0;
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t* w = t->b + (size_t)p * t->panel_bytes + (size_t)t->segs[s].first * 64;
        const int8_t* a[3];
        const int64_t offset = t->segs[s].offset;
        EL_UNROLL for (int r = 0; r < MR; r++) a[r] = rows[r] + offset;
        int64_t bytes = (int64_t)t->segs[s].quads * 4;
        for (int64_t k = 0; k < bytes; k += 4, w += 64) {
            EL_UNROLL for (int r = 0; r < MR; r++) {
                int32_t quad;
                memcpy(&quad, a[r] + k, 4);
                x[r] = _mm256_cvtepi8_epi16(_mm_set1_epi32(quad));
            }
            EL_UNROLL for (int c = 0; c < 4; c++) {
                __m256i b = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i*)(w + 16 * c)));
                EL_UNROLL for (int r = 0; r < MR; r++) acc[r][c] = _mm256_add_epi32(acc[r][c], _mm256_madd_epi16(x[r], b));
            }
        }
    }
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int h = 0; h < 2; h++) {
            /* columns 0 1 4 5 | 2 3 6 7 of the half */
            __m256i sum = _mm256_permute4x64_epi64(_mm256_hadd_epi32(acc[r][2 * h], acc[r][2 * h + 1]), 0xd8);
            __m256i start = _mm256_load_si256((const __m256i*)(t->panels[p].start + 8 * h));
            _mm256_store_si256((__m256i*)(out + r * 64 + p * 16 + 8 * h), _mm256_add_epi32(sum, start));
        }
}

static __attribute__((noinline)) void core_3(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) { core(t, r0, p, out, 3); }
static __attribute__((noinline)) void core_1(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) { core(t, r0, p, out, 1); }

static void tile(const el_qtile* t) {
    _Alignas(64) int32_t acc[EL_QROWS * 64];
    for (int32_t p = 0; p < t->panel_count; p++)
        for (int32_t r = 0; r < t->row_count; r += 3)
            if (t->row_count - r == 1) core_1(t, r, p, acc + r * 64);
            else core_3(t, r, p, acc + r * 64);
    finish_rows(t, acc);
}

EL_QMAT_KERNELS(avx2, tile, 0)
