/* int8 tiles with SDOT: a lane holds one column, SDOT by lane takes quad i of a row straight from a 16-byte load.
 * 6 rows x 1 panel: 24 accumulators, 6 rows, 2 weights; the last rows of a tile by 4. */
#include "qmat_finish.h"

EL_KERNEL(qconv_s8, neondot, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, neondot, el_qconv_params)
EL_KERNEL(qgemm_s8, neondot, el_qgemm_params)

#define STEP(lane) \
    EL_UNROLL for (int c = 0; c < 4; c++) { \
        register int8x16_t b __asm__("v31") = vld1q_s8(w + (lane) * 64 + 16 * c); \
        __asm__ volatile("" : "+w"(b)::"memory"); /* weights loaded earlier would need more registers than there are */ \
        EL_UNROLL for (int r = 0; r < count; r++) acc[r][c] = vdotq_laneq_s32(acc[r][c], b, x[r], lane); \
    }

EL_INLINE void core(const el_qtile* t, int32_t r0, int32_t p, int32_t* out, const int count) {
    int32x4_t acc[6][4];
    EL_UNROLL for (int r = 0; r < count; r++)
        EL_UNROLL for (int c = 0; c < 4; c++) acc[r][c] = vld1q_s32(t->panels[p].start + 4 * c);
    const int8_t* const* rows = t->rows + r0;
    for (int32_t s = 0; s < t->seg_count; s++) {
        const int8_t* w = t->b + (size_t)p * t->panel_bytes + (size_t)t->segs[s].first * 64;
        const int64_t offset = t->segs[s].offset;
        const int8_t* a[6];
        EL_UNROLL for (int r = 0; r < count; r++) a[r] = rows[r] + offset;
        int64_t bytes = (int64_t)t->segs[s].quads * 4, k = 0;
        int8x16_t x[6];
        for (; k + 16 <= bytes; k += 16, w += 256) {
            EL_UNROLL for (int r = 0; r < count; r++) x[r] = vld1q_s8(a[r] + k);
            STEP(0) STEP(1) STEP(2) STEP(3)
        }
        for (; k < bytes; k += 4, w += 64) {
            EL_UNROLL for (int r = 0; r < count; r++) {
                int32_t quad;
                memcpy(&quad, a[r] + k, 4);
                x[r] = vreinterpretq_s8_s32(vdupq_n_s32(quad));
            }
            STEP(0)
        }
    }
    EL_UNROLL for (int r = 0; r < count; r++)
        EL_UNROLL for (int c = 0; c < 4; c++) vst1q_s32(out + r * 64 + p * 16 + 4 * c, acc[r][c]);
}

static __attribute__((noinline)) void core6(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) { core(t, r0, p, out, 6); }
static __attribute__((noinline)) void core4(const el_qtile* t, int32_t r0, int32_t p, int32_t* out) { core(t, r0, p, out, 4); }

static void tile(const el_qtile* t) {
    _Alignas(64) int32_t acc[EL_QROWS * 64];
    for (int32_t p = 0; p < t->panel_count; p++) {
        for (int32_t r = 0; r < t->row_count;) {
            if (t->row_count - r > 4) {
                core6(t, r, p, acc + r * 64);
                r += 6;
            } else {
                core4(t, r, p, acc + r * 64);
                r += 4;
            }
        }
    }
    finish_rows(t, acc);
}

EL_QMAT_KERNELS(neondot, tile, 0, 1)
