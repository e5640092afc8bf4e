/* The halves of a row are two loops without a condition, which the compiler makes two loads, permutations and two stores. */
#include "el_nd.h"
#include "el_simd.h"

EL_KERNEL_SIMD(interleave_b1, el_interleave_params)
EL_KERNEL_SIMD(interleave_b4, el_interleave_params)

#define INTERLEAVE(size, type)                                                                                              \
    static inline void zip_b##size(const type* restrict a, const type* restrict b, type* restrict y, int64_t count) {       \
        for (int64_t i = 0; i < count; i++) {                                                                               \
            y[2 * i] = a[i];                                                                                                \
            y[2 * i + 1] = b[i];                                                                                            \
        }                                                                                                                   \
    }                                                                                                                       \
    static void rows_b##size(void* arg, int64_t begin, int64_t end, int32_t worker) {                                       \
        const el_interleave_job* j = arg;                                                                                   \
        const int64_t c = j->p->width, half = j->p->halves ? c / 2 : c;                                                     \
        for (int64_t r = begin; r < end; r++) {                                                                             \
            const type *a = (const type*)j->a + r * c, *b = (const type*)j->b + r * c;                                      \
            zip_b##size(a, b, (type*)j->y0 + r * 2 * half, half);                                                           \
            if (half < c) zip_b##size(a + half, b + half, (type*)j->y1 + r * 2 * half, half);                               \
        }                                                                                                                   \
    }                                                                                                                       \
    void EL_SIMD_NAME(interleave_b##size)(const el_ctx* ctx, const void* params, void* const* buffers) {                    \
        el_interleave_job j = {params, buffers[0], buffers[1], buffers[2], buffers[3]};                                     \
        el_parallel(ctx, j.p->rows, EL_ELEMENTS_PER_PIECE / (j.p->width + 1) + 1, rows_b##size, &j);                        \
    }
INTERLEAVE(1, uint8_t)
INTERLEAVE(4, uint32_t)
