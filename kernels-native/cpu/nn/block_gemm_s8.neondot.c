/* SDOT: weights of fewer bits are positive int8 numbers. */
#include "block_gemm_quads_neon.h"

#define UNSIGNED_BYTES 0
EL_BLOCK_INLINE el_sums sums_dot(el_sums s, el_quad q, int32_t x, const int bits) {
    return EACH(el_sums, vdotq_s32(s.h[i], vreinterpretq_s8_u8(q.h[i]), vreinterpretq_s8_s32(vdupq_n_s32(x))));
}
#include "block_gemm_s8.h"

EL_KERNEL(block_gemm_s8, neondot, el_block_gemm_params)
void el_block_gemm_s8__neondot(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_gemm_s8(ctx, params, buffers, panels_of(params));
}
