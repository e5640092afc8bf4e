/* int8 tiles with AVX-VNNI (256 bit). A lane holds one column; bands hold x+128 as for the 512-bit variant.
 * 6 rows x 1 panel (two registers): 12 accumulators, 2 weights, 1 broadcast, 1 constant; of up to 8 columns 12 rows x half a panel. */
#include "qwinograd_products.h"

EL_KERNEL(qconv_s8, avxvnni, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, avxvnni, el_qconv_params)
EL_KERNEL(qgemm_s8, avxvnni, el_qgemm_params)
EL_KERNEL(qconv_s16, avxvnni, el_qconv_params)
EL_KERNEL(qgemm_s16, avxvnni, el_qgemm_params)

/* MR rows of panel p, NH halves of it. */
EL_INLINE void core(const el_qtile* t, int32_t r0, int32_t p, int32_t* out, const int MR, const int NH) {
    __m256i acc[12][2], b[2];
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int h = 0; h < NH; h++) acc[r][h] = _mm256_load_si256((const __m256i*)(t->panels[p].start + 8 * h));
    const int8_t* const* rows = t->rows + r0;
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t* w = t->b + (size_t)p * t->panel_bytes + (size_t)t->segs[s].first * 64;
        const int8_t* a[12];
        const int64_t offset = t->segs[s].offset;
        EL_UNROLL for (int r = 0; r < MR; r++) a[r] = rows[r] + offset;
        int64_t bytes = (int64_t)t->segs[s].quads * 4;
        for (int64_t k = 0; k < bytes; k += 4, w += 64) {
            EL_UNROLL for (int h = 0; h < NH; h++) b[h] = _mm256_load_si256((const __m256i*)(w + 32 * h));
            EL_UNROLL for (int r = 0; r < MR; r++) {
                int32_t quad;
                memcpy(&quad, a[r] + k, 4);
                __m256i x = _mm256_set1_epi32(quad);
                EL_UNROLL for (int h = 0; h < NH; h++) acc[r][h] = _mm256_dpbusd_avx_epi32(acc[r][h], x, b[h]);
            }
        }
    }
    EL_UNROLL for (int r = 0; r < MR; r++)
        EL_UNROLL for (int h = 0; h < NH; h++) _mm256_store_si256((__m256i*)(out + r * 64 + p * 16 + 8 * h), acc[r][h]);
}

static __attribute__((noinline)) void core_12(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) { core(t, r0, p, out, 12, 1); }
static __attribute__((noinline)) void core_6(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) { core(t, r0, p, out, 6, 2); }
static __attribute__((noinline)) void core_1(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) { core(t, r0, p, out, 1, 2); }

static void tile(const el_qtile* t) {
    _Alignas(64) int32_t own[EL_QROWS * 64], *acc = t->sums ? t->sums : own;
    for (int32_t p = 0; p < t->panel_count; p++) {
        const int few = t->columns - p * 16 <= 8 && t->row_count > 6;
        for (int32_t r = 0; r < t->row_count; r += few ? 12 : 6)
            (few ? core_12 : t->row_count - r == 1 ? core_1 : core_6)(t, r, p, acc + r * 64);
    }
    if (!t->sums) finish_rows(t, acc);
}

EL_QMAT_KERNELS(avxvnni, tile, 128, 1, 0, NULL, &el_qwinograd__avx2, qw_products)
