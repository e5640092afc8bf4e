/* int8 addition and subtraction, 64 at a time: VPDPWSSD adds the products of words, VPDPBUSD those of bytes (qadd_s8.h). */
#include "qadd_s8.h"

EL_KERNEL(qadd_s8, avx512vnni, el_qadd_params)
EL_KERNEL(qsub_s8, avx512vnni, el_qadd_params)

void el_qadd_s8__avx512vnni(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, 0); }
void el_qsub_s8__avx512vnni(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, 1); }
