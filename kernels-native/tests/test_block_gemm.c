/* block_gemm_f32 and block_gemm_s8: the plain form against arithmetic written out here in double, and every instruction set bit by
 * bit against the plain form. */
#include "test_harness.h"
#include "el_quant.h"

static uint16_t to_half(float f) { /* a normal number of few fraction bits */
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return (uint16_t)(((bits >> 23 & 255) - 112) << 10 | (bits >> 13 & 1023));
}

static void pack(int32_t bits, int32_t k, int32_t n, const uint8_t* q, uint8_t* packed) {
    int32_t rows = bits == 3 ? 32 : 32 / bits, bytes = bits == 3 ? 192 : 64, units = (k + rows - 1) / rows;
    for (int32_t i = 0; i < k; i++)
        for (int32_t j = 0; j < n; j++) {
            int32_t r = i % rows, s = r / 4, v = q[i * n + j];
            uint8_t* at = packed + ((int64_t)(j / 16) * units + i / rows) * bytes + j % 16 * 4 + r % 4;
            if (bits == 8) *at = (uint8_t)(v ^ 128);
            else if (bits == 3) at[s / 4 * 64] |= (uint8_t)((v & 3) << 2 * (s % 4)), at[128] |= (uint8_t)((v >> 2) << s);
            else *at |= (uint8_t)(v << bits * s);
        }
}

