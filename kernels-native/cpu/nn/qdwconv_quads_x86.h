/* Four rows of bytes to units on x86. Unpacking works in 128-bit lanes. */
#include "qmat.h"
#include "qvec.h"

EL_VEC void interleave_16(const int8_t* const* r, int32_t* d, int8_t flip) {
    const __m128i f = _mm_set1_epi8(flip);
    __m128i x[4];
    EL_UNROLL for (int t = 0; t < 4; t++) x[t] = _mm_xor_si128(_mm_loadu_si128((const __m128i*)r[t]), f);
    __m128i lo01 = _mm_unpacklo_epi8(x[0], x[1]), hi01 = _mm_unpackhi_epi8(x[0], x[1]);
    __m128i lo23 = _mm_unpacklo_epi8(x[2], x[3]), hi23 = _mm_unpackhi_epi8(x[2], x[3]);
    _mm_storeu_si128((__m128i*)d, _mm_unpacklo_epi16(lo01, lo23));
    _mm_storeu_si128((__m128i*)(d + 4), _mm_unpackhi_epi16(lo01, lo23));
    _mm_storeu_si128((__m128i*)(d + 8), _mm_unpacklo_epi16(hi01, hi23));
    _mm_storeu_si128((__m128i*)(d + 12), _mm_unpackhi_epi16(hi01, hi23));
}
#define QDW_BIAS 128
