/* TFLite's rule of sums for sixteen elements. */
#ifndef EL_QADD_RULE_H
#define EL_QADD_RULE_H
#include "qoperand.h"

typedef struct add_rule {
    q_requant a, b, y;
    q16 a_offset, b_offset, left;
    int32_t y_offset, y_min, y_max;
} add_rule;

EL_VEC add_rule rule_of(const el_qadd_params* p) {
    return (add_rule){q_requant_set(p->a_multiplier, p->a_shift), q_requant_set(p->b_multiplier, p->b_shift), q_requant_set(p->y_multiplier, p->y_shift),
                      q16_set(p->a_offset), q16_set(p->b_offset), q16_set(p->left_shift), p->y_offset, p->y_min, p->y_max};
}

EL_VEC q16 apply(const add_rule* r, q16 a, q16 b, int subtract) {
    q16 sa = q_requant_apply(q16_shl(q16_add(a, r->a_offset), r->left), r->a), sb = q_requant_apply(q16_shl(q16_add(b, r->b_offset), r->left), r->b);
    return q16_clamp(q_requant_apply(subtract ? q16_sub(sa, sb) : q16_add(sa, sb), r->y), r->y_offset, r->y_min, r->y_max);
}
#endif
