#include "qadd_words.h"
#include <math.h>

#define MOST_F 22
#define LEAST_F 16 /* whole parts lie in upper halves */

/* a and b are below 2^23 and s below 2^31 in size. With shifts <= 0 and (x + a_offset) << left_shift below 2^30 nothing wraps. In units of ra, each of the four roundings
 * before the last multiplication is off by at most 1/2; that multiplication rounds its product by at most 2^(y_shift - 1)
 * in units of y. The form adds the roundings of a and b, times 128, and of c. */
el_qadd_words el_qadd_words_of(const el_qadd_params* p, int subtract) {
    if (p->left_shift > 22 || p->a_shift > 0 || p->b_shift > 0 || p->y_shift > 0) return (el_qadd_words){0};
    for (int32_t f = MOST_F; f >= LEAST_F; f--) {
        const double unit = ldexp(p->y_multiplier, p->y_shift - 31 + f);
        const double a = ldexp(p->a_multiplier, p->a_shift - 31 + p->left_shift) * unit, b = ldexp(p->b_multiplier, p->b_shift - 31 + p->left_shift) * (subtract ? -unit : unit);
        const double rounded = fabs(a - rint(a)) + fabs(b - rint(b)), eps = ceil(2 * fabs(unit) + ldexp(0.5, p->y_shift + f) + 128 * rounded + 0.51);
        const double c = a * p->a_offset + b * p->b_offset + ldexp(p->y_offset + 0.5, f) + eps;
        if (fabs(a) > 0x7fff00 || fabs(b) > 0x7fff00 || 128 * fabs(a) + 128 * fabs(b) + fabs(c) > 0x7fffff00) continue;
        int32_t doubt = 1;
        while (doubt < 2 * eps && doubt < 1 << (f - 4)) doubt *= 2;
        return (el_qadd_words){(int32_t)lrint(a), (int32_t)lrint(b), (int32_t)lrint(c), f, doubt < 2 * eps ? 0 : (1 << f) - doubt};
    }
    return (el_qadd_words){0};
}
