/* Transposed convolution whose windows lie side by side (kernel = stride, no padding); included by gemm_f32.h. A task is a line
 * of the input: its pixels, up to EL_DEEP_MB at a time, times all columns (ky, kx, oc), and each row ky of the products goes where it
 * belongs in y. The weights are brought into the order of columns first: few, as this way is for few output channels. */
#ifndef EL_CONV_TRANSPOSE_TILING_H
#define EL_CONV_TRANSPOSE_TILING_H

typedef struct el_tiling {
    const el_conv_params* p;
    const float *x, *b, *bias, *residual, *slope; /* b, bias: by column */
    float* y;
    int64_t columns; /* a multiple of EL_PANEL */
    char* scratch;
    size_t thread_bytes;
} el_tiling;

/* from[panels of oc][taps * c][16] to to[panels of columns][c][16]; column (tap, o) */
static void el_tiling_columns_of(const el_conv_params* p, const float* from, float* to, int64_t columns) {
    const int64_t taps = (int64_t)p->kh * p->kw, k = taps * p->c;
    for (int64_t column = 0; column < columns; column++) {
        const int64_t tap = column / p->oc, o = column % p->oc;
        const float* source = from + (o / EL_PANEL * k + tap * p->c) * EL_PANEL + o % EL_PANEL;
        float* out = to + column / EL_PANEL * p->c * EL_PANEL + column % EL_PANEL;
        for (int64_t c = 0; c < p->c; c++) out[c * EL_PANEL] = tap < taps ? source[c * EL_PANEL] : 0.0f;
    }
}

/* y[0, n) = x (+ residual) */
static inline void el_tiling_put(float* y, const float* x, const float* residual, int64_t n) {
    if (n <= 4) {
        for (int64_t i = 0; i < n; i++) y[i] = residual ? x[i] + residual[i] : x[i];
        return;
    }
    for (int64_t i = 0; i < n; i += EL_VF) {
        const int64_t left = n - i < EL_VF ? n - i : EL_VF;
        el_vf v = el_vload_n(x + i, left);
        if (residual) v = el_vadd(v, el_vload_n(residual + i, left));
        el_vstore_n(y + i, v, left);
    }
}

static void el_tiling_lines(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_tiling* s = arg;
    const el_conv_params* p = s->p;
    const int64_t c = p->c, oc = p->oc, part = p->kw * oc, line = p->ow * oc;
    static const int32_t brow = 0;
    char* scratch = s->scratch + (size_t)worker * s->thread_bytes;
    const float** a = (const float**)scratch;
    int64_t* off = (int64_t*)(scratch += el_align64(EL_DEEP_MB * sizeof(float*)));
    float* products = (float*)(scratch + el_align64(EL_DEEP_MB * sizeof(int64_t)));
    for (int64_t r = 0; r < EL_DEEP_MB; r++) off[r] = r * s->columns;
    for (int64_t row = begin; row < end; row++)
        for (int64_t x0 = 0; x0 < p->w; x0 += EL_DEEP_MB) {
            const int32_t pixels = (int32_t)(p->w - x0 < EL_DEEP_MB ? p->w - x0 : EL_DEEP_MB), cuts = (pixels + EL_MR - 1) / EL_MR;
            for (int32_t r = 0; r < pixels; r++) a[r] = s->x + (row * p->w + x0 + r) * c;
            el_tile tile = {.segs = 1, .seglen = p->c, .brow = &brow, .b_panel = c * EL_PANEL, .b_row = EL_PANEL, .tail = EL_PANEL, .scale = 1.0f,
                            .lo = s->residual ? -INFINITY : el_act_lo(p->act), .hi = s->residual ? INFINITY : el_act_hi(p->act)};
            int32_t panels = (int32_t)(s->columns / EL_PANEL), wide = EL_WIDE((pixels + cuts - 1) / cuts), step;
            for (int32_t q = 0; q < panels; q += step) {
                for (step = wide; step > panels - q;) step >>= 1;
                tile.b = s->b + q * tile.b_panel;
                tile.bias = s->bias ? s->bias + q * EL_PANEL : NULL;
                tile.y = products + q * EL_PANEL;
                for (int32_t i = 0; i < cuts; i++) {
                    const int32_t first = i * pixels / cuts, last = (i + 1) * pixels / cuts;
                    tile.a = a + first;
                    tile.off = off + first;
                    el_tile_kernel(last - first, step)(&tile);
                }
            }
            for (int32_t ky = 0; ky < p->kh; ky++) {
                const int64_t at = (row * p->kh + ky) * line + x0 * part, zero = 0;
                float* y = s->y + at;
                const float *from = products + ky * part, *residual = s->residual ? s->residual + at : NULL;
                for (int32_t r = 0; r < pixels; r++, from += s->columns) el_tiling_put(y + r * part, from, residual ? residual + r * part : NULL, part);
                if (p->act.kind == EL_ACT_PRELU)
                    for (int64_t i = 0; i < pixels * p->kw; i++) el_gemm_activate(p->act, y + i * oc, &zero, 1, s->slope, oc);
                else if (residual || !el_act_is_clamp(p->act)) el_gemm_activate(p->act, y, &zero, 1, NULL, pixels * part);
            }
        }
}

static void el_tiling_run(const el_ctx* ctx, const el_conv_params* p, void* const* buffers) {
    el_tiling s = {.p = p, .x = buffers[0], .residual = buffers[3], .slope = buffers[4], .y = buffers[5], .columns = el_tiling_columns(p),
                   .thread_bytes = el_tiling_thread_bytes(p)};
    float *b = ctx->scratch, *bias = b + el_align64((size_t)(s.columns * p->c) * sizeof(float)) / sizeof(float);
    el_tiling_columns_of(p, buffers[1], b, s.columns);
    const float* own = buffers[2];
    if (own)
        for (int64_t i = 0; i < s.columns; i++) bias[i] = own[i % p->oc];
    s.b = b;
    s.bias = own ? bias : NULL;
    s.scratch = (char*)ctx->scratch + el_tiling_shared_bytes(p);
    int64_t cost = p->w * p->c * s.columns;
    el_parallel(ctx, (int64_t)p->n * p->h, EL_PARALLEL_FMAS / (cost + 1) + 1, el_tiling_lines, &s);
}

#endif
