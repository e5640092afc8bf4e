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

/* Pieces of 16 bytes, of which the last ends where the run ends; shorter runs element by element. */
static inline __attribute__((always_inline)) void fill(char* y, int64_t bytes, const uint8_t value[16], int size) {
    if (bytes < 16)
        for (int64_t i = 0; i < bytes; i += size) memcpy(y + i, value, (size_t)size);
    else {
        for (int64_t i = 0; i < bytes - 16; i += 16) memcpy(y + i, value, 16);
        memcpy(y + bytes - 16, value, 16);
    }
}

/* The same of short runs, as the channels of a pixel: a call of memcpy takes longer. */
static inline __attribute__((always_inline)) void copy(char* y, const char* x, int64_t bytes) {
    if (bytes > 256 || bytes < 16) {
        memcpy(y, x, (size_t)bytes);
        return;
    }
    for (int64_t i = 0; i < bytes - 16; i += 16) memcpy(y + i, x + i, 16);
    memcpy(y + bytes - 16, x + bytes - 16, 16);
}

static inline __attribute__((always_inline)) void rows(const job* j, int64_t begin, int64_t end, int size) {
    const int32_t last = j->rank - 1;
    const int64_t cols = j->y_dims[last], before = j->before[last];
    /* Columns [from, to) of y come from x. */
    int64_t from = before > 0 ? before : 0, to = before + j->x_dims[last] < cols ? before + j->x_dims[last] : cols;
    if (from > cols) from = cols;
    if (to < from) to = from;
    uint8_t value[16]; /* little-endian, as the buffers are */
    for (int i = 0; i < 16; i++) value[i] = (uint8_t)(j->value >> i % size * 8);
    const int only_columns = last == 1 && j->before[0] == 0 && j->x_dims[0] == j->y_dims[0]; /* every row of y holds one of x */
    for (int64_t r = begin; r < end; r++) {
        int64_t rest = r, x_row = only_columns ? r : 0, x_step = 1;
        int inside = 1;
        for (int32_t d = only_columns ? -1 : last - 1; d >= 0; d--) {
            int64_t at = rest % j->y_dims[d] - j->before[d];
            rest /= j->y_dims[d];
            if (at < 0 || at >= j->x_dims[d]) inside = 0;
            x_row += at * x_step;
            x_step *= j->x_dims[d];
        }
        char* y = j->y + r * cols * size;
        if (!inside) {
            fill(y, cols * size, value, size);
            continue;
        }
        fill(y, from * size, value, size);
        if (to > from) copy(y + from * size, j->x + (x_row * j->x_dims[last] + from - before) * size, (to - from) * size);
        fill(y + to * size, (cols - to) * size, value, size);
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
