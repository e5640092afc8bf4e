/* Depthwise convolution over vectors of EL_VF channels. T outputs side by side are computed at once: each input column is loaded once
 * and serves all of them that see it. Columns are found by a table of their places in an input row, where one outside the input points to
 * a pixel of zeros; so borders cost nothing and need no code of their own. Channels are done in blocks, so narrow that the rows of a
 * window stay in the first-level cache until the next row of outputs has used them; within a block a vector of channels goes along
 * the whole row, with its weights in registers. */
#include "dwconv.h"
#include "el_act.h"
#include "el_vmath.h"

EL_KERNEL_SIMD(dwconv_f32, el_conv_params)

#define INLINE static inline __attribute__((always_inline))
#define PARALLEL_FMAS (1 << 17)
#define NEAR_BYTES (28 << 10)     /* share of the first-level cache for the input of a block */
#define LEAST_BLOCK 32            /* channels: two lines of a cache come together */
#define MANY (EL_VF != 8) /* registers: 32, not 16 */
/* Measured: where one load more costs time, a window inside the input does without the table. */
#define BY_ROW (EL_VF == 4)
#define MOST (MANY ? 7 : 4) /* outputs at once: what the registers hold beside the weights */

/* Keeps an address as it is: compilers would hold each of several that follow from it as a number of its own. */
#define KEEP(a) __asm__("" : "+r"(a))

typedef intptr_t place; /* bytes from the beginning of an input row */

typedef struct dwconv_task {
    const el_conv_params* p;
    const float *x, *w, *bias, *residual, *slope;
    float* y;
    const char* zero; /* a pixel */
    char* tables;     /* of worker 0 */
    int64_t columns;
    float lo, hi;
} dwconv_task;

/* What the windows of a row of outputs see: for each kernel row where the input row begins, and the places of its columns. */
typedef struct window {
    const char** row;
    const place** places;
    int64_t first, last; /* the outputs whose windows are inside */
} window;

/* Some lanes of a vector; all of them where whole vectors only come here. */
INLINE el_vf load(const float* from, int64_t lanes, const int whole) { return whole ? el_vload(from) : el_vload_n(from, lanes); }

/* Adds to T sums what their windows hold. Column i of kernel row ky lies at rows[ky] + at[ky][i], which is one pixel after the other where all
 * are `inside`. w: the weights of 3x3 are in registers, others are loaded. */
INLINE void add_windows(el_vf* acc, const char* const* rows, const place* const* places, int64_t first, int64_t pixel, const el_vf* held, const float* w,
                        int64_t lanes, const int whole, const int inside, const int T, const int K, const int S) {
#pragma GCC unroll 5
    for (int ky = 0; ky < K; ky++) {
        el_vf taps[5], x[17];
#pragma GCC unroll 5
        for (int kx = 0; kx < K; kx++) {
            taps[kx] = K == 3 ? held[ky * K + kx] : el_vload(w + (ky * K + kx) * EL_PANEL);
            if (K != 3) EL_VKEEP(taps[kx]);
        }
        const place* at = places[ky] + first;
        const char* near = rows[ky] + at[0];
#pragma GCC unroll 17
        for (int i = 0; i < (T - 1) * S + K; i++, near += pixel) {
            if (inside) KEEP(near);
            x[i] = load((const float*)(inside ? near : rows[ky] + at[i]), lanes, whole);
            EL_VKEEP(x[i]); /* compilers would load it again for each use */
#pragma GCC unroll 7
            for (int o = 0; !MANY && o < T; o++)
                if (i - o * S >= 0 && i - o * S < K) acc[o] = el_vfma(x[i], taps[i - o * S], acc[o]);
        }
#pragma GCC unroll 5
        for (int kx = 0; MANY && kx < K; kx++)
#pragma GCC unroll 7
            for (int o = 0; o < T; o++) acc[o] = el_vfma(x[o * S + kx], taps[kx], acc[o]);
    }
}

