/* int8 multiplication, 16 elements in lanes. */
#include "qoperand.h"

EL_KERNEL_SIMD(qmul_s8, el_qmul_params)

typedef struct mul_args {
    const el_qmul_params* p;
    const int8_t *a, *b;
    int8_t* y;
} mul_args;

static void range(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const mul_args* args = arg;
    const el_qmul_params* p = args->p;
    q_operand a = q_operand_at(args->a, p->a_period, begin), b = q_operand_at(args->b, p->b_period, begin);
    q_requant ry = q_requant_set(p->y_multiplier, p->y_shift);
    q16 oa = q16_set(p->a_offset), ob = q16_set(p->b_offset);
    for (int64_t i = begin; i < end; i += 16) {
        int64_t lanes = end - i < 16 ? end - i : 16;
        q16 product = q16_mul(q16_add(q_operand_next(&a, lanes), oa), q16_add(q_operand_next(&b, lanes), ob));
        q16_store8_part(args->y + i, q16_clamp(q_requant_apply(product, ry), p->y_offset, p->y_min, p->y_max), lanes);
    }
}

void EL_SIMD_NAME(qmul_s8)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qmul_params* p = params;
    mul_args a = {p, buffers[0], buffers[1], buffers[2]};
    el_parallel(ctx, p->count, EL_Q_GRAIN, range, &a);
}
