/* Depthwise convolution over vectors of EL_VF channels, in one of two orders.
 * Many channels, 3x3 or 5x5: seven or four neighbouring outputs over all channels; where their windows cross a border, from a table of
 * the pixels that they see, in which a pixel outside is a row of zeros. Memory is read in order, which counts more than reading weights again.
 * Otherwise, for one vector of channels a run of T neighbouring outputs is computed
 * at once: every input column is loaded once and serves all outputs of the run that see it (stride 1, width 3: 6 loads a
 * kernel row for 12 multiply-adds). The 3x3 kernel keeps its nine weights in registers along the row. Outputs whose window
 * crosses the left or right border, and kernel sizes other than 3 and 5, go one at a time over the taps that are inside.
 * The channels past the last full vector take the same path with loads and stores of fewer lanes. */
#include "el_nn.h"
#include "el_vmath.h"

EL_KERNEL_SIMD(dwconv_f32, el_conv_params)

#define INLINE static inline __attribute__((always_inline))
#define PARALLEL_FMAS (1 << 17)
#define MOST_OUTPUTS (EL_VF == 8 ? 4 : 7) /* at once: what the registers hold beside the weights */
/* Measured: with 16 lanes a long row keeps the weights in registers for longer than reading pixels in order gains. */
#define MANY_CHANNELS 32
#define LONGEST_ROW (EL_VF == 16 ? 40 : INT32_MAX)
#define NEAR_BYTES (32 << 10)  /* rows of a window over a block of channels: stay in the first-level cache */
/* Measured: fewer channels cost more, for their tables of pixels, than the cache gains. */
#define LEAST_BLOCK(p) (EL_VF == 16 ? ((p)->kw == 5 && (p)->c >= 192 ? 64 : 128) : (p)->kw == 3 ? 128 : INT32_MAX)
#define BAND_BYTES (256 << 10) /* input of a band of rows: stays in the second-level cache over all channels */

typedef struct dwconv_task {
    const el_conv_params* p;
    const float *x, *w, *bias, *residual, *slope;
    float* y;
    const float* zero;   /* c zeros */
    int32_t first, last; /* outputs [first, last) of a row have their window inside horizontally */
} dwconv_task;

/* One row of outputs for the channels [c, c + lanes). */
typedef struct dwconv_row {
    const float* x;        /* first input row of the window, column of output 0 (may lie before the buffer: never read there) */
    const float* w;        /* weights of these channels, EL_PANEL floats between taps */
    const float* residual; /* or NULL */
    float* y;
    int64_t line, c;       /* floats between kernel rows (dilated) and between pixels */
    int32_t ky0, ky1;      /* kernel rows inside the input */
    int64_t lanes;
    el_vf start, lo, hi;
} dwconv_row;

INLINE el_vf load(const float* from, int64_t lanes, const int full) { return full ? el_vload(from) : el_vload_n(from, lanes); }

INLINE void finish(const dwconv_row* r, int64_t ox, el_vf sum, const int full) {
    if (r->residual) sum = el_vadd(sum, load(r->residual + ox * r->c, r->lanes, full));
    sum = el_vclamp(sum, r->lo, r->hi);
    if (full) el_vstore(r->y + ox * r->c, sum);
    else el_vstore_n(r->y + ox * r->c, sum, r->lanes);
}

