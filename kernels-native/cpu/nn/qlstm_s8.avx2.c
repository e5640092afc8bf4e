/* Products by VPMADDWD: a lane sums two of the four rows of a quad, so that a column has two lanes until the end. */
#define EL_FLIP 0
#define EL_SETS 2
#define EL_UNITS 1
#include "qlstm_vec.h"

EL_KERNEL(qlstm_s8, avx2, el_qlstm_params)

typedef struct { __m256i v[4]; } sums;    /* [4 columns][2] each */
typedef struct { __m256i v[4]; } weights; /* [4 columns][4] */

EL_VEC sums sums_from(q16 start) { return (sums){{_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()}}; }
EL_VEC weights weights_load(const int8_t* p) {
    weights w;
    EL_EACH (int i = 0; i < 4; i++) w.v[i] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i*)(p + 16 * i)));
    return w;
}
EL_VEC sums sums_add(sums s, weights w, int32_t quad) {
    const __m256i x = _mm256_cvtepi8_epi16(_mm_set1_epi32(quad));
    EL_EACH (int i = 0; i < 4; i++) s.v[i] = _mm256_add_epi32(s.v[i], _mm256_madd_epi16(w.v[i], x));
    return s;
}
EL_VEC q16 sums_columns(sums s, q16 start) {
    EL_EACH (int i = 0; i < 2; i++)
        start.v[i] = _mm256_add_epi32(start.v[i], _mm256_permute4x64_epi64(_mm256_hadd_epi32(s.v[2 * i], s.v[2 * i + 1]), 0xd8));
    return start;
}

#include "qlstm_gates.h"
#include "qlstm_units.h"
#include "qlstm_products.h"
EL_QLSTM_KERNEL(avx2)
