/* Float32 and float16 pooling. */
#include "nn_reference.h"

static void pool_case(const el_pool_params* p) {
    size_t xs = (size_t)p->n * p->h * p->w * p->c, ys = (size_t)p->n * p->oh * p->ow * p->c, at = 0;
    float *x = th_floats(xs), *best = th_floats(ys), *mean = th_floats(ys);
    th_fill_f32(x, xs, -1, 1);
    if (th_range(0, 1)) x[th_range(0, (int)xs - 1)] = NAN, x[th_range(0, (int)xs - 1)] = -INFINITY;
    void* halves = elements("max_pool_f16", x, xs, 4); /* both types see the same numbers */
    for (int64_t n = 0; n < p->n; n++)
        for (int64_t oy = 0; oy < p->oh; oy++)
            for (int64_t ox = 0; ox < p->ow; ox++)
                for (int64_t c = 0; c < p->c; c++, at++) {
                    double m = -INFINITY, sum = 0;
                    int nan = 0, inside = 0, counted = 0;
                    for (int64_t ky = 0; ky < p->kh; ky++)
                        for (int64_t kx = 0; kx < p->kw; kx++) {
                            int64_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                            int64_t ix = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                            if (iy < p->h + p->pad_bottom && ix < p->w + p->pad_right) counted++;
                            if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                            double v = x[((n * p->h + iy) * p->w + ix) * p->c + c];
                            inside++;
                            sum += v;
                            if (isnan(v)) nan = 1;
                            if (v > m) m = v;
                        }
                    best[at] = (float)act(p->act, nan ? NAN : m, 0);
                    mean[at] = (float)act(p->act, sum / (p->count_include_pad ? counted : inside), 0);
                }
    void* buffers[2] = {x, NULL};
    char what[200];
    snprintf(what, sizeof what, "n%d %dx%dx%d -> %dx%d k%dx%d s%dx%d d%dx%d pad %d,%d,%d,%d include%d act%d", p->n, p->h, p->w,
             p->c, p->oh, p->ow, p->kh, p->kw, p->stride_h, p->stride_w, p->dilation_h, p->dilation_w, p->pad_top, p->pad_left,
             p->pad_bottom, p->pad_right, p->count_include_pad, p->act.kind);
    check("max_pool_f32", p, buffers, 1, best, ys, what, NULL, 0, 0);
    check("avg_pool_f32", p, buffers, 1, mean, ys, what, NULL, 0, 0);
    buffers[0] = halves;
    check("max_pool_f16", p, buffers, 1, best, ys, what, NULL, 0, 0);
    check("avg_pool_f16", p, buffers, 1, mean, ys, what, NULL, 0, 0);
    th_free_all();
}

static void test_pools(int cases) {
    for (int i = 0; i < cases;) {
        el_conv_params c = random_conv(0);
        el_pool_params p = {c.n, c.h, c.w, th_range(1, 70), 0, 0, c.kh, c.kw, c.stride_h, c.stride_w, c.dilation_h,
                            c.dilation_w, c.pad_top, c.pad_left, 0, 0, th_range(0, 1), acts[th_range(0, 2)]};
        p.pad_bottom = th_range(0, (p.kh - 1) * p.dilation_h), p.pad_right = th_range(0, (p.kw - 1) * p.dilation_w);
        int32_t eh = (p.kh - 1) * p.dilation_h + 1, ew = (p.kw - 1) * p.dilation_w + 1, ceil_mode = th_range(0, 1);
        int32_t rh = p.h + p.pad_top + p.pad_bottom - eh, rw = p.w + p.pad_left + p.pad_right - ew;
        if (rh < 0 || rw < 0) continue;
        p.oh = (rh + (ceil_mode ? p.stride_h - 1 : 0)) / p.stride_h + 1;
        p.ow = (rw + (ceil_mode ? p.stride_w - 1 : 0)) / p.stride_w + 1;
        pool_case(&p);
        i++;
    }
    pool_case(&(el_pool_params){1, 7, 7, 130, 1, 1, 7, 7, 1, 1, 1, 1, 0, 0, 0, 0, 0, {EL_ACT_NONE, 0, 0}});
}

int main(int argc, char** argv) {
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    th_seed(argc > 2 ? (uint64_t)atoi(argv[2]) : 1);
    test_pools(60 * scale);
    return th_report("test_pooling");
}
