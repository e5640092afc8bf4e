/* int8 pooling. The window is cut to the input first. Average: 16 channels in lanes, the last ones partially. Maximum: as many
 * bytes in a vector as the channels fill; the last vector of a pixel ends at its last channel and overlaps the one before.
 * Whole windows of 2x2 and 3x3, two pixels apart, are taken line by line: a column's maximum serves the two windows that share it.
 * The quotient of the average is a float division, exact while |sum| + count/2 < 2^24: windows up to 100,000 positions;
 * larger ones are divided lane by lane in integers. */
#include "el_quant.h"
#include "qvec.h"

EL_KERNEL_SIMD(qavg_pool_s8, el_qpool_params)
EL_KERNEL_SIMD(max_pool_s8, el_qpool_params)

typedef struct pool_args {
    const el_qpool_params* p;
    const int8_t* x;
    int8_t* y;
} pool_args;

EL_VEC q16 divide(q16 sum, int32_t count) {
    if (count == 0) return q16_set(0);
    if (count <= 100000) return q16_divide_round(sum, count);
    int32_t lane[16];
    q16_store(lane, sum);
    for (int i = 0; i < 16; i++) lane[i] = lane[i] > 0 ? (lane[i] + count / 2) / count : (lane[i] - count / 2) / count;
    return q16_load(lane);
}

EL_VEC q16 window(const pool_args* a, const int8_t* x, int32_t h, int32_t w, int64_t lanes) {
    const el_qpool_params* p = a->p;
    q16 acc = q16_set(0);
    for (int32_t ky = 0; ky < h; ky++, x += (int64_t)p->w * p->c)
        for (int32_t kx = 0; kx < w; kx++)
            acc = q16_add(acc, q16_load8_part(x + (int64_t)kx * p->c, lanes));
    return divide(acc, h > 0 && w > 0 ? h * w : 0);
}

static void rows(const pool_args* a, int64_t begin, int64_t end) {
    const el_qpool_params* p = a->p;
    for (int64_t row = begin; row < end; row++) {
        int64_t n = row / p->oh;
        int32_t y0 = (int32_t)(row % p->oh) * p->stride_h - p->pad_top, y1 = y0 + p->kh < p->h ? y0 + p->kh : p->h;
        if (y0 < 0) y0 = 0;
        for (int32_t ox = 0; ox < p->ow; ox++) {
            int32_t x0 = ox * p->stride_w - p->pad_left, x1 = x0 + p->kw < p->w ? x0 + p->kw : p->w;
            if (x0 < 0) x0 = 0;
            const int8_t* x = a->x + ((n * p->h + y0) * p->w + x0) * p->c;
            int8_t* y = a->y + (row * p->ow + ox) * p->c;
            int32_t c = 0;
            for (; c + 16 <= p->c; c += 16)
                q16_store8(y + c, q16_clamp(window(a, x + c, y1 - y0, x1 - x0, 16), 0, p->y_min, p->y_max));
            if (c < p->c)
                q16_store8_part(y + c, q16_clamp(window(a, x + c, y1 - y0, x1 - x0, p->c - c), 0, p->y_min, p->y_max), p->c - c);
        }
    }
}

static void average_rows(void* a, int64_t begin, int64_t end, int32_t worker) { rows(a, begin, end); }

/* One pixel: y[c] = clamp(max over a window of h x w, rows `line` bytes and pixels c bytes apart); c >= bytes of the vector */
#define EL_MAX_PIXEL(name, vector, load, store, set, max, min)                                                        \
    EL_VEC void name(const int8_t* x, int64_t line, int32_t h, int32_t w, int32_t c, int8_t* y, int8_t lo, int8_t hi) { \
        const int32_t step = (int32_t)sizeof(vector);                                                                 \
        for (int32_t i = 0; i < c; i += step) {                                                                       \
            int32_t at = i + step <= c ? i : c - step;                                                                \
            vector m = set(lo);                                                                                       \
            const int8_t* row = x + at;                                                                               \
            for (int32_t ky = 0; ky < h; ky++, row += line)                                                           \
                for (int32_t kx = 0; kx < w; kx++) m = max(m, load(row + (int64_t)kx * c));                           \
            store(y + at, min(m, set(hi)));                                                                           \
        }                                                                                                             \
    }

