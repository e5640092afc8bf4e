/* Attention over the same micro-kernel; included by gemm_f32.h. A task is some of the queries that share a key head. It packs k
 * and v of the head as panels, and takes its queries in blocks of at most EL_DEEP_MB: scores = scale * q k^T over the keys that some query of
 * the block sees, softmax without its division, y = scores v, then each row of y divided by its sum. Few queries read k and v where
 * they lie, query by query. */
#ifndef EL_ATTENTION_H
#define EL_ATTENTION_H
#include "el_square.h"

typedef struct el_attention_plan {
    const el_attention_params* p;
    const float *q, *k, *v;
    const void* mask;
    const int64_t* lengths;
    float* y;
    int64_t rows;          /* queries that share a key head: [group][s] */
    int64_t pieces, piece; /* of these rows */
    char* scratch;
    size_t thread_bytes;
} el_attention_plan;

/* One query: where it lies, and the keys [lo, hi) that it sees. */
typedef struct el_attention_query {
    const float* q;
    float* y;
    int64_t lo, hi;
    int64_t mask; /* element of key 0 in the mask */
} el_attention_query;

/* Queries [row, row + count) of those that share a key head. */
static void el_attention_find(const el_attention_plan* plan, int64_t b, int64_t key_head, int64_t row, int64_t count, el_attention_query* out) {
    const el_attention_params* p = plan->p;
    int64_t h = key_head * p->group + row / p->s, i = row % p->s;
    for (int64_t r = 0; r < count; r++, i++) {
        if (i == p->s) i = 0, h++;
        out[r] = (el_attention_query){plan->q + b * p->q[0] + h * p->q[1] + i * p->q[2], plan->y + b * p->y[0] + h * p->y[1] + i * p->y[2], 0, 0,
                                      b * p->mask[0] + h * p->mask[1] + i * p->mask[2]};
        el_attention_seen(p, plan->lengths, b, i, &out[r].lo, &out[r].hi);
    }
}

/* scale * k[t][d] with rows row_stride apart as panels [ceil(t/16)][d][16], zero past t. */
static void el_attention_pack_keys(const float* k, int64_t row_stride, int64_t t, int64_t d, float scale, float* out) {
    for (int64_t first = 0; first < t; first += EL_PANEL, out += d * EL_PANEL) {
        int64_t width = t - first < EL_PANEL ? t - first : EL_PANEL;
        if (width < EL_PANEL) memset(out, 0, (size_t)(d * EL_PANEL) * sizeof(float));
        const float* from = k + first * row_stride;
        int64_t whole = width == EL_PANEL ? d / EL_SQUARE * EL_SQUARE : 0;
        for (int64_t i = 0; i < whole; i += EL_SQUARE)
            for (int l = 0; l < EL_PANEL; l += EL_SQUARE)
                el_transpose_square((const char*)(from + l * row_stride + i), row_stride * 4, (char*)(out + i * EL_PANEL + l), EL_PANEL * 4);
        for (int64_t i = whole; i < d; i++)
            for (int64_t l = 0; l < width; l++) out[i * EL_PANEL + l] = from[l * row_stride + i];
        for (int64_t i = 0; i < d * EL_PANEL; i += EL_VF) el_vstore(out + i, el_vmul(el_vload(out + i), el_vset1(scale)));
    }
}

/* v[t][e] as panels [ceil(e/16)][t][16], zero past e. */
static void el_attention_pack_values(const float* v, int64_t row_stride, int64_t t, int64_t e, float* out) {
    for (int64_t i = 0; i < t; i++, v += row_stride, out += EL_PANEL) {
        float* to = out;
        int64_t first = 0;
        for (; first + EL_PANEL <= e; first += EL_PANEL, to += t * EL_PANEL) memcpy(to, v + first, EL_PANEL * sizeof(float));
        if (first < e)
            for (int64_t l = 0; l < EL_PANEL; l++) to[l] = first + l < e ? v[first + l] : 0.0f;
    }
}

/* rows x n of the product of a[r][offset ..] (k long) with panels b, which are b_panel floats apart, to y + off[r]. Where rows of a lie lda apart
 * and those of y ldc, tiles go by runs. */
