/* Depthwise convolution over vectors of LANES channels; included once by each dwconv_<type>.<isa>.c, which defines before it
 *     element, vec          a number in memory (of activations and weights; bias and slope are float), and a vector of LANES of them
 *     V(name)               the function of that name for such vectors: el_v<name> of el_simd.h
 *     load_floats(p, n)     the first n floats from p, as a vector
 *     activated(act, v, s)  an activation of a vector; s: slopes of channels, for EL_ACT_PRELU
 *     MANY                  1 where there are 32 registers, 0 where there are 16
 *     BY_ROW                1 where looking up places in the table costs time: windows inside of the input step from pixel to pixel instead
 *
 * T outputs side by side are computed at once: each input column is loaded once and serves all of them that see it. Columns are found by a
 * table of their places in an input row, where one outside the input points to a pixel of zeros; so borders cost nothing and need no
 * code of their own. Channels are done in blocks, so narrow that the rows of a window stay in the first-level cache until the next row of
 * outputs has used them; within a block a vector of channels goes along the whole row, with its weights in registers. */
#ifndef EL_DWCONV_ROWS_H
#define EL_DWCONV_ROWS_H
#include "dwconv.h"
#include "el_act.h"
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define PARALLEL_FMAS (1 << 15)   /* multiply-adds that are worth a task of their own */
#define FEW_PIXELS 240            /* for each thread; with more, the products before this layer were cut by rows, not by columns */
#define MOST (LANES == 16 ? 14 : 7) /* outputs at once: what the registers hold beside the weights */

/* Hides how an address came about: compilers would otherwise keep each of several addresses that are computed from it in a register of its own. */
#define KEEP(a) __asm__("" : "+r"(a))

typedef intptr_t place; /* bytes from the beginning of an input row */

/* A row of outputs of c channels, and what their windows see. */
typedef struct strip {
    const char* const* row;     /* for each kernel row where the input row begins */
    const place* const* places; /* and the places of its columns */
    const element* w;
    const float* bias;
    const element* residual;
    element* y;
    int64_t c, pixel;    /* channels; bytes from one pixel of the input to the next */
    int64_t first, last; /* the outputs whose windows are inside */
    int swish;           /* HardSwish comes before the clamp */
    int64_t begin, end;  /* the kernel rows inside the input */
} strip;

/* The first `count` outputs of a strip for the channels [c0, c1), whole vectors. */
typedef void (*along_fn)(const strip* s, vec lo, vec hi, int64_t count, int64_t c0, int64_t c1);

typedef struct dwconv_task {
    const el_conv_params* p;
    const element *x, *w, *residual;
    const float *bias, *slope;
    element* y;
    const char* zero;    /* a pixel */
    element* joined;     /* weights of the vector that begins at channel tail_from */
    float* joined_bias;
    char* tables;        /* of worker 0 */
    int64_t columns;     /* of the padded input, */
    int64_t left, right; /* of which these are inside */
    int64_t first, last; /* the outputs whose windows lie inside from left to right (without dilation) */
    along_fn along;      /* for whole vectors of channels, or NULL */
    int64_t outputs;     /* that it does at once */
    along_fn tail;       /* for the channels that are left, with some that are done, or NULL */
    int64_t tail_from;
    float lo, hi;
    int64_t rows, parts; /* of outputs; ranges of channels that threads share */
} dwconv_task;

/* A ring of copied input rows, as many as a window has. */
typedef struct packed {
    char* rows;
    int64_t have; /* rows up to here need no copy any more: they are in the ring, or no window will read them again */
} packed;

/* The first `lanes` lanes; `whole`, known when compiled: all of them. */
INLINE vec load(const element* from, int64_t lanes, const int whole) { return whole ? V(load)(from) : V(load_n)(from, lanes); }

#if LANES == 16
/* 8 channels each of two outputs. */
INLINE vec load_two(const char* a, const char* b) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps((const float*)a)), _mm256_loadu_ps((const float*)b), 1);
}
INLINE void store_two(float* a, float* b, vec v) {
    _mm256_storeu_ps(a, _mm512_castps512_ps256(v));
    _mm256_storeu_ps(b, _mm512_extractf32x8_ps(v, 1));
}
#else
#define load_two(a, b) V(zero)()
#define store_two(a, b, v) (void)(v)
#endif

