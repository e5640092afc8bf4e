/* Attention over the same micro-kernel; included by gemm_driver.h. A task is some rows of q of one head. It packs k and v of
 * the head as panels, and takes its rows in blocks of at most EL_MB: scores = scale * q k^T, softmax without its division, y =
 * scores v, then each row of y divided by its sum. */
#ifndef EL_ATTENTION_H
#define EL_ATTENTION_H

typedef struct el_attention_plan {
    const el_attention_params* p;
    const float *q, *k, *v, *mask;
    float* y;
    int64_t pieces, piece; /* of the rows of a head */
    char* scratch;
    size_t thread_bytes;
} el_attention_plan;

/* k[t][d] with rows row_stride apart as panels [ceil(t/16)][d][16], zero past t. */
static void el_attention_pack_keys(const float* k, int64_t row_stride, int64_t t, int64_t d, float* out) {
    for (int64_t first = 0; first < t; first += EL_PANEL, out += d * EL_PANEL) {
        int64_t width = t - first < EL_PANEL ? t - first : EL_PANEL;
        if (width < EL_PANEL) memset(out, 0, (size_t)(d * EL_PANEL) * sizeof(float));
        const float* from = k + first * row_stride;
        if (width == EL_PANEL)
            for (int64_t i = 0; i < d; i++)
                for (int l = 0; l < EL_PANEL; l++) out[i * EL_PANEL + l] = from[l * row_stride + i];
        else
            for (int64_t i = 0; i < d; i++)
                for (int64_t l = 0; l < width; l++) out[i * EL_PANEL + l] = from[l * row_stride + i];
    }
}

/* v[t][e] as panels [ceil(e/16)][t][16], zero past e. */
static void el_attention_pack_values(const float* v, int64_t row_stride, int64_t t, int64_t e, float* out) {
    for (int64_t first = 0; first < e; first += EL_PANEL) {
        int64_t width = e - first < EL_PANEL ? e - first : EL_PANEL;
        for (int64_t i = 0; i < t; i++, out += EL_PANEL) {
            if (width == EL_PANEL) memcpy(out, v + i * row_stride + first, EL_PANEL * sizeof(float));
            else
                for (int64_t l = 0; l < EL_PANEL; l++) out[l] = l < width ? v[i * row_stride + first + l] : 0.0f;
        }
    }
}

/* rows x n of the product of a[r] (k long) with panels b, to y + off[r]. */
static void el_attention_product(const float* const* a, const int64_t* off, int64_t rows, int32_t k, const float* b, int32_t n, float scale,
                                 float* y) {
    static const int32_t brow = 0;
    int64_t cuts = (rows + EL_MR - 1) / EL_MR;
    int32_t wide = EL_WIDE((rows + cuts - 1) / cuts), panels = (n + EL_PANEL - 1) / EL_PANEL, step;
    el_tile tile = {.segs = 1, .seglen = k, .brow = &brow, .b_panel = (int64_t)k * EL_PANEL, .b_row = EL_PANEL, .scale = scale,
                    .lo = -INFINITY, .hi = INFINITY};
    for (int32_t p = 0; p < panels; p += step) {
        for (step = wide; step > panels - p;) step >>= 1;
        int32_t columns = n - p * EL_PANEL < step * EL_PANEL ? n - p * EL_PANEL : step * EL_PANEL;
        tile.b = b + p * tile.b_panel;
        tile.y = y + p * EL_PANEL;
        tile.tail = columns - (step - 1) * EL_PANEL;
        for (int64_t i = 0; i < cuts; i++) {
            int64_t begin = i * rows / cuts, end = (i + 1) * rows / cuts;
            tile.a = a + begin;
            tile.off = off + begin;
            el_tile_kernel((int32_t)(end - begin), step)(&tile);
        }
    }
}

/* x += mask, x = exp(x - max x); the sum of x. */
static float el_attention_exponentials(float* x, int64_t n, const float* mask, int64_t mask_stride) {
    const int64_t whole = n / EL_VF * EL_VF;
    if (mask && mask_stride == 1) {
        for (int64_t i = 0; i < whole; i += EL_VF) el_vstore(x + i, el_vadd(el_vload(x + i), el_vload(mask + i)));
        if (whole < n) el_vstore_n(x + whole, el_vadd(el_vload_n(x + whole, n - whole), el_vload_n(mask + whole, n - whole)), n - whole);
    } else if (mask)
        for (int64_t i = 0; i < n; i++) x[i] += mask[i * mask_stride];
    el_vf top = el_vset1(-INFINITY), s0 = el_vzero(), s1 = s0;
    for (int64_t i = 0; i < whole; i += EL_VF) top = el_vmax(el_vload(x + i), top); /* a NaN comes out of its exponential */
    if (whole < n) top = el_vmax(el_vselect(el_vfirst(n - whole), el_vload_n(x + whole, n - whole), el_vset1(-INFINITY)), top);
    const el_vf max = el_vset1(el_vhmax(top));
    int64_t i = 0;
    for (; i + 2 * EL_VF <= n; i += 2 * EL_VF) {
        el_vf e0 = el_vexp(el_vsub(el_vload(x + i), max)), e1 = el_vexp(el_vsub(el_vload(x + i + EL_VF), max));
        el_vstore(x + i, e0);
        el_vstore(x + i + EL_VF, e1);
        s0 = el_vadd(s0, e0);
        s1 = el_vadd(s1, e1);
    }
    for (; i < n; i += EL_VF) {
        int64_t left = n - i < EL_VF ? n - i : EL_VF;
        el_vf e = el_vexp(el_vsub(el_vload_n(x + i, left), max));
        el_vstore_n(x + i, e, left);
        s0 = el_vadd(s0, el_vselect(el_vfirst(left), e, el_vzero()));
    }
    return el_vhsum(el_vadd(s0, s1));
}

