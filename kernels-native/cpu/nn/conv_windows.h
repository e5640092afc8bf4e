/* Convolutions of few channels, as the first layers of networks for pictures: a row of the window, kw * c floats, lies in one piece, and the
 * windows of a line of outputs lie stride_w * c floats apart. So a line of outputs needs no table of addresses, but kh lines of input. Their ends
 * are copied into a ring of lines with padding, where the outputs of the next line find most of them again; short lines are copied whole. Included once by each
 * gemm_f32.<isa>.c that defines
 *     EL_WINDOWS                  the least outputs of a line
 *     EL_WINDOWS_PANELS           the most panels at a time, 1 or 2
 *     el_windows_kernel(P, tail)  what computes a line of outputs for P panels
 *     el_windows_activates(kind)  whether it applies an activation that is no interval
 */
#ifndef EL_CONV_WINDOWS_H
#define EL_CONV_WINDOWS_H

#ifdef EL_WINDOWS

typedef struct windows_task {
    const el_conv_params* p;
    void* const* buffers;
    char* scratch;
} windows_task;

static void el_windows_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const windows_task* t = arg;
    const el_conv_params* p = t->p;
    const float *x = t->buffers[0], *b = t->buffers[1], *bias = t->buffers[2], *slope = t->buffers[4];
    float* y = t->buffers[5];
    const int64_t line = el_windows_line(p), width = (int64_t)p->w * p->c, left = (int64_t)p->pad_left * p->c, span = el_windows_span(p);
    const int64_t right = line - left < width ? line - left : width, k = (int64_t)p->kh * p->kw * p->c, step = (int64_t)p->stride_w * p->c;
    /* outputs [from, to) see no padding; those that are computed together with one that does find its copy, up to `head` and from `tail` on */
    int64_t from = (p->pad_left + (int64_t)p->stride_w - 1) / p->stride_w, to = (width + left) / p->c < p->kw ? 0 : ((width + left) / p->c - p->kw) / p->stride_w + 1;
    if (to > p->ow) to = p->ow;
    const int whole = to - from < 2 * EL_WINDOWS_MOST;
    if (whole) from = p->ow;
    const int64_t head = whole ? right : from == 0 ? 0 : (from + EL_WINDOWS_MOST - 2) * step + (int64_t)p->kw * p->c - left;
    const int64_t tail = whole || to == p->ow ? right : (to - EL_WINDOWS_MOST + 1) * step - left;
    const float* zero = (const float*)t->scratch;
    char* own = t->scratch + el_align64((size_t)line * sizeof(float)) + (size_t)worker * el_windows_worker_bytes(p);
    const float **edges = (const float**)own, **lines = edges + p->kh;
    int64_t* off = (int64_t*)(own + el_align64(2 * (size_t)p->kh * sizeof(float*)));
    float* ring = (float*)((char*)off + el_align64((size_t)p->ow * sizeof(int64_t)));
    memset(ring, 0, (size_t)(span * line) * sizeof(float));
    for (int64_t ox = 0; ox < p->ow; ox++) off[ox] = ox * p->oc;
    const int in_registers = el_windows_activates(p->act.kind), afterwards = !in_registers && !el_act_is_clamp(p->act);
    el_windows v = {.edges = edges, .lines = lines, .from = from, .to = to, .left = left, .kh = p->kh, .length = p->kw * p->c, .step = step, .b_panel = k * EL_PANEL, .ldc = p->oc,
                    .lo = el_act_lo(p->act), .hi = el_act_hi(p->act), .act = in_registers ? p->act.kind : EL_ACT_NONE};
    int64_t image = begin / p->oh, oy = begin % p->oh, have = 0; /* lines before `have` are in the ring, or too old */
    for (int64_t row = begin; row < end; row++) {
        const float* picture = x + image * p->h * width;
        const int64_t first = oy * p->stride_h - p->pad_top;
        for (int64_t ky = 0; ky < p->kh; ky++) {
            const int64_t iy = first + ky * p->dilation_h;
            const int inside = iy >= 0 && iy < p->h;
            float* copy = ring + iy % span * line;
            edges[ky] = inside ? copy : zero;
            lines[ky] = inside ? picture + iy * width : zero + left;
            if (!inside || iy < have) continue;
            memcpy(copy + left, picture + iy * width, (size_t)head * sizeof(float));
            memcpy(copy + left + tail, picture + iy * width + tail, (size_t)(right - tail) * sizeof(float));
            if (p->dilation_h == 1) have = iy + 1;
        }
        float* out = y + row * p->ow * p->oc;
        for (int32_t column = 0, panels; column < p->oc; column += panels * EL_PANEL) {
            const int32_t left_over = p->oc - column;
            panels = left_over > EL_PANEL ? 2 : 1;
            if (panels > EL_WINDOWS_PANELS) panels = EL_WINDOWS_PANELS;
            const int32_t columns = left_over < panels * EL_PANEL ? left_over : panels * EL_PANEL;
            v.b = b + column * k;
            v.bias = bias ? bias + column : NULL;
            v.y = out + column;
            v.tail = columns - (panels - 1) * EL_PANEL;
            el_windows_kernel(panels, v.tail)(&v, p->ow);
            if (afterwards) el_gemm_activate(p->act, v.y, off, p->ow, slope ? slope + column : NULL, columns);
        }
        if (++oy == p->oh) oy = have = 0, image++;
    }
}

static int el_windows_run(const el_ctx* ctx, const el_conv_params* p, void* const* buffers) {
    if (!el_conv_is_windows(p) || p->ow < EL_WINDOWS || buffers[3]) return 0;
    windows_task t = {p, buffers, ctx->scratch};
    memset(ctx->scratch, 0, (size_t)el_windows_line(p) * sizeof(float));
    const int64_t cost = (int64_t)p->ow * p->oc * p->kh * p->kw * p->c;
    el_parallel(ctx, (int64_t)p->n * p->oh, EL_PARALLEL_FMAS / (cost + 1) + 1, el_windows_rows, &t);
    return 1;
}

#else
#define el_windows_run(ctx, p, buffers) 0
#endif
#endif
