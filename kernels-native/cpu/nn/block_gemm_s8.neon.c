/* Products of 16 bits, added in pairs twice. */
#include <arm_neon.h>
#include <stdint.h>

#define UNSIGNED_BYTES 0
typedef struct el_quad { uint8x16_t h[4]; } el_quad;
typedef struct el_sums { int32x4_t h[4]; } el_sums;
#define INLINE static inline __attribute__((always_inline))
#define EACH(type, expression) (type){{({ const int i = 0; (void)i; expression; }), ({ const int i = 1; (void)i; expression; }), ({ const int i = 2; (void)i; expression; }), ({ const int i = 3; (void)i; expression; })}}
INLINE el_quad quad_load(const uint8_t* p) { return EACH(el_quad, vld1q_u8(p + 16 * i)); }
INLINE el_quad quad_bits(el_quad q, const int shift, const int mask) {
    return EACH(el_quad, vandq_u8(shift ? vshlq_u8(q.h[i], vdupq_n_s8((int8_t)-shift)) : q.h[i], vdupq_n_u8((uint8_t)mask)));
}
INLINE el_quad quad_or3(el_quad low, el_quad third) { return EACH(el_quad, vorrq_u8(low.h[i], vshlq_n_u8(third.h[i], 2))); }
INLINE el_sums sums_zero(void) { return EACH(el_sums, vdupq_n_s32(0)); }
INLINE el_sums sums_add(el_sums a, el_sums b) { return EACH(el_sums, vaddq_s32(a.h[i], b.h[i])); }
INLINE void sums_store(int32_t* to, el_sums s) {
    for (int i = 0; i < 4; i++) vst1q_s32(to + 4 * i, s.h[i]);
}
INLINE int32x4_t product(int32x4_t s, int8x16_t q, int8x16_t x) {
    int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(q), vget_low_s8(x))), high = vpaddlq_s16(vmull_high_s8(q, x));
    return vaddq_s32(s, vpaddq_s32(low, high));
}
INLINE el_sums sums_dot(el_sums s, el_quad q, int32_t x, const int bits) {
    return EACH(el_sums, product(s.h[i], vreinterpretq_s8_u8(q.h[i]), vreinterpretq_s8_s32(vdupq_n_s32(x))));
}
#include "block_gemm_s8.h"

EL_KERNEL(block_gemm_s8, neon, el_block_gemm_params)
void el_block_gemm_s8__neon(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_gemm_s8(ctx, params, buffers, panels_of(params));
}
