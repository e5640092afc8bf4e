/* Products by VPDPBUSD, exact; its unsigned factor is the weight. */
#define EL_FLIP 1
#define EL_SETS 4
#include "qvec.h"

EL_KERNEL(qlstm_s8, avx512vnni, el_qlstm_params)

typedef __m512i sums, weights;

EL_VEC sums sums_from(q16 start) { return start.v; }
EL_VEC weights weights_load(const int8_t* p) { return _mm512_xor_si512(_mm512_loadu_si512(p), _mm512_set1_epi8(-128)); }
EL_VEC sums sums_add(sums s, weights w, int32_t quad) { return _mm512_dpbusd_epi32(s, w, _mm512_set1_epi32(quad)); }
EL_VEC q16 sums_columns(sums s, q16 start) { return (q16){s}; }
EL_VEC q16 sums_total(q16 a, int32_t quad) { return (q16){_mm512_dpbusd_epi32(a.v, _mm512_set1_epi8(-128), _mm512_set1_epi32(quad))}; }

#include "qlstm_gates.h"
#include "qlstm_products.h"
EL_QLSTM_KERNEL(avx512vnni)
