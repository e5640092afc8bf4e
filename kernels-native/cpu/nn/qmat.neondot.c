/* int8 tiles with SDOT: a lane holds one column, SDOT by lane takes quad i of a row straight from a 16-byte load.
 * 4 rows x 1 panel: 16 accumulators, 4 weights, 4 rows. */
#include "qmat_finish.h"

EL_KERNEL(qconv_s8, neondot, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, neondot, el_qconv_params)
EL_KERNEL(qgemm_s8, neondot, el_qgemm_params)

#define STEP(lane) \
    EL_UNROLL for (int c = 0; c < 4; c++) { \
        int8x16_t b = vld1q_s8(w + (lane) * 64 + 16 * c); \
        EL_UNROLL for (int r = 0; r < 4; r++) acc[r][c] = vdotq_laneq_s32(acc[r][c], b, x[r], lane); \
    }

static __attribute__((noinline)) void core(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) {
    int32x4_t acc[4][4];
    EL_UNROLL for (int r = 0; r < 4; r++)
        EL_UNROLL for (int c = 0; c < 4; c++) acc[r][c] = vld1q_s32(t->panels[p].start + 4 * c);
    const int8_t* const* rows = t->rows + r0;
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t* w = t->b + (size_t)p * t->panel_bytes + (size_t)t->segs[s].first * 64;
        const int64_t offset = t->segs[s].offset;
        const int8_t* a[4] = {rows[0] + offset, rows[1] + offset, rows[2] + offset, rows[3] + offset};
        int64_t bytes = (int64_t)t->segs[s].quads * 4, k = 0;
        int8x16_t x[4];
        for (; k + 16 <= bytes; k += 16, w += 256) {
            EL_UNROLL for (int r = 0; r < 4; r++) x[r] = vld1q_s8(a[r] + k);
            STEP(0) STEP(1) STEP(2) STEP(3)
        }
        for (; k < bytes; k += 4, w += 64) {
            EL_UNROLL for (int r = 0; r < 4; r++) {
                int32_t quad;
                memcpy(&quad, a[r] + k, 4);
                x[r] = vreinterpretq_s8_s32(vdupq_n_s32(quad));
            }
            STEP(0)
        }
    }
    EL_UNROLL for (int r = 0; r < 4; r++)
        EL_UNROLL for (int c = 0; c < 4; c++) vst1q_s32(out + r * 64 + p * 16 + 4 * c, acc[r][c]);
}

static void tile(const el_qtile* t) {
    _Alignas(64) int32_t acc[EL_QROWS * 64];
    for (int32_t p = 0; p < t->panel_count; p++)
        for (int32_t r = 0; r < t->row_count; r += 4)
            core(t, r, p, acc + r * 64);
    finish_rows(t, acc);
}

EL_QMAT_KERNELS(neondot, tile, 0, 1)
