/* VPMADDUBSW saturates at int16; two products of at most 7 bits with int8 do not reach that. Weights of 8 bits are q' = low - 128*sign:
 * both parts are multiplied apart. */
#include <immintrin.h>
#include <stdint.h>

#define UNSIGNED_BYTES 0
typedef struct el_quad { __m256i h[2]; } el_quad;
typedef el_quad el_sums;
#define INLINE static inline __attribute__((always_inline))
#define EACH(expression) (el_quad){{({ const int i = 0; (void)i; expression; }), ({ const int i = 1; (void)i; expression; })}}
INLINE el_quad quad_load(const uint8_t* p) { return EACH(_mm256_loadu_si256((const __m256i*)p + i)); }
INLINE el_quad quad_bits(el_quad q, const int shift, const int mask) {
    return EACH(_mm256_and_si256(shift ? _mm256_srli_epi16(q.h[i], shift) : q.h[i], _mm256_set1_epi8((char)mask)));
}
INLINE el_quad quad_or3(el_quad low, el_quad third) { return EACH(_mm256_or_si256(low.h[i], _mm256_slli_epi16(third.h[i], 2))); }
INLINE el_sums sums_zero(void) { return EACH(_mm256_setzero_si256()); }
INLINE el_sums sums_add(el_sums a, el_sums b) { return EACH(_mm256_add_epi32(a.h[i], b.h[i])); }
INLINE void sums_store(int32_t* to, el_sums s) {
    _mm256_storeu_si256((__m256i*)to, s.h[0]);
    _mm256_storeu_si256((__m256i*)to + 1, s.h[1]);
}
INLINE __m256i product(__m256i s, __m256i q, int32_t x, const int times) {
    return _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(q, _mm256_set1_epi32(x)), _mm256_set1_epi16((short)times)));
}
INLINE el_sums sums_dot(el_sums s, el_quad q, int32_t x, const int bits) {
    if (bits != 8) return EACH(product(s.h[i], q.h[i], x, 1));
    el_quad low = quad_bits(q, 0, 127), sign = quad_bits(q, 7, 1);
    return EACH(product(product(s.h[i], low.h[i], x, 1), sign.h[i], x, -128));
}
#include "block_gemm_s8.h"

EL_KERNEL(block_gemm_s8, avx2, el_block_gemm_params)
void el_block_gemm_s8__avx2(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_gemm_s8(ctx, params, buffers, panels_of(params));
}
