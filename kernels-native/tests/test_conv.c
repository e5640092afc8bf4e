/* Float32 and float16 convolutions: plain, transposed, depthwise and by Winograd. */
#include "nn_reference.h"

/* Sum of one output in double, or of the conv's adjoint. Weights here are plain: w[oc][ky][kx][cin/groups]. */
static void conv_reference(const el_conv_params* p, int transposed, const float* x, const float* w, const float* bias,
                           const float* residual, const float* slope, float* y) {
    int64_t cin = p->c / p->groups, cout = p->oc / p->groups, at = 0;
    for (int64_t n = 0; n < p->n; n++)
        for (int64_t oy = 0; oy < p->oh; oy++)
            for (int64_t ox = 0; ox < p->ow; ox++)
                for (int64_t oc = 0; oc < p->oc; oc++, at++) {
                    double sum = 0;
                    for (int64_t ky = 0; ky < p->kh; ky++)
                        for (int64_t kx = 0; kx < p->kw; kx++) {
                            /* direct: i = o*stride - pad + k*dilation; its adjoint: o = i*stride - pad + k*dilation */
                            int64_t iy = transposed ? oy + p->pad_top - ky * p->dilation_h : oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                            int64_t ix = transposed ? ox + p->pad_left - kx * p->dilation_w : ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                            if (transposed && (iy % p->stride_h || ix % p->stride_w)) continue;
                            if (transposed) iy /= p->stride_h, ix /= p->stride_w;
                            if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
                            const float* pixel = x + ((n * p->h + iy) * p->w + ix) * p->c + oc / cout * cin;
                            const float* tap = w + ((oc * p->kh + ky) * p->kw + kx) * cin;
                            for (int64_t ci = 0; ci < cin; ci++) sum += (double)pixel[ci] * tap[ci];
                        }
                    sum += (bias ? bias[oc] : 0.0) + (residual ? residual[at] : 0.0);
                    y[at] = (float)act(p->act, sum, slope ? slope[oc] : 0);
                }
}

static void conv_case(const char* name, const el_conv_params* p) {
    int transposed = strcmp(name, "conv_transpose_f32") == 0, depthwise = strncmp(name, "dwconv", 6) == 0;
    int64_t cin = p->c / p->groups, cout = p->oc / p->groups, taps = (int64_t)p->kh * p->kw, k = taps * cin;
    size_t xs = (size_t)p->n * p->h * p->w * p->c, ys = (size_t)p->n * p->oh * p->ow * p->oc;
    float *x = th_floats(xs), *w = th_floats((size_t)(p->oc * k)), *want = th_floats(ys);
    th_fill_f32(x, xs, -1, 1);
    th_fill_f32(w, (size_t)(p->oc * k), -0.5f, 0.5f);
    elements(name, w, (size_t)(p->oc * k), 4);
    size_t packed_floats;
    float *bias = NULL, *residual = NULL, *slope = NULL, *packed;
    if (th_range(0, 2)) th_fill_f32(bias = th_floats(p->oc), p->oc, -1, 1);
    if (!th_range(0, 2)) th_fill_f32(residual = th_floats(ys), ys, -1, 1);
    if (p->act.kind == EL_ACT_PRELU) th_fill_f32(slope = th_floats(p->oc), p->oc, -1, 1);
    if (depthwise) {
        packed_floats = (size_t)((p->c + 15) / 16 * 16 * taps);
        packed = th_alloc(packed_floats * sizeof(float), 64);
        for (int64_t c = 0; c < (p->c + 15) / 16 * 16; c++)
            for (int64_t t = 0; t < taps; t++) packed[(c / 16 * taps + t) * 16 + c % 16] = c < p->c ? w[c * taps + t] : 0.0f;
    } else {
        size_t group = panel_floats(k, cout);
        packed_floats = group * p->groups;
        packed = th_alloc(packed_floats * sizeof(float), 64);
        float* b = th_floats((size_t)(k * cout));
        for (int64_t g = 0; g < p->groups; g++) {
            for (int64_t r = 0; r < k; r++)
                for (int64_t n = 0; n < cout; n++) b[r * cout + n] = w[(g * cout + n) * k + r];
            pack_panels(packed + g * group, b, k, cout);
        }
    }
    void* buffers[6] = {elements(name, x, xs, 4), elements(name, packed, packed_floats, 64), bias, elements(name, residual, ys, 4), slope, NULL};
    conv_reference(p, transposed, x, w, bias, residual, slope, want);
    char what[256];
    snprintf(what, sizeof what, "n%d %dx%dx%d -> %dx%dx%d k%dx%d s%dx%d d%dx%d pad %d,%d g%d act%d%s%s", p->n, p->h, p->w, p->c,
             p->oh, p->ow, p->oc, p->kh, p->kw, p->stride_h, p->stride_w, p->dilation_h, p->dilation_w, p->pad_top, p->pad_left,
             p->groups, p->act.kind, bias ? " bias" : "", residual ? " residual" : "");
    /* Winograd's transforms lose some bits: five times the error of a plain sum in float32, twice (of a root of the depth) in float16 */
    int winograd = !depthwise && !transposed && p->kh == 3 && p->kw == 3 && p->stride_h == 1 && p->stride_w == 1;
    check(name, p, buffers, 5, want, ys, what, buffers[3], 3, winograd ? (is_half(name) ? 4 : 5) * k : k);
    if (strcmp(name, "conv_f32") == 0) check("conv_f32__direct", p, buffers, 5, want, ys, what, buffers[3], 3, k);
    th_free_all();
}

