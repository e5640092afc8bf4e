#define ISA(name) el_##name##__scalar
#include "by_float_f16.h"

EL_KERNEL(unary_f16, scalar, el_unary_params)
EL_KERNEL(binary_f16, scalar, el_binary_params)
EL_KERNEL(reduce_f16, scalar, el_reduce_params)
EL_KERNEL(max_pool_f16, scalar, el_pool_params)
EL_KERNEL(avg_pool_f16, scalar, el_pool_params)
EL_SCRATCH(unary_f16, el_unary_params)
EL_SCRATCH(binary_f16, el_binary_params)
EL_SCRATCH(reduce_f16, el_reduce_params)
EL_SCRATCH(max_pool_f16, el_pool_params)
EL_SCRATCH(avg_pool_f16, el_pool_params)

size_t el_unary_f16__scratch(const void* params, int32_t threads) { return float_bytes(((const el_unary_params*)params)->count); }
size_t el_binary_f16__scratch(const void* params, int32_t threads) {
    const el_binary_params* p = params;
    return float_bytes(operand_count(p, p->a_stride)) + float_bytes(operand_count(p, p->b_stride)) + float_bytes(result_count(p));
}
size_t el_reduce_f16__scratch(const void* params, int32_t threads) {
    const el_reduce_params* p = params;
    return float_bytes(p->outer * p->axis * p->inner) + float_bytes(p->outer * p->inner);
}
size_t el_max_pool_f16__scratch(const void* params, int32_t threads) { return float_bytes(pool_inputs(params)) + float_bytes(pool_outputs(params)); }
size_t el_avg_pool_f16__scratch(const void* params, int32_t threads) { return el_max_pool_f16__scratch(params, threads); }
