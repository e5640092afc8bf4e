/* One loop for each operation: whole vectors, then the tail in one masked vector. */
#include "el_nd.h"
#include "el_vmath.h"

typedef struct job {
    const el_unary_params* p;
    const float* x;
    float* y;
} job;

#define LOOP(expression)                                                                                                \
    {                                                                                                                   \
        for (; i + EL_VF <= end; i += EL_VF) {                                                                          \
            el_vf v = el_vload(x + i);                                                                                  \
            el_vstore(y + i, expression);                                                                               \
        }                                                                                                               \
        if (i < end) {                                                                                                  \
            el_vf v = el_vload_n(x + i, end - i);                                                                       \
            el_vstore_n(y + i, expression, end - i);                                                                    \
        }                                                                                                               \
        break;                                                                                                          \
    }
/* The kind is a constant here, so the switch of el_vact disappears. */
#define ACT(kind) case kind: LOOP(el_vact(((el_act){kind, act.a, act.b}), v))

static el_vf sign(el_vf v) {
    el_vf r = el_vselect(el_vlt(el_vzero(), v), el_vset1(1.0f), v);
    return el_vselect(el_vlt(v, el_vzero()), el_vset1(-1.0f), r);
}

static void activate(el_act act, const float* x, float* y, int64_t i, int64_t end) {
    switch ((el_act_kind)act.kind) {
        ACT(EL_ACT_CLAMP)
        ACT(EL_ACT_LEAKY_RELU)
        ACT(EL_ACT_HARD_SIGMOID)
        ACT(EL_ACT_HARD_SWISH)
        ACT(EL_ACT_SIGMOID)
        ACT(EL_ACT_SILU)
        ACT(EL_ACT_TANH)
        ACT(EL_ACT_GELU)
        ACT(EL_ACT_GELU_TANH)
        ACT(EL_ACT_ELU)
        ACT(EL_ACT_SOFTPLUS)
        ACT(EL_ACT_MISH)
    case EL_ACT_PRELU: LOOP(el_vprelu(v, el_vzero()))
    case EL_ACT_NONE: LOOP(v)
    }
}

static void piece(void* arg, int64_t i, int64_t end, int32_t worker) {
    const job* j = arg;
    const float* x = j->x;
    float* y = j->y;
    const el_vf one = el_vset1(1.0f);
    switch ((el_unary_op)j->p->op) {
    case EL_UNARY_ABS: LOOP(el_vabs(v))
    case EL_UNARY_NEG: LOOP(el_vneg(v))
    case EL_UNARY_EXP: LOOP(el_vexp(v))
    case EL_UNARY_LOG: LOOP(el_vlog(v))
    case EL_UNARY_SQRT: LOOP(el_vsqrt(v))
    case EL_UNARY_RSQRT: LOOP(el_vdiv(one, el_vsqrt(v)))
    case EL_UNARY_RECIPROCAL: LOOP(el_vdiv(one, v))
    case EL_UNARY_FLOOR: LOOP(el_vfloor(v))
    case EL_UNARY_CEIL: LOOP(el_vceil(v))
    case EL_UNARY_ROUND: LOOP(el_vround(v))
    case EL_UNARY_ERF: LOOP(el_verf(v))
    case EL_UNARY_SIN: LOOP(el_vsin(v))
    case EL_UNARY_COS: LOOP(el_vcos(v))
    case EL_UNARY_SIGN: LOOP(sign(v))
    case EL_UNARY_SQUARE: LOOP(el_vmul(v, v))
    case EL_UNARY_ACT:
    case EL_UNARY_COUNT_: activate(j->p->act, x, y, i, end);
    }
}

EL_KERNEL_SIMD(unary_f32, el_unary_params)
void EL_SIMD_NAME(unary_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    job j = {params_, buffers[0], buffers[1]};
    el_parallel(ctx, j.p->count, EL_ELEMENTS_PER_PIECE, piece, &j);
}
