/* int8 tiles with plain Advanced SIMD. SMULL gives exact int16 products, SADALP adds pairs of them into int32: a register
 * holds two columns, two partial sums each, added up at the end. 2 rows x 1 panel: 16 accumulators. */
#include "qwinograd_products.h"

EL_KERNEL(qconv_s8, neon, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, neon, el_qconv_params)
EL_KERNEL(qgemm_s8, neon, el_qgemm_params)
EL_KERNEL(qconv_s16, neon, el_qconv_params)
EL_KERNEL(qgemm_s16, neon, el_qgemm_params)

static __attribute__((noinline)) void core(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) {
    int32x4_t acc[2][8];
    EL_UNROLL for (int r = 0; r < 2; r++)
        EL_UNROLL for (int c = 0; c < 8; c++) acc[r][c] = vdupq_n_s32(0);
    const int8_t* const* rows = t->rows + r0;
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t* w = t->b + (size_t)p * t->panel_bytes + (size_t)t->segs[s].first * 64;
        const int64_t offset = t->segs[s].offset;
        const int8_t* a[2] = {rows[0] + offset, rows[1] + offset};
        int64_t bytes = (int64_t)t->segs[s].quads * 4;
        for (int64_t k = 0; k < bytes; k += 4, w += 64) {
            int8x16_t x[2];
            EL_UNROLL for (int r = 0; r < 2; r++) {
                int32_t quad;
                memcpy(&quad, a[r] + k, 4);
                x[r] = vreinterpretq_s8_s32(vdupq_n_s32(quad));
            }
            EL_UNROLL for (int c = 0; c < 4; c++) {
                int8x16_t b = vld1q_s8(w + 16 * c);
                EL_UNROLL for (int r = 0; r < 2; r++) {
                    acc[r][2 * c] = vpadalq_s16(acc[r][2 * c], vmull_s8(vget_low_s8(x[r]), vget_low_s8(b)));
                    acc[r][2 * c + 1] = vpadalq_s16(acc[r][2 * c + 1], vmull_high_s8(x[r], b));
                }
            }
        }
    }
    EL_UNROLL for (int r = 0; r < 2; r++)
        EL_UNROLL for (int c = 0; c < 4; c++)
            vst1q_s32(out + r * 64 + p * 16 + 4 * c, vaddq_s32(vpaddq_s32(acc[r][2 * c], acc[r][2 * c + 1]), vld1q_s32(t->panels[p].start + 4 * c)));
}

static void tile(const el_qtile* t) {
    _Alignas(64) int32_t own[EL_QROWS * 64], *acc = t->sums ? t->sums : own;
    for (int32_t p = 0; p < t->panel_count; p++)
        for (int32_t r = 0; r < t->row_count; r += 2)
            core(t, r, p, acc + r * 64);
    if (!t->sums) finish_rows(t, acc);
}

EL_QMAT_KERNELS(neon, tile, 0, 1, 0, NULL, &el_qwinograd__neon, qw_products)