/* The first `count` outputs of a row, T at a time, for the channels [c0, c1). The last ones reach back over outputs that are done.
 * K x K taps, strides S, no dilation. */
INLINE int64_t along(const dwconv_task* t, const window* v, int64_t count, const float* residual, float* y, int64_t c0, int64_t c1, const int T, const int K,
                     const int S) {
    const int64_t c = t->p->c;
    const int whole = EL_VF != 16; /* where loading some lanes costs what loading all does, they are loaded here, too */
    const el_vf lo = el_vset1(t->lo), hi = el_vset1(t->hi);
    const place* places[K];
#pragma GCC unroll 5
    for (int ky = 0; ky < K; ky++) places[ky] = v->places[ky];
    int64_t ch = c0;
    for (; whole ? ch + EL_VF <= c1 : ch < c1; ch += EL_VF) {
        const int64_t lanes = c1 - ch < EL_VF ? c1 - ch : EL_VF;
        const float* w = t->w + ch / EL_PANEL * K * K * EL_PANEL + ch % EL_PANEL;
        const el_vf bias = t->bias ? load(t->bias + ch, lanes, whole) : el_vzero();
        el_vf held[9];
        const char* rows[K];
#pragma GCC unroll 5
        for (int ky = 0; ky < K; ky++) rows[ky] = v->row[ky] + ch * (int64_t)sizeof(float);
#pragma GCC unroll 9
        for (int k = 0; K == 3 && k < 9; k++) held[k] = el_vload(w + k * EL_PANEL);
        for (int64_t ox = 0; ox < count; ox += T) {
            if (ox + T > count) ox = count - T;
            el_vf acc[MOST];
#pragma GCC unroll 7
            for (int o = 0; o < T; o++) acc[o] = bias;
            if (BY_ROW && ox >= v->first && ox + T <= v->last) add_windows(acc, rows, places, ox * S, c * (int64_t)sizeof(float), held, w, lanes, whole, 1, T, K, S);
            else add_windows(acc, rows, places, ox * S, 0, held, w, lanes, whole, 0, T, K, S);
            const int64_t to = ox * c + ch;
            if (residual) {
                const float* from = residual + to;
#pragma GCC unroll 7
                for (int o = 0; o < T; o++, from += c) {
                    KEEP(from);
                    acc[o] = el_vadd(acc[o], load(from, lanes, whole));
                }
            }
            float* at = y + to;
            if (whole || lanes == EL_VF) {
#pragma GCC unroll 7
                for (int o = 0; o < T; o++, at += c) {
                    KEEP(at);
                    el_vstore(at, el_vclamp(acc[o], lo, hi));
                }
            } else {
                for (int o = 0; o < T; o++, at += c) el_vstore_n(at, el_vclamp(acc[o], lo, hi), lanes);
            }
        }
    }
    return ch < c1 ? ch : c1;
}

/* n <= 4 outputs of any kernel for the channels [ch, ch + lanes); places: for the first of them. */
INLINE void four(const dwconv_task* t, const window* v, int64_t first, int64_t n, const float* residual, float* y, int64_t ch, int64_t lanes, const int whole) {
    const el_conv_params* p = t->p;
    const float* w = t->w + ch / EL_PANEL * p->kh * p->kw * EL_PANEL + ch % EL_PANEL;
    const el_vf bias = t->bias ? load(t->bias + ch, lanes, whole) : el_vzero(), lo = el_vset1(t->lo), hi = el_vset1(t->hi);
    const int64_t last = n - 1, s1 = (last < 1 ? last : 1) * p->stride_w, s2 = (last < 2 ? last : 2) * p->stride_w, s3 = last * p->stride_w;
    el_vf acc[4] = {bias, bias, bias, bias};
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const char* row = v->row[ky] + ch * (int64_t)sizeof(float);
        const place* at = v->places[ky] + first;
        for (int32_t kx = 0; kx < p->kw; kx++, w += EL_PANEL, at += p->dilation_w) {
            const el_vf tap = el_vload(w);
            acc[0] = el_vfma(load((const float*)(row + at[0]), lanes, whole), tap, acc[0]);
            acc[1] = el_vfma(load((const float*)(row + at[s1]), lanes, whole), tap, acc[1]);
            acc[2] = el_vfma(load((const float*)(row + at[s2]), lanes, whole), tap, acc[2]);
            acc[3] = el_vfma(load((const float*)(row + at[s3]), lanes, whole), tap, acc[3]);
        }
    }
    for (int64_t o = 0, to = ch; o < n; o++, to += p->c) {
        if (residual) acc[o] = el_vadd(acc[o], load(residual + to, lanes, whole));
        el_vstore_n(y + to, el_vclamp(acc[o], lo, hi), lanes);
    }
}

