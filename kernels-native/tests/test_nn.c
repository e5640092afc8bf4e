/* The float32 and float16 NN kernels: every variant that this processor has against a reference written here in double precision over
 * unpacked weights, which is also what checks the scalar kernels and the packings. */
#include "test_harness.h"
#include "../common/el_half.h"
#include "el_nn.h"

static const float rel = 2e-5f;

static void pack_panels(float* out, const float* b, int64_t k, int64_t n) { /* b[k][n] */
    for (int64_t p = 0; p < (n + 15) / 16; p++)
        for (int64_t r = 0; r < k; r++)
            for (int64_t i = 0; i < 16; i++) out[(p * k + r) * 16 + i] = p * 16 + i < n ? b[r * n + p * 16 + i] : 0.0f;
}

static size_t panel_floats(int64_t k, int64_t n) { return (size_t)((n + 15) / 16 * k * 16); }

/* The activation in double, written from its definition (el_kernels.h). */
static double act(el_act a, double x, double slope) {
    double softplus = x > 30 ? x : log1p(exp(x));
    switch (a.kind) {
    case EL_ACT_CLAMP: return x < a.a ? a.a : x > a.b ? a.b : x;
    case EL_ACT_LEAKY_RELU: return x < 0 ? a.a * x : x;
    case EL_ACT_HARD_SIGMOID: return fmin(fmax(a.a * x + a.b, 0), 1);
    case EL_ACT_HARD_SWISH: return x * fmin(fmax(x / 6 + 0.5, 0), 1);
    case EL_ACT_SIGMOID: return 1 / (1 + exp(-x));
    case EL_ACT_SILU: return x / (1 + exp(-x));
    case EL_ACT_TANH: return tanh(x);
    case EL_ACT_GELU: return 0.5 * x * (1 + erf(x / sqrt(2)));
    case EL_ACT_GELU_TANH: return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case EL_ACT_ELU: return x < 0 ? a.a * (exp(x) - 1) : x;
    case EL_ACT_PRELU: return x < 0 ? slope * x : x;
    case EL_ACT_SOFTPLUS: return softplus;
    case EL_ACT_MISH: return x * tanh(softplus);
    default: return x;
    }
}

static const el_act acts[] = {
    {EL_ACT_NONE, 0, 0}, {EL_ACT_CLAMP, 0, INFINITY}, {EL_ACT_CLAMP, -0.3f, 0.6f}, {EL_ACT_LEAKY_RELU, 0.1f, 0},
    {EL_ACT_HARD_SIGMOID, 0.2f, 0.5f}, {EL_ACT_HARD_SWISH, 0, 0}, {EL_ACT_SIGMOID, 0, 0}, {EL_ACT_SILU, 0, 0},
    {EL_ACT_TANH, 0, 0}, {EL_ACT_GELU, 0, 0}, {EL_ACT_GELU_TANH, 0, 0}, {EL_ACT_ELU, 0.7f, 0}, {EL_ACT_PRELU, 0, 0},
    {EL_ACT_SOFTPLUS, 0, 0}, {EL_ACT_MISH, 0, 0},
};
#define ACTS ((int)(sizeof acts / sizeof acts[0]))
static el_act random_act(void) { return acts[th_range(0, 2) ? th_range(0, 2) : th_range(0, ACTS - 1)]; }

static int is_half(const char* name) { return strcmp(name + strlen(name) - 4, "_f16") == 0; }

/* The numbers as the kernel takes them: themselves, or rounded to float16, which x then is, too. */
static void* elements(const char* name, float* x, size_t count, size_t align) {
    if (!is_half(name) || !x) return x;
    uint16_t* halves = th_alloc(count * sizeof *halves, align == 64 ? 64 : sizeof *halves);
    for (size_t i = 0; i < count; i++) x[i] = el_half_widen(halves[i] = el_half_narrow(x[i]));
    return halves;
}

