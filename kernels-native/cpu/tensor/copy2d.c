/* Long rows are moved by the C library's memcpy, which is the instruction-set variant: there is no other. Rows of 4 to 64 bytes
 * (concatenated channels of int8 pixels) are moved in two, or for more than 32 bytes four, pieces of a fixed size; the second
 * half ends at the row's end and overlaps the first. */
#include "el_nd.h"
#include <string.h>

typedef struct job {
    const el_copy2d_params* p;
    const char* x;
    char* y;
} job;

#define EL_SHORT_ROWS(piece, pieces)                                                                                       \
    static void rows_##piece##_##pieces(char* y, int64_t y_pitch, const char* x, int64_t x_pitch, int64_t bytes, int64_t rows) { \
        for (; rows > 0; rows--, x += x_pitch, y += y_pitch) {                                                             \
            for (int i = 0; i < (pieces); i++) memcpy(y + i * (piece), x + i * (piece), (piece));                          \
            const int64_t rest = bytes - (piece) * (pieces);                                                               \
            for (int i = 0; i < (pieces); i++) memcpy(y + rest + i * (piece), x + rest + i * (piece), (piece));            \
        }                                                                                                                  \
    }
EL_SHORT_ROWS(4, 1) EL_SHORT_ROWS(8, 1) EL_SHORT_ROWS(16, 1) EL_SHORT_ROWS(16, 2)

static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const el_copy2d_params* p = j->p;
    if (p->row_bytes >= 4 && p->row_bytes <= 64) {
        (p->row_bytes <= 8 ? rows_4_1 : p->row_bytes <= 16 ? rows_8_1 : p->row_bytes <= 32 ? rows_16_1 : rows_16_2)(
            j->y + p->y_offset + begin * p->y_pitch, p->y_pitch, j->x + p->x_offset + begin * p->x_pitch, p->x_pitch, p->row_bytes, end - begin);
        return;
    }
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