static void el_attention_product(const float* const* a, int64_t offset, const int64_t* off, int64_t lda, int64_t ldc, int64_t rows, int32_t k,
                                 const float* b, int64_t b_panel, int32_t n, float* y) {
    static const int32_t brow = 0;
    const int runs = EL_RUNS && lda && k >= 4 && rows >= EL_MR;
    const int64_t cuts = (rows + EL_MR - 1) / EL_MR;
    int32_t wide = runs ? EL_WIDE(EL_MR) : EL_WIDE((rows + cuts - 1) / cuts), panels = (n + EL_PANEL - 1) / EL_PANEL, step;
    el_tile tile = {.segs = 1, .seglen = k, .a_offset = offset, .brow = &brow, .b_panel = b_panel, .b_row = EL_PANEL, .scale = 1.0f, .lda = lda, .ldc = ldc,
                    .lo = -INFINITY, .hi = INFINITY, .a_rows = a[0] + offset};
    for (int32_t p = 0; p < panels; p += step) {
        for (step = wide; step > panels - p;) step >>= 1;
        int32_t columns = n - p * EL_PANEL < step * EL_PANEL ? n - p * EL_PANEL : step * EL_PANEL;
        tile.b = b + p * tile.b_panel;
        tile.y = y + p * EL_PANEL;
        tile.tail = columns - (step - 1) * EL_PANEL;
        const el_run_fn run = runs ? el_run_kernel(step, tile.tail) : NULL;
        if (run) {
            tile.y_rows = tile.y + off[0];
            run(&tile, rows / EL_MR);
        }
        for (int64_t i = run ? rows / EL_MR : 0; i < cuts; i++) {
            const int64_t begin = run ? i * EL_MR : i * rows / cuts, end = run ? rows : (i + 1) * rows / cuts;
            tile.a = a + begin;
            tile.off = off + begin;
            el_tile_kernel((int32_t)(end - begin), step)(&tile);
        }
    }
}

/* x[j] += mask[j * stride], or -infinity where a mask of bool says no. */
static void el_attention_add_mask(const el_attention_params* p, float* x, int64_t n, const void* mask, int64_t first) {
    const int64_t stride = p->mask[3];
    const uint8_t* seen = (const uint8_t*)mask + first;
    const float* added = (const float*)mask + first;
    if (p->mask_is_bool)
        for (int64_t i = 0; i < n; i++) x[i] = seen[i * stride] ? x[i] : -INFINITY;
    else
        for (int64_t i = 0; i < n; i++) x[i] += added[i * stride];
}

/* x += added, unless that is NULL; max x. */
static inline __attribute__((always_inline)) float el_attention_top(float* x, int64_t n, const float* added) {
    el_vf top[2] = {el_vset1(-INFINITY), el_vset1(-INFINITY)};
    int64_t i = 0;
    for (; i + 2 * EL_VF <= n; i += 2 * EL_VF) {
        el_vf v[2] = {el_vload(x + i), el_vload(x + i + EL_VF)};
        if (added) {
            v[0] = el_vadd(v[0], el_vload(added + i)), v[1] = el_vadd(v[1], el_vload(added + i + EL_VF));
            el_vstore(x + i, v[0]), el_vstore(x + i + EL_VF, v[1]);
        }
        top[0] = el_vmax(v[0], top[0]), top[1] = el_vmax(v[1], top[1]); /* a NaN comes out of its exponential */
    }
    for (; i < n; i += EL_VF) {
        const int64_t left = n - i < EL_VF ? n - i : EL_VF;
        el_vf v = el_vload_n(x + i, left);
        if (added) el_vstore_n(x + i, v = el_vadd(v, el_vload_n(added + i, left)), left);
        top[0] = el_vmax(el_vselect(el_vfirst(left), v, el_vset1(-INFINITY)), top[0]);
    }
    return el_vhmax(el_vmax(top[0], top[1]));
}

/* x = cap(x) + mask; max x. */
static float el_attention_largest(const el_attention_params* p, float* x, int64_t n, const void* mask, int64_t first) {
    if (p->softcap != 0) {
        const el_vf cap = el_vset1(p->softcap), inverse = el_vset1(1.0f / p->softcap);
        for (int64_t i = 0; i < n; i += EL_VF) {
            int64_t left = n - i < EL_VF ? n - i : EL_VF;
            el_vstore_n(x + i, el_vmul(cap, el_vtanh(el_vmul(el_vload_n(x + i, left), inverse))), left);
        }
    }
    if (mask && !p->mask_is_bool && p->mask[3] == 1) return el_attention_top(x, n, (const float*)mask + first);
    if (mask) el_attention_add_mask(p, x, n, mask, first);
    return el_attention_top(x, n, NULL);
}

/* exp(x) for x <= 0, made like el_vexp, but as 2^(x / ln 2): the product is rounded, which moves a weight of exp(x) by |x| 2^-24 of itself, as much as the
 * rounding of scores that large does, and leaves one exact step of reduction in place of two. Coefficients are those of el_vexp times powers of ln 2. Where
 * there is no table, weights below the smallest normal number are 0, so that 2^n is one shift: n + 127 are the last bits of place. */