/* Runs every variant on 1 to 3 threads, whose results are the same bits; in_place: the residual is the output itself. depth: how many products one output
 * sums, each of magnitude below 1: the absolute error allowed grows with it; in float16, whose sums round at every addition, with its
 * root. */
static void check(const char* name, const void* params, void** buffers, int inputs, const float* want, size_t count,
                  const char* what, const void* residual, int residual_at, int64_t depth) {
    const el_kernel* k;
    const int half = is_half(name);
    const size_t size = half ? sizeof(uint16_t) : sizeof(float);
    for (uint32_t i = 0; (k = th_variant(name, i)); i++)
        for (int in_place = 0; in_place <= (residual != NULL); in_place++) {
            void* alone = NULL;
            for (int threads = 1; threads <= 3; threads++) {
                if (el_kernel_scratch(k, params, threads) == EL_NO_FORM) continue;
                void* y = th_alloc(count * size, size);
                buffers[inputs] = y;
                if (in_place) {
                    memcpy(y, residual, count * size);
                    buffers[residual_at] = y;
                }
                th_run(k, params, buffers, threads);
                char label[320];
                snprintf(label, sizeof label, "%s %s threads=%d in_place=%d %s", name, el_isa_name(k->isa), threads, in_place, what);
                if (half) {
                    float* widened = th_floats(count);
                    for (size_t e = 0; e < count; e++) widened[e] = el_half_widen(((uint16_t*)y)[e]);
                    th_close_f32(label, widened, want, count, 1e-3f, k->isa == EL_ISA_scalar ? 1e-3f : 2.5e-3f * (1 + sqrtf((float)depth)));
                    th_free(widened);
                } else {
                    th_close_f32(label, y, want, count, rel, rel + 1e-8f * (float)depth);
                }
                if (in_place) buffers[residual_at] = (void*)residual;
                if (threads == 1) {
                    alone = y;
                    continue;
                }
                th_same_bytes(label, y, alone, count * size);
                th_free(y);
            }
            if (alone) th_free(alone);
        }
}

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