/* Adds one kernel row of K taps to T sums; the windows of neighbouring sums begin S columns apart. Column i of the input row lies at row + at[i]; where
 * `inside`, columns simply follow each other, `pixel` bytes apart. The taps are in registers (held, K = 3) or in memory (w). two: 0, or, where a vector
 * holds two outputs of 8 channels each, the columns between their windows. */
INLINE void add_row(vec* acc, const char* row, const place* at, int64_t pixel, const vec* held, const element* w, const int inside, const int T, const int K,
                    const int S, const int two) {
    /* where there are registers enough, all multiply-adds come after all loads */
    const int late = MANY && T <= 7 && (T - 1) * S + K + (K == 3 ? 9 : K) + T <= 30;
    vec taps[5], x[19];
#pragma GCC unroll 5
    for (int kx = 0; kx < K; kx++) {
        taps[kx] = K == 3 ? held[kx] : V(load)(w + kx * EL_PANEL);
        if (K != 3) EL_VKEEP(taps[kx]);
    }
    const char* near = row + at[0];
#pragma GCC unroll 19
    for (int i = 0; i < (T - 1) * S + K; i++, near += pixel) {
        if (i % S >= K) continue;
        if (inside) KEEP(near);
        x[i] = two ? load_two(row + at[i], row + at[i + two]) : V(load)((const element*)(inside ? near : row + at[i]));
        EL_VKEEP(x[i]); /* compilers would load it again for each use */
#pragma GCC unroll 14
        for (int o = 0; !late && o < T; o++)
            if (i - o * S >= 0 && i - o * S < K) acc[o] = V(fma)(x[i], taps[i - o * S], acc[o]);
    }
#pragma GCC unroll 5
    for (int kx = 0; late && kx < K; kx++)
#pragma GCC unroll 7
        for (int o = 0; o < T; o++) acc[o] = V(fma)(x[o * S + kx], taps[kx], acc[o]);
}

/* Adds all kernel rows. Rows outside of the input hold zeros; only kernels of five rows with many sums gain by skipping them. */
INLINE void add_windows(vec* acc, const strip* s, const char* const* rows, const place* const* places, int64_t first, int64_t pixel, const vec* held,
                        const element* w, const int inside, const int T, const int K, const int S, const int two) {
#pragma GCC unroll 5
    for (int ky = 0; ky < K; ky++)
        if (K == 3 || T % 7 || (ky >= s->begin && ky < s->end))
            add_row(acc, rows[ky], places[ky] + first, pixel, K == 3 ? held + ky * 3 : held, w + ky * K * EL_PANEL, inside, T, K, S, two);
}

/* A row of outputs, T sums at a time; where T does not divide their number, the last T sums compute some outputs a second time. K x K taps, stride D, no
 * dilation. half: a sum is 8 channels of two outputs. */
