/* The quads and sums of block_gemm_s8.h in four registers of 128 bits. */
#include "block_gemm.h"
#include <arm_neon.h>

typedef struct el_quad { uint8x16_t h[4]; } el_quad;
typedef struct el_sums { int32x4_t h[4]; } el_sums;
#define EACH(type, expression) (type){{({ const int i = 0; (void)i; expression; }), ({ const int i = 1; (void)i; expression; }), ({ const int i = 2; (void)i; expression; }), ({ const int i = 3; (void)i; expression; })}}
EL_BLOCK_INLINE el_quad quad_load(const uint8_t* p) { return EACH(el_quad, vld1q_u8(p + 16 * i)); }
EL_BLOCK_INLINE el_quad quad_bits(el_quad q, const int shift, const int mask) {
    return EACH(el_quad, vandq_u8(shift ? vshlq_u8(q.h[i], vdupq_n_s8((int8_t)-shift)) : q.h[i], vdupq_n_u8((uint8_t)mask)));
}
EL_BLOCK_INLINE el_quad quad_or3(el_quad low, el_quad third) { return EACH(el_quad, vorrq_u8(low.h[i], vshlq_n_u8(third.h[i], 2))); }
EL_BLOCK_INLINE el_sums sums_zero(void) { return EACH(el_sums, vdupq_n_s32(0)); }
EL_BLOCK_INLINE el_sums sums_add(el_sums a, el_sums b) { return EACH(el_sums, vaddq_s32(a.h[i], b.h[i])); }
EL_BLOCK_INLINE void sums_store(int32_t* to, el_sums s) {
    for (int i = 0; i < 4; i++) vst1q_s32(to + 4 * i, s.h[i]);
}
