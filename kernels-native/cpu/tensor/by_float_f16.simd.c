#define ISA(name) EL_SIMD_NAME(name)
#include "by_float_f16.h"

EL_KERNEL_SIMD(unary_f16, el_unary_params)
EL_KERNEL_SIMD(binary_f16, el_binary_params)
EL_KERNEL_SIMD(reduce_f16, el_reduce_params)
EL_KERNEL_SIMD(max_pool_f16, el_pool_params)
EL_KERNEL_SIMD(avg_pool_f16, el_pool_params)
