/* int8 addition and subtraction by TFLite's rule. */
#include "qadd_words.h"
#include <math.h>

EL_KERNEL(qadd_s8, scalar, el_qadd_params)
EL_KERNEL(qsub_s8, scalar, el_qadd_params)

static int8_t one(const el_qadd_params* p, int32_t a, int32_t b, int subtract) {
    uint32_t sa = (uint32_t)(a + p->a_offset) << p->left_shift, sb = (uint32_t)(b + p->b_offset) << p->left_shift;
    uint32_t ra = (uint32_t)el_requantize((int32_t)sa, p->a_multiplier, p->a_shift);
    uint32_t rb = (uint32_t)el_requantize((int32_t)sb, p->b_multiplier, p->b_shift);
    int32_t sum = (int32_t)(subtract ? ra - rb : ra + rb);
    return (int8_t)el_clamp_s8(el_requantize(sum, p->y_multiplier, p->y_shift), p->y_offset, p->y_min, p->y_max);
}

static void all(const el_qadd_params* p, void* const* buffers, int subtract) {
    const int8_t *a = buffers[0], *b = buffers[1];
    int8_t* y = buffers[2];
    for (int64_t i = 0; i < p->count; i++) y[i] = one(p, a[i % p->a_period], b[i % p->b_period], subtract);
}

void el_qadd_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { all(params, buffers, 0); }
void el_qsub_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { all(params, buffers, 1); }

#define MOST_F 22
#define LEAST_F 16 /* whole parts lie in upper halves */

/* With shifts <= 0 and (x + a_offset) << left_shift below 2^30 nothing wraps. In units of ra, each of the four roundings
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
