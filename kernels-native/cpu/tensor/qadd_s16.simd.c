/* int16 addition and subtraction, 16 elements in lanes. */
#include "qadd_rule.h"

EL_KERNEL_SIMD(qadd_s16, el_qadd_params)
EL_KERNEL_SIMD(qsub_s16, el_qadd_params)

typedef struct add_args {
    const el_qadd_params* p;
    void* const* buffers;
} add_args;

EL_VEC void range(const add_args* args, int64_t begin, int64_t end, const int subtract) {
    const el_qadd_params* p = args->p;
    const add_rule rule = rule_of(p);
    int16_t* y = args->buffers[2];
    q_operand a = q_operand_at(args->buffers[0], p->a_period, begin), b = q_operand_at(args->buffers[1], p->b_period, begin);
    for (int64_t i = begin; i < end; i += 16) {
        int64_t lanes = end - i < 16 ? end - i : 16;
        q16 va = q_operand_next16(&a, lanes), vb = q_operand_next16(&b, lanes);
        q16_store16_part(y + i, apply(&rule, va, vb, subtract), lanes);
    }
}

static void add_body(void* a, int64_t begin, int64_t end, int32_t worker) { range(a, begin, end, 0); }
static void sub_body(void* a, int64_t begin, int64_t end, int32_t worker) { range(a, begin, end, 1); }

static void run(const el_ctx* ctx, const el_qadd_params* p, void* const* buffers, el_body_fn body) {
    add_args a = {p, buffers};
    el_parallel(ctx, p->count, EL_Q_GRAIN, body, &a);
}

void EL_SIMD_NAME(qadd_s16)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, add_body); }
void EL_SIMD_NAME(qsub_s16)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, sub_body); }
