/* After merging dimensions a transposition is one of
 *   runs    the last dimension is contiguous in x: rows are copied;
 *   tiles   another dimension j is: for every position of the rest, y[j][l] = x[l][j] is a matrix transposition, done in
 *           square tiles held in registers (8x8 for 1, 2 and 4 bytes, 4x4 for 4 bytes on NEON, 2x2 for 8 bytes), grouped so
 *           that a group reads and writes whole cache lines;
 *   steps   neither: single elements at a stride.
 * What a tile does not cover is done element by element; three planes of floats or bytes have a loop of their own. */
#include "el_nd.h"
#include "el_simd.h"
#include "el_square.h"

typedef struct job {
    const char* x;
    char* y;
    el_nd nd;       /* tiles: without dimensions j and last; operand 0 is x, operand 1 is y */
    int64_t rows, cols, x_step, y_step; /* tiles: extent of j and last, x step along last, y step along j, in elements */
} job;

/* ---- tiles ----------------------------------------------------------------------------------------------------- */

#if defined(__aarch64__)
typedef uint8x16_t v128;
#define LOAD16(p) vld1q_u8((const uint8_t*)(p))
#define STORE16(p, v) vst1q_u8((uint8_t*)(p), v)
#define LOAD8(p) vcombine_u8(vld1_u8((const uint8_t*)(p)), vdup_n_u8(0))
#define STORE8_LOW(p, v) vst1_u8((uint8_t*)(p), vget_low_u8(v))
#define STORE8_HIGH(p, v) vst1_u8((uint8_t*)(p), vget_high_u8(v))
#define ZIP_(which, bits, a, b)                                                                                         \
    vreinterpretq_u8_u##bits(which##q_u##bits(vreinterpretq_u##bits##_u8(a), vreinterpretq_u##bits##_u8(b)))
#define ZIP_LOW8(a, b) vzip1q_u8(a, b)
#define ZIP_LOW16(a, b) ZIP_(vzip1, 16, a, b)
#define ZIP_HIGH16(a, b) ZIP_(vzip2, 16, a, b)
#define ZIP_LOW32(a, b) ZIP_(vzip1, 32, a, b)
#define ZIP_HIGH32(a, b) ZIP_(vzip2, 32, a, b)
#define ZIP_LOW64(a, b) ZIP_(vzip1, 64, a, b)
#define ZIP_HIGH64(a, b) ZIP_(vzip2, 64, a, b)
#else
typedef __m128i v128;
#define LOAD16(p) _mm_loadu_si128((const __m128i*)(p))
#define STORE16(p, v) _mm_storeu_si128((__m128i*)(p), v)
#define LOAD8(p) _mm_loadl_epi64((const __m128i*)(p))
#define STORE8_LOW(p, v) _mm_storel_epi64((__m128i*)(p), v)
#define STORE8_HIGH(p, v) _mm_storel_epi64((__m128i*)(p), _mm_unpackhi_epi64(v, v))
#define ZIP_LOW8(a, b) _mm_unpacklo_epi8(a, b)
#define ZIP_LOW16(a, b) _mm_unpacklo_epi16(a, b)
#define ZIP_HIGH16(a, b) _mm_unpackhi_epi16(a, b)
#define ZIP_LOW32(a, b) _mm_unpacklo_epi32(a, b)
#define ZIP_HIGH32(a, b) _mm_unpackhi_epi32(a, b)
#define ZIP_LOW64(a, b) _mm_unpacklo_epi64(a, b)
#define ZIP_HIGH64(a, b) _mm_unpackhi_epi64(a, b)
#endif

/* y[j][l] = x[l][j] for a square; xs and ys are the bytes from row to row. */

