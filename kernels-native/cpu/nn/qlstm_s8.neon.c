/* Products by SMULL, summed in pairs by SADALP: a column has two lanes until the end. */
#define EL_FLIP 0
#define EL_SETS 2
#include "qvec.h"

EL_KERNEL(qlstm_s8, neon, el_qlstm_params)

typedef struct { int32x4_t v[8]; } sums;  /* [2 columns][2] each */
typedef struct { int8x16_t v[4]; } weights;

EL_VEC sums sums_from(q16 start) {
    sums s;
    for (int i = 0; i < 8; i++) s.v[i] = vdupq_n_s32(0);
    return s;
}
EL_VEC weights weights_load(const int8_t* p) { return (weights){{vld1q_s8(p), vld1q_s8(p + 16), vld1q_s8(p + 32), vld1q_s8(p + 48)}}; }
EL_VEC sums sums_add(sums s, weights w, int32_t quad) {
    const int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(quad));
    for (int i = 0; i < 4; i++) {
        s.v[2 * i] = vpadalq_s16(s.v[2 * i], vmull_s8(vget_low_s8(w.v[i]), vget_low_s8(x)));
        s.v[2 * i + 1] = vpadalq_s16(s.v[2 * i + 1], vmull_high_s8(w.v[i], x));
    }
    return s;
}
EL_VEC q16 sums_columns(sums s, q16 start) {
    for (int i = 0; i < 4; i++) start.v[i] = vaddq_s32(start.v[i], vpaddq_s32(s.v[2 * i], s.v[2 * i + 1]));
    return start;
}

#include "qlstm_gates.h"

void el_qlstm_peep__neon(const el_qlstm* l, int32_t gate) { peep(l, gate); }
w16 el_qlstm_next_cells__neon(const el_qlstm* l, const w16* v, w16 c) { return next_cells(l, v, c); }
void el_qlstm_put_out__neon(const el_qlstm* l, w16 o, w16 c, int8_t* hidden) { put_out(l, o, c, hidden); }

#define peep el_qlstm_peep__neon
#define next_cells el_qlstm_next_cells__neon
#define put_out el_qlstm_put_out__neon
#include "qlstm_products.h"
EL_QLSTM_KERNEL(neon)