static void test_convs(int cases) {
    for (int i = 0; i < cases;) {
        el_conv_params p = random_conv(0);
        if (p.oh < 1 || p.ow < 1) continue;
        conv_case("conv_f32", &p);
        conv_case("conv_f16", &p);
        i++;
    }
    for (int i = 0; i < cases;) {
        el_conv_params p = random_conv(1);
        if (p.oh < 1 || p.ow < 1) continue;
        conv_case("conv_transpose_f32", &p);
        i++;
    }
    for (int i = 0; i < cases; i++) { /* windows side by side, few output channels */
        el_conv_params p = {.n = th_range(1, 2), .h = th_range(1, 6), .w = th_range(1, 60), .c = th_range(1, 30), .oc = th_range(1, 40), .kh = th_range(1, 3),
                            .kw = th_range(1, 3), .dilation_h = 1, .dilation_w = 1, .groups = 1, .act = random_act()};
        p.stride_h = p.kh, p.stride_w = p.kw, p.oh = p.h * p.kh, p.ow = p.w * p.kw;
        conv_case("conv_transpose_f32", &p);
    }
    for (int i = 0; i < cases;) {
        el_conv_params p = random_conv(0);
        if (i % 3) { /* the common kernels: 3x3 and 5x5, stride 1 and 2 */
            p.kh = p.kw = i % 3 == 1 ? 3 : 5;
            p.dilation_h = p.dilation_w = 1;
            p.stride_h = p.stride_w = th_range(1, 2);
            p.pad_top = th_range(0, p.kh / 2), p.pad_left = th_range(0, p.kw / 2);
            p.oh = p.h + p.pad_top + p.kh / 2 < p.kh ? 0 : (p.h + p.pad_top + p.kh / 2 - p.kh) / p.stride_h + 1;
            p.ow = p.w + p.pad_left + p.kw / 2 < p.kw ? 0 : (p.w + p.pad_left + p.kw / 2 - p.kw) / p.stride_w + 1;
        }
        if (p.oh < 1 || p.ow < 1) continue;
        p.c = p.oc = p.groups = th_range(1, 2) == 1 ? th_range(1, 70) : th_range(64, 110);
        conv_case("dwconv_f32", &p);
        conv_case("dwconv_f16", &p);
        i++;
    }
    /* rows of 3 to 8 and of 14 outputs at once; the last channels, 8 or fewer and more */
    static const int32_t last[] = {8, 24, 29, 36, 40, 58, 77}, widths[] = {3, 5, 6, 7, 8, 9, 14, 16, 21, 28, 32};
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++)
        for (size_t j = 0; j < sizeof widths / sizeof widths[0]; j++)
            for (int32_t k = 3; k <= 5; k += 2)
                for (int32_t s = 1; s <= 2; s++) {
                    const int32_t w = widths[j], ow = (w + k / 2 * 2 - k) / s + 1, oh = (4 + k / 2 * 2 - k) / s + 1;
                    el_conv_params p = {1, 4, w, last[i], oh, ow, last[i], k, k, s, s, 1, 1, k / 2, k / 2, last[i], random_act()};
                    conv_case("dwconv_f32", &p);
                    if (w < 7) conv_case("dwconv_f16", &p);
                }
    /* rows that go in strips, whole and with what is left over */
    for (int a = 0; a < ACTS; a++) {
        const int32_t k = a % 2 ? 5 : 3, w = a % 3 ? 129 + a : 112, left = a % (k / 2 + 1);
        el_conv_params p = {2, 4, w, 40 + a % 4 * 8, 4, w + left - k / 2, 40 + a % 4 * 8, k, k, 1, 1, 1, 1, k / 2, left, 40 + a % 4 * 8, acts[a]};
        conv_case("dwconv_f32", &p);
        conv_case("dwconv_f16", &p);
    }
    /* small pictures of many channels, which threads share */
    static const int32_t many_channels[][4] = {{7, 7, 393, 5}, {14, 14, 160, 3}, {2, 30, 150, 5}, {1, 60, 131, 5}}; /* h, w, c, k */
    for (size_t i = 0; i < sizeof many_channels / sizeof many_channels[0]; i++)
        for (int32_t n = 1; n <= 2; n++) {
            const int32_t *s = many_channels[i], h = s[0], w = s[1], c = s[2], k = s[3];
            el_conv_params p = {n, h, w, c, h, w, c, k, k, 1, 1, 1, 1, k / 2, k / 2, c, random_act()};
            conv_case("dwconv_f32", &p);
            conv_case("dwconv_f16", &p);
        }
    /* channels of powers of two, whose rows are copied together */
    static const int32_t packed[][5] = {{6, 7, 1024, 3, 1}, {5, 14, 512, 3, 2}, {9, 28, 256, 3, 1}, {7, 28, 256, 5, 2}, {4, 56, 128, 5, 1}, {1, 11, 1024, 3, 1}}; /* h, w, c, k, stride */
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++)
        for (int32_t n = 1; n <= 2; n++) {
            const int32_t *q = packed[i], h = q[0], w = q[1], c = q[2], k = q[3], s = q[4], left = k / 2 - (n == 2), oh = (h - 1) / s + 1, ow = (w + left + k / 2 - k) / s + 1;
            el_conv_params p = {n, h, w, c, oh, ow, c, k, k, s, s, 1, 1, k / 2, left, c, random_act()};
            conv_case("dwconv_f32", &p);
            conv_case("dwconv_f16", &p);
        }
    /* every activation; K cut in several parts, over taps and within one tap; more than one block of rows and of panels */
    for (int a = 0; a < ACTS; a++) {
        el_conv_params p = {2, 5, 7, 19, 5, 7, 37, 3, 3, 1, 1, 1, 1, 1, 1, 1, acts[a]};
        conv_case("conv_f32", &p);
        conv_case("conv_f16", &p);
        el_conv_params d = {1, 9, 6, 37, 9, 6, 37, 3, 3, 1, 1, 1, 1, 1, 1, 37, acts[a]};
        conv_case("dwconv_f32", &d);
        conv_case("dwconv_f16", &d);
        el_conv_params many = {1, 9, 6, 83, 9, 6, 83, 3, 3, 1, 1, 1, 1, 1, 1, 83, acts[a]};
        conv_case("dwconv_f32", &many);
        conv_case("dwconv_f16", &many);
    }
    const el_act relu = {EL_ACT_CLAMP, 0, INFINITY};
    static const int32_t deep[][8] = {
        /* h, w, c, oc, k, stride, pad, groups */
        {9, 9, 150, 33, 3, 1, 1, 1}, {8, 8, 600, 40, 1, 1, 0, 1}, {7, 7, 300, 35, 2, 1, 0, 1}, {20, 21, 3, 32, 7, 2, 3, 1},
        {33, 32, 3, 24, 3, 2, 1, 1}, {7, 7, 512, 70, 1, 2, 0, 1}, {12, 12, 64, 64, 3, 1, 1, 16}, {1, 1, 700, 150, 1, 1, 0, 1},
        {3, 2, 200, 100, 3, 1, 1, 2}, {5, 4, 1024, 64, 1, 1, 0, 1}, {6, 5, 820, 33, 3, 1, 1, 1},
        /* two tiles of rows, a block each for threads, which cut K as one thread does */
        {3, 4, 1300, 80, 1, 1, 0, 1}, {4, 4, 1300, 80, 1, 1, 0, 1}, {4, 6, 6500, 80, 1, 1, 0, 1},
    };
    for (size_t i = 0; i < sizeof deep / sizeof deep[0]; i++) {
        const int32_t* s = deep[i];
        el_conv_params p = {1, s[0], s[1], s[2], 0, 0, s[3], s[4], s[4], s[5], s[5], 1, 1, s[6], s[6], s[7], relu};
        p.oh = (p.h + 2 * p.pad_top - p.kh) / p.stride_h + 1, p.ow = (p.w + 2 * p.pad_left - p.kw) / p.stride_w + 1;
        conv_case("conv_f32", &p);
        conv_case("conv_f16", &p);
        p.oh = (p.h - 1) * p.stride_h + p.kh - 2 * p.pad_top, p.ow = (p.w - 1) * p.stride_w + p.kw - 2 * p.pad_left;
        if (p.oh > 0 && p.h * p.w <= 100) conv_case("conv_transpose_f32", &p);
    }
}

