/* VPMADDUBSW saturates at int16; two products of at most 7 bits with int8 do not reach that. Weights of 8 bits are q' = low - 128*sign:
 * both parts are multiplied apart. */
#include "block_gemm_quads256.h"

#define UNSIGNED_BYTES 0
EL_BLOCK_INLINE __m256i product(__m256i s, __m256i q, int32_t x, const int times) {
    return _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(q, _mm256_set1_epi32(x)), _mm256_set1_epi16((short)times)));
}
EL_BLOCK_INLINE el_sums sums_dot(el_sums s, el_quad q, int32_t x, const int bits) {
    if (bits != 8) return EACH(product(s.h[i], q.h[i], x, 1));
    el_quad low = quad_bits(q, 0, 127), sign = quad_bits(q, 7, 1);
    return EACH(product(product(s.h[i], low.h[i], x, 1), sign.h[i], x, -128));
}
#include "block_gemm_s8.h"

EL_KERNEL(block_gemm_s8, avx2, el_block_gemm_params)
void el_block_gemm_s8__avx2(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_gemm_s8(ctx, params, buffers, panels_of(params));
}
