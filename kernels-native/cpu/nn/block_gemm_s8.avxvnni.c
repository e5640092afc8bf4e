/* VPDPBUSD of 256 bits: unsigned weights, signed x. */
#include "block_gemm_quads256.h"

#define UNSIGNED_BYTES 1
EL_BLOCK_INLINE el_sums sums_dot(el_sums s, el_quad q, int32_t x, const int bits) {
    return EACH(_mm256_dpbusd_avx_epi32(s.h[i], bits == 8 ? _mm256_xor_si256(q.h[i], _mm256_set1_epi8(-128)) : q.h[i], _mm256_set1_epi32(x)));
}
#include "block_gemm_s8.h"

EL_KERNEL(block_gemm_s8, avxvnni, el_block_gemm_params)
void el_block_gemm_s8__avxvnni(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_gemm_s8(ctx, params, buffers, panels_of(params));
}
