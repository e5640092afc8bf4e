/* Rows are moved by the C library's memcpy, which is the instruction-set variant: there is no other. */
#include "el_nd.h"
#include <string.h>

typedef struct job {
    const el_copy2d_params* p;
    const char* x;
    char* y;
} job;

static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const el_copy2d_params* p = j->p;
    for (int64_t r = begin; r < end; r++)
        memcpy(j->y + p->y_offset + r * p->y_pitch, j->x + p->x_offset + r * p->x_pitch, (size_t)p->row_bytes);
}

static void some_bytes(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    memcpy(j->y + j->p->y_offset + begin, j->x + j->p->x_offset + begin, (size_t)(end - begin));
}

EL_KERNEL(copy2d_b1, scalar, el_copy2d_params)
void el_copy2d_b1__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_copy2d_params* p = params_;
    job j = {p, buffers[0], buffers[1]};
    const int64_t grain = EL_ELEMENTS_PER_PIECE * 4;
    if (p->row_bytes <= 0) return;
    int whole = p->rows == 1 || (p->x_pitch == p->row_bytes && p->y_pitch == p->row_bytes);
    if (whole) el_parallel(ctx, p->rows * p->row_bytes, grain, some_bytes, &j);
    else el_parallel(ctx, p->rows, grain / p->row_bytes + 1, some_rows, &j);
}