static inline el_vf el_attention_exp(el_vf x) {
    x = el_vmul(x, el_vset1(EL_LOG2E_));
#if EL_VF == 16
    x = el_vmax(el_vset1(-151.0f), x);
    const el_vf shift = el_vset1(0x1.8p18f), place = el_vadd(x, shift), n = el_vsub(place, shift), r = el_vsub(x, n);
    const el_vf q = el_vmul(el_vfma(r, el_vset1(2.402265070e-01f), el_vset1(6.931573421e-01f)), r);
    const el_vf root = _mm512_permutex2var_ps(el_vload(el_exp2_32_), el_vbits(place), el_vload(el_exp2_32_ + 16));
    return _mm512_scalef_ps(el_vfma(root, q, root), n);
#else
    x = el_vmax(el_vset1(-127.0f), x);
    const el_vf shift = el_vset1(0x1.8p23f + 127.0f), place = el_vadd(x, shift), n = el_vsub(place, shift), r = el_vsub(x, n);
    el_vf q = el_vset1(1.532083006e-04f);
    q = el_vfma(q, r, el_vset1(1.339038687e-03f));
    q = el_vfma(q, r, el_vset1(9.618529261e-03f));
    q = el_vfma(q, r, el_vset1(5.550361903e-02f));
    q = el_vfma(q, r, el_vset1(2.402264783e-01f));
    q = el_vfma(q, r, el_vset1(6.931471806e-01f));
    return el_vmul(el_vfma(q, r, el_vset1(1.0f)), el_vfrombits(el_vishl(el_vbits(place), 23)));
#endif
}

/* x = exp(x - largest); gives the sum of x. Where every x is -infinity (no key is seen) that is 0 with hidden_is_zero, otherwise NaN. */
static float el_attention_exponentials(const el_attention_params* p, float* x, int64_t n, float largest) {
    const el_vf max = el_vset1(p->hidden_is_zero && largest == -INFINITY ? 0 : largest);
    el_vf s0 = el_vzero(), s1 = s0;
    int64_t i = 0;
    for (; i + 2 * EL_VF <= n; i += 2 * EL_VF) {
        el_vf e0 = el_attention_exp(el_vsub(el_vload(x + i), max)), e1 = el_attention_exp(el_vsub(el_vload(x + i + EL_VF), max));
        el_vstore(x + i, e0);
        el_vstore(x + i + EL_VF, e1);
        s0 = el_vadd(s0, e0);
        s1 = el_vadd(s1, e1);
    }
    for (; i < n; i += EL_VF) {
        int64_t left = n - i < EL_VF ? n - i : EL_VF;
        el_vf e = el_attention_exp(el_vsub(el_vload_n(x + i, left), max));
        el_vstore_n(x + i, e, left);
        s0 = el_vadd(s0, el_vselect(el_vfirst(left), e, el_vzero()));
    }
    return el_vhsum(el_vadd(s0, s1));
}

/* The factor that makes exponentials weights: 1 / their sum. */
static inline float el_attention_inverse(const el_attention_params* p, float sum) { return p->hidden_is_zero && sum == 0 ? 0 : 1.0f / sum; }

/* ---- few queries --------------------------------------------------------------------------------------------------- */

/* out[j] = scale * q . k[j], j < n. */
static void el_attention_dots(const float* q, const float* k, int64_t row_stride, int64_t n, int64_t d, float scale, float* out) {
    float sums[4];
    for (int64_t j = 0; j < n; j += 4) {
        const int64_t lanes = n - j < 4 ? n - j : 4;
        el_dot_four(q, k + j * row_stride, row_stride, lanes, d, sums);
        for (int64_t l = 0; l < lanes; l++) out[j + l] = scale * sums[l];
    }
}

