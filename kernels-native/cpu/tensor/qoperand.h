/* An int8 or int16 operand that repeats after `period` elements, read 16 at a time. */
#ifndef EL_QOPERAND_H
#define EL_QOPERAND_H
#include "../nn/qvec.h"

typedef struct q_operand {
    const void* p;
    int64_t period, at; /* at: index of the next element, in [0, period) */
    int64_t there;      /* elements that may be read: period, or `lanes` more where they are repeated */
} q_operand;

EL_VEC q_operand q_operand_at(const void* p, int64_t period, int64_t index) { return (q_operand){p, period, index % period, period}; }

/* The same of an int8 operand that is repeated often: where it is short, `lanes` elements (16 .. 64) from anywhere on lie side by side in `near`. */
#define EL_Q_SHORT 1024
#define EL_Q_NEAR (EL_Q_SHORT + 128)
static __attribute__((noinline, unused)) q_operand q_operand_near(const int8_t* p, int64_t period, int64_t count, int64_t index, int8_t near[EL_Q_NEAR], int64_t lanes) {
    if (period == count || period > EL_Q_SHORT) return q_operand_at(p, period, index);
    const int64_t whole = (lanes - 1 + period) / period * period;
    for (int64_t i = 0, j = 0; i < whole + lanes; i++) {
        near[i] = p[j];
        if (++j == period) j = 0;
    }
    return (q_operand){near, whole, index % whole, whole + lanes};
}

/* The next `count` (1..16) elements, of int8 or, where WIDE, of int16. */
EL_VEC q16 q_operand_elements(q_operand* o, int64_t count, const int WIDE) {
    const int16_t* wide = o->p;
    const int8_t* narrow = o->p;
    if (o->at + 16 <= o->there) {
        q16 v = WIDE ? q16_load16(wide + o->at) : q16_load8(narrow + o->at);
        o->at += count;
        if (o->at >= o->period) o->at -= o->period;
        return v;
    }
    int16_t part[16] = {0};
    for (int64_t i = 0; i < count; i++) {
        part[i] = WIDE ? wide[o->at] : narrow[o->at];
        if (++o->at == o->period) o->at = 0;
    }
    return q16_load16(part);
}
EL_VEC q16 q_operand_next(q_operand* o, int64_t count) { return q_operand_elements(o, count, 0); }
EL_VEC q16 q_operand_next16(q_operand* o, int64_t count) { return q_operand_elements(o, count, 1); }

typedef struct q_requant {
    q16 multiplier, left, right;
} q_requant;

EL_VEC q_requant q_requant_set(int32_t multiplier, int32_t shift) {
    return (q_requant){q16_set(multiplier), q16_set(shift > 0 ? shift : 0), q16_set(shift > 0 ? 0 : -shift)};
}
EL_VEC q16 q_requant_apply(q16 a, q_requant r) { return q16_requantize(a, r.multiplier, r.left, r.right); }

#define EL_Q_GRAIN 16384 /* elements of one piece of parallel work */
#endif
