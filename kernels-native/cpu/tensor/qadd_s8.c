/* int8 addition and subtraction by TFLite's rule. */
#include "el_quant.h"

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