/* T outputs from ox on, KW taps wide, stride S, dilation 1. w3: the nine weights of a 3x3 kernel whose rows are all inside. */
INLINE void run(const dwconv_row* r, int64_t ox, const int T, const int KW, const int S, const int full, const el_vf* w3) {
    el_vf acc[MOST_OUTPUTS];
#pragma GCC unroll 7
    for (int t = 0; t < T; t++) acc[t] = r->start;
    if (w3) {
#pragma GCC unroll 3
        for (int ky = 0; ky < 3; ky++) {
            const float* x = r->x + ky * r->line + ox * S * r->c;
#pragma GCC unroll 17
            for (int i = 0; i < (T - 1) * S + 3; i++) {
                el_vf v = load(x + i * r->c, r->lanes, full);
                EL_VKEEP(v);
#pragma GCC unroll 7
                for (int t = 0; t < T; t++)
                    if (i - t * S >= 0 && i - t * S < 3) acc[t] = el_vfma(v, w3[ky * 3 + i - t * S], acc[t]);
            }
        }
    } else {
        for (int32_t ky = r->ky0; ky < r->ky1; ky++) {
            const float *x = r->x + ky * r->line + ox * S * r->c, *w = r->w + (int64_t)ky * KW * EL_PANEL;
            el_vf wv[5];
#pragma GCC unroll 5
            for (int k = 0; k < KW; k++) wv[k] = el_vload(w + k * EL_PANEL);
#pragma GCC unroll 17
            for (int i = 0; i < (T - 1) * S + KW; i++) {
                el_vf v = load(x + i * r->c, r->lanes, full);
                EL_VKEEP(v);
#pragma GCC unroll 7
                for (int t = 0; t < T; t++)
                    if (i - t * S >= 0 && i - t * S < KW) acc[t] = el_vfma(v, wv[i - t * S], acc[t]);
            }
        }
    }
#pragma GCC unroll 7
    for (int t = 0; t < T; t++) finish(r, ox + t, acc[t], full);
}

INLINE void inner(const dwconv_row* r, int64_t first, int64_t last, const int KW, const int S, const int full, const el_vf* w3) {
    int64_t ox = first;
    if (w3 && S == 1 && full && MOST_OUTPUTS == 7)
        for (; ox + 7 <= last; ox += 7) run(r, ox, 7, KW, S, full, w3);
    for (; ox + 4 <= last; ox += 4) run(r, ox, 4, KW, S, full, w3);
    if (ox + 2 <= last) {
        run(r, ox, 2, KW, S, full, w3);
        ox += 2;
    }
    if (ox < last) run(r, ox, 1, KW, S, full, w3);
}

#define INNER(KW, S)                                                                                                   \
    static __attribute__((noinline)) void inner_##KW##_##S(const dwconv_row* row, int64_t first, int64_t last, int full) { \
        const dwconv_row r = *row; /* a copy that no store can change */                                               \
        if (full) inner(&r, first, last, KW, S, 1, NULL);                                                              \
        else inner(&r, first, last, KW, S, 0, NULL);                                                                   \
    }
#define INNER_3X3(S)                                                                                                   \
    static __attribute__((noinline)) void inner_3x3_##S(const dwconv_row* row, int64_t first, int64_t last, int full) { \
        const dwconv_row r = *row;                                                                                     \
        el_vf w[9];                                                                                                    \
        _Pragma("GCC unroll 9") for (int k = 0; k < 9; k++) w[k] = el_vload(r.w + k * EL_PANEL);                       \
        if (full) inner(&r, first, last, 3, S, 1, w);                                                                  \
        else inner(&r, first, last, 3, S, 0, w);                                                                       \
    }
INNER(3, 1) INNER(3, 2) INNER(5, 1) INNER(5, 2) INNER_3X3(1) INNER_3X3(2)

/* One output over the taps [kx0, kx1) of the rows inside; x at column 0 of the window. */
INLINE void one(const el_conv_params* p, const dwconv_row* r, int64_t ox, int32_t kx0, int32_t kx1, const int full) {
    el_vf a = r->start, b = el_vzero();
    const float* x = r->x + ox * p->stride_w * r->c;
    int64_t step = p->dilation_w * r->c;
    for (int32_t ky = r->ky0; ky < r->ky1; ky++) {
        const float *row = x + ky * r->line, *w = r->w + (int64_t)ky * p->kw * EL_PANEL;
        int32_t kx = kx0;
        for (; kx + 2 <= kx1; kx += 2) {
            a = el_vfma(load(row + kx * step, r->lanes, full), el_vload(w + kx * EL_PANEL), a);
            b = el_vfma(load(row + (kx + 1) * step, r->lanes, full), el_vload(w + (kx + 1) * EL_PANEL), b);
        }
        if (kx < kx1) a = el_vfma(load(row + kx * step, r->lanes, full), el_vload(w + kx * EL_PANEL), a);
    }
    finish(r, ox, el_vadd(a, b), full);
}

