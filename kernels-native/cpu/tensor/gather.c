#include "el_nd.h"
#include <string.h>

typedef struct job {
    const el_gather_params* p;
    const char* x;
    const void* indices;
    char* y;
} job;

static inline int64_t index_at(const job* j, int64_t k) {
    return j->p->index_is_32 ? ((const int32_t*)j->indices)[k] : ((const int64_t*)j->indices)[k];
}

/* Items are rows of y: outer * count. Rows that follow each other in x, too, go together. */
static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const el_gather_params* p = j->p;
    int64_t o = begin / p->count, k = begin % p->count, many;
    for (int64_t r = begin; r < end; r += many) {
        int64_t index = index_at(j, k);
        if (index < 0) index += p->axis;
        char* y = j->y + r * p->inner_bytes;
        many = 1;
        if (index < 0 || index >= p->axis) memset(y, 0, (size_t)p->inner_bytes);
        else {
            const char* x = j->x + (o * p->axis + index) * p->inner_bytes;
            while (r + many < end && k + many < p->count && index + many < p->axis && index_at(j, k + many) == index + many) many++;
            const size_t bytes = (size_t)(many * p->inner_bytes);
            if (bytes == 4) memcpy(y, x, 4);
            else if (bytes == 1) *y = *x;
            else memcpy(y, x, bytes);
        }
        k += many;
        if (k == p->count) k = 0, o++;
    }
}

EL_KERNEL(gather_b1, scalar, el_gather_params)
void el_gather_b1__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_gather_params* p = params_;
    if (p->count <= 0 || p->inner_bytes <= 0) return;
    job j = {p, buffers[0], buffers[1], buffers[2]};
    el_parallel(ctx, p->outer * p->count, EL_ELEMENTS_PER_PIECE * 4 / p->inner_bytes + 1, some_rows, &j);
}
