#include "el_tensor.h"
#include <string.h>

static void transpose(const el_transpose_params* p, const char* x, char* y, int64_t size) {
    int64_t count = 1;
    for (int32_t d = 0; d < p->rank; d++) count *= p->dims[d];
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i, xi = 0;
        for (int32_t d = p->rank - 1; d >= 0; d--) {
            xi += rest % p->dims[d] * p->x_stride[d];
            rest /= p->dims[d];
        }
        memcpy(y + i * size, x + xi * size, (size_t)size);
    }
}

EL_KERNEL(transpose_b1, scalar, el_transpose_params)
void el_transpose_b1__scalar(const el_ctx* ctx, const void* params, void* const* b) { transpose(params, b[0], b[1], 1); }
EL_KERNEL(transpose_b2, scalar, el_transpose_params)
void el_transpose_b2__scalar(const el_ctx* ctx, const void* params, void* const* b) { transpose(params, b[0], b[1], 2); }
EL_KERNEL(transpose_b4, scalar, el_transpose_params)
void el_transpose_b4__scalar(const el_ctx* ctx, const void* params, void* const* b) { transpose(params, b[0], b[1], 4); }
EL_KERNEL(transpose_b8, scalar, el_transpose_params)
void el_transpose_b8__scalar(const el_ctx* ctx, const void* params, void* const* b) { transpose(params, b[0], b[1], 8); }