/* The outputs [ox0, ox1) of any kernel. */
static void along_any(const dwconv_task* t, const window* v, int64_t ox0, int64_t ox1, const float* residual, float* y, int64_t c0, int64_t c1) {
    const el_conv_params* p = t->p;
    for (int64_t ch = c0; ch < c1; ch += EL_VF)
        for (int64_t ox = ox0; ox < ox1; ox += 4) {
            const int64_t n = ox1 - ox < 4 ? ox1 - ox : 4, first = ox * p->stride_w, to = ox * p->c;
            if (c1 - ch >= EL_VF) four(t, v, first, n, residual ? residual + to : NULL, y + to, ch, EL_VF, 1);
            else four(t, v, first, n, residual ? residual + to : NULL, y + to, ch, c1 - ch, 0);
        }
}

/* Returns the first channel that is left. */
typedef int64_t (*along_fn)(const dwconv_task* t, const window* v, int64_t count, const float* residual, float* y, int64_t c0, int64_t c1);
#define ALONG(T, K, S)                                                                                                                     \
    static int64_t along_##T##_##K##_##S(const dwconv_task* t, const window* v, int64_t count, const float* residual, float* y, int64_t c0, \
                                         int64_t c1) {                                                                                     \
        return along(t, v, count, residual, y, c0, c1, T, K, S);                                                                           \
    }
ALONG(4, 3, 1) ALONG(4, 3, 2) ALONG(4, 5, 1) ALONG(4, 5, 2)
#if MANY
ALONG(7, 3, 1) ALONG(7, 5, 1)
#else
#define along_7_3_1 NULL
#define along_7_5_1 NULL
#endif

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

/* The activations that are no interval, over a row of outputs that has just been stored. */
static void finish(const dwconv_task* t, float* y, int64_t c0, int64_t c1) {
    const el_conv_params* p = t->p;
    if (p->act.kind == EL_ACT_PRELU || c1 - c0 < p->c) {
        for (int64_t ch = c0; ch < c1; ch += EL_VF)
            activate(p->act, y + ch, p->c, p->ow, t->slope ? t->slope + ch : NULL, c1 - ch < EL_VF ? c1 - ch : EL_VF);
        return;
    }
    const int64_t count = (int64_t)p->ow * p->c, whole = count / EL_VF;
    activate(p->act, y, EL_VF, whole, NULL, EL_VF);
    if (whole * EL_VF < count) activate(p->act, y + whole * EL_VF, EL_VF, 1, NULL, count - whole * EL_VF);
}

