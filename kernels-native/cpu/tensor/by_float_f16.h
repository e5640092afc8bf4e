/* float16 by way of float32: what is small beside the layers of a network is widened to scratch, computed there by the float32 kernel of the
 * same instruction set, and narrowed. The including file defines ISA(name), the symbol of a kernel. */
#ifndef EL_BY_FLOAT_F16_H
#define EL_BY_FLOAT_F16_H
#include "el_nn.h"
#include "el_tensor.h"

/* Elements of an operand of binary_f16. */
static inline int64_t operand_count(const el_binary_params* p, const int64_t* stride) {
    int64_t last = 0;
    for (int32_t d = 0; d < p->rank; d++) {
        if (p->dims[d] == 0) return 0;
        last += (p->dims[d] - 1) * stride[d];
    }
    return last + 1;
}
static inline int64_t result_count(const el_binary_params* p) {
    int64_t count = 1;
    for (int32_t d = 0; d < p->rank; d++) count *= p->dims[d];
    return count;
}
static inline int64_t pool_inputs(const el_pool_params* p) { return (int64_t)p->n * p->h * p->w * p->c; }
static inline int64_t pool_outputs(const el_pool_params* p) { return (int64_t)p->n * p->oh * p->ow * p->c; }

static inline size_t float_bytes(int64_t count) { return el_align64((size_t)count * sizeof(float)); }

void ISA(f16_to_f32)(const el_ctx* ctx, const void* params, void* const* buffers);
void ISA(f32_to_f16)(const el_ctx* ctx, const void* params, void* const* buffers);
void ISA(unary_f32)(const el_ctx* ctx, const void* params, void* const* buffers);
void ISA(binary_f32)(const el_ctx* ctx, const void* params, void* const* buffers);
void ISA(reduce_f32)(const el_ctx* ctx, const void* params, void* const* buffers);
void ISA(max_pool_f32)(const el_ctx* ctx, const void* params, void* const* buffers);
void ISA(avg_pool_f32)(const el_ctx* ctx, const void* params, void* const* buffers);

/* Widens count numbers to the beginning of *scratch, which then begins behind them. */
static float* widened(const el_ctx* ctx, void* halves, int64_t count, char** scratch) {
    float* floats = (float*)*scratch;
    *scratch += float_bytes(count);
    ISA(f16_to_f32)(ctx, &(el_convert_params){count}, (void*[]){halves, floats});
    return floats;
}

static void narrow(const el_ctx* ctx, float* floats, int64_t count, void* halves) {
    ISA(f32_to_f16)(ctx, &(el_convert_params){count}, (void*[]){floats, halves});
}

void ISA(unary_f16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_unary_params* p = params;
    char* scratch = ctx->scratch;
    float* x = widened(ctx, buffers[0], p->count, &scratch);
    ISA(unary_f32)(ctx, p, (void*[]){x, x});
    narrow(ctx, x, p->count, buffers[1]);
}

void ISA(binary_f16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_binary_params* p = params;
    char* scratch = ctx->scratch;
    float *a = widened(ctx, buffers[0], operand_count(p, p->a_stride), &scratch), *b = widened(ctx, buffers[1], operand_count(p, p->b_stride), &scratch);
    float* y = (float*)scratch;
    ISA(binary_f32)(ctx, p, (void*[]){a, b, y});
    narrow(ctx, y, result_count(p), buffers[2]);
}

void ISA(reduce_f16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_reduce_params* p = params;
    char* scratch = ctx->scratch;
    float* x = widened(ctx, buffers[0], p->outer * p->axis * p->inner, &scratch);
    float* y = (float*)scratch;
    ISA(reduce_f32)(ctx, p, (void*[]){x, y});
    narrow(ctx, y, p->outer * p->inner, buffers[1]);
}

static void pool(const el_ctx* ctx, const el_pool_params* p, void* const* buffers, el_kernel_fn kernel) {
    char* scratch = ctx->scratch;
    float* x = widened(ctx, buffers[0], pool_inputs(p), &scratch);
    float* y = (float*)scratch;
    kernel(ctx, p, (void*[]){x, y});
    narrow(ctx, y, pool_outputs(p), buffers[1]);
}

void ISA(max_pool_f16)(const el_ctx* ctx, const void* params, void* const* buffers) { pool(ctx, params, buffers, ISA(max_pool_f32)); }
void ISA(avg_pool_f16)(const el_ctx* ctx, const void* params, void* const* buffers) { pool(ctx, params, buffers, ISA(avg_pool_f32)); }

#endif