static inline void tile1(const char* x, int64_t xs, char* y, int64_t ys) { /* 8x8 bytes */
    v128 a[4], b[4], c[4];
    for (int i = 0; i < 4; i++) a[i] = ZIP_LOW8(LOAD8(x + 2 * i * xs), LOAD8(x + (2 * i + 1) * xs));
    for (int i = 0; i < 2; i++) {
        b[2 * i] = ZIP_LOW16(a[2 * i], a[2 * i + 1]); /* columns 0-3 of rows 4i .. 4i+3 */
        b[2 * i + 1] = ZIP_HIGH16(a[2 * i], a[2 * i + 1]);
    }
    c[0] = ZIP_LOW32(b[0], b[2]), c[1] = ZIP_HIGH32(b[0], b[2]);
    c[2] = ZIP_LOW32(b[1], b[3]), c[3] = ZIP_HIGH32(b[1], b[3]);
    for (int i = 0; i < 4; i++) {
        STORE8_LOW(y + 2 * i * ys, c[i]);
        STORE8_HIGH(y + (2 * i + 1) * ys, c[i]);
    }
}

static inline void tile2(const char* x, int64_t xs, char* y, int64_t ys) { /* 8x8 of 2 bytes */
    v128 r[8], a[8], b[8];
    for (int i = 0; i < 8; i++) r[i] = LOAD16(x + i * xs);
    for (int i = 0; i < 4; i++) a[2 * i] = ZIP_LOW16(r[2 * i], r[2 * i + 1]), a[2 * i + 1] = ZIP_HIGH16(r[2 * i], r[2 * i + 1]);
    for (int i = 0; i < 2; i++)
        for (int h = 0; h < 2; h++) { /* columns 4h .. 4h+3 of rows 4i .. 4i+3 */
            b[4 * i + 2 * h] = ZIP_LOW32(a[4 * i + h], a[4 * i + 2 + h]);
            b[4 * i + 2 * h + 1] = ZIP_HIGH32(a[4 * i + h], a[4 * i + 2 + h]);
        }
    for (int k = 0; k < 4; k++) { /* columns 2k, 2k+1 */
        STORE16(y + 2 * k * ys, ZIP_LOW64(b[k], b[4 + k]));
        STORE16(y + (2 * k + 1) * ys, ZIP_HIGH64(b[k], b[4 + k]));
    }
}

static inline void tile8(const char* x, int64_t xs, char* y, int64_t ys) {
    v128 a = LOAD16(x), b = LOAD16(x + xs);
    STORE16(y, ZIP_LOW64(a, b));
    STORE16(y + ys, ZIP_HIGH64(a, b));
}

/* Three planes to pixels of three (pictures in channels-first order): y[r] = x[0][r], x[1][r], x[2][r]. */
static void interleave3_b4(const float* x, int64_t plane, float* y, int64_t count) {
    int64_t r = 0;
    for (; r + 4 <= count; r += 4, y += 12) {
#if defined(__aarch64__)
        vst3q_f32(y, (float32x4x3_t){{vld1q_f32(x + r), vld1q_f32(x + plane + r), vld1q_f32(x + 2 * plane + r)}});
#else
        __m128 a = _mm_loadu_ps(x + r), b = _mm_loadu_ps(x + plane + r), c = _mm_loadu_ps(x + 2 * plane + r);
        /* a0 b0 c0 a1 | b1 c1 a2 b2 | c2 a3 b3 c3 */
        __m128 c0a1 = _mm_shuffle_ps(c, a, _MM_SHUFFLE(1, 1, 0, 0)), b1c1 = _mm_shuffle_ps(b, c, _MM_SHUFFLE(1, 1, 1, 1));
        __m128 c2a3 = _mm_shuffle_ps(c, a, _MM_SHUFFLE(3, 3, 2, 2)), b3c3 = _mm_shuffle_ps(b, c, _MM_SHUFFLE(3, 3, 3, 3));
        _mm_storeu_ps(y, _mm_shuffle_ps(_mm_unpacklo_ps(a, b), c0a1, _MM_SHUFFLE(2, 0, 1, 0)));
        _mm_storeu_ps(y + 4, _mm_shuffle_ps(b1c1, _mm_unpackhi_ps(a, b), _MM_SHUFFLE(1, 0, 2, 0)));
        _mm_storeu_ps(y + 8, _mm_shuffle_ps(c2a3, b3c3, _MM_SHUFFLE(2, 0, 2, 0)));
#endif
    }
    for (; r < count; r++, y += 3) y[0] = x[r], y[1] = x[plane + r], y[2] = x[2 * plane + r];
}