INLINE void along(const strip* s, const vec lo, const vec hi, int64_t count, int64_t c0, int64_t c1, const int T, const int K, const int D,
                  const int half) {
    const int64_t c = s->c;
    const int done = half ? 2 * T : T;
    const place* places[K];
#pragma GCC unroll 5
    for (int ky = 0; ky < K; ky++) places[ky] = s->places[ky];
    for (int64_t ch = c0; ch < c1; ch += LANES) {
        const element* w = s->w + ch / EL_PANEL * K * K * EL_PANEL + ch % EL_PANEL;
        const vec bias = s->bias ? load_floats(s->bias + ch, LANES) : V(zero)();
        vec held[9];
        const char* rows[K];
#pragma GCC unroll 5
        for (int ky = 0; ky < K; ky++) rows[ky] = s->row[ky] + ch * (int64_t)sizeof(element);
#pragma GCC unroll 9
        for (int k = 0; K == 3 && k < 9; k++) held[k] = V(load)(w + k * EL_PANEL);
        for (int64_t ox = 0; ox < count; ox += done) {
            if (ox + done > count) ox = count - done;
            vec acc[MOST];
#pragma GCC unroll 14
            for (int o = 0; o < T; o++) acc[o] = bias;
            if (half) add_windows(acc, s, rows, places, ox * D, 0, held, w, 0, T, K, 2 * D, D);
            else if (BY_ROW && ox >= s->first && ox + T <= s->last) add_windows(acc, s, rows, places, ox * D, s->pixel, held, w, 1, T, K, D, 0);
            else add_windows(acc, s, rows, places, ox * D, 0, held, w, 0, T, K, D, 0);
            const int64_t to = ox * c + ch;
            if (!half && s->residual) {
                const element* from = s->residual + to;
#pragma GCC unroll 14
                for (int o = 0; o < T; o++, from += c) {
                    KEEP(from);
                    acc[o] = V(add)(acc[o], V(load)(from));
                }
            }
            if (!half && s->swish) {
#pragma GCC unroll 14
                for (int o = 0; o < T; o++) acc[o] = activated((el_act){EL_ACT_HARD_SWISH, 0, 0}, acc[o], acc[o]);
            }
            element* at = s->y + to;
#pragma GCC unroll 14
            for (int o = 0; o < T; o++, at += half ? 2 * c : c) {
                KEEP(at);
                if (half) store_two(at, at + c, V(clamp)(acc[o], lo, hi));
                else V(store)(at, V(clamp)(acc[o], lo, hi));
            }
        }
    }
}

/* n <= 4 neighbouring outputs of any kernel for the channels [ch, ch + lanes); first: the column at which the window of the first one begins. */
INLINE void four(const dwconv_task* t, const strip* s, int64_t first, int64_t n, const element* residual, element* y, int64_t ch, int64_t lanes, const int whole) {
    const el_conv_params* p = t->p;
    const element* w = t->w + ch / EL_PANEL * p->kh * p->kw * EL_PANEL + ch % EL_PANEL;
    const vec bias = t->bias ? load_floats(t->bias + ch, lanes) : V(zero)(), lo = V(set1)(t->lo), hi = V(set1)(t->hi);
    const int64_t last = n - 1, s1 = (last < 1 ? last : 1) * p->stride_w, s2 = (last < 2 ? last : 2) * p->stride_w, s3 = last * p->stride_w;
    vec acc[4] = {bias, bias, bias, bias};
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const char* row = s->row[ky] + ch * (int64_t)sizeof(element);
        const place* at = s->places[ky] + first;
        for (int32_t kx = 0; kx < p->kw; kx++, w += EL_PANEL, at += p->dilation_w) {
            const vec tap = V(load)(w);
            acc[0] = V(fma)(load((const element*)(row + at[0]), lanes, whole), tap, acc[0]);
            acc[1] = V(fma)(load((const element*)(row + at[s1]), lanes, whole), tap, acc[1]);
            acc[2] = V(fma)(load((const element*)(row + at[s2]), lanes, whole), tap, acc[2]);
            acc[3] = V(fma)(load((const element*)(row + at[s3]), lanes, whole), tap, acc[3]);
        }
    }
    for (int64_t o = 0, to = ch; o < n; o++, to += p->c) {
        if (residual) acc[o] = V(add)(acc[o], load(residual + to, lanes, whole));
        if (s->swish) acc[o] = activated((el_act){EL_ACT_HARD_SWISH, 0, 0}, acc[o], acc[o]);
        V(store_n)(y + to, V(clamp)(acc[o], lo, hi), lanes);
    }
}

/* The outputs [ox0, ox1) of any kernel. */
static void along_any(const dwconv_task* t, const strip* s, int64_t ox0, int64_t ox1, int64_t c0, int64_t c1) {
    const el_conv_params* p = t->p;
    for (int64_t ch = c0; ch < c1; ch += LANES)
        for (int64_t ox = ox0; ox < ox1; ox += 4) {
            const int64_t n = ox1 - ox < 4 ? ox1 - ox : 4, first = ox * p->stride_w, to = ox * p->c;
            const element* residual = s->residual ? s->residual + to : NULL;
            if (c1 - ch >= LANES) four(t, s, first, n, residual, s->y + to, ch, LANES, 1);
            else four(t, s, first, n, residual, s->y + to, ch, c1 - ch, 0);
        }
}

