/* attention_f32 against its formula in double precision, with rows before heads and heads before rows, masks of every shape, shared key
 * heads, softcap, windows and numbers of valid keys. */
#include "test_harness.h"
#include "el_nn.h"
#include <float.h>

/* Strides of [b][h][rows][width] or, rows first, of [b][rows][h][width], rows `gap` floats longer than they need be. */
static void strides(int64_t* to, int rows_first, int64_t heads, int64_t rows, int64_t width, int64_t gap) {
    int64_t row = rows_first ? heads * width + gap : width + gap;
    to[0] = rows_first ? rows * row : heads * rows * row;
    to[1] = rows_first ? width : rows * row;
    to[2] = row;
}

/* masks: bit i is dimension i of [b][h][s][t], 16 a mask of bool, 32 a query that sees nothing gives 0. */
static void attention_case(int32_t batch, int32_t heads, int32_t group, int32_t s, int32_t t, int32_t d, int32_t e, int layouts, int masks,
                           el_attention_params p, int with_lengths) {
    const int32_t key_heads = heads / group;
    p.batch = batch, p.heads = heads, p.group = group, p.s = s, p.t = t, p.d = d, p.e = e, p.scale = th_float(0.1f, 1.0f);
    p.mask_is_bool = masks >> 4 & 1, p.hidden_is_zero = masks >> 5 & 1;
    int64_t gap = th_range(0, 1) * th_range(1, 20);
    strides(p.q, layouts & 1, heads, s, d, gap), strides(p.k, layouts & 2, key_heads, t, d, gap);
    strides(p.v, layouts & 4, key_heads, t, e, gap), strides(p.y, layouts & 8, heads, s, e, gap);
    size_t qs = (size_t)(batch * p.q[0]), ks = (size_t)(batch * p.k[0]), vs = (size_t)(batch * p.v[0]), ys = (size_t)(batch * p.y[0]);
    float *q = th_floats(qs), *k = th_floats(ks), *v = th_floats(vs), *mask = NULL, *want = th_floats(ys);
    th_fill_f32(q, qs, -1, 1), th_fill_f32(k, ks, -1, 1), th_fill_f32(v, vs, -1, 1);
    uint8_t* seen = NULL;
    if (masks & 15) {
        int64_t dims[4] = {batch, heads, s, t}, size = 1;
        for (int i = 3; i >= 0; i--) {
            if (!(masks >> i & 1)) continue;
            p.mask[i] = dims[i] == 1 ? 0 : size;
            size *= dims[i];
        }
        if (p.mask_is_bool) {
            seen = th_alloc((size_t)size, 1);
            for (int64_t i = 0; i < size; i++) seen[i] = (uint8_t)(th_range(0, 2) > 0);
        } else {
            th_fill_f32(mask = th_floats((size_t)size), (size_t)size, -3, 3);
            for (int64_t i = 0; i < size; i++)
                if (masks & 8 && i % t && !th_range(0, 4)) mask[i] = th_range(0, 1) ? -INFINITY : -1e4f;
            for (int64_t i = 0; masks & 8 && i < size; i += t) /* a query of which every key is masked as far as a number can */
                if (!th_range(0, 9))
                    for (int64_t j = 0; j < t; j++) mask[i + j] = -FLT_MAX;
        }
    }
    int64_t* lengths = NULL;
    if (with_lengths) {
        lengths = th_alloc((size_t)batch * 8, 8);
        for (int64_t b = 0; b < batch; b++) lengths[b] = th_range(0, t + 2);
    }
    memset(want, 0, ys * sizeof *want);
    double score[600];
    for (int64_t b = 0; b < batch; b++)
        for (int64_t h = 0; h < heads; h++)
            for (int64_t i = 0; i < s; i++) {
                double max = -INFINITY, sum = 0;
                int64_t place = lengths ? lengths[b] - s + i : p.first + i, h_k = h / group;
                for (int64_t j = 0; j < t; j++) {
                    double dot = 0;
                    for (int64_t n = 0; n < d; n++)
                        dot += (double)q[b * p.q[0] + h * p.q[1] + i * p.q[2] + n] * k[b * p.k[0] + h_k * p.k[1] + j * p.k[2] + n];
                    int64_t at = b * p.mask[0] + h * p.mask[1] + i * p.mask[2] + j * p.mask[3];
                    score[j] = p.scale * dot;
                    if (p.softcap != 0) score[j] = p.softcap * tanh(score[j] / p.softcap);
                    score[j] += mask ? mask[at] : seen && !seen[at] ? -INFINITY : 0;
                    if ((lengths && j >= lengths[b]) || (p.left != EL_ALL_KEYS && place - j > p.left) || (p.right != EL_ALL_KEYS && j - place > p.right))
                        score[j] = -INFINITY;
                    if (score[j] > max) max = score[j];
                }
                if (max == -INFINITY && p.hidden_is_zero) continue;
                for (int64_t j = 0; j < t; j++) sum += score[j] = exp(score[j] - max);
                for (int64_t n = 0; n < e; n++) {
                    double total = 0;
                    for (int64_t j = 0; j < t; j++) total += score[j] * v[b * p.v[0] + h_k * p.v[1] + j * p.v[2] + n];
                    want[b * p.y[0] + h * p.y[1] + i * p.y[2] + n] = (float)(total / sum);
                }
            }
    const el_kernel* kernel;
    for (uint32_t n = 0; (kernel = th_variant("attention_f32", n)); n++)
        for (int threads = 1; threads <= 3; threads++) {
            float* y = th_floats(ys);
            memset(y, 0, ys * sizeof *y);
            void* buffers[6] = {q, k, v, mask ? (void*)mask : seen, lengths, y};
            th_run(kernel, &p, buffers, threads);
            char label[300];
            snprintf(label, sizeof label, "attention_f32 %s threads=%d b%d h%d/%d s%d t%d d%d e%d layouts %d masks %d softcap %g first %d left %d right %d",
                     el_isa_name(kernel->isa), threads, batch, heads, group, s, t, d, e, layouts, masks, (double)p.softcap, p.first, p.left, p.right);
            th_close_f32(label, y, want, ys, 2e-5f, 1e-5f);
            th_free(y);
        }
    th_free_all();
}