/* One row of outputs over the channels [c0, c1). */
static void outputs(const dwconv_task* t, window* v, place* tables, int64_t image, int64_t oy, int64_t c0, int64_t c1) {
    const el_conv_params* p = t->p;
    const int64_t c = p->c, columns = t->columns, at = (image * p->oh + oy) * p->ow * c;
    const int64_t left = p->pad_left < columns ? p->pad_left : columns, right = p->pad_left + (int64_t)p->w < columns ? p->pad_left + (int64_t)p->w : columns;
    v->first = ((int64_t)p->pad_left + p->stride_w - 1) / p->stride_w;
    v->last = right < p->kw ? 0 : (right - p->kw) / p->stride_w + 1; /* of kernels without dilation */
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const int64_t iy = oy * p->stride_h - p->pad_top + (int64_t)ky * p->dilation_h;
        const int outside = iy < 0 || iy >= p->h;
        place* places = tables + (outside ? p->kh : ky) * columns;
        v->places[ky] = places;
        v->row[ky] = outside ? t->zero : (const char*)(t->x + (image * p->h + iy) * p->w * c);
        if (outside) {
            v->last = 0;
            continue;
        }
        const place zero = (place)t->zero - (place)v->row[ky];
        for (int64_t i = 0; i < left; i++) places[i] = zero;
        for (int64_t i = right; i < columns; i++) places[i] = zero;
    }
    static const along_fn four[2][2] = {{along_4_3_1, along_4_3_2}, {along_4_5_1, along_4_5_2}}, seven[2] = {along_7_3_1, along_7_5_1};
    const int special = p->kh == p->kw && (p->kw == 3 || p->kw == 5) && p->dilation_w == 1 && p->stride_w <= 2;
    const int sevens = MOST == 7 && special && p->stride_w == 1 && p->ow % 7 == 0;
    const along_fn along = sevens ? seven[p->kw == 5] : special && p->ow >= 4 ? four[p->kw == 5][p->stride_w - 1] : NULL;
    const float* residual = t->residual ? t->residual + at : NULL;
    float* y = t->y + at;
    /* doing an output again changes nothing unless its residual may lie in its place */
    const int64_t count = along == NULL ? 0 : sevens || !residual ? p->ow : p->ow / 4 * 4;
    const int64_t done = along ? along(t, v, count, residual, y, c0, c1) : c0;
    if (count < p->ow) along_any(t, v, count, p->ow, residual, y, c0, done);
    if (done < c1) along_any(t, v, 0, p->ow, residual, y, done, c1);
    if (!el_act_is_clamp(p->act)) finish(t, t->y + at, c0, c1);
}

static void body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const dwconv_task* t = arg;
    const el_conv_params* p = t->p;
    char* memory = t->tables + (size_t)worker * el_dwconv_worker_bytes(p);
    window v = {(const char**)memory, (const place**)memory + p->kh, 0, 0};
    place* tables = (place*)memory + 2 * p->kh;
    for (int64_t i = 0; i < t->columns; i++) tables[i] = (i - p->pad_left) * p->c * (int64_t)sizeof(float);
    for (int32_t ky = 1; ky < p->kh; ky++) memcpy(tables + ky * t->columns, tables, (size_t)t->columns * sizeof(place));
    memset(tables + p->kh * t->columns, 0, (size_t)t->columns * sizeof(place));

    int64_t fit = NEAR_BYTES / (((int64_t)p->kh + p->stride_h) * p->w * (int64_t)sizeof(float)) / EL_PANEL * EL_PANEL;
    if (fit < LEAST_BLOCK) fit = LEAST_BLOCK;
    const int64_t blocks = (p->c + fit - 1) / fit, block = (p->c + EL_PANEL * blocks - 1) / (EL_PANEL * blocks) * EL_PANEL;
    for (int64_t c0 = 0; c0 < p->c; c0 += block)
        for (int64_t row = begin; row < end; row++)
            outputs(t, &v, tables, row / p->oh, row % p->oh, c0, c0 + block < p->c ? c0 + block : p->c);
}

void EL_SIMD_NAME(dwconv_f32)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_conv_params* p = params;
    const dwconv_task t = {p, buffers[0], buffers[1], buffers[2], buffers[3], buffers[4], buffers[5], ctx->scratch,
                           (char*)ctx->scratch + el_dwconv_zero_bytes(p), el_dwconv_columns(p), el_act_lo(p->act), el_act_hi(p->act)};
    memset(ctx->scratch, 0, (size_t)p->c * sizeof(float));
    int64_t cost = (int64_t)p->ow * p->c * p->kh * p->kw;
    el_parallel(ctx, (int64_t)p->n * p->oh, PARALLEL_FMAS / (cost + 1) + 1, body, (void*)&t);
}
