/* Float32 and float16 matrix products. */
#include "nn_reference.h"

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

/* Strassen's multiplication: rows and columns that are left over, tiles that are not full, halves of K that fill no register, cuts of K, several blocks of rows,
 * activations that are no interval. */
static void test_strassen(void) {
    gemm_case_of("gemm_f32", 72, 256, 384, acts[1]);
    gemm_case_of("gemm_f32", 95, 319, 386, acts[12]);
    gemm_case_of("gemm_f32", 100, 261, 1030, acts[9]);
    gemm_case_of("gemm_f32", 121, 300, 2050, acts[0]);
    gemm_case_of("gemm_f32", 409, 256, 402, acts[2]);
    gemm_case_of("gemm_f32", 90, 272, 1032, acts[3]);
    for (int m = 118; m <= 128; m += 2) gemm_case_of("gemm_f32", m, 260, 392, acts[m % ACTS]); /* halves of every number of rows beside whole tiles */
    gemm_case_of("gemm_f32", 406, 256, 384, acts[1]);
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
    test_matmuls(60 * scale);
    return th_report("test_gemm");
}