static void outer(const el_conv_params* p, const dwconv_row* row, int64_t begin, int64_t end, int full) {
    const dwconv_row r = *row;
    for (int64_t ox = begin; ox < end; ox++) {
        int64_t ix0 = ox * p->stride_w - p->pad_left;
        int32_t kx0 = 0, kx1 = p->kw;
        while (kx0 < kx1 && ix0 + kx0 * p->dilation_w < 0) kx0++;
        while (kx1 > kx0 && ix0 + (kx1 - 1) * p->dilation_w >= p->w) kx1--;
        if (full) one(p, &r, ox, kx0, kx1, 1);
        else one(p, &r, ox, kx0, kx1, 0);
    }
}

INLINE void activate_each(const el_act act, float* y, int64_t step, int64_t count, const float* slope, int64_t lanes) {
    el_vf s = act.kind == EL_ACT_PRELU ? el_vload_n(slope, lanes) : el_vzero();
    if (lanes == EL_VF && act.kind != EL_ACT_PRELU) { /* whole vectors: no masks */
        for (int64_t i = 0; i < count; i++, y += step) el_vstore(y, el_vact(act, el_vload(y)));
        return;
    }
    for (int64_t i = 0; i < count; i++, y += step) {
        el_vf v = el_vload_n(y, lanes);
        el_vstore_n(y, act.kind == EL_ACT_PRELU ? el_vprelu(v, s) : el_vact(act, v), lanes);
    }
}

/* The common activations have loops of their own, whose constants stay in registers. */
static __attribute__((noinline)) void activate(el_act act, float* y, int64_t step, int64_t count, const float* slope, int64_t lanes) {
    switch (act.kind) {
    case EL_ACT_HARD_SWISH: activate_each((el_act){EL_ACT_HARD_SWISH, 0, 0}, y, step, count, slope, lanes); break;
    case EL_ACT_SILU: activate_each((el_act){EL_ACT_SILU, 0, 0}, y, step, count, slope, lanes); break;
    default: activate_each(act, y, step, count, slope, lanes);
    }
}

/* Output rows [oy0, oy1) of one image. */
static void band(const dwconv_task* t, int64_t image, int64_t oy0, int64_t oy1) {
    const el_conv_params* p = t->p;
    int64_t c = p->c, taps = (int64_t)p->kh * p->kw, line = (int64_t)p->w * c;
    int clamps = p->act.kind == EL_ACT_NONE || p->act.kind == EL_ACT_CLAMP;
    int runs = p->dilation_w == 1 && p->stride_h == p->stride_w && (p->stride_w == 1 || p->stride_w == 2) && (p->kw == 3 || p->kw == 5);
    dwconv_row r = {.line = p->dilation_h * line, .c = c};
    r.lo = el_vset1(p->act.kind == EL_ACT_CLAMP ? p->act.a : -INFINITY);
    r.hi = el_vset1(p->act.kind == EL_ACT_CLAMP ? p->act.b : INFINITY);
    for (int64_t ch = 0; ch < c; ch += EL_VF) {
        r.lanes = c - ch < EL_VF ? c - ch : EL_VF;
        int full = r.lanes == EL_VF;
        r.w = t->w + ch / EL_PANEL * taps * EL_PANEL + ch % EL_PANEL;
        r.start = t->bias ? el_vload_n(t->bias + ch, r.lanes) : el_vzero();
        for (int64_t oy = oy0; oy < oy1; oy++) {
            int64_t iy0 = oy * p->stride_h - p->pad_top, at = (image * p->oh + oy) * p->ow * c + ch;
            r.ky0 = 0, r.ky1 = p->kh;
            while (r.ky0 < r.ky1 && iy0 + r.ky0 * p->dilation_h < 0) r.ky0++;
            while (r.ky1 > r.ky0 && iy0 + (r.ky1 - 1) * p->dilation_h >= p->h) r.ky1--;
            r.x = t->x + (image * p->h + iy0) * line - p->pad_left * c + ch;
            r.y = t->y + at;
            r.residual = t->residual ? t->residual + at : NULL;
            int64_t first = runs ? t->first : 0, last = runs ? t->last : 0;
            outer(p, &r, 0, first, full);
            if (first < last) {
                int whole = p->kh == 3 && p->kw == 3 && r.ky0 == 0 && r.ky1 == 3;
                if (p->stride_w == 1) (whole ? inner_3x3_1 : p->kw == 3 ? inner_3_1 : inner_5_1)(&r, first, last, full);
                else (whole ? inner_3x3_2 : p->kw == 3 ? inner_3_2 : inner_5_2)(&r, first, last, full);
            }
            outer(p, &r, last, p->ow, full);
            if (!clamps) activate(p->act, r.y, c, p->ow, t->slope ? t->slope + ch : NULL, r.lanes);
        }
    }
}