static void interleave3_b1(const char* x, int64_t plane, char* y, int64_t count) {
    int64_t r = 0;
#if !defined(__aarch64__)
/* byte i of the k-th 16 of y: its pixel if it is of plane p, else none */
#define PIXEL(k, p, i) ((16 * (k) + (i)) % 3 == (p) ? (16 * (k) + (i)) / 3 : -1)
#define PIXELS(k, p) \
    {PIXEL(k, p, 0), PIXEL(k, p, 1), PIXEL(k, p, 2), PIXEL(k, p, 3), PIXEL(k, p, 4), PIXEL(k, p, 5), PIXEL(k, p, 6), PIXEL(k, p, 7), \
     PIXEL(k, p, 8), PIXEL(k, p, 9), PIXEL(k, p, 10), PIXEL(k, p, 11), PIXEL(k, p, 12), PIXEL(k, p, 13), PIXEL(k, p, 14), PIXEL(k, p, 15)}
    static const int8_t pixels[3][3][16] = {{PIXELS(0, 0), PIXELS(0, 1), PIXELS(0, 2)}, {PIXELS(1, 0), PIXELS(1, 1), PIXELS(1, 2)}, {PIXELS(2, 0), PIXELS(2, 1), PIXELS(2, 2)}};
#endif
#if defined(__AVX512BW__)
    for (; r + 64 <= count; r += 64, y += 192) { /* sixteen pixels in each lane */
        const __m512i a = _mm512_loadu_si512(x + r), b = _mm512_loadu_si512(x + plane + r), c = _mm512_loadu_si512(x + 2 * plane + r);
        for (int k = 0; k < 3; k++) {
            __m512i v[3];
            for (int p = 0; p < 3; p++) v[p] = _mm512_shuffle_epi8(p == 0 ? a : p == 1 ? b : c, _mm512_broadcast_i32x4(LOAD16(pixels[k][p])));
            const __m512i all = _mm512_ternarylogic_epi32(v[0], v[1], v[2], 0xfe);
            STORE16(y + 16 * k, _mm512_castsi512_si128(all));
            STORE16(y + 16 * k + 48, _mm512_extracti32x4_epi32(all, 1));
            STORE16(y + 16 * k + 96, _mm512_extracti32x4_epi32(all, 2));
            STORE16(y + 16 * k + 144, _mm512_extracti32x4_epi32(all, 3));
        }
    }
#endif
    for (; r + 16 <= count; r += 16, y += 48) {
        v128 a = LOAD16(x + r), b = LOAD16(x + plane + r), c = LOAD16(x + 2 * plane + r);
#if defined(__aarch64__)
        vst3q_u8((uint8_t*)y, (uint8x16x3_t){{a, b, c}});
#else
        for (int k = 0; k < 3; k++)
            STORE16(y + 16 * k, _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(a, LOAD16(pixels[k][0])), _mm_shuffle_epi8(b, LOAD16(pixels[k][1]))), _mm_shuffle_epi8(c, LOAD16(pixels[k][2]))));
#endif
    }
    for (; r < count; r++, y += 3) y[0] = x[r], y[1] = x[plane + r], y[2] = x[2 * plane + r];
}

