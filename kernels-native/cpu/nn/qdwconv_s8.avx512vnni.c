/* int8 depthwise convolution with AVX512-VNNI: VPDPBUSD sums four rows of one channel, x taken as x + 128. */
#include "qdwconv_quads_x86.h"

typedef q16 qdw_vec;
EL_VEC qdw_vec qdw_load(const int32_t* p) { return q16_load(p); }
EL_VEC q16 qdw_dot(q16 acc, qdw_vec x, qdw_vec w) { return (q16){_mm512_dpbusd_epi32(acc.v, x.v, w.v)}; }

/* Dwords are transposed among the 128-bit lanes first, so that unpacking gives units in order: vector v, lane l holds what
 * was dword v of lane l, elements 16v + 4l to 16v + 4l + 3. */
#define QDW_WIDE 64
EL_VEC void interleave_wide(const int8_t* const* r, int32_t* d, int8_t flip) {
    const __m512i f = _mm512_set1_epi8(flip), order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i x[4];
    EL_UNROLL for (int t = 0; t < 4; t++) x[t] = _mm512_permutexvar_epi32(order, _mm512_xor_si512(_mm512_loadu_si512(r[t]), f));
    __m512i lo01 = _mm512_unpacklo_epi8(x[0], x[1]), hi01 = _mm512_unpackhi_epi8(x[0], x[1]);
    __m512i lo23 = _mm512_unpacklo_epi8(x[2], x[3]), hi23 = _mm512_unpackhi_epi8(x[2], x[3]);
    _mm512_storeu_si512(d, _mm512_unpacklo_epi16(lo01, lo23));
    _mm512_storeu_si512(d + 16, _mm512_unpackhi_epi16(lo01, lo23));
    _mm512_storeu_si512(d + 32, _mm512_unpacklo_epi16(hi01, hi23));
    _mm512_storeu_si512(d + 48, _mm512_unpackhi_epi16(hi01, hi23));
}
#include "qdwconv_quads.h"

EL_KERNEL(qdwconv_s8, avx512vnni, el_qconv_params)

void el_qdwconv_s8__avx512vnni(const el_ctx* ctx, const void* params, void* const* buffers) { qdwconv(ctx, params, buffers); }
