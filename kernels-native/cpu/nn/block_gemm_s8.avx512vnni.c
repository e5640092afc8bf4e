/* VPDPBUSD adds four products of unsigned weights and signed x to each column. */
#include "block_gemm.h"
#include <immintrin.h>

#define UNSIGNED_BYTES 1
typedef __m512i el_quad;
typedef __m512i el_sums;
EL_BLOCK_INLINE el_quad quad_load(const uint8_t* p) { return _mm512_loadu_si512(p); }
EL_BLOCK_INLINE el_quad quad_bits(el_quad q, const int shift, const int mask) { return _mm512_and_si512(shift ? _mm512_srli_epi16(q, (unsigned)shift) : q, _mm512_set1_epi8((char)mask)); }
EL_BLOCK_INLINE el_quad quad_or3(el_quad low, el_quad third) { return _mm512_or_si512(low, _mm512_slli_epi16(third, 2)); }
EL_BLOCK_INLINE el_sums sums_zero(void) { return _mm512_setzero_si512(); }
EL_BLOCK_INLINE el_sums sums_dot(el_sums s, el_quad q, int32_t x, const int bits) {
    return _mm512_dpbusd_epi32(s, bits == 8 ? _mm512_xor_si512(q, _mm512_set1_epi8(-128)) : q, _mm512_set1_epi32(x));
}
EL_BLOCK_INLINE el_sums sums_add(el_sums a, el_sums b) { return _mm512_add_epi32(a, b); }
EL_BLOCK_INLINE void sums_store(int32_t* to, el_sums s) { _mm512_storeu_si512(to, s); }
#include "block_gemm_s8.h"

EL_KERNEL(block_gemm_s8, avx512vnni, el_block_gemm_params)
void el_block_gemm_s8__avx512vnni(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_gemm_s8(ctx, params, buffers, panels_of(params));
}