#define ALONG(NAME, T, K, D, HALF)                                                                                  \
    static void NAME##_##K##_##D(const strip* s, vec lo, vec hi, int64_t count, int64_t c0, int64_t c1) {       \
        along(s, lo, hi, count, c0, c1, T, K, D, HALF);                                                             \
    }
#define TABLE(NAME) {{NAME##_3_1, NAME##_3_2}, {NAME##_5_1, NAME##_5_2}}
ALONG(three, 3, 3, 1, 0) ALONG(five, 5, 3, 1, 0)
ALONG(four, 4, 3, 1, 0) ALONG(four, 4, 3, 2, 0) ALONG(four, 4, 5, 1, 0) ALONG(four, 4, 5, 2, 0)
ALONG(seven, 7, 5, 1, 0)
#if MANY
ALONG(six, 6, 3, 1, 0)
ALONG(seven, 7, 3, 1, 0)
#else
#define seven_3_1 four_3_1
#endif
#if LANES == 16
ALONG(seven, 7, 3, 2, 0) ALONG(seven, 7, 5, 2, 0)
ALONG(eight, 8, 3, 1, 0) ALONG(eight, 8, 3, 2, 0) ALONG(eight, 8, 5, 1, 0) ALONG(eight, 8, 5, 2, 0)
ALONG(fourteen, 14, 3, 1, 0) ALONG(fourteen, 14, 5, 1, 0)
ALONG(halves, 4, 3, 1, 1) ALONG(halves, 4, 3, 2, 1) ALONG(halves, 4, 5, 1, 1) ALONG(halves, 4, 5, 2, 1)
#endif

/* Chooses the function that goes along a row of outputs, and joins the weights of the last channels to a vector. */
static void choose(dwconv_task* t, float* scratch) {
    static const along_fn fours[2][2] = TABLE(four);
    /* what goes along a row of 3x3 and stride 1 with 3, 4 .. outputs at once */
    static const along_fn few[] = {
        three_3_1, four_3_1, five_3_1,
#if MANY
        six_3_1,
#endif
    };
    const el_conv_params* p = t->p;
    const int64_t taps = (int64_t)p->kh * p->kw, tail = p->c % LANES;
    if (p->kh != p->kw || (p->kw != 3 && p->kw != 5) || p->dilation_w != 1 || p->stride_w > 2) return;
    if (p->ow >= 4) t->outputs = 4, t->along = fours[p->kw == 5][p->stride_w - 1];
    /* Of these the one that takes least time for a row: loading weights and addresses costs about as much as one output more, and as two
     * where five sums leave no register for a column. */
    int64_t least = INT64_MAX;
    for (int64_t i = 0; p->kw == 3 && p->stride_w == 1 && i < (int64_t)(sizeof few / sizeof *few) && i + 3 <= p->ow; i++) {
        const int64_t n = i + 3, time = (p->ow + n - 1) / n * (n + 1 + (!MANY && n == 5));
        if (time >= least) continue;
        least = time;
        t->outputs = n;
        t->along = few[i];
    }
    int64_t lanes = LANES;
#if LANES == 16
    static const along_fn sevens[2][2] = TABLE(seven), eights[2][2] = TABLE(eight), both[2][2] = TABLE(halves);
    if (p->ow % 7 == 0) t->outputs = 7, t->along = sevens[p->kw == 5][p->stride_w - 1];
    else if (p->ow % 8 == 0) t->outputs = 8, t->along = eights[p->kw == 5][p->stride_w - 1];
    /* not wider rows of 3x3: those wait for memory, not for sums */
    if (p->stride_w == 1 && p->ow % 14 == 0 && (p->kw == 5 || p->ow == 14)) t->outputs = 14, t->along = p->kw == 5 ? fourteen_5_1 : fourteen_3_1;
    t->tail = t->along;
    if (tail <= 8 && p->ow >= 8 && p->act.kind != EL_ACT_HARD_SWISH) {
        lanes = 8;
        t->tail = both[p->kw == 5][p->stride_w - 1];
    }
#else
    if (p->stride_w == 1 && p->ow % 7 == 0 && (MANY || p->kw == 5)) t->outputs = 7, t->along = p->kw == 5 ? seven_5_1 : seven_3_1;
    t->tail = t->along;
#endif
    if (!tail || p->c < lanes || t->residual) t->tail = NULL; /* the tail computes some channels again, which must not get their residual twice */
    if (!t->tail) return;
    t->joined_bias = scratch;
    t->joined = (element*)(scratch + EL_PANEL);
    t->tail_from = p->c - lanes;
    for (int64_t i = 0; i < LANES; i++) {
        const int64_t ch = t->tail_from + i % lanes;
        for (int64_t k = 0; k < taps; k++) t->joined[k * EL_PANEL + i] = t->w[(ch / EL_PANEL * taps + k) * EL_PANEL + ch % EL_PANEL];
        t->joined_bias[i] = t->bias ? t->bias[ch] : 0;
    }
}