/* Items are [batch][heads][pieces of rows]. */
static void el_attention_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_attention_plan* plan = arg;
    const el_attention_params* p = plan->p;
    const int64_t score_row = el_attention_score_row(p);
    char* s = plan->scratch + (size_t)worker * plan->thread_bytes;
    const float** queries = (const float**)s;
    const float** rows = (const float**)(s += el_align64(EL_MB * sizeof(float*)));
    int64_t* score_off = (int64_t*)(s += el_align64(EL_MB * sizeof(float*)));
    int64_t* y_off = (int64_t*)(s += el_align64(EL_MB * sizeof(int64_t)));
    float* scores = (float*)(s += el_align64(EL_MB * sizeof(int64_t)));
    float* keys = (float*)(s += el_align64((size_t)(EL_MB * score_row) * sizeof(float)));
    float* values = (float*)(s + el_align64((size_t)((int64_t)(p->t + 15) / 16 * 16 * p->d) * sizeof(float)));
    for (int64_t r = 0; r < EL_MB; r++) {
        rows[r] = scores + r * score_row;
        score_off[r] = r * score_row;
        y_off[r] = r * p->y[2];
    }
    int64_t packed = -1;
    for (int64_t item = begin; item < end; item++) {
        int64_t head = item / plan->pieces, b = head / p->heads, h = head % p->heads;
        if (packed != head) {
            el_attention_pack_keys(plan->k + b * p->k[0] + h * p->k[1], p->k[2], p->t, p->d, keys);
            el_attention_pack_values(plan->v + b * p->v[0] + h * p->v[1], p->v[2], p->t, p->e, values);
            packed = head;
        }
        int64_t first = item % plan->pieces * plan->piece, last = first + plan->piece < p->s ? first + plan->piece : p->s;
        for (int64_t m = first; m < last; m += EL_MB) {
            int64_t count = last - m < EL_MB ? last - m : EL_MB;
            float* y = plan->y + b * p->y[0] + h * p->y[1] + m * p->y[2];
            for (int64_t r = 0; r < count; r++) queries[r] = plan->q + b * p->q[0] + h * p->q[1] + (m + r) * p->q[2];
            el_attention_product(queries, score_off, count, p->d, keys, p->t, p->scale, scores);
            float sums[EL_MB];
            for (int64_t r = 0; r < count; r++) {
                const float* mask = plan->mask ? plan->mask + b * p->mask[0] + h * p->mask[1] + (m + r) * p->mask[2] : NULL;
                sums[r] = el_attention_exponentials(scores + r * score_row, p->t, mask, p->mask[3]);
            }
            el_attention_product(rows, y_off, count, p->t, values, p->e, 1.0f, y);
            for (int64_t r = 0; r < count; r++) {
                float* to = y + y_off[r];
                const el_vf scale = el_vset1(1.0f / sums[r]);
                int64_t i = 0;
                for (; i + EL_VF <= p->e; i += EL_VF) el_vstore(to + i, el_vmul(el_vload(to + i), scale));
                if (i < p->e) el_vstore_n(to + i, el_vmul(el_vload_n(to + i, p->e - i), scale), p->e - i);
            }
        }
    }
}

static void el_attention_run(const el_ctx* ctx, const el_attention_params* p, void* const* buffers) {
    int64_t heads = (int64_t)p->batch * p->heads, threads = el_ctx_threads(ctx);
    if (heads <= 0 || p->s <= 0 || p->e <= 0) return;
    el_attention_plan plan = {p, buffers[0], buffers[1], buffers[2], buffers[3], buffers[4], 1, p->s, ctx->scratch,
                              el_attention_thread_bytes(p)};
    /* Every piece packs k and v again: heads are split only where there are too few for the threads. */
    if (threads > 1 && heads % threads != 0 && heads < 4 * threads) {
        int64_t want = (4 * threads + heads - 1) / heads, most = (p->s + EL_MB - 1) / EL_MB;
        if (want > most) want = most;
        plan.piece = (p->s + want - 1) / want;
        plan.pieces = (p->s + plan.piece - 1) / plan.piece;
    }
    int64_t cost = plan.piece * p->t * (p->d + p->e);
    el_parallel(ctx, heads * plan.pieces, EL_PARALLEL_FMAS / (cost + 1) + 1, el_attention_body, &plan);
}

#endif
