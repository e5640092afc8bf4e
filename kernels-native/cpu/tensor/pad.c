/* Trailing dimensions that are not padded are merged into the one before them; then every row of y is constant, or constant,
 * a run of x, constant. */
#include "el_nd.h"
#include <string.h>

typedef struct job {
    const char* x;
    char* y;
    int32_t rank;
    int64_t x_dims[EL_MAX_RANK], y_dims[EL_MAX_RANK], before[EL_MAX_RANK];
    uint64_t value;
} job;

static inline __attribute__((always_inline)) void fill(char* y, int64_t count, const job* j, int size) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(j->value >> 8 * i); /* little-endian, as the buffers are */
    for (int64_t i = 0; i < count; i++) memcpy(y + i * size, bytes, (size_t)size);
}

static inline __attribute__((always_inline)) void rows(const job* j, int64_t begin, int64_t end, int size) {
    const int32_t last = j->rank - 1;
    const int64_t cols = j->y_dims[last], before = j->before[last];
    /* Columns [from, to) of y come from x. */
    int64_t from = before > 0 ? before : 0, to = before + j->x_dims[last] < cols ? before + j->x_dims[last] : cols;
    if (from > cols) from = cols;
    if (to < from) to = from;
    for (int64_t r = begin; r < end; r++) {
        int64_t rest = r, x_row = 0, x_step = 1;
        int inside = 1;
        for (int32_t d = last - 1; d >= 0; d--) {
            int64_t at = rest % j->y_dims[d] - j->before[d];
            rest /= j->y_dims[d];
            if (at < 0 || at >= j->x_dims[d]) inside = 0;
            x_row += at * x_step;
            x_step *= j->x_dims[d];
        }
        char* y = j->y + r * cols * size;
        if (!inside) {
            fill(y, cols, j, size);
            continue;
        }
        fill(y, from, j, size);
        if (to > from) memcpy(y + from * size, j->x + (x_row * j->x_dims[last] + from - before) * size, (size_t)((to - from) * size));
        fill(y + to * size, cols - to, j, size);
    }
}

static void rows_b1(void* arg, int64_t begin, int64_t end, int32_t worker) { rows(arg, begin, end, 1); }
static void rows_b2(void* arg, int64_t begin, int64_t end, int32_t worker) { rows(arg, begin, end, 2); }
static void rows_b4(void* arg, int64_t begin, int64_t end, int32_t worker) { rows(arg, begin, end, 4); }
static void rows_b8(void* arg, int64_t begin, int64_t end, int32_t worker) { rows(arg, begin, end, 8); }

static void pad(const el_ctx* ctx, const el_pad_params* p, void* const* buffers, el_body_fn body) {
    job j = {.x = buffers[0], .y = buffers[1], .value = p->value};
    int64_t row_count = 1;
    for (int32_t d = 0; d < p->rank; d++) {
        int64_t y_dim = p->x_dims[d] + p->before[d] + p->after[d];
        if (j.rank && p->before[d] == 0 && p->after[d] == 0) {
            int32_t k = j.rank - 1;
            j.x_dims[k] *= y_dim, j.y_dims[k] *= y_dim, j.before[k] *= y_dim;
        } else {
            j.x_dims[j.rank] = p->x_dims[d], j.y_dims[j.rank] = y_dim, j.before[j.rank] = p->before[d];
            j.rank++;
        }
    }
    if (j.rank == 0) j = (job){.x = j.x, .y = j.y, .rank = 1, .x_dims = {1}, .y_dims = {1}, .value = p->value};
    for (int32_t d = 0; d < j.rank; d++) {
        if (j.y_dims[d] <= 0) return;
        if (d < j.rank - 1) row_count *= j.y_dims[d];
    }
    el_parallel(ctx, row_count, EL_ELEMENTS_PER_PIECE / j.y_dims[j.rank - 1] + 1, body, &j);
}

EL_KERNEL(pad_b1, scalar, el_pad_params)
void el_pad_b1__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { pad(ctx, params, buffers, rows_b1); }
EL_KERNEL(pad_b2, scalar, el_pad_params)
void el_pad_b2__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { pad(ctx, params, buffers, rows_b2); }
EL_KERNEL(pad_b4, scalar, el_pad_params)
void el_pad_b4__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { pad(ctx, params, buffers, rows_b4); }
EL_KERNEL(pad_b8, scalar, el_pad_params)
void el_pad_b8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) { pad(ctx, params, buffers, rows_b8); }