/* Few channels, lines of 16 outputs and more: strides above the kernel, rows apart, padding on any side, several images, one to three panels. */
static void test_windows(int cases) {
    for (int i = 0; i < cases;) {
        el_conv_params p = {.n = th_range(1, 2), .h = th_range(1, 20), .w = th_range(14, 70), .c = th_range(1, 6), .oc = th_range(1, 50), .kh = th_range(1, 7),
                            .kw = th_range(2, 7), .stride_h = th_range(1, 4), .stride_w = th_range(1, 3), .dilation_h = th_range(0, 3) ? 1 : 2, .dilation_w = 1,
                            .groups = 1, .act = i < ACTS ? acts[i] : random_act()};
        p.pad_top = th_range(0, p.kh - 1), p.pad_left = th_range(0, p.kw - 1);
        const int32_t high = p.h + p.pad_top + th_range(0, p.kh - 1) - (p.kh - 1) * p.dilation_h - 1;
        p.oh = high < 0 ? 0 : high / p.stride_h + 1;
        p.ow = (p.w + p.pad_left + th_range(0, p.kw - 1) - p.kw) / p.stride_w + 1;
        if (p.oh < 1 || p.ow < 1) continue;
        conv_case("conv_f32", &p);
        i++;
    }
}

/* 3x3 of stride 1 with enough channels: Winograd. All borders, odd channels, one and several blocks of tiles, weights whole and
 * in pieces, every activation. */