/* y[i] = scale * sum_j w[j] v[j][i], i of `width` floats, at most V registers of them; two or four sums take turns. */
static inline __attribute__((always_inline)) void el_attention_weigh_some(const float* w, const float* v, int64_t row_stride, int64_t n,
                                                                         float scale, float* y, const int V, int64_t width) {
    const int turns = V == 1 ? 4 : 2;
    el_vf sum[8];
#pragma GCC unroll 8
    for (int i = 0; i < V * turns; i++) sum[i] = el_vzero();
    int64_t j = 0;
    for (; j + turns <= n; j += turns)
#pragma GCC unroll 4
        for (int u = 0; u < turns; u++, v += row_stride) {
            const el_vf a = el_vset1(w[j + u]);
#pragma GCC unroll 4
            for (int i = 0; i < V; i++)
                sum[u * V + i] = el_vfma(a, V == 1 && width < EL_VF ? el_vload_n(v, width) : el_vload(v + i * EL_VF), sum[u * V + i]);
        }
    for (; j < n; j++, v += row_stride) {
        const el_vf a = el_vset1(w[j]);
#pragma GCC unroll 4
        for (int i = 0; i < V; i++) sum[i] = el_vfma(a, V == 1 && width < EL_VF ? el_vload_n(v, width) : el_vload(v + i * EL_VF), sum[i]);
    }
    const el_vf factor = el_vset1(scale);
#pragma GCC unroll 4
    for (int i = 0; i < V; i++) {
        el_vf total = turns == 4 ? el_vadd(el_vadd(sum[0], sum[1]), el_vadd(sum[2], sum[3])) : el_vadd(sum[i], sum[V + i]);
        total = el_vmul(total, factor);
        if (V == 1 && width < EL_VF) el_vstore_n(y, total, width);
        else el_vstore(y + i * EL_VF, total);
    }
}

static void el_attention_weigh(const float* w, const float* v, int64_t row_stride, int64_t n, int64_t e, float scale, float* y) {
    int64_t i = 0;
    for (; i + 4 * EL_VF <= e; i += 4 * EL_VF) el_attention_weigh_some(w, v + i, row_stride, n, scale, y + i, 4, 4 * EL_VF);
    for (; i + EL_VF <= e; i += EL_VF) el_attention_weigh_some(w, v + i, row_stride, n, scale, y + i, 1, EL_VF);
    if (i < e) el_attention_weigh_some(w, v + i, row_stride, n, scale, y + i, 1, e - i);
}

/* Items are [batch][key heads]. */
static void el_attention_few_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_attention_plan* plan = arg;
    const el_attention_params* p = plan->p;
    float* scores = (float*)(plan->scratch + (size_t)worker * plan->thread_bytes);
    for (int64_t item = begin; item < end; item++) {
        int64_t key_heads = p->heads / p->group, b = item / key_heads, h = item % key_heads;
        const float *k = plan->k + b * p->k[0] + h * p->k[1], *v = plan->v + b * p->v[0] + h * p->v[1];
        el_attention_query its[EL_ATTENTION_FEW];
        el_attention_find(plan, b, h, 0, plan->rows, its);
        for (int64_t row = 0; row < plan->rows; row++) {
            const el_attention_query* it = &its[row];
            int64_t n = it->hi - it->lo;
            el_attention_dots(it->q, k + it->lo * p->k[2], p->k[2], n, p->d, p->scale, scores);
            float sum = 1.0f;
            if (n > 0) sum = el_attention_exponentials(p, scores, n, el_attention_largest(p, scores, n, plan->mask, it->mask + it->lo * p->mask[3]));
            el_attention_weigh(scores, v + it->lo * p->v[2], p->v[2], n, p->e, el_attention_inverse(p, sum), it->y);
        }
    }
}

/* ---- many queries -------------------------------------------------------------------------------------------------- */

