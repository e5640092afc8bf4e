/* Pixels are copied in pieces of a fixed size, the last of which ends at the pixel's end and overlaps the one before. A line that
 * shows the same input line as the one above it is copied from there. */
#include "el_nd.h"
#include <string.h>

typedef struct job {
    const el_resize_params* p;
    const char* x;
    const int32_t *yi, *xi;
    char* y;
} job;

/* `count` pixels of `bytes` bytes; piece <= bytes. */
#define EL_PIXELS(piece)                                                                                                   \
    static void pixels_##piece(char* y, const char* x, const int32_t* xi, int64_t count, const int64_t bytes) {            \
        for (int64_t j = 0; j < count; j++, y += bytes) {                                                                  \
            const char* from = x + xi[j] * bytes;                                                                          \
            for (int64_t k = 0; k + (piece) < bytes; k += (piece)) memcpy(y + k, from + k, (piece));                       \
            memcpy(y + bytes - (piece), from + bytes - (piece), (piece));                                                  \
        }                                                                                                                  \
    }
EL_PIXELS(1) EL_PIXELS(2) EL_PIXELS(4) EL_PIXELS(8) EL_PIXELS(16) EL_PIXELS(32)

static void some_lines(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const el_resize_params* p = j->p;
    const int64_t bytes = p->c, line = p->ow * bytes;
    for (int64_t r = begin; r < end; r++) {
        const int64_t i = r % p->oh;
        char* y = j->y + r * line;
        if (r > begin && i > 0 && j->yi[i] == j->yi[i - 1]) {
            memcpy(y, y - line, (size_t)line);
            continue;
        }
        const char* x = j->x + (r / p->oh * p->h + j->yi[i]) * p->w * bytes;
        (bytes >= 32 ? pixels_32 : bytes >= 16 ? pixels_16 : bytes >= 8 ? pixels_8 : bytes >= 4 ? pixels_4 : bytes >= 2 ? pixels_2 : pixels_1)(
            y, x, j->xi, p->ow, bytes);
    }
}

EL_KERNEL(resize_nearest_b1, scalar, el_resize_params)
void el_resize_nearest_b1__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_resize_params* p = params_;
    if (p->ow <= 0 || p->c <= 0) return;
    job j = {p, buffers[0], buffers[1], buffers[2], buffers[3]};
    el_parallel(ctx, (int64_t)p->n * p->oh, EL_ELEMENTS_PER_PIECE * 4 / ((int64_t)p->ow * p->c) + 1, some_lines, &j);
}