INLINE void activate_each(const el_act act, element* y, int64_t step, int64_t count, const float* slope, int64_t lanes) {
    const vec s = act.kind == EL_ACT_PRELU ? load_floats(slope, lanes) : V(zero)();
    if (lanes == LANES && act.kind != EL_ACT_PRELU) { /* whole vectors: no masks */
        for (int64_t i = 0; i < count; i++, y += step) V(store)(y, activated(act, V(load)(y), s));
        return;
    }
    for (int64_t i = 0; i < count; i++, y += step) V(store_n)(y, activated(act, V(load_n)(y, lanes), s), lanes);
}

/* SiLU, the common one, is compiled apart: only so do its constants stay in registers. */
static __attribute__((noinline)) void activate(el_act act, element* y, int64_t step, int64_t count, const float* slope, int64_t lanes) {
    switch (act.kind) {
    case EL_ACT_SILU: activate_each((el_act){EL_ACT_SILU, 0, 0}, y, step, count, slope, lanes); break;
    default: activate_each(act, y, step, count, slope, lanes);
    }
}

/* Activations that are neither a clamp nor HardSwish, over a row of outputs that has just been stored. */
static void finish(const dwconv_task* t, element* y, int64_t outputs, int64_t c0, int64_t c1) {
    const el_conv_params* p = t->p;
    if (p->act.kind == EL_ACT_PRELU || c1 - c0 < p->c) {
        for (int64_t ch = c0; ch < c1; ch += LANES)
            activate(p->act, y + ch, p->c, outputs, t->slope ? t->slope + ch : NULL, c1 - ch < LANES ? c1 - ch : LANES);
        return;
    }
    const int64_t count = outputs * p->c, whole = count / LANES;
    activate(p->act, y, LANES, whole, NULL, LANES);
    if (whole * LANES < count) activate(p->act, y + whole * LANES, LANES, 1, NULL, count - whole * LANES);
}

/* The copy of row iy of `picture`, made where it is missing: `pixel` bytes of each pixel, from channel c0 on. The address is that at which channel 0 would
 * be, as of a row that is not copied. */
static __attribute__((noinline)) const char* copied(const dwconv_task* t, packed* ring, const char* picture, int64_t iy, int64_t c0, int64_t pixel) {
    const int64_t w = t->p->w, step = t->p->c * (int64_t)sizeof(element), before = c0 * (int64_t)sizeof(element);
    char *copy = ring->rows + iy % t->p->kh * w * pixel, *to = copy;
    if (iy < ring->have) return copy - before;
    const char* from = picture + iy * w * step + before;
    for (int64_t i = 0; i < w; i++, from += step, to += pixel)
        for (int64_t b = 0; b < pixel; b += LANES * (int64_t)sizeof(element)) V(store)((element*)(to + b), V(load)((const element*)(from + b)));
    ring->have = iy + 1;
    return copy - before;
}

