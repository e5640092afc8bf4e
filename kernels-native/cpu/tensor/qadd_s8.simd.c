/* int8 addition and subtraction, 16 elements in lanes. */
#include "qoperand.h"

EL_KERNEL_SIMD(qadd_s8, el_qadd_params)
EL_KERNEL_SIMD(qsub_s8, el_qadd_params)

typedef struct add_args {
    const el_qadd_params* p;
    const int8_t *a, *b;
    int8_t* y;
} add_args;

EL_VEC void range(const add_args* args, int64_t begin, int64_t end, int subtract) {
    const el_qadd_params* p = args->p;
    q_operand a = q_operand_at(args->a, p->a_period, begin), b = q_operand_at(args->b, p->b_period, begin);
    q_requant ra = q_requant_set(p->a_multiplier, p->a_shift), rb = q_requant_set(p->b_multiplier, p->b_shift);
    q_requant ry = q_requant_set(p->y_multiplier, p->y_shift);
    q16 oa = q16_set(p->a_offset), ob = q16_set(p->b_offset), up = q16_set(p->left_shift);
    for (int64_t i = begin; i < end; i += 16) {
        int64_t lanes = end - i < 16 ? end - i : 16;
        q16 va = q_requant_apply(q16_shl(q16_add(q_operand_next(&a, lanes), oa), up), ra);
        q16 vb = q_requant_apply(q16_shl(q16_add(q_operand_next(&b, lanes), ob), up), rb);
        q16 v = q_requant_apply(subtract ? q16_sub(va, vb) : q16_add(va, vb), ry);
        q16_store8_part(args->y + i, q16_clamp(v, p->y_offset, p->y_min, p->y_max), lanes);
    }
}

static void add_body(void* a, int64_t begin, int64_t end, int32_t worker) { range(a, begin, end, 0); }
static void sub_body(void* a, int64_t begin, int64_t end, int32_t worker) { range(a, begin, end, 1); }

static void run(const el_ctx* ctx, const el_qadd_params* p, void* const* buffers, el_body_fn body) {
    add_args a = {p, buffers[0], buffers[1], buffers[2]};
    el_parallel(ctx, p->count, EL_Q_GRAIN, body, &a);
}

void EL_SIMD_NAME(qadd_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, add_body); }
void EL_SIMD_NAME(qsub_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, sub_body); }
