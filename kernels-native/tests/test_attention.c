/* attention_f32 against its formula in double precision, with rows before heads and heads before rows, and masks of every shape. */
#include "test_harness.h"
#include "el_nn.h"

/* Strides of [b][h][rows][width] or, rows first, of [b][rows][h][width], rows `gap` floats longer than they need be. */
static void strides(int64_t* to, int rows_first, int64_t heads, int64_t rows, int64_t width, int64_t gap) {
    int64_t row = rows_first ? heads * width + gap : width + gap;
    to[0] = rows_first ? rows * row : heads * rows * row;
    to[1] = rows_first ? width : rows * row;
    to[2] = row;
}

static void attention_case(int32_t batch, int32_t heads, int32_t s, int32_t t, int32_t d, int32_t e, int layouts, int masks) {
    el_attention_params p = {.batch = batch, .heads = heads, .s = s, .t = t, .d = d, .e = e, .scale = th_float(0.1f, 1.0f)};
    int64_t gap = th_range(0, 1) * th_range(1, 20);
    strides(p.q, layouts & 1, heads, s, d, gap), strides(p.k, layouts & 2, heads, t, d, gap);
    strides(p.v, layouts & 4, heads, t, e, gap), strides(p.y, layouts & 8, heads, s, e, gap);
    size_t qs = (size_t)(batch * p.q[0]), ks = (size_t)(batch * p.k[0]), vs = (size_t)(batch * p.v[0]), ys = (size_t)(batch * p.y[0]);
    float *q = th_floats(qs), *k = th_floats(ks), *v = th_floats(vs), *mask = NULL, *want = th_floats(ys);
    th_fill_f32(q, qs, -1, 1), th_fill_f32(k, ks, -1, 1), th_fill_f32(v, vs, -1, 1);
    if (masks) { /* bit i: dimension i of [b][h][s][t] is there */
        int64_t dims[4] = {batch, heads, s, t}, size = 1;
        for (int i = 3; i >= 0; i--) {
            if (!(masks >> i & 1)) continue;
            p.mask[i] = dims[i] == 1 ? 0 : size;
            size *= dims[i];
        }
        th_fill_f32(mask = th_floats((size_t)size), (size_t)size, -3, 3);
        for (int64_t i = 0; i < size; i++)
            if (masks & 8 && i % t && !th_range(0, 4)) mask[i] = th_range(0, 1) ? -INFINITY : -1e4f;
    }
    memset(want, 0, ys * sizeof *want);
    double score[600];
    for (int64_t b = 0; b < batch; b++)
        for (int64_t h = 0; h < heads; h++)
            for (int64_t i = 0; i < s; i++) {
                double max = -INFINITY, sum = 0;
                for (int64_t j = 0; j < t; j++) {
                    double dot = 0;
                    for (int64_t n = 0; n < d; n++)
                        dot += (double)q[b * p.q[0] + h * p.q[1] + i * p.q[2] + n] * k[b * p.k[0] + h * p.k[1] + j * p.k[2] + n];
                    score[j] = p.scale * dot + (mask ? mask[b * p.mask[0] + h * p.mask[1] + i * p.mask[2] + j * p.mask[3]] : 0);
                    if (score[j] > max) max = score[j];
                }
                for (int64_t j = 0; j < t; j++) sum += score[j] = exp(score[j] - max);
                for (int64_t n = 0; n < e; n++) {
                    double total = 0;
                    for (int64_t j = 0; j < t; j++) total += score[j] * v[b * p.v[0] + h * p.v[1] + j * p.v[2] + n];
                    want[b * p.y[0] + h * p.y[1] + i * p.y[2] + n] = (float)(total / sum);
                }
            }
    const el_kernel* kernel;
    for (uint32_t n = 0; (kernel = th_variant("attention_f32", n)); n++)
        for (int threads = 1; threads <= 3; threads++) {
            float* y = th_floats(ys);
            memset(y, 0, ys * sizeof *y);
            void* buffers[5] = {q, k, v, mask, y};
            th_run(kernel, &p, buffers, threads);
            char label[200];
            snprintf(label, sizeof label, "attention_f32 %s threads=%d b%d h%d s%d t%d d%d e%d layouts %d masks %d", el_isa_name(kernel->isa), threads,
                     batch, heads, s, t, d, e, layouts, masks);
            th_close_f32(label, y, want, ys, 2e-5f, 1e-5f);
            th_free(y);
        }
    th_free_all();
}

int main(void) {
    th_seed(5);
    for (int i = 0; i < 60; i++)
        attention_case(th_range(1, 3), th_range(1, 5), th_range(1, 40), th_range(1, 70), th_range(1, 40), th_range(1, 40), th_range(0, 15),
                       th_range(0, 1) * th_range(1, 15));
    attention_case(1, 3, 197, 197, 64, 64, 15, 0);
    attention_case(2, 1, 130, 128, 32, 32, 15, 9);
    attention_case(1, 2, 1, 520, 64, 48, 0, 8);
    return th_report("test_attention");
}