/* T outputs side by side, K x K taps, stride S, over the channels [c0, c1). Column i of kernel row ky lies at row[ky] + i * c where all
 * are `inside`, otherwise at pixel[ky * ((T-1)*S + K) + i]. */
INLINE void group(const dwconv_task* t, const float* const* row, const float* const* pixel, const float* residual, float* y, int64_t c0, int64_t c1, const int T, const int K, const int S,
                  const int inside) {
    const el_conv_params* p = t->p;
    const int columns = (T - 1) * S + K;
    const int64_t c = p->c;
    const float *w = t->w, *bias = t->bias;
    const el_vf lo = el_vset1(p->act.kind == EL_ACT_CLAMP ? p->act.a : -INFINITY), hi = el_vset1(p->act.kind == EL_ACT_CLAMP ? p->act.b : INFINITY);
    const float* at[55];
    if (inside)
        for (int i = 0; i < K; i++) at[i] = row[i];
    else
        for (int i = 0; i < K * columns; i++) at[i] = pixel[i];
    for (int64_t ch = c0; ch < c1; ch += EL_VF) {
        const int64_t lanes = c1 - ch < EL_VF ? c1 - ch : EL_VF;
        const int full = lanes == EL_VF;
        const float* taps = w + ch / EL_PANEL * K * K * EL_PANEL + ch % EL_PANEL;
        el_vf acc[MOST_OUTPUTS];
        acc[0] = bias ? (full ? el_vload(bias + ch) : el_vload_n(bias + ch, lanes)) : el_vzero();
#pragma GCC unroll 7
        for (int o = 1; o < T; o++) acc[o] = acc[0];
        if (full) {
#pragma GCC unroll 5
            for (int ky = 0; ky < K; ky++) {
                el_vf wv[5];
#pragma GCC unroll 5
                for (int kx = 0; kx < K; kx++) {
                    wv[kx] = el_vload(taps + (ky * K + kx) * EL_PANEL);
                    EL_VKEEP(wv[kx]);
                }
#pragma GCC unroll 17
                for (int i = 0; i < columns; i++) {
                    el_vf v = el_vload((inside ? at[ky] + i * c : at[ky * columns + i]) + ch);
                    EL_VKEEP(v);
#pragma GCC unroll 7
                    for (int o = 0; o < T; o++)
                        if (i - o * S >= 0 && i - o * S < K) acc[o] = el_vfma(v, wv[i - o * S], acc[o]);
                }
            }
        } else {
            for (int ky = 0; ky < K; ky++)
                for (int kx = 0; kx < K; kx++) {
                    el_vf v = el_vload(taps + (ky * K + kx) * EL_PANEL);
#pragma GCC unroll 7
                    for (int o = 0; o < T; o++)
                        acc[o] = el_vfma(el_vload_n((inside ? at[ky] + (kx + o * S) * c : at[ky * columns + kx + o * S]) + ch, lanes), v, acc[o]);
                }
        }
#pragma GCC unroll 7
        for (int o = 0; o < T; o++) {
            if (residual) acc[o] = el_vadd(acc[o], full ? el_vload(residual + o * c + ch) : el_vload_n(residual + o * c + ch, lanes));
            acc[o] = el_vclamp(acc[o], lo, hi);
            if (full) el_vstore(y + o * c + ch, acc[o]);
            else el_vstore_n(y + o * c + ch, acc[o], lanes);
        }
    }
}

