/* The quads and sums of block_gemm_s8.h in two registers of 256 bits. */
#include "block_gemm.h"
#include <immintrin.h>

typedef struct el_quad { __m256i h[2]; } el_quad;
typedef el_quad el_sums;
#define EACH(expression) (el_quad){{({ const int i = 0; (void)i; expression; }), ({ const int i = 1; (void)i; expression; })}}
EL_BLOCK_INLINE el_quad quad_load(const uint8_t* p) { return EACH(_mm256_loadu_si256((const __m256i*)p + i)); }
EL_BLOCK_INLINE el_quad quad_bits(el_quad q, const int shift, const int mask) {
    return EACH(_mm256_and_si256(shift ? _mm256_srli_epi16(q.h[i], shift) : q.h[i], _mm256_set1_epi8((char)mask)));
}
EL_BLOCK_INLINE el_quad quad_or3(el_quad low, el_quad third) { return EACH(_mm256_or_si256(low.h[i], _mm256_slli_epi16(third.h[i], 2))); }
EL_BLOCK_INLINE el_sums sums_zero(void) { return EACH(_mm256_setzero_si256()); }
EL_BLOCK_INLINE el_sums sums_add(el_sums a, el_sums b) { return EACH(_mm256_add_epi32(a.h[i], b.h[i])); }
EL_BLOCK_INLINE void sums_store(int32_t* to, el_sums s) {
    _mm256_storeu_si256((__m256i*)to, s.h[0]);
    _mm256_storeu_si256((__m256i*)to + 1, s.h[1]);
}