/* Rows [j0, j1) of one matrix, all columns. */
static inline __attribute__((always_inline)) void matrix(const char* x, char* y, const job* j, int64_t j0, int64_t j1, int size,
                                                         int side, void (*tile)(const char*, int64_t, char*, int64_t)) {
    const int64_t xs = j->x_step * size, ys = j->y_step * size, group = 64 / size, cols = j->cols;
    for (int64_t l0 = 0; l0 < cols; l0 += group) {
        int64_t l1 = l0 + group < cols ? l0 + group : cols, r = j0;
        for (; r + side <= j1; r += side) {
            int64_t l = l0;
            for (; l + side <= l1; l += side) tile(x + l * xs + r * size, xs, y + r * ys + l * size, ys);
            for (int64_t q = r; q < r + side; q++)
                for (int64_t k = l; k < l1; k++) memcpy(y + q * ys + k * size, x + k * xs + q * size, (size_t)size);
        }
        for (; r < j1; r++)
            for (int64_t l = l0; l < l1; l++) memcpy(y + r * ys + l * size, x + l * xs + r * size, (size_t)size);
    }
}

/* Items are groups of 64 / size rows, of every position of the other dimensions. */
static inline __attribute__((always_inline)) void tiles(const job* j, int64_t begin, int64_t end, int size, int side,
                                                        void (*tile)(const char*, int64_t, char*, int64_t)) {
    const int64_t group = 64 / size, groups = (j->rows + group - 1) / group;
    int64_t offsets[EL_ND_OPERANDS];
    for (int64_t item = begin; item < end; item++) {
        int64_t j0 = item % groups * group, j1 = j0 + group < j->rows ? j0 + group : j->rows;
        el_nd_locate(&j->nd, j->nd.rank, item / groups, offsets);
        if ((size == 4 || size == 1) && j->cols == 3 && j->y_step == 3) {
            /* all groups of this matrix at once */
            int64_t more = groups - 1 - item % groups < end - 1 - item ? groups - 1 - item % groups : end - 1 - item;
            item += more;
            j1 = j1 + more * group < j->rows ? j1 + more * group : j->rows;
            const char* x = j->x + (offsets[0] + j0) * size;
            char* y = j->y + (offsets[1] + j0 * 3) * size;
            if (size == 4) interleave3_b4((const float*)(const void*)x, j->x_step, (float*)(void*)y, j1 - j0);
            else interleave3_b1(x, j->x_step, y, j1 - j0);
            continue;
        }
        matrix(j->x + offsets[0] * size, j->y + offsets[1] * size, j, j0, j1, size, side, tile);
    }
}

static void tiles_b1(void* arg, int64_t begin, int64_t end, int32_t worker) { tiles(arg, begin, end, 1, 8, tile1); }
static void tiles_b2(void* arg, int64_t begin, int64_t end, int32_t worker) { tiles(arg, begin, end, 2, 8, tile2); }
static void tiles_b4(void* arg, int64_t begin, int64_t end, int32_t worker) { tiles(arg, begin, end, 4, EL_SQUARE, el_transpose_square); }
static void tiles_b8(void* arg, int64_t begin, int64_t end, int32_t worker) { tiles(arg, begin, end, 8, 2, tile8); }

/* ---- runs and steps -------------------------------------------------------------------------------------------- */

/* Short runs are common (pixels, heads): two overlapping fixed-size moves instead of a call. */
static inline void copy_run(char* y, const char* x, size_t bytes) {
    if (bytes > 32) memcpy(y, x, bytes);
    else if (bytes >= 16) {
        v128 a = LOAD16(x), b = LOAD16(x + bytes - 16);
        STORE16(y, a);
        STORE16(y + bytes - 16, b);
    } else if (bytes >= 8) {
        uint64_t a, b;
        memcpy(&a, x, 8), memcpy(&b, x + bytes - 8, 8);
        memcpy(y, &a, 8), memcpy(y + bytes - 8, &b, 8);
    } else if (bytes >= 4) {
        uint32_t a, b;
        memcpy(&a, x, 4), memcpy(&b, x + bytes - 4, 4);
        memcpy(y, &a, 4), memcpy(y + bytes - 4, &b, 4);
    } else
        for (size_t i = 0; i < bytes; i++) y[i] = x[i];
}