static const el_attention_params plain = {.left = EL_ALL_KEYS, .right = EL_ALL_KEYS};

int main(void) {
    th_seed(5);
    for (int i = 0; i < 60; i++)
        attention_case(th_range(1, 3), th_range(1, 5), 1, th_range(1, 40), th_range(1, 70), th_range(1, 40), th_range(1, 40), th_range(0, 15),
                       th_range(0, 1) * th_range(1, 15), plain, 0);
    attention_case(1, 3, 1, 197, 197, 64, 64, 15, 0, plain, 0);
    attention_case(2, 1, 1, 130, 128, 32, 32, 15, 9, plain, 0);
    attention_case(1, 2, 1, 1, 520, 64, 48, 0, 8, plain, 0);
    /* Grouped queries over a cache: few and many of them, causal or in a window, with all the rest. Only finite masks where a window could
     * leave nothing to see and that must not be 0. */
    for (int i = 0; i < 120; i++) {
        int32_t group = th_range(1, 4), s = th_range(0, 1) ? 1 : th_range(1, 60), t = th_range(1, 90);
        el_attention_params p = plain;
        if (th_range(0, 1)) p.softcap = th_float(0.3f, 3.0f);
        if (th_range(0, 1)) p.right = th_range(0, 1) * th_range(0, 5);
        if (th_range(0, 1)) p.left = th_range(0, 30);
        p.first = th_range(0, 1) * (t - s);
        attention_case(th_range(1, 2), group * th_range(1, 3), group, s, t, th_range(1, 80), th_range(1, 80), th_range(0, 15),
                       32 + th_range(0, 1) * th_range(1, 31), p, th_range(0, 1));
    }
    attention_case(1, 12, 1, 1, 512, 64, 64, 0, 32, (el_attention_params){.first = 511, .left = EL_ALL_KEYS, .right = 0}, 0);
    attention_case(1, 8, 4, 1, 300, 80, 80, 5, 32, (el_attention_params){.first = 299, .left = 127, .right = 0, .softcap = 2}, 0);
    attention_case(1, 8, 4, 150, 300, 64, 64, 5, 32, (el_attention_params){.first = 150, .left = EL_ALL_KEYS, .right = 0}, 0);
    return th_report("test_attention");
}
