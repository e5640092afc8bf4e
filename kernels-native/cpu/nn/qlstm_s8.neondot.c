/* Products by SDOT. */
#define EL_FLIP 0
#define EL_SETS 4
#include "qvec.h"

EL_KERNEL(qlstm_s8, neondot, el_qlstm_params)

typedef q16 sums;
typedef struct { int8x16_t v[4]; } weights;

EL_VEC sums sums_from(q16 start) { return start; }
EL_VEC weights weights_load(const int8_t* p) { return (weights){{vld1q_s8(p), vld1q_s8(p + 16), vld1q_s8(p + 32), vld1q_s8(p + 48)}}; }
EL_VEC sums sums_add(sums s, weights w, int32_t quad) {
    const int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(quad));
    for (int i = 0; i < 4; i++) s.v[i] = vdotq_s32(s.v[i], w.v[i], x);
    return s;
}
EL_VEC q16 sums_columns(sums s, q16 start) { return s; }

#include "qlstm_vec.h"

#define peep el_qlstm_peep__neon
#define next_cells el_qlstm_next_cells__neon
#define put_out el_qlstm_put_out__neon
#include "qlstm_products.h"
EL_QLSTM_KERNEL(neondot)