typedef void (*group_fn)(const dwconv_task* t, const float* const* row, const float* const* pixel, const float* residual, float* y, int64_t c0, int64_t c1);
#define GROUP(T, K, S)                                                                                                                   \
    static void group_##T##_##K##_##S(const dwconv_task* t, const float* const* row, const float* const* pixel, const float* residual,   \
                                      float* y, int64_t c0, int64_t c1) {                                                                \
        if (T == 7 || pixel) group(t, row, pixel, residual, y, c0, c1, T, K, S, 0);                                                      \
        else group(t, row, pixel, residual, y, c0, c1, T, K, S, 1);                                                                      \
    }
GROUP(4, 3, 1) GROUP(1, 3, 1) GROUP(4, 3, 2) GROUP(1, 3, 2) GROUP(4, 5, 1) GROUP(1, 5, 1) GROUP(4, 5, 2) GROUP(1, 5, 2)
#if EL_VF != 8
GROUP(7, 3, 1) GROUP(7, 5, 1)
#else
#define group_7_3_1 NULL
#define group_7_5_1 NULL
#endif
/* By kernel size (3, 5), stride (1, 2) and outputs (1, 4, 7). */
static const group_fn groups[2][2][3] = {{{group_1_3_1, group_4_3_1, group_7_3_1}, {group_1_3_2, group_4_3_2, NULL}},
                                         {{group_1_5_1, group_4_5_1, group_7_5_1}, {group_1_5_2, group_4_5_2, NULL}}};

/* One row of outputs over the channels [c0, c1). */
static void pixels(const dwconv_task* t, int64_t image, int64_t oy, int64_t c0, int64_t c1) {
    const el_conv_params* p = t->p;
    const int K = p->kw, S = p->stride_w;
    const int64_t c = p->c, line = (int64_t)p->w * c, iy0 = oy * S - p->pad_top, at = (image * p->oh + oy) * p->ow * c;
    const float* x = t->x + image * p->h * line;
    const float* pixel[55];
    const int seven = MOST_OUTPUTS == 7 && S == 1 && p->ow % 7 == 0;
    for (int64_t ox = 0; ox < p->ow;) {
        /* The last group reaches back over outputs that are done, where doing them again changes nothing. */
        if (!seven && ox + 4 > p->ow && p->ow >= 4 && !t->residual) ox = p->ow - 4;
        const int T = seven ? 7 : ox + 4 <= p->ow ? 4 : 1, columns = (T - 1) * S + K;
        const int64_t ix0 = ox * S - p->pad_left;
        /* seven gain nothing from rows instead of a table */
        const int by_row = !seven && iy0 >= 0 && iy0 + K <= p->h && ix0 >= 0 && ix0 + columns <= p->w;
        const float* rows[5];
        for (int ky = 0; ky < K; ky++) {
            int64_t iy = iy0 + ky, ix = ix0;
            rows[ky] = x + iy * line + ix * c;
            if (by_row) continue;
            for (int i = 0; i < columns; i++, ix++)
                pixel[ky * columns + i] = iy >= 0 && iy < p->h && ix >= 0 && ix < p->w ? x + iy * line + ix * c : t->zero;
        }
        const float* residual = t->residual ? t->residual + at + ox * c : NULL;
        float* y = t->y + at + ox * c;
        groups[K == 5][S - 1][T == 7 ? 2 : T == 4](t, rows, by_row ? NULL : pixel, residual, y, c0, c1);
        ox += T;
    }
    if (p->act.kind == EL_ACT_NONE || p->act.kind == EL_ACT_CLAMP) return;
    if (p->act.kind == EL_ACT_PRELU || c1 - c0 < c) {
        for (int64_t ch = c0; ch < c1; ch += EL_VF)
            activate(p->act, t->y + at + ch, c, p->ow, t->slope ? t->slope + ch : NULL, c1 - ch < EL_VF ? c1 - ch : EL_VF);
        return;
    }
    const int64_t count = p->ow * c, whole = count / EL_VF;
    activate(p->act, t->y + at, EL_VF, whole, NULL, EL_VF);
    if (whole * EL_VF < count) activate(p->act, t->y + at + whole * EL_VF, EL_VF, 1, NULL, count - whole * EL_VF);
}

