/* int8 tiles with AVX2. Bands hold int16, weights are widened, and VPMADDWD adds products of pairs into int32, exactly: a
 * 64-bit lane is one column, its two int32 the sums over (k0,k1) and (k2,k3) of every quad, added up at the end.
 * 6 rows x half a panel: 12 accumulators, 2 weights, 1 broadcast, 1 product. */
#include "qwinograd_products.h"

EL_KERNEL(qconv_s8, avx2, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, avx2, el_qconv_params)
EL_KERNEL(qgemm_s8, avx2, el_qgemm_params)
EL_KERNEL(qconv_s16, avx2, el_qconv_params)
EL_KERNEL(qgemm_s16, avx2, el_qgemm_params)

/* MR rows, NC vectors of 4 columns from vector c0 of panel p on */
EL_INLINE void core(const el_qtile* t, int32_t r0, int32_t p, int32_t c0, int32_t* out, const int MR, const int NC) {
    __m256i acc[6][4], b[4];
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int c = 0; c < NC; c++) acc[r][c] = _mm256_setzero_si256();
    const int8_t* const* rows = t->rows + r0;
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t* w = t->b + (size_t)p * t->panel_bytes + (size_t)t->segs[s].first * 64 + 16 * c0;
        const int8_t* a[6];
        const int64_t offset = t->segs[s].offset;
        EL_UNROLL for (int r = 0; r < MR; r++) a[r] = rows[r] + offset;
        int64_t bytes = (int64_t)t->segs[s].quads * 8;
        for (int64_t k = 0; k < bytes; k += 8, w += 64) {
            EL_UNROLL for (int c = 0; c < NC; c++) b[c] = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i*)(w + 16 * c)));
            EL_UNROLL for (int r = 0; r < MR; r++) {
                __m256i x = _mm256_broadcastq_epi64(_mm_loadl_epi64((const __m128i*)(a[r] + k)));
                EL_UNROLL for (int c = 0; c < NC; c++) acc[r][c] = _mm256_add_epi32(acc[r][c], _mm256_madd_epi16(x, b[c]));
            }
        }
    }
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int c = 0; c < NC; c += 2) {
            /* columns 0 1 4 5 | 2 3 6 7 of the half */
            __m256i sum = _mm256_permute4x64_epi64(_mm256_hadd_epi32(acc[r][c], acc[r][c + 1]), 0xd8);
            __m256i start = _mm256_load_si256((const __m256i*)(t->panels[p].start + 4 * (c0 + c)));
            _mm256_store_si256((__m256i*)(out + r * 64 + p * 16 + 4 * (c0 + c)), _mm256_add_epi32(sum, start));
        }
}

static __attribute__((noinline)) void core_6(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) {
    core(t, r0, p, 0, out, 6, 2);
    if (t->columns - p * 16 > 8) core(t, r0, p, 2, out, 6, 2);
}
static __attribute__((noinline)) void core_3(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) { core(t, r0, p, 0, out, 3, 4); }
static __attribute__((noinline)) void core_1(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) { core(t, r0, p, 0, out, 1, 4); }

static void tile(const el_qtile* t) {
    _Alignas(64) int32_t own[EL_QROWS * 64], *acc = t->sums ? t->sums : own;
    for (int32_t p = 0; p < t->panel_count; p++)
        for (int32_t r = 0; r < t->row_count; r += 6) {
            int32_t rest = t->row_count - r;
            (rest > 3 ? core_6 : rest > 1 ? core_3 : core_1)(t, r, p, acc + r * 64);
        }
    if (!t->sums) finish_rows(t, acc);
}

EL_QMAT_KERNELS(avx2, tile, 0, 2, 0, NULL, &el_qwinograd__avx2, qw_products)
