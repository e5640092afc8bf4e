/* VPDPBUSD of 256 bits: unsigned weights, signed x. */
#include <immintrin.h>
#include <stdint.h>

#define UNSIGNED_BYTES 1
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
INLINE el_sums sums_dot(el_sums s, el_quad q, int32_t x, const int bits) {
    return EACH(_mm256_dpbusd_avx_epi32(s.h[i], bits == 8 ? _mm256_xor_si256(q.h[i], _mm256_set1_epi8(-128)) : q.h[i], _mm256_set1_epi32(x)));
}
#include "block_gemm_s8.h"

EL_KERNEL(block_gemm_s8, avxvnni, el_block_gemm_params)
void el_block_gemm_s8__avxvnni(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_gemm_s8(ctx, params, buffers, panels_of(params));
}
