#include "el_cuda_conv.h"

template <int ROWS, int COLUMNS, int PER_THREAD, bool FOUR>
EL_DEVICE void el_gemm(const el_gemm_params& p, const el_cuda_buffers& b) {
    const float *bias = (const float*)b.p[2], *residual = (const float*)b.p[3], *slope = (const float*)b.p[4];
    float* y = (float*)b.p[5];
    const el_dense_rows<FOUR> rows = {(const float*)b.p[0], (int)p.m, p.k};
    const el_panels<float> panels = {(const float*)b.p[1], p.k, p.n};
    const auto finish = [&](int row, int column, float sum) {
        if (row >= (int)p.m || column >= p.n) return;
        const unsigned at = (unsigned)row * (unsigned)p.n + (unsigned)column;
        y[at] = el_finish(p.act, sum, at, column, bias, residual, slope);
    };
    el_tile<float, float, ROWS, COLUMNS, PER_THREAD>(rows, panels, el_block_x() * ROWS, el_block_y() * COLUMNS, 0, p.k, finish);
}

EL_CUDA_ENTRY(gemm_f32_128x64, el_gemm_params) { el_gemm<128, 64, 8, true>(p, b); }
EL_CUDA_ENTRY(gemm_f32_64x64, el_gemm_params) { el_gemm<64, 64, 4, true>(p, b); }
EL_CUDA_ENTRY(gemm_f32_32x32, el_gemm_params) { el_gemm<32, 32, 4, true>(p, b); }
EL_CUDA_ENTRY(gemm_f32_32x32_any, el_gemm_params) { el_gemm<32, 32, 4, false>(p, b); }

/* Several products of the same rows may be one (runtime/Sessions/CudaSchedule.cs): columns from `first` on belong to a matrix of their own in p[6], those from
 * `second` on to one in p[7]. Bits 16 to 39 of detail are `first`, bits 40 to 63 `second`; 0: there is none. */
struct el_gemm_result {
    void* y;
    int begin, count; /* columns */
};
EL_DEVICE el_gemm_result el_gemm_result_of(const el_cuda_buffers& b, int n, int column) {
    const int first = (int)(b.detail >> 16 & 0xffffff), second = (int)(b.detail >> 40 & 0xffffff);
    if (first == 0 || column < first) return {b.p[5], 0, first > 0 ? first : n};
    if (second == 0 || column < second) return {b.p[6], first, (second > 0 ? second : n) - first};
    return {b.p[7], second, n - second};
}

struct el_gemm_end : el_half_end {
    struct columns : el_half_end::columns {
        el_half* y;
        int pitch;
    };
    const el_cuda_buffers& b;
    EL_MEMBER columns at(int column) const {
        columns c;
        (el_half_end::columns&)c = el_half_end::at(column);
        const el_gemm_result result = el_gemm_result_of(b, n, column);
        c.y = (el_half*)result.y - result.begin;
        c.pitch = result.count;
        return c;
    }
    EL_MEMBER void finish(int row, const columns& c, const given& g, el_eight<float>& sums) const {
        el_half_end one = *this;
        one.y = c.y;
        one.pitch = c.pitch;
        one.finish(row, c, g, sums);
    }
};

/* Rows and result in float16. DENSE: k is a multiple of 8. */
template <int ROWS, int COLUMNS, bool DENSE>
EL_DEVICE void el_gemm_half(const el_gemm_params& p, const el_cuda_buffers& b) {
    const el_half* x = (const el_half*)b.p[0];
    const el_matrix_block block = el_matrix_block_of(b, ROWS, COLUMNS);
    const el_matrix_panels<el_half> panels = {b.p[1], p.k, (p.n + 15) / 16 * 16};
    const el_gemm_end end = {{p.act, (const float*)b.p[2], (const float*)b.p[4], (const el_half*)b.p[3], nullptr, (int)p.m, p.n, p.n, 0}, b};
    if constexpr (DENSE) {
        el_matrix_tile<el_half, ROWS, COLUMNS>(el_matrix_rows{(const char*)x, (int)p.m, p.k * 2}, panels, block, b, end);
    } else {
        /* A convolution of 1x1 over m pixels of k channels. */
        const el_conv_params conv = {1, (int)p.m, 1, p.k, (int)p.m, 1, p.n, 1, 1, 1, 1, 1, 1, 0, 0, 1, p.act};
        el_matrix_tile<el_half, ROWS, COLUMNS>(el_matrix_gathered{conv, x, p.k}, panels, block, b, end);
    }
}

EL_CUDA_ENTRY(gemm_f16_192x128, el_gemm_params) { EL_FROM_80((el_gemm_half<192, 128, true>(p, b))); }
EL_CUDA_ENTRY(gemm_f16_128x128, el_gemm_params) { EL_FROM_80((el_gemm_half<128, 128, true>(p, b))); }
EL_CUDA_ENTRY(gemm_f16_128x64, el_gemm_params, 128, 3) { EL_FROM_80((el_gemm_half<128, 64, true>(p, b))); }
EL_CUDA_ENTRY(gemm_f16_64x64, el_gemm_params) { EL_FROM_80((el_gemm_half<64, 64, true>(p, b))); }
EL_CUDA_ENTRY(gemm_f16_64x64_any, el_gemm_params) { EL_FROM_80((el_gemm_half<64, 64, false>(p, b))); }

