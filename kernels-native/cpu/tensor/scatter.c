#include "el_nd.h"
#include <string.h>

EL_KERNEL(scatter_b1, scalar, el_scatter_params)
void el_scatter_b1__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_scatter_params* p = params_;
    const char *x = buffers[0], *updates = buffers[2];
    const int32_t* places = buffers[1];
    char* y = buffers[3];
    const size_t bytes = (size_t)p->slice_bytes;
    if (x != y && p->slices > 0) memcpy(y, x, (size_t)p->slices * bytes);
    for (int64_t i = 0; i < p->count; i++) {
        if (bytes == 4) memcpy(y + (int64_t)places[i] * 4, updates + i * 4, 4);
        else memcpy(y + places[i] * p->slice_bytes, updates + i * p->slice_bytes, bytes);
    }
}
