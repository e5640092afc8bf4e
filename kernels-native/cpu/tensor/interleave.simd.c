/* Of 32-bit elements the halves of a row are two loops without a condition, which the compiler makes two loads, permutations and two stores. Rows of
 * bytes are short for that: vectors of 16 become two, and the last one reaches back over what is done, so that no single bytes are left. */
#include "interleave.h"
#include "el_simd.h"

EL_KERNEL_SIMD(interleave_b1, el_interleave_params)
EL_KERNEL_SIMD(interleave_b4, el_interleave_params)

#define BYTES 16

static inline void zip_16(const uint8_t* a, const uint8_t* b, uint8_t* y) {
#if defined(__aarch64__)
    vst2q_u8(y, (uint8x16x2_t){{vld1q_u8(a), vld1q_u8(b)}});
#else
    const __m128i u = _mm_loadu_si128((const __m128i*)a), v = _mm_loadu_si128((const __m128i*)b);
    _mm_storeu_si128((__m128i*)y, _mm_unpacklo_epi8(u, v));
    _mm_storeu_si128((__m128i*)(y + BYTES), _mm_unpackhi_epi8(u, v));
#endif
}

static inline void zip_b1(const uint8_t* restrict a, const uint8_t* restrict b, uint8_t* restrict y, int64_t count) {
    int64_t i = 0;
    for (; EL_VF > 4 && i + 4 * BYTES <= count; i += 4 * BYTES)
        for (int64_t l = i; l < i + 4 * BYTES; l++) y[2 * l] = a[l], y[2 * l + 1] = b[l]; /* in wider vectors, where there are such */
    for (; i + BYTES <= count; i += BYTES) zip_16(a + i, b + i, y + 2 * i);
    if (i < count && count >= BYTES) {
        i = count - BYTES;
        zip_16(a + i, b + i, y + 2 * i);
        return;
    }
    for (; i < count; i++) y[2 * i] = a[i], y[2 * i + 1] = b[i];
}

static inline void zip_b4(const uint32_t* restrict a, const uint32_t* restrict b, uint32_t* restrict y, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        y[2 * i] = a[i];
        y[2 * i + 1] = b[i];
    }
}

#define INTERLEAVE(size, type)                                                                                              \
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