/* Few rows: block (panel, row) reads a panel of 16 columns from end to end, four columns (eight in float16) of a row of k to a thread. T: float, or el_half
 * of rows, weights, residual and result. */
template <typename T>
EL_DEVICE void el_gemm_row(const el_gemm_params& p, const el_cuda_buffers& b) {
    constexpr int WIDTH = 16 / sizeof(T), ACROSS = EL_PANEL / WIDTH, SLICES = 256 / ACROSS;
    EL_SHARED float part[SLICES][EL_PANEL + 1];
    const float *bias = (const float*)b.p[2], *slope = (const float*)b.p[4];
    const T* residual = (const T*)b.p[3];
    const int thread = el_thread(), across = thread % ACROSS * WIDTH, slice = thread / ACROSS;
    const T *x = (const T*)b.p[0] + (int64_t)el_block_y() * p.k, *w = (const T*)b.p[1] + (int64_t)el_block_x() * p.k * EL_PANEL + across;
    float sums[WIDTH] = {};
    for (int k0 = slice; k0 < p.k; k0 += 4 * SLICES) {
        el_pack<T, WIDTH> v[4] = {};
        float u[4] = {};
        EL_UNROLL for (int i = 0; i < 4; i++) {
            const int k = k0 + i * SLICES;
            if (k >= p.k) continue;
            v[i] = *(const el_pack<T, WIDTH>*)(w + (int64_t)k * EL_PANEL);
            u[i] = el_value(x[k]);
        }
        EL_UNROLL for (int i = 0; i < 4; i++)
            EL_UNROLL for (int l = 0; l < WIDTH; l++) sums[l] = el_fma(u[i], el_value(v[i].v[l]), sums[l]);
    }
    EL_UNROLL for (int l = 0; l < WIDTH; l++) part[slice][across + l] = sums[l];
    for (int half = SLICES / 2; half > 0; half /= 2) {
        el_barrier();
        for (int i = thread; i < half * EL_PANEL; i += 256) part[i / EL_PANEL][i % EL_PANEL] += part[half + i / EL_PANEL][i % EL_PANEL];
    }
    el_barrier();
    const int column = el_block_x() * EL_PANEL + thread;
    if (thread >= EL_PANEL || column >= p.n) return;
    float sum = part[0][thread] + (bias ? bias[column] : 0.0f);
    if (residual) sum += el_value(residual[(unsigned)el_block_y() * (unsigned)p.n + (unsigned)column]);
    const el_gemm_result result = el_gemm_result_of(b, p.n, column);
    el_keep(((T*)result.y)[(unsigned)el_block_y() * (unsigned)result.count + (unsigned)(column - result.begin)], el_activate(p.act, sum, slope ? slope[column] : 0.0f));
}

EL_CUDA_ENTRY(gemm_f32_row, el_gemm_params) { el_gemm_row<float>(p, b); }
EL_CUDA_ENTRY(gemm_f16_row, el_gemm_params) { EL_FROM_80(el_gemm_row<el_half>(p, b)); }

EL_CUDA_LAUNCH(gemm_f32, el_gemm_params) {
    if (!el_fits(p.m * p.k) || !el_fits(p.m * p.n)) return 0;
    if (device.allows_half && device.arch >= EL_CUDA_MATRIX_ARCH) {
        static const el_matrix_entries dense = {"gemm_f16_192x128", "gemm_f16_128x128", "gemm_f16_128x64", "gemm_f16_64x64"};
        static const el_matrix_entries any = {nullptr, nullptr, nullptr, "gemm_f16_64x64_any"};
        const int count = p.m <= 4 ? el_one(launches, "gemm_f16_row", el_pieces(p.n, EL_PANEL), p.m, 1, 256)
                                   : el_launch_matrix(device, launches, p.k % 8 != 0 ? any : dense, p.m, p.n, 1, el_pieces((int64_t)p.k * 2, EL_STEP_BYTES));
        return el_in_half(count, launches, 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5);
    }
    if (p.m <= 8) return el_one(launches, "gemm_f32_row", el_pieces(p.n, EL_PANEL), p.m, 1, 256);
    if (p.k % 4 != 0) return el_one(launches, "gemm_f32_32x32_any", el_pieces(p.m, 32), el_pieces(p.n, 32), 1, 64);
    const el_tile_choice tile = el_choose_tile(device, p.m, p.n, 1);
    const char* entry = tile.rows == 128 ? "gemm_f32_128x64" : tile.rows == 64 ? "gemm_f32_64x64" : "gemm_f32_32x32";
    return el_one(launches, entry, tile.grid_rows, tile.grid_columns, 1, tile.threads);
}
EL_CUDA_LAUNCH(gemm_f16, el_gemm_params) { return el_over_half(el_gemm_f32__rule, p, device, launches); }
