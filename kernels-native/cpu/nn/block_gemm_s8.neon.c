/* Products of 16 bits, added in pairs twice. */
#include "block_gemm_quads_neon.h"

#define UNSIGNED_BYTES 0
EL_BLOCK_INLINE int32x4_t product(int32x4_t s, int8x16_t q, int8x16_t x) {
    int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(q), vget_low_s8(x))), high = vpaddlq_s16(vmull_high_s8(q, x));
    return vaddq_s32(s, vpaddq_s32(low, high));
}
EL_BLOCK_INLINE el_sums sums_dot(el_sums s, el_quad q, int32_t x, const int bits) {
    return EACH(el_sums, product(s.h[i], vreinterpretq_s8_u8(q.h[i]), vreinterpretq_s8_s32(vdupq_n_s32(x))));
}
#include "block_gemm_s8.h"

EL_KERNEL(block_gemm_s8, neon, el_block_gemm_params)
void el_block_gemm_s8__neon(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_gemm_s8(ctx, params, buffers, panels_of(params));
}