/* extreme: 1 the ends of every range, 2 infinities and NaN in x */
static void block_case(int32_t m, int32_t n, int32_t k, int32_t bits, int32_t block, int zeros, int half, int bias, int extreme, int per_tensor) {
    el_block_gemm_params p = {m, n, k, bits, block, half, per_tensor};
    int32_t rows = bits == 3 ? 32 : 32 / bits, bytes = bits == 3 ? 192 : 64, units = (k + rows - 1) / rows;
    int32_t blocks = block >= k ? 1 : (k + block - 1) / block, panels = (n + 15) / 16, top = (1 << bits) - 1;
    size_t packed_bytes = (size_t)panels * (size_t)units * (size_t)bytes, parameters = (size_t)panels * (size_t)blocks * 16;
    float* x = th_floats((size_t)m * (size_t)k);
    uint8_t* q = th_alloc((size_t)k * (size_t)n, 1);
    uint8_t* packed = th_alloc(packed_bytes, 64);
    float* scale = th_alloc(parameters * 4, 64);
    uint16_t* halves = th_alloc(parameters * 2, 64);
    uint8_t* zero = th_alloc(parameters, 64);
    float* b = th_floats((size_t)n);
    int32_t* wsum = th_alloc((size_t)n * 4, 4);
    th_fill_f32(x, (size_t)m * (size_t)k, -2, 2);
    for (int32_t i = 0; i < k * n; i++) q[i] = (uint8_t)(extreme == 1 ? (th_range(0, 1) ? top : 0) : th_range(0, top));
    if (extreme == 1)
        for (int32_t i = 0; i < m * k; i++) x[i] = th_range(0, 1) ? 1.0f : -1.0f;
    if (extreme == 2 && m * k > 0)
        for (int32_t i = 0; i < 3; i++) x[th_range(0, m * k - 1)] = i == 0 ? NAN : i == 1 ? INFINITY : -INFINITY;
    if (extreme == 3)
        for (int32_t i = 0; i < m * k; i++) x[i] = (float)th_range(-127, 127) + (th_range(0, 1) ? 0.5f : 0); /* ties */
    memset(packed, 0, packed_bytes);
    pack(bits, k, n, q, packed);
    for (size_t i = 0; i < parameters; i++) {
        halves[i] = to_half(th_float(0.01f, 0.2f));
        scale[i] = th_float(0.01f, 0.2f);
        if (half) scale[i] = ldexpf((float)(1024 + (halves[i] & 1023)), (halves[i] >> 10) - 25);
        zero[i] = (uint8_t)(extreme == 1 ? (th_range(0, 1) ? top : 0) : th_range(0, top));
    }
    th_fill_f32(b, (size_t)n, -1, 1);
    for (int32_t j = 0; j < n; j++) {
        wsum[j] = 0;
        for (int32_t i = 0; i < k; i++) wsum[j] += q[i * n + j] - (zeros ? zero[(size_t)j / 16 * 16 + (size_t)j % 16] : 1 << (bits - 1));
    }
    float* want[2] = {th_floats((size_t)m * (size_t)n), th_floats((size_t)m * (size_t)n)};
    float* got = th_floats((size_t)m * (size_t)n);
    char what[160];
    for (int integer = per_tensor; integer < 2; integer++) {
        const char* name = integer ? "block_gemm_s8" : "block_gemm_f32";
        void* buffers[] = {x, packed, half ? (void*)halves : scale, zeros ? zero : NULL, bias ? b : NULL, per_tensor ? wsum : NULL, want[integer]};
        const el_kernel* k0 = th_variant(name, 0);
        if (!k0) {
            th_fail("%s: no plain form", name);
            continue;
        }
        th_run(k0, &p, buffers, 1);
        if (extreme != 2) { /* against double */
            for (int32_t r = 0; r < m; r++)
                for (int32_t j = 0; j < n; j++) {
                    double sum = 0, size = 0;
                    for (int32_t i = 0; i < k; i++) {
                        size_t at = ((size_t)j / 16 * (size_t)blocks + (size_t)(block >= k ? 0 : i / block)) * 16 + (size_t)j % 16;
                        double w = (double)scale[at] * (q[i * n + j] - (zeros ? zero[at] : 1 << (bits - 1)));
                        sum += x[r * k + i] * w;
                        size += fabs(w);
                    }
                    sum += bias ? b[j] : 0;
                    double most = extreme == 3 ? 127.5 : 2, allowed = integer ? most / (per_tensor ? 110 : 220) * size + 1e-3 : 1e-6 * most * (size + 1) * (1 + (bits == 8));
                    double error = fabs(want[integer][r * n + j] - sum);
                    th_checks++;
                    if (!(error <= allowed)) th_fail("%s m%d n%d k%d bits %d block %d: [%d][%d] got %g, expected %g within %g", name, m, n, k, bits, block, r, j, (double)want[integer][r * n + j], sum, allowed);
                }
        }
        const el_kernel* variant;
        for (uint32_t i = 1; (variant = th_variant(name, i)); i++)
            for (int32_t threads = 1; threads <= 3; threads += 2) {
                buffers[6] = got;
                memset(got, 0xEE, (size_t)m * (size_t)n * 4);
                th_run(variant, &p, buffers, threads);
                for (int32_t e = 0; e < m * n; e++)
                    if (isnan(got[e]) && isnan(want[integer][e])) got[e] = want[integer][e]; /* which NaN is not said */
                snprintf(what, sizeof what, "%s %s m%d n%d k%d bits %d block %d zeros %d half %d extreme %d", name, el_isa_name(variant->isa), m, n, k, bits, block, zeros, half, extreme);
                th_same_bytes(what, got, want[integer], (size_t)m * (size_t)n * 4);
            }
    }
    th_free_all();
}

int main(void) {
    static const int32_t widths[] = {2, 3, 4, 8};
    for (int w = 0; w < 4; w++) {
        int32_t bits = widths[w];
        for (int32_t i = 0; i < 40; i++) {
            int32_t block = 32 << th_range(0, 2), m = i % 3 == 0 ? th_range(1, 9) : 1;
            block_case(m, th_range(1, 70), th_range(1, 300), bits, i % 5 == 4 ? 1 << 20 : block, i & 1, i >> 1 & 1, i >> 2 & 1, i % 4, 0);
        }
        block_case(1, 33, 64, bits, 16 * (bits == 3 ? 2 : 1), 1, 0, 0, 0, 0);
        for (int32_t i = 0; i < 8; i++) block_case(th_range(1, 6), th_range(1, 50), th_range(1, 200), bits, 1 << 20, i & 1, 0, i >> 1 & 1, i / 2 == 2 ? 0 : i / 2, 1);
        block_case(1, 16, 4100, bits, 1 << 20, 0, 0, 0, 1, 0);
    }
    block_case(5, 64, 129, 8, 1 << 20, 0, 1, 1, 1, 0);
    return th_report("test_block_gemm");
}