/* Items are [batch][key heads][pieces of rows]. */
static void el_attention_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_attention_plan* plan = arg;
    const el_attention_params* p = plan->p;
    const int64_t score_row = el_attention_score_row(p), key_heads = p->heads / p->group;
    char* s = plan->scratch + (size_t)worker * plan->thread_bytes;
    const float** queries = (const float**)s;
    const float** rows = (const float**)(s += el_align64(EL_DEEP_MB * sizeof(float*)));
    int64_t* score_off = (int64_t*)(s += el_align64(EL_DEEP_MB * sizeof(float*)));
    int64_t* y_off = (int64_t*)(s += el_align64(EL_DEEP_MB * sizeof(int64_t)));
    float* scores = (float*)(s += el_align64(EL_DEEP_MB * sizeof(int64_t)));
    float* keys = (float*)(s += el_align64((size_t)(EL_DEEP_MB * score_row) * sizeof(float)));
    float* values = (float*)(s + el_align64((size_t)((int64_t)(p->t + 15) / 16 * 16 * p->d) * sizeof(float)));
    for (int64_t r = 0; r < EL_DEEP_MB; r++) {
        rows[r] = scores + r * score_row;
        score_off[r] = r * score_row;
    }
    int64_t packed = -1;
    for (int64_t item = begin; item < end; item++) {
        int64_t head = item / plan->pieces, b = head / key_heads, h = head % key_heads;
        if (packed != head) {
            el_attention_pack_keys(plan->k + b * p->k[0] + h * p->k[1], p->k[2], p->t, p->d, p->scale, keys);
            el_attention_pack_values(plan->v + b * p->v[0] + h * p->v[1], p->v[2], p->t, p->e, values);
            packed = head;
        }
        int64_t first = item % plan->pieces * plan->piece, last = first + plan->piece < plan->rows ? first + plan->piece : plan->rows;
        for (int64_t m = first; m < last; m += EL_DEEP_MB) {
            int64_t count = last - m < EL_DEEP_MB ? last - m : EL_DEEP_MB, lo = p->t, hi = 0;
            el_attention_query its[EL_DEEP_MB];
            el_attention_find(plan, b, h, m, count, its);
            for (int64_t r = 0; r < count; r++) {
                queries[r] = its[r].q;
                y_off[r] = its[r].y - plan->y;
                if (its[r].lo < lo) lo = its[r].lo;
                if (its[r].hi > hi) hi = its[r].hi;
            }
            lo = lo / EL_PANEL * EL_PANEL;
            if (hi < lo) hi = lo;
            const int one_head = m / p->s == (m + count - 1) / p->s;
            el_attention_product(queries, 0, score_off, one_head ? p->q[2] : 0, score_row, count, p->d, keys + lo * p->d, (int64_t)p->d * EL_PANEL, (int32_t)(hi - lo),
                                 scores + lo);
            float largest[EL_DEEP_MB], sums[EL_DEEP_MB];
            for (int64_t r = 0; r < count; r++) { /* apart from the exponentials: no row waits for the one before */
                const el_attention_query* it = &its[r];
                if (it->hi > it->lo)
                    largest[r] = el_attention_largest(p, scores + r * score_row + it->lo, it->hi - it->lo, plan->mask, it->mask + it->lo * p->mask[3]);
            }
            for (int64_t r = 0; r < count; r++) {
                const el_attention_query* it = &its[r];
                float* row = scores + r * score_row;
                int64_t n = it->hi - it->lo;
                sums[r] = n > 0 ? el_attention_exponentials(p, row + it->lo, n, largest[r]) : 1.0f;
                int64_t from = n > 0 ? it->lo : hi, to = n > 0 ? it->hi : hi; /* keys that others see */
                if (from > lo) memset(row + lo, 0, (size_t)(from - lo) * sizeof(float));
                if (to < hi) memset(row + to, 0, (size_t)(hi - to) * sizeof(float));
            }
            el_attention_product(rows, lo, y_off, one_head ? score_row : 0, p->y[2], count, (int32_t)(hi - lo), values + lo * EL_PANEL,
                                 (int64_t)p->t * EL_PANEL, p->e, plan->y);
            for (int64_t r = 0; r < count; r++) {
                float* to = its[r].y;
                const el_vf scale = el_vset1(el_attention_inverse(p, sums[r]));
                int64_t i = 0;
                for (; i + EL_VF <= p->e; i += EL_VF) el_vstore(to + i, el_vmul(el_vload(to + i), scale));
                if (i < p->e) el_vstore_n(to + i, el_vmul(el_vload_n(to + i, p->e - i), scale), p->e - i);
            }
        }
    }
}

static void el_attention_run(const el_ctx* ctx, const el_attention_params* p, void* const* buffers) {
    int64_t heads = (int64_t)p->batch * p->heads / p->group, threads = el_ctx_threads(ctx), rows = (int64_t)p->group * p->s;
    if (heads <= 0 || p->s <= 0 || p->e <= 0) return;
    el_attention_plan plan = {p, buffers[0], buffers[1], buffers[2], buffers[3], buffers[4], buffers[5], rows, 1, rows, ctx->scratch,
                              el_attention_thread_bytes(p)};
    const int few = el_attention_is_few(p);
    /* Every piece packs k and v again: heads are split only where there are too few for the threads. */
    if (!few && threads > 1 && heads % threads != 0 && heads < 4 * threads) {
        int64_t want = (4 * threads + heads - 1) / heads, most = (rows + EL_DEEP_MB - 1) / EL_DEEP_MB;
        if (want > most) want = most;
        plan.piece = (rows + want - 1) / want;
        plan.pieces = (rows + plan.piece - 1) / plan.piece;
    }
    int64_t cost = plan.piece * p->t * (p->d + p->e);
    el_parallel(ctx, heads * plan.pieces, EL_PARALLEL_FMAS / (cost + 1) + 1, few ? el_attention_few_body : el_attention_body, &plan);
}

#endif