static el_conv_params random_conv(int transposed) {
    el_conv_params p = {.n = th_range(1, 2), .h = th_range(1, 12), .w = th_range(1, 14), .groups = 1, .act = random_act()};
    if (!th_range(0, 3)) p.groups = th_range(2, 4);
    p.c = p.groups * th_range(1, p.groups > 1 ? 9 : 35);
    p.oc = p.groups * th_range(1, p.groups > 1 ? 20 : 50);
    p.kh = th_range(1, 4), p.kw = th_range(1, 4);
    if (!th_range(0, 3)) p.kh = p.kw = 1;
    p.stride_h = th_range(1, 3), p.stride_w = th_range(1, 3);
    p.dilation_h = th_range(0, 2) ? 1 : 2, p.dilation_w = th_range(0, 2) ? 1 : th_range(1, 3);
    int32_t eh = (p.kh - 1) * p.dilation_h + 1, ew = (p.kw - 1) * p.dilation_w + 1;
    p.pad_top = th_range(0, eh - 1), p.pad_left = th_range(0, ew - 1);
    int32_t bottom = th_range(0, eh - 1), right = th_range(0, ew - 1);
    if (transposed) {
        p.oh = (p.h - 1) * p.stride_h + eh - p.pad_top - bottom + th_range(0, p.stride_h - 1);
        p.ow = (p.w - 1) * p.stride_w + ew - p.pad_left - right + th_range(0, p.stride_w - 1);
    } else {
        p.oh = p.h + p.pad_top + bottom < eh ? 0 : (p.h + p.pad_top + bottom - eh) / p.stride_h + 1;
        p.ow = p.w + p.pad_left + right < ew ? 0 : (p.w + p.pad_left + right - ew) / p.stride_w + 1;
    }
    return p;
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
    /* rows of 7, 8 and 14 outputs at once; the last channels, 8 or fewer and more */
    static const int32_t last[] = {8, 24, 29, 36, 40, 58, 77}, widths[] = {7, 8, 14, 16, 21, 28, 32};
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++)
        for (size_t j = 0; j < sizeof widths / sizeof widths[0]; j++)
            for (int32_t k = 3; k <= 5; k += 2)
                for (int32_t s = 1; s <= 2; s++) {
                    const int32_t w = widths[j], ow = (w + k / 2 * 2 - k) / s + 1, oh = (4 + k / 2 * 2 - k) / s + 1;
                    el_conv_params p = {1, 4, w, last[i], oh, ow, last[i], k, k, s, s, 1, 1, k / 2, k / 2, last[i], random_act()};
                    conv_case("dwconv_f32", &p);
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

static void gemm_case_of(const char* name, int64_t m, int32_t n, int32_t k, el_act a) {
    el_gemm_params p = {m, n, k, a};
    size_t ys = (size_t)(m * n);
    float *x = th_floats((size_t)(m * k)), *b = th_floats((size_t)k * n), *want = th_floats(ys);
    float* packed = th_alloc(panel_floats(k, n) * sizeof(float), 64);
    th_fill_f32(x, (size_t)(m * k), -1, 1);
    th_fill_f32(b, (size_t)k * n, -0.5f, 0.5f);
    elements(name, b, (size_t)k * n, 4);
    pack_panels(packed, b, k, n);
    float *bias = NULL, *residual = NULL, *slope = NULL;
    if (th_range(0, 2)) th_fill_f32(bias = th_floats(n), n, -1, 1);
    if (!th_range(0, 2)) th_fill_f32(residual = th_floats(ys), ys, -1, 1);
    if (a.kind == EL_ACT_PRELU) th_fill_f32(slope = th_floats(n), n, -1, 1);
    void* buffers[6] = {elements(name, x, (size_t)(m * k), 4), elements(name, packed, panel_floats(k, n), 64), bias, elements(name, residual, ys, 4), slope, NULL};
    for (int64_t i = 0; i < m; i++)
        for (int32_t j = 0; j < n; j++) {
            double sum = (bias ? bias[j] : 0.0) + (residual ? residual[i * n + j] : 0.0);
            for (int32_t q = 0; q < k; q++) sum += (double)x[i * k + q] * b[(int64_t)q * n + j];
            want[i * n + j] = (float)act(a, sum, slope ? slope[j] : 0);
        }
    char what[96];
    snprintf(what, sizeof what, "m%d n%d k%d act%d", (int)m, n, k, a.kind);
    /* Strassen's sums of sums lose up to two bits */
    check(name, &p, buffers, 5, want, ys, what, buffers[3], 3, !is_half(name) && m * n * k > 1 << 22 ? 4 * k : k);
    if (!is_half(name)) check("gemm_f32__direct", &p, buffers, 5, want, ys, what, buffers[3], 3, k);
    th_free_all();
}

static void gemm_case(int64_t m, int32_t n, int32_t k, el_act a) {
    gemm_case_of("gemm_f32", m, n, k, a);
    gemm_case_of("gemm_f16", m, n, k, a);
}

/* The root mean square error of every variant of a float16 kernel, in units of 2^-11 of the root mean square of what is right; below `limit`. */
static void half_noise(const char* name, const void* params, void** buffers, const float* want, size_t count, double limit, const char* what) {
    const el_kernel* kernel;
    uint16_t* y = buffers[5] = th_alloc(count * 2, 2);
    for (uint32_t i = 0; (kernel = th_variant(name, i)); i++) {
        double squares = 0, errors = 0;
        th_run(kernel, params, buffers, 1);
        for (size_t at = 0; at < count; at++) {
            const double error = el_half_widen(y[at]) - want[at];
            squares += (double)want[at] * want[at];
            errors += error * error;
        }
        const double units = sqrt(errors / squares) * 2048;
        printf("%s %s, %s: %.2f units of 2^-11\n", name, el_isa_name(kernel->isa), what, units);
        th_checks++;
        if (!(units < (kernel->isa == EL_ISA_scalar ? 0.7 : limit))) th_fail("%s %s: an error of %.2f units of 2^-11", name, el_isa_name(kernel->isa), units);
    }
}

/* Products are summed in pieces of 128, so that the error stays near 0.4 sqrt(128 / 2 + k / (2 * 128)) however deep sums are; one sum over all
 * would be off by 0.4 sqrt(k / 2): 19 here. */
static void test_half_sums(void) {
    const int32_t n = 64, k = 4608;
    for (int64_t m = 1; m <= 9; m += 8) {
        el_gemm_params p = {m, n, k, {EL_ACT_NONE, 0, 0}};
        float *x = th_floats((size_t)(m * k)), *b = th_floats((size_t)k * n), *packed = th_alloc(panel_floats(k, n) * sizeof(float), 64);
        float* want = th_floats((size_t)(m * n));
        th_fill_f32(x, (size_t)(m * k), 0, 1);
        th_fill_f32(b, (size_t)k * n, -0.5f, 0.5f);
        elements("gemm_f16", b, (size_t)k * n, 4);
        pack_panels(packed, b, k, n);
        void* buffers[6] = {elements("gemm_f16", x, (size_t)(m * k), 4), elements("gemm_f16", packed, panel_floats(k, n), 64), NULL, NULL, NULL, NULL};
        for (int64_t at = 0; at < m * n; at++) {
            double sum = 0;
            for (int32_t q = 0; q < k; q++) sum += (double)x[at / n * k + q] * b[(int64_t)q * n + at % n];
            want[at] = (float)sum;
        }
        half_noise("gemm_f16", &p, buffers, want, (size_t)(m * n), 5, "sums of 4608 products");
        th_free_all();
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

static void test_gemms(int cases) {
    for (int i = 0; i < cases; i++) gemm_case(th_range(1, 60), th_range(1, 100), th_range(1, 70), random_act());
    for (int m = 1; m <= 26; m++) gemm_case(m, th_range(1, 160), th_range(1, 40), random_act());
    for (int a = 0; a < ACTS; a++) gemm_case(7, 35, 5, acts[a]);
    gemm_case(1, 1000, 777, acts[0]);
    gemm_case(3, 270, 1500, acts[1]);
    gemm_case(100, 600, 700, acts[1]);
    gemm_case(200, 49, 1100, acts[7]);
    gemm_case(245, 40, 30, acts[5]); /* full tiles and a few rows, in three blocks */
    gemm_case(496, 24, 4, acts[2]);
    gemm_case(60, 70, 1024, acts[1]); /* rows 4 KB apart */
    gemm_case(130, 70, 256, acts[1]); /* most rows that a block packs, */
    gemm_case(64, 80, 384, acts[5]); /* and longest */
    for (int n = 81; n <= 146; n += 13) gemm_case(49, n, th_range(4, 300), random_act()); /* low tiles, and three, two or one panel at the end */
    gemm_case(14, 200, 1300, acts[1]);
    gemm_case(3, 70, 2048, acts[1]);
    gemm_case(26, 35, 7000, acts[7]);
    gemm_case(0, 16, 4, acts[0]);
}

/* Strassen's multiplication: rows and columns that are left over, halves of K that fill no register, cuts of K, several blocks of rows,
 * activations that are no interval. */
static void test_strassen(void) {
    gemm_case_of("gemm_f32", 72, 256, 384, acts[1]);
    gemm_case_of("gemm_f32", 95, 319, 386, acts[12]);
    gemm_case_of("gemm_f32", 100, 261, 1030, acts[9]);
    gemm_case_of("gemm_f32", 121, 300, 2050, acts[0]);
    gemm_case_of("gemm_f32", 409, 256, 402, acts[2]);
}

/* Rows and columns of very different size: Strassen's error is in proportion to the largest numbers of A and B, not to those of a row and a column
 * (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 23.2). */
static void test_strassen_scales(void) {
    const int32_t n = 256, k = 512;
    const int64_t m = 96;
    el_gemm_params p = {m, n, k, {EL_ACT_NONE, 0, 0}};
    float *x = th_floats((size_t)(m * k)), *b = th_floats((size_t)k * n), *packed = th_alloc(panel_floats(k, n) * sizeof(float), 64), *y = th_floats((size_t)(m * n));
    th_fill_f32(x, (size_t)(m * k), -1, 1);
    th_fill_f32(b, (size_t)k * n, -1, 1);
    for (int64_t i = 0; i < m * k; i++) x[i] = ldexpf(x[i], (int)(i / k * 7 % 41) - 20);
    for (int64_t i = 0; i < (int64_t)k * n; i++) b[i] = ldexpf(b[i], (int)(i % n * 5 % 31) - 15);
    pack_panels(packed, b, k, n);
    void* buffers[6] = {x, packed, NULL, NULL, NULL, y};
    const el_kernel* kernel;
    for (uint32_t v = 0; (kernel = th_variant("gemm_f32", v)); v++) {
        th_run(kernel, &p, buffers, 1);
        double worst = 0;
        for (int64_t at = 0; at < m * n; at++) {
            double sum = 0;
            for (int32_t q = 0; q < k; q++) sum += (double)x[at / n * k + q] * b[(int64_t)q * n + at % n];
            worst = fmax(worst, fabs(y[at] - sum));
        }
        worst /= ldexp(k, 20 + 15 - 24);
        printf("gemm_f32 %s, rows and columns of 2^-20 to 2^20: %.3f k units of the largest product\n", el_isa_name(kernel->isa), worst);
        th_checks++;
        if (!(worst < 1)) th_fail("gemm_f32 %s: an error of %.3f k units of the largest product", el_isa_name(kernel->isa), worst);
    }
    th_free_all();
}

static void matmul_case(el_matmul_params p, size_t as, size_t bs) {
    size_t batches = (size_t)p.batch[0] * p.batch[1] * p.batch[2] * p.batch[3], ys = batches * p.m * p.n;
    float *a = th_floats(as), *b = th_floats(bs), *want = th_floats(ys);
    th_fill_f32(a, as, -1, 1);
    th_fill_f32(b, bs, -1, 1);
    int64_t m = p.m, n = p.n, k = p.k;
    size_t at = 0;
    for (int b0 = 0; b0 < p.batch[0]; b0++)
        for (int b1 = 0; b1 < p.batch[1]; b1++)
            for (int b2 = 0; b2 < p.batch[2]; b2++)
                for (int b3 = 0; b3 < p.batch[3]; b3++) {
                    const float* pa = a + b0 * p.a_stride[0] + b1 * p.a_stride[1] + b2 * p.a_stride[2] + b3 * p.a_stride[3];
                    const float* pb = b + b0 * p.b_stride[0] + b1 * p.b_stride[1] + b2 * p.b_stride[2] + b3 * p.b_stride[3];
                    for (int64_t i = 0; i < m; i++)
                        for (int64_t j = 0; j < n; j++) {
                            double sum = 0;
                            for (int64_t q = 0; q < k; q++)
                                sum += (double)pa[p.trans_a ? q * m + i : i * k + q] * pb[p.trans_b ? j * k + q : q * n + j];
                            want[at++] = (float)(p.alpha * sum);
                        }
                }
    void* buffers[3] = {a, b, NULL};
    char what[128];
    snprintf(what, sizeof what, "batch %d,%d,%d,%d m%d n%d k%d ta%d tb%d b_stride %d,%d", p.batch[0], p.batch[1], p.batch[2],
             p.batch[3], p.m, p.n, p.k, p.trans_a, p.trans_b, (int)p.b_stride[2], (int)p.b_stride[3]);
    check("matmul_f32", &p, buffers, 2, want, ys, what, NULL, 0, k);
    th_free_all();
}

static void test_matmuls(int cases) {
    for (int i = 0; i < cases; i++) {
        el_matmul_params p = {.batch = {1, 1, th_range(1, 3), th_range(1, 3)}, .m = th_range(1, 40), .n = th_range(1, 70),
                              .k = th_range(1, 50), .trans_a = th_range(0, 1), .trans_b = th_range(0, 1),
                              .alpha = th_range(0, 1) ? 1.0f : 0.125f};
        if (!th_range(0, 3)) p.m = th_range(1, 3);
        if (!th_range(0, 5)) p.batch[0] = 2;
        if (!th_range(0, 9)) p.n = 600;
        if (!th_range(0, 9)) p.k = 600;
        int64_t a = (int64_t)p.m * p.k, b = (int64_t)p.n * p.k;
        for (int d = 3; d >= 0; d--) { /* dimensions that repeat an operand have stride 0 */
            int repeat = th_range(0, 5);
            if (p.batch[d] > 1 && repeat != 0) p.a_stride[d] = a, a *= p.batch[d];
            if (p.batch[d] > 1 && repeat > 2) p.b_stride[d] = b, b *= p.batch[d];
        }
        matmul_case(p, (size_t)a, (size_t)b);
    }
    matmul_case((el_matmul_params){.batch = {1, 1, 1, 1}, .m = 700, .n = 40, .k = 64, .alpha = 1}, 700 * 64, 40 * 64);
    matmul_case((el_matmul_params){.batch = {1, 1, 1, 1}, .m = 70, .n = 400, .k = 700, .trans_a = 1, .trans_b = 1, .alpha = 1},
                70 * 700, 400 * 700);
    for (int m = 1; m <= 5; m++)
        for (int t = 0; t < 4; t++)
            matmul_case((el_matmul_params){.batch = {1, 1, 1, 1}, .m = m, .n = 17 * m, .k = 37, .trans_a = t & 1, .trans_b = t >> 1, .alpha = 3},
                        (size_t)m * 37, (size_t)m * 17 * 37);
    matmul_case((el_matmul_params){.batch = {1, 1, 1, 1}, .m = 1, .n = 900, .k = 130, .trans_b = 1, .alpha = 2}, 130, 900 * 130);
}

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

/* NaN and infinity come out where IEEE arithmetic puts them, through clamps too. */
static void test_special_values(void) {
    el_gemm_params p = {8, 20, 6, {EL_ACT_CLAMP, 0, 6}};
    float *x = th_floats(48), *b = th_floats(120), *want = th_floats(160), *packed = th_alloc(panel_floats(6, 20) * 4, 64);
    th_fill_f32(x, 48, 0.5f, 1);
    th_fill_f32(b, 120, 0.5f, 1);
    x[6 * 2 + 3] = NAN, x[6 * 3] = INFINITY, x[6 * 5] = -INFINITY;
    b[6] = NAN;
    pack_panels(packed, b, 6, 20);
    for (int m = 0; m < 8; m++)
        for (int n = 0; n < 20; n++) {
            double sum = 0;
            for (int k = 0; k < 6; k++) sum += (double)x[m * 6 + k] * b[k * 20 + n];
            want[m * 20 + n] = (float)act(p.act, sum, 0);
        }
    void* buffers[6] = {x, packed, NULL, NULL, NULL, NULL};
    check("gemm_f32", &p, buffers, 5, want, 160, "special values", NULL, 0, 6);
    th_free_all();
}

int main(int argc, char** argv) {
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    th_seed(argc > 2 ? (uint64_t)atoi(argv[2]) : 1);
    test_special_values();
    test_gemms(40 * scale);
    test_strassen();
    test_strassen_scales();
    test_half_sums();
    test_half_winograd();
    test_matmuls(60 * scale);
    test_pools(60 * scale);
    test_convs(80 * scale);
    test_windows(80 * scale);
    test_winograd("conv_f32", 40);
    test_winograd("conv_f16", 40);
    return th_report("test_nn");
}