/* `count` pixels side by side from windows of K x K inside the input, two pixels apart; c >= bytes of the vector */
#define EL_MAX_LINE(name, vector, load, store, set, max, min)                                                         \
    EL_VEC vector name##_column(const int8_t* x, int64_t line, const int K) {                                         \
        vector m = max(load(x), load(x + line));                                                                      \
        return K == 3 ? max(m, load(x + 2 * line)) : m;                                                               \
    }                                                                                                                 \
    EL_VEC void name(const int8_t* x, int64_t line, int32_t count, int64_t c, int8_t* y, int8_t lo, int8_t hi, const int K) { \
        const int64_t step = (int64_t)sizeof(vector);                                                                 \
        for (int64_t i = 0; i < c; i += step) {                                                                       \
            const int64_t at = i + step <= c ? i : c - step;                                                          \
            const int8_t* from = x + at;                                                                              \
            vector first = name##_column(from, line, K);                                                              \
            for (int32_t ox = 0; ox < count; ox++, from += 2 * c) {                                                   \
                if (K == 2 && ox > 0) first = name##_column(from, line, K);                                           \
                vector m = max(first, name##_column(from + c, line, K));                                              \
                if (K == 3) m = max(m, first = name##_column(from + 2 * c, line, K));                                 \
                store(y + ox * c + at, min(max(m, set(lo)), set(hi)));                                                \
            }                                                                                                         \
        }                                                                                                             \
    }

EL_VEC int8_t one_load(const int8_t* p) { return *p; }
EL_VEC void one_store(int8_t* p, int8_t v) { *p = v; }
EL_VEC int8_t one_set(int8_t v) { return v; }
EL_VEC int8_t one_max(int8_t a, int8_t b) { return a > b ? a : b; }
EL_VEC int8_t one_min(int8_t a, int8_t b) { return a < b ? a : b; }
EL_MAX_PIXEL(max_1, int8_t, one_load, one_store, one_set, one_max, one_min)

#if defined(__aarch64__)
EL_MAX_PIXEL(max_8, int8x8_t, vld1_s8, vst1_s8, vdup_n_s8, vmax_s8, vmin_s8)
EL_MAX_PIXEL(max_16, int8x16_t, vld1q_s8, vst1q_s8, vdupq_n_s8, vmaxq_s8, vminq_s8)
EL_MAX_LINE(max_line, int8x16_t, vld1q_s8, vst1q_s8, vdupq_n_s8, vmaxq_s8, vminq_s8)
#define EL_MAX_WIDE max_16
#define EL_MAX_WIDE_BYTES 16
#else
EL_VEC __m128i load_16(const int8_t* p) { return _mm_loadu_si128((const __m128i*)p); }
EL_VEC void store_16(int8_t* p, __m128i v) { _mm_storeu_si128((__m128i*)p, v); }
EL_VEC __m256i load_32(const int8_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
EL_VEC void store_32(int8_t* p, __m256i v) { _mm256_storeu_si256((__m256i*)p, v); }
EL_MAX_PIXEL(max_16, __m128i, load_16, store_16, _mm_set1_epi8, _mm_max_epi8, _mm_min_epi8)
EL_MAX_PIXEL(max_32, __m256i, load_32, store_32, _mm256_set1_epi8, _mm256_max_epi8, _mm256_min_epi8)
#if defined(__AVX512BW__)
EL_MAX_PIXEL(max_64, __m512i, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi8, _mm512_max_epi8, _mm512_min_epi8)
EL_MAX_LINE(max_line, __m512i, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi8, _mm512_max_epi8, _mm512_min_epi8)
#define EL_MAX_WIDE max_64
#define EL_MAX_WIDE_BYTES 64
#else
EL_MAX_LINE(max_line, __m256i, load_32, store_32, _mm256_set1_epi8, _mm256_max_epi8, _mm256_min_epi8)
#define EL_MAX_WIDE max_32
#define EL_MAX_WIDE_BYTES 32
#endif
#endif

static void maximum_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const pool_args* a = arg;
    const el_qpool_params* p = a->p;
    const int64_t line = (int64_t)p->w * p->c;
    const int32_t c = p->c;
    const int8_t lo = (int8_t)p->y_min, hi = (int8_t)p->y_max;
    /* outputs whose windows are inside of a line, where windows are of a size for max_line */
    const int small = p->kw == p->kh && p->stride_w == 2 && (p->kw == 2 || p->kw == 3) && c >= EL_MAX_WIDE_BYTES;
    const int32_t inside = (p->pad_left + 1) / 2, past = p->w + p->pad_left < p->kw ? 0 : (p->w + p->pad_left - p->kw) / 2 + 1;
    const int32_t whole = small ? (past < p->ow ? past : p->ow) - inside : 0;
    for (int64_t row = begin; row < end; row++) {
        int64_t n = row / p->oh;
        int32_t y0 = (int32_t)(row % p->oh) * p->stride_h - p->pad_top, y1 = y0 + p->kh < p->h ? y0 + p->kh : p->h;
        if (y0 < 0) y0 = 0;
        int32_t h = y1 > y0 ? y1 - y0 : 0;
        const int8_t* lines = a->x + (n * p->h + (h ? y0 : 0)) * line;
        int8_t* y = a->y + row * p->ow * c;
        for (int32_t ox = 0; ox < p->ow; ox++, y += c) {
            int32_t x0 = ox * p->stride_w - p->pad_left, x1 = x0 + p->kw < p->w ? x0 + p->kw : p->w;
            if (x0 < 0) x0 = 0;
            int32_t w = x1 - x0;
            const int8_t* x = lines + (w > 0 ? (int64_t)x0 * c : 0);
            if (ox == inside && whole > 0 && h == p->kh) {
                if (h == 3) max_line(x, line, whole, c, y, lo, hi, 3);
                else max_line(x, line, whole, c, y, lo, hi, 2);
                ox += whole - 1, y += (int64_t)(whole - 1) * c;
            } else if (c >= EL_MAX_WIDE_BYTES) EL_MAX_WIDE(x, line, h, w, c, y, lo, hi);
#if defined(__aarch64__)
            else if (c >= 8) max_8(x, line, h, w, c, y, lo, hi);
#else
#if defined(__AVX512BW__)
            else if (c >= 32) max_32(x, line, h, w, c, y, lo, hi);
#endif
            else if (c >= 16) max_16(x, line, h, w, c, y, lo, hi);
#endif
            else max_1(x, line, h, w, c, y, lo, hi);
        }
    }
}

static void run(const el_ctx* ctx, const el_qpool_params* p, void* const* buffers, el_body_fn body) {
    pool_args a = {p, buffers[0], buffers[1]};
    int64_t work = (int64_t)p->ow * p->c * p->kh * p->kw;
    el_parallel(ctx, (int64_t)p->n * p->oh, 100000 / (work + 1) + 1, body, &a);
}

void EL_SIMD_NAME(qavg_pool_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, average_rows); }
void EL_SIMD_NAME(max_pool_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, maximum_rows); }
