/* int16 depthwise convolution: sixteen channels in lanes, four outputs of a line at a time inside of the image, one at its borders. A sum of
 * up to 511 products fits into int32; the binding leaves larger kernels to the reference loops. Weights past the last channel are zero: where
 * x may be read there, lanes of the next pixel do no harm. */
#include "qfinish_s16.h"
#include "qvec.h"

EL_KERNEL_SIMD(qdwconv_s16, el_qconv_params)

#if defined(__aarch64__)
typedef int16x8x2_t dw_weights;
EL_VEC dw_weights load_weights(const int8_t* w) {
    int8x16_t v = vld1q_s8(w);
    return (dw_weights){{vmovl_s8(vget_low_s8(v)), vmovl_high_s8(v)}};
}
EL_VEC q16 add_products(q16 acc, const int16_t* x, dw_weights w) {
    for (int i = 0; i < 2; i++) {
        int16x8_t v = vld1q_s16(x + 8 * i);
        acc.v[2 * i] = vmlal_s16(acc.v[2 * i], vget_low_s16(v), vget_low_s16(w.val[i]));
        acc.v[2 * i + 1] = vmlal_high_s16(acc.v[2 * i + 1], v, w.val[i]);
    }
    return acc;
}
#else
/* VPMADDWD: the upper half of every lane of x is zero, so that it multiplies the lower ones */
typedef q16 dw_weights;
EL_VEC dw_weights load_weights(const int8_t* w) { return q16_load8(w); }
#if defined(__AVX512BW__)
EL_VEC q16 add_products(q16 acc, const int16_t* x, dw_weights w) {
    return (q16){_mm512_add_epi32(acc.v, _mm512_madd_epi16(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)x)), w.v))};
}
#else
EL_VEC q16 add_products(q16 acc, const int16_t* x, dw_weights w) {
    for (int h = 0; h < 2; h++)
        acc.v[h] = _mm256_add_epi32(acc.v[h], _mm256_madd_epi16(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)(x + 8 * h))), w.v[h]));
    return acc;
}
#endif
#endif

/* What meets the kernel: `rows` by `columns` of it, and how far apart elements of x lie; next: from one output to the next. */
typedef struct dw_window {
    const int16_t* x;
    const int8_t* w;
    int64_t row, column, next, w_row;
    int32_t rows, columns, lanes;
} dw_window;

/* PART: nothing past the lanes is read. */
EL_VEC void sum_window(const dw_window* v, int32_t* sums, const int OUTPUTS, const int PART) {
    q16 acc[4] = {q16_set(0), q16_set(0), q16_set(0), q16_set(0)};
    for (int32_t r = 0; r < v->rows; r++) {
        const int16_t* x = v->x + r * v->row;
        const int8_t* w = v->w + r * v->w_row;
        for (int32_t c = 0; c < v->columns; c++, x += v->column, w += 16) {
            const dw_weights k = load_weights(w);
            int16_t part[16] = {0};
            if (PART) memcpy(part, x, (size_t)v->lanes * 2);
            for (int i = 0; i < OUTPUTS; i++) acc[i] = add_products(acc[i], PART ? part : x + i * v->next, k);
        }
    }
    for (int i = 0; i < OUTPUTS; i++) q16_store(sums + 16 * i, acc[i]);
}
static __attribute__((noinline)) void sum_four(const dw_window* v, int32_t* sums) { sum_window(v, sums, 4, 0); }
static __attribute__((noinline)) void sum_one(const dw_window* v, int32_t* sums) { sum_window(v, sums, 1, 0); }
static __attribute__((noinline)) void sum_part(const dw_window* v, int32_t* sums) { sum_window(v, sums, 1, 1); }

typedef struct dw_job {
    const el_qconv_params* p;
    void* const* buffers;
} dw_job;

/* Indices of a kernel's axis that meet [0, size) from position `at` on. */
EL_VEC void inside(int64_t at, int32_t dilation, int32_t kernel, int32_t size, int32_t* first, int32_t* count) {
    int32_t a = 0, b = kernel;
    while (a < b && at + (int64_t)a * dilation < 0) a++;
    while (b > a && at + (int64_t)(b - 1) * dilation >= size) b--;
    *first = a, *count = b - a;
}