/* The outputs [o0, o1) of a row over the channels [c0, c1). */
static void outputs(const dwconv_task* t, strip* s, const char** rows, const place** places, place* tables, packed* ring, int64_t image, int64_t oy, int64_t o0, int64_t o1, int64_t c0,
                    int64_t c1) {
    const el_conv_params* p = t->p;
    const int64_t pixel = (ring ? c1 - c0 : p->c) * (int64_t)sizeof(element);
    const int64_t c = p->c, columns = t->columns, at = ((image * p->oh + oy) * p->ow + o0) * c, ow = o1 - o0;
    const char* picture = (const char*)(t->x + image * p->h * p->w * c);
    int64_t begin = 0, end = 0;
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const int64_t iy = oy * p->stride_h - p->pad_top + (int64_t)ky * p->dilation_h;
        const int outside = iy < 0 || iy >= p->h;
        place* of_row = tables + (outside ? p->kh : ky) * columns;
        places[ky] = of_row + o0 * p->stride_w;
        rows[ky] = outside ? t->zero : ring ? copied(t, ring, picture, iy, c0, pixel) : picture + iy * p->w * pixel;
        if (outside) continue;
        if (begin == end) begin = ky;
        end = ky + 1;
        const place zero = (place)t->zero - (place)rows[ky];
        for (int64_t i = 0; i < t->left; i++) of_row[i] = zero;
        for (int64_t i = t->right; i < columns; i++) of_row[i] = zero;
    }
    *s = (strip){rows, places, t->w, t->bias, t->residual ? t->residual + at : NULL, t->y + at, c, pixel, t->first - o0, (p->kh == 5 && t->outputs % 7 == 0) || end - begin == p->kh ? t->last - o0 : 0,
                 p->act.kind == EL_ACT_HARD_SWISH, begin, end};
    if (!t->along) {
        along_any(t, s, 0, ow, c0, c1);
        return;
    }
    const vec lo = V(set1)(t->lo), hi = V(set1)(t->hi);
    /* outputs may be computed twice unless a residual is added, which may lie where the output goes */
    const int64_t whole = c1 - (c1 - c0) % LANES, count = t->residual ? ow / t->outputs * t->outputs : ow;
    t->along(s, lo, hi, count, c0, whole);
    along_any(t, s, count, ow, c0, whole);
    if (whole == c1) return;
    if (!t->tail) {
        along_any(t, s, 0, ow, whole, c1);
        return;
    }
    for (int32_t ky = 0; ky < p->kh; ky++) rows[ky] += t->tail_from * (int64_t)sizeof(element);
    s->w = t->joined, s->bias = t->joined_bias, s->y += t->tail_from;
    t->tail(s, lo, hi, ow, 0, LANES);
}

