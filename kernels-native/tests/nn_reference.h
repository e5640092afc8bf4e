/* What the tests of float32 and float16 NN kernels share: activations from their definition, the packing of panels, and the comparison of every
 * variant that this processor has with a reference that the test computes in double precision over unpacked weights, which is also what
 * checks the scalar kernels and the packings. */
#ifndef EL_NN_REFERENCE_H
#define EL_NN_REFERENCE_H

#include "test_harness.h"
#include "../common/el_half.h"
#include "el_nn.h"

static const float rel = 2e-5f;

static inline void pack_panels(float* out, const float* b, int64_t k, int64_t n) { /* b[k][n] */
    for (int64_t p = 0; p < (n + 15) / 16; p++)
        for (int64_t r = 0; r < k; r++)
            for (int64_t i = 0; i < 16; i++) out[(p * k + r) * 16 + i] = p * 16 + i < n ? b[r * n + p * 16 + i] : 0.0f;
}

static inline size_t panel_floats(int64_t k, int64_t n) { return (size_t)((n + 15) / 16 * k * 16); }

/* The activation in double, written from its definition (el_kernels.h). */
static inline double act(el_act a, double x, double slope) {
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
static inline el_act random_act(void) { return acts[th_range(0, 2) ? th_range(0, 2) : th_range(0, ACTS - 1)]; }

static inline int is_half(const char* name) { return strcmp(name + strlen(name) - 4, "_f16") == 0; }

/* The numbers as the kernel takes them: themselves, or rounded to float16, which x then is, too. */
static inline void* elements(const char* name, float* x, size_t count, size_t align) {
    if (!is_half(name) || !x) return x;
    uint16_t* halves = th_alloc(count * sizeof *halves, align == 64 ? 64 : sizeof *halves);
    for (size_t i = 0; i < count; i++) x[i] = el_half_widen(halves[i] = el_half_narrow(x[i]));
    return halves;
}

/* Runs every variant on 1 to 3 threads, whose results are the same bits; in_place: the residual is the output itself. depth: how many products one output
 * sums, each of magnitude below 1: the absolute error allowed grows with it; in float16, whose sums round at every addition, with its
 * root. */
static inline void check(const char* name, const void* params, void** buffers, int inputs, const float* want, size_t count,
                  const char* what, const void* residual, int residual_at, int64_t depth) {
    const el_kernel* k;
    const int half = is_half(name);
    const size_t size = half ? sizeof(uint16_t) : sizeof(float);
    for (uint32_t i = 0; (k = th_variant(name, i)); i++) {
        /* the scalar loop of a large layer is as plain as that of a small one, and takes seconds under an emulator */
        const int once = k->isa == EL_ISA_scalar && (double)count * (double)depth > 1 << 24;
        for (int in_place = 0; in_place <= (residual != NULL && !once); in_place++) {
            void* alone = NULL;
            for (int threads = 1; threads <= (once ? 1 : 3); threads++) {
                if (el_kernel_scratch(k, params, threads) == EL_NO_FORM) continue;
                void* y = th_alloc(count * size, size);
                buffers[inputs] = y;
                if (residual && in_place) {
                    memcpy(y, residual, count * size);
                    buffers[residual_at] = y;
                }
                th_run(k, params, buffers, threads);
                char label[320];
                snprintf(label, sizeof label, "%s %s threads=%d in_place=%d %s", name, el_isa_name(k->isa), threads, in_place, what);
                if (half) {
                    float* widened = th_floats(count);
                    for (size_t e = 0; e < count; e++) widened[e] = el_half_widen(((uint16_t*)y)[e]);
                    th_close_f32(label, widened, want, count, 1e-3f, k->isa == EL_ISA_scalar ? 1e-3f : 4e-3f * (1 + sqrtf((float)depth)));
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
}

static inline el_conv_params random_conv(int transposed) {
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

/* The root mean square error of every variant of a float16 kernel, in units of 2^-11 of the root mean square of what is right; below `limit`. */
static inline void half_noise(const char* name, const void* params, void** buffers, const float* want, size_t count, double limit, const char* what) {
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

#endif