/* `count` outputs of channels c to c + lanes - 1 */
EL_VEC void store(const dw_job* job, const el_qend16* end, int exact, const int32_t* sums, int32_t count, int32_t c, int32_t lanes, int16_t* y) {
    const el_qconv_params* p = job->p;
    for (int32_t i = 0; i < count; i++, sums += 16, y += p->c) {
        int16_t part[16];
        if (!exact) {
            const int64_t* bias = job->buffers[2];
            const int32_t *multiplier = job->buffers[4], *shift = job->buffers[5];
            for (int32_t j = 0; j < lanes; j++) {
                uint64_t sum = (uint64_t)(int64_t)sums[j] + (uint64_t)(bias ? bias[c + j] : 0);
                y[j] = el_finish_s16(sum, multiplier[c + j], shift[c + j], p->y_zero, p->y_min, p->y_max);
            }
        } else {
            el_qend16_store(end, NULL, sums, p->y_zero, p->y_min, p->y_max, lanes < 16 ? part : y);
            if (lanes < 16) memcpy(y, part, (size_t)lanes * 2);
        }
    }
}

static void lines(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const dw_job* job = arg;
    const el_qconv_params* p = job->p;
    const int16_t *x = job->buffers[0], *x_end = x + (int64_t)p->n * p->h * p->w * p->c;
    const int64_t *bias = job->buffers[2], taps = (int64_t)p->kh * p->kw;
    const int32_t *multiplier = job->buffers[4], *shift = job->buffers[5];
    for (int32_t c = 0; c < p->c; c += 16) {
        const int8_t* weights = (const int8_t*)job->buffers[1] + c / 16 * taps * 16;
        const int32_t lanes = p->c - c < 16 ? p->c - c : 16;
        el_qend16 ending;
        const int exact = el_qend16_fill(&ending, lanes, taps, bias ? bias + c : NULL, NULL, multiplier + c, shift + c);
        for (int64_t line = begin; line < end; line++) {
            const int64_t n = line / p->oh, iy = line % p->oh * p->stride_h - p->pad_top;
            int16_t* y = (int16_t*)job->buffers[6] + line * p->ow * p->c + c;
            int32_t ky, kx;
            dw_window v = {.row = (int64_t)p->dilation_h * p->w * p->c, .column = (int64_t)p->dilation_w * p->c, .next = (int64_t)p->stride_w * p->c,
                           .w_row = (int64_t)p->kw * 16, .lanes = lanes};
            inside(iy, p->dilation_h, p->kh, p->h, &ky, &v.rows);
            for (int64_t ox = 0; ox < p->ow;) {
                const int64_t ix = ox * p->stride_w - p->pad_left;
                const int32_t count = ix >= 0 && ox + 4 <= p->ow && ix + 3 * (int64_t)p->stride_w + (int64_t)(p->kw - 1) * p->dilation_w < p->w ? 4 : 1;
                _Alignas(64) int32_t sums[4 * 16];
                inside(ix, p->dilation_w, p->kw, p->w, &kx, &v.columns);
                if (v.rows == 0) v.columns = 0;
                v.x = x, v.w = weights + (ky * p->kw + kx) * 16;
                int64_t rest = 16; /* elements from the last that are multiplied on */
                if (v.columns > 0) {
                    v.x += ((n * p->h + iy + (int64_t)ky * p->dilation_h) * p->w + ix + (int64_t)kx * p->dilation_w) * p->c + c;
                    rest = x_end - v.x - (v.rows - 1) * v.row - (v.columns - 1) * v.column - (count - 1) * v.next;
                }
                if (rest >= 16) (count == 4 ? sum_four : sum_one)(&v, sums);
                else sum_part(&v, sums);
                const int32_t done = rest >= 16 ? count : 1;
                store(job, &ending, exact, sums, done, c, lanes, y + ox * p->c);
                ox += done;
            }
        }
    }
}

void EL_SIMD_NAME(qdwconv_s16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    dw_job job = {params, buffers};
    int64_t macs = (int64_t)job.p->ow * job.p->c * job.p->kh * job.p->kw;
    el_parallel(ctx, (int64_t)job.p->n * job.p->oh, 100000 / (macs + 1) + 1, lines, &job);
}