/* Rows [begin, end) of outputs over the channels [from, to). */
static void some_rows(const dwconv_task* t, int64_t from, int64_t to, int64_t begin, int64_t end, int32_t worker) {
    const el_conv_params* p = t->p;
    char* memory = t->tables + (size_t)worker * el_dwconv_worker_bytes(p);
    const char** rows = (const char**)memory;
    const place** places = (const place**)memory + p->kh;
    place* tables = (place*)memory + 2 * p->kh;
    memset(tables + p->kh * t->columns, 0, (size_t)t->columns * sizeof(place));
    packed ring = {memory + el_dwconv_tables_bytes(p), 0}, *const packs = el_dwconv_packs(p, sizeof(element)) ? &ring : NULL;

    const int64_t fit = el_dwconv_block(p, sizeof(element));
    const int64_t blocks = (to - from + fit - 1) / fit, block = (to - from + EL_PANEL * blocks - 1) / (EL_PANEL * blocks) * EL_PANEL;
    /* the last block has one whole vector at least, so that its last vector need not reach back into the block before */
    for (int64_t c0 = from, c1; c0 < to; c0 = c1) {
        c1 = c0 + block + LANES <= to ? c0 + block : to;
        for (int64_t i = 0; i < t->columns; i++) tables[i] = (i - p->pad_left) * (packs ? c1 - c0 : p->c) * (int64_t)sizeof(element);
        for (int32_t ky = 1; ky < p->kh; ky++) memcpy(tables + ky * t->columns, tables, (size_t)t->columns * sizeof(place));
        /* Where the rows of a window and the next one do not fit into the first-level cache together, rows are cut in strips. With a larger stride few
         * rows are used again, and reading them from end to end is faster. */
        const int64_t column = (c1 - c0) * (int64_t)sizeof(element) * (p->kh + 1);
        const int far = t->along && p->stride_h == 1 && p->w * column > EL_DWCONV_CACHE;
        const int64_t strips = far ? (p->w * column + EL_DWCONV_NEAR - 1) / EL_DWCONV_NEAR * t->outputs : 1;
        const int64_t width = far ? (p->ow + strips - 1) / strips * t->outputs : p->ow;
        /* fetch the weights of the next block while this one is computed */
        const int64_t next = c1 + block < to ? c1 + block : to, taps = (int64_t)p->kh * p->kw * (int64_t)sizeof(element);
        for (const char *at = (const char*)t->w + c1 * taps, *end = (const char*)t->w + next * taps; at < end; at += 64) __builtin_prefetch(at, 0, 2);
        for (int64_t o0 = 0, o1; o0 < p->ow; o0 = o1) {
            o1 = o0 + width + t->outputs <= p->ow ? o0 + width : p->ow;
            int64_t image = begin / p->oh, oy = begin % p->oh;
            ring.have = 0;
            for (int64_t row = begin; row < end; row++) {
                strip s;
                outputs(t, &s, rows, places, tables, packs, image, oy, o0, o1, c0, c1);
                if (!el_act_is_clamp(p->act) && p->act.kind != EL_ACT_HARD_SWISH) finish(t, t->y + (row * p->ow + o0) * p->c, o1 - o0, c0, c1);
                if (++oy == p->oh) oy = ring.have = 0, image++;
            }
        }
    }
}

/* Items are (part, row). */
static void body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const dwconv_task* t = arg;
    const int64_t panels = t->p->c / EL_PANEL;
    for (int64_t at = begin, next; at < end; at = next) {
        const int64_t part = at / t->rows, row = at - part * t->rows;
        next = (part + 1) * t->rows < end ? (part + 1) * t->rows : end;
        some_rows(t, panels * part / t->parts * EL_PANEL, part + 1 < t->parts ? panels * (part + 1) / t->parts * EL_PANEL : t->p->c, row, row + next - at, worker);
    }
}

static void dwconv(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_conv_params* p = params;
    char* scratch = ctx->scratch;
    dwconv_task t = {.p = p, .x = buffers[0], .w = buffers[1], .bias = buffers[2], .residual = buffers[3], .slope = buffers[4], .y = buffers[5],
                     .zero = scratch, .tables = scratch + el_dwconv_shared_bytes(p), .columns = el_dwconv_columns(p), .lo = el_act_lo(p->act),
                     .hi = el_act_hi(p->act)};
    memset(scratch, 0, el_dwconv_zero_bytes(p));
    t.left = p->pad_left < t.columns ? p->pad_left : t.columns;
    t.right = p->pad_left + (int64_t)p->w < t.columns ? p->pad_left + (int64_t)p->w : t.columns;
    t.first = ((int64_t)p->pad_left + p->stride_w - 1) / p->stride_w;
    t.last = t.right < p->kw ? 0 : (t.right - p->kw) / p->stride_w + 1;
    choose(&t, (float*)(scratch + el_dwconv_zero_bytes(p)));
    t.rows = (int64_t)p->n * p->oh, t.parts = 1;
    const int64_t cost = (int64_t)p->ow * p->c * p->kh * p->kw, threads = el_ctx_threads_for(ctx, t.rows * cost, PARALLEL_FMAS);
    /* A small picture comes from a product that was cut by columns (el_gemm_share): each thread keeps its channels. */
    if ((int64_t)p->n * p->h * p->w < FEW_PIXELS * threads && p->c >= 2 * EL_DWCONV_LEAST * threads) t.parts = threads;
    el_parallel(ctx, t.rows * t.parts, PARALLEL_FMAS / (cost / t.parts + 1) + 1, body, &t);
}

#endif
