#include "el_nd.h"
#include <string.h>

typedef struct job {
    const el_gather_params* p;
    const char* x;
    const void* indices;
    char* y;
} job;

/* Items are rows of y: outer * count. */
static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const el_gather_params* p = j->p;
    const size_t bytes = (size_t)p->inner_bytes;
    for (int64_t r = begin; r < end; r++) {
        int64_t o = r / p->count, k = r % p->count;
        int64_t index = p->index_is_32 ? ((const int32_t*)j->indices)[k] : ((const int64_t*)j->indices)[k];
        if (index < 0) index += p->axis;
        char* y = j->y + r * p->inner_bytes;
        if (index < 0 || index >= p->axis) memset(y, 0, bytes);
        else if (bytes == 4) memcpy(y, j->x + (o * p->axis + index) * 4, 4);
        else if (bytes == 1) *y = j->x[o * p->axis + index];
        else memcpy(y, j->x + (o * p->axis + index) * p->inner_bytes, bytes);
    }
}

EL_KERNEL(gather_b1, scalar, el_gather_params)
void el_gather_b1__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_gather_params* p = params_;
    if (p->count <= 0 || p->inner_bytes <= 0) return;
    job j = {p, buffers[0], buffers[1], buffers[2]};
    el_parallel(ctx, p->outer * p->count, EL_ELEMENTS_PER_PIECE * 4 / p->inner_bytes + 1, some_rows, &j);
}