/* As many channels at a time as let the rows of a window stay in the first-level cache until the next row has used them. */
static void pixel_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const dwconv_task* t = arg;
    const el_conv_params* p = t->p;
    int64_t fit = NEAR_BYTES / ((int64_t)p->w * p->kh * 4) / 64 * 64;
    if (fit < 64) fit = 64;
    if (fit < LEAST_BLOCK(p)) fit = p->c;
    const int64_t blocks = (p->c + fit - 1) / fit, block = (p->c + 16 * blocks - 1) / (16 * blocks) * 16;
    for (int64_t c0 = 0; c0 < p->c; c0 += block)
        for (int64_t row = begin; row < end; row++) pixels(t, row / p->oh, row % p->oh, c0, c0 + block < p->c ? c0 + block : p->c);
}

static void body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const dwconv_task* t = arg;
    const el_conv_params* p = t->p;
    int64_t rows = BAND_BYTES / ((int64_t)p->w * p->c * 4 * p->stride_h + 1);
    if (rows < 1) rows = 1;
    while (begin < end) {
        int64_t image = begin / p->oh, oy = begin % p->oh, stop = oy + rows;
        if (stop > p->oh) stop = p->oh;
        if (stop - oy > end - begin) stop = oy + end - begin;
        band(t, image, oy, stop);
        begin += stop - oy;
    }
}

void EL_SIMD_NAME(dwconv_f32)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_conv_params* p = params;
    dwconv_task t = {p, buffers[0], buffers[1], buffers[2], buffers[3], buffers[4], buffers[5], ctx->scratch, 0, 0};
    int64_t cost = (int64_t)p->ow * p->c * p->kh * p->kw;
    if (p->c >= MANY_CHANNELS && p->ow <= LONGEST_ROW && p->kh == p->kw && (p->kw == 3 || p->kw == 5) && p->dilation_h == 1 && p->dilation_w == 1 &&
        p->stride_h == p->stride_w && p->stride_w <= 2) {
        memset(ctx->scratch, 0, (size_t)p->c * sizeof(float));
        el_parallel(ctx, (int64_t)p->n * p->oh, PARALLEL_FMAS / (cost + 1) + 1, pixel_body, &t);
        return;
    }
    /* first: smallest ox with ox*stride - pad >= 0; last: one past the largest whose last tap is below w */
    t.first = (p->pad_left + p->stride_w - 1) / p->stride_w;
    if (t.first > p->ow) t.first = p->ow;
    int64_t room = (int64_t)p->w + p->pad_left - ((int64_t)(p->kw - 1) * p->dilation_w + 1);
    t.last = room < 0 ? 0 : (int32_t)(room / p->stride_w + 1 < p->ow ? room / p->stride_w + 1 : p->ow);
    if (t.last < t.first) t.last = t.first;
    el_parallel(ctx, (int64_t)p->n * p->oh, PARALLEL_FMAS / (cost + 1) + 1, body, &t);
}