static inline __attribute__((always_inline)) void copy_rows(const job* j, const el_nd* nd, int64_t count,
                                                            const int64_t* offsets, int64_t first, int size) {
    int32_t d = nd->rank - 1;
    int64_t step = nd->stride[0][d], cols = nd->dims[d], row_step = d ? nd->stride[0][d - 1] : 0;
    for (int64_t r = 0; r < count; r++) {
        const char* x = j->x + (offsets[0] + r * row_step) * size;
        char* y = j->y + (first + r) * cols * size;
        if (step == 1) copy_run(y, x, (size_t)(cols * size));
        else
            for (int64_t i = 0; i < cols; i++) memcpy(y + i * size, x + i * step * size, (size_t)size);
    }
}

#define ROWS(size)                                                                                                      \
    static void rows_b##size(const void* arg, const el_nd* nd, int64_t count, const int64_t* offsets, int64_t first) {  \
        copy_rows(arg, nd, count, offsets, first, size);                                                                \
    }
ROWS(1)
ROWS(2)
ROWS(4)
ROWS(8)

static void transpose(const el_ctx* ctx, const el_transpose_params* p, void* const* buffers, int64_t size, el_body_fn tile_body,
                      el_nd_rows_fn rows) {
    job j = {.x = buffers[0], .y = buffers[1]};
    int64_t y_stride[EL_MAX_RANK], step = 1;
    for (int32_t d = p->rank - 1; d >= 0; d--) y_stride[d] = step, step *= p->dims[d];
    if (step == 0) return;
    const int64_t* strides[2] = {p->x_stride, y_stride};
    el_nd nd = el_nd_merge(p->rank, p->dims, 2, strides);
    const int32_t last = nd.rank - 1;
    const int64_t grain = EL_ELEMENTS_PER_PIECE * 4 / size; /* 128 KiB */
    int32_t contiguous = last;
    if (nd.stride[0][last] != 1)
        for (int32_t d = 0; d < last; d++)
            if (nd.stride[0][d] == 1) contiguous = d;
    if (contiguous == last) {
        el_nd_job all = {&nd, rows, &j};
        el_parallel(ctx, el_nd_count(&nd, last), grain / nd.dims[last] + 1, el_nd_some_rows, &all);
        return;
    }
    j.rows = nd.dims[contiguous], j.cols = nd.dims[last];
    j.x_step = nd.stride[0][last], j.y_step = nd.stride[1][contiguous];
    j.nd.operands = 2;
    for (int32_t d = 0; d < last; d++) {
        if (d == contiguous) continue;
        j.nd.dims[j.nd.rank] = nd.dims[d];
        for (int32_t k = 0; k < 2; k++) j.nd.stride[k][j.nd.rank] = nd.stride[k][d];
        j.nd.rank++;
    }
    int64_t group = 64 / size, groups = (j.rows + group - 1) / group;
    el_parallel(ctx, el_nd_count(&j.nd, j.nd.rank) * groups, grain / (group * j.cols) + 1, tile_body, &j);
}

EL_KERNEL_SIMD(transpose_b1, el_transpose_params)
void EL_SIMD_NAME(transpose_b1)(const el_ctx* ctx, const void* p, void* const* b) { transpose(ctx, p, b, 1, tiles_b1, rows_b1); }
EL_KERNEL_SIMD(transpose_b2, el_transpose_params)
void EL_SIMD_NAME(transpose_b2)(const el_ctx* ctx, const void* p, void* const* b) { transpose(ctx, p, b, 2, tiles_b2, rows_b2); }
EL_KERNEL_SIMD(transpose_b4, el_transpose_params)
void EL_SIMD_NAME(transpose_b4)(const el_ctx* ctx, const void* p, void* const* b) { transpose(ctx, p, b, 4, tiles_b4, rows_b4); }
EL_KERNEL_SIMD(transpose_b8, el_transpose_params)
void EL_SIMD_NAME(transpose_b8)(const el_ctx* ctx, const void* p, void* const* b) { transpose(ctx, p, b, 8, tiles_b8, rows_b8); }