static void test_winograd(const char* name, int cases) {
    for (int i = 0; i < cases; i++) {
        el_conv_params p = {th_range(1, 2), th_range(4, 19), th_range(4, 19), th_range(16, 70), 0, 0, th_range(16, 70), 3, 3, 1, 1, 1, 1,
                            th_range(0, 2), th_range(0, 2), 1, random_act()};
        p.oh = p.h + p.pad_top + th_range(0, 2) - 2, p.ow = p.w + p.pad_left + th_range(0, 2) - 2;
        conv_case(name, &p);
    }
    static const int32_t shapes[][5] = { /* n, h, w, c, oc */
        {1, 8, 8, 150, 40}, {1, 6, 7, 260, 33}, {1, 58, 41, 17, 35}, {3, 13, 21, 64, 48}, {1, 44, 41, 320, 64}, {1, 24, 24, 130, 160}, {1, 90, 6, 16, 16},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const int32_t* s = shapes[i];
        el_conv_params p = {s[0], s[1], s[2], s[3], s[1], s[2], s[4], 3, 3, 1, 1, 1, 1, 1, 1, 1, random_act()};
        conv_case(name, &p);
    }
    for (int a = 0; a < ACTS; a++) {
        el_conv_params p = {1, 9, 11, 19, 9, 11, 37, 3, 3, 1, 1, 1, 1, 1, 1, 1, acts[a]};
        conv_case(name, &p);
    }
}

/* Transforms of Winograd's F(2x2) add to that error of plain sums. */
static void test_half_winograd(void) {
    el_conv_params p = {1, 10, 10, 512, 10, 10, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, {EL_ACT_NONE, 0, 0}};
    const int32_t k = 9 * p.c;
    const size_t xs = (size_t)(p.h * p.w * p.c), ys = (size_t)(p.oh * p.ow * p.oc);
    float *x = th_floats(xs), *w = th_floats((size_t)(p.oc * k)), *b = th_floats((size_t)(k * p.oc)), *want = th_floats(ys);
    float* packed = th_alloc(panel_floats(k, p.oc) * sizeof(float), 64);
    th_fill_f32(x, xs, 0, 1);
    th_fill_f32(w, (size_t)(p.oc * k), -0.5f, 0.5f);
    elements("conv_f16", w, (size_t)(p.oc * k), 4);
    for (int32_t r = 0; r < k; r++)
        for (int32_t n = 0; n < p.oc; n++) b[r * p.oc + n] = w[n * k + r];
    pack_panels(packed, b, k, p.oc);
    void* buffers[6] = {elements("conv_f16", x, xs, 4), elements("conv_f16", packed, panel_floats(k, p.oc), 64), NULL, NULL, NULL, NULL};
    conv_reference(&p, 0, x, w, NULL, NULL, NULL, want);
    half_noise("conv_f16", &p, buffers, want, ys, 7, "3x3 over 512 channels");
    th_free_all();
}

int main(int argc, char** argv) {
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    th_seed(argc > 2 ? (uint64_t)atoi(argv[2]) : 1);
    test_half_winograd();
    test_convs(80 * scale);
    test_windows(80 * scale);
    test_winograd("conv_f32", 40);
    test_winograd("conv_f16", 40);
    return th_report("test_conv");
}
