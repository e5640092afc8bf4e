/* int8 addition and subtraction (qadd_s8.h), and the rule for any elements, sixteen at a time. */
#include "qadd_s8.h"

EL_KERNEL_SIMD(qadd_s8, el_qadd_params)
EL_KERNEL_SIMD(qsub_s8, el_qadd_params)

void RANGE(const add_args* args, int64_t begin, int64_t end, int subtract) {
    const el_qadd_params* p = args->p;
    const add_rule rule = rule_of(p);
    int8_t near_a[EL_Q_NEAR], near_b[EL_Q_NEAR];
    q_operand a = q_operand_near(args->a, p->a_period, p->count, begin, near_a, 16), b = q_operand_near(args->b, p->b_period, p->count, begin, near_b, 16);
    for (int64_t i = begin; i < end; i += 16) {
        int64_t lanes = end - i < 16 ? end - i : 16;
        q16 va = q_operand_next(&a, lanes), vb = q_operand_next(&b, lanes);
        q16_store8_part(args->y + i, apply(&rule, va, vb, subtract), lanes);
    }
}

void EL_SIMD_NAME(qadd_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, 0); }
void EL_SIMD_NAME(qsub_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, 1); }
