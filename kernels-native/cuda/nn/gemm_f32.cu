#include "el_cuda_tile.h"

/* Rows of a dense matrix x[m][k]. FOUR: k is a multiple of 4. */
template <bool FOUR>
struct el_dense_rows {
    typedef const float* row;
    const float* x;
    int m, k;
    EL_MEMBER row at(int i) const { return i < m ? x + (int64_t)i * k : nullptr; }
    EL_MEMBER el_quad<float> quad(row r, int kk) const {
        el_quad<float> q = {};
        if (!r) return q;
        if (FOUR) return kk < k ? *(const el_quad<float>*)(r + kk) : q;
        for (int i = 0; i < 4 && kk + i < k; i++) q.v[i] = r[kk + i];
        return q;
    }
};

template <int ROWS, int COLUMNS, int PER_THREAD, bool FOUR, bool HALF = false>
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
    const int m0 = el_block_x() * ROWS, n0 = el_block_y() * COLUMNS;
    if constexpr (HALF)
        el_tile<el_half2, float, true, ROWS, COLUMNS, PER_THREAD>(el_half_rows<el_dense_rows<FOUR>>{rows}, el_half_columns<el_panels<float>>{panels}, m0, n0, 0, (p.k + 1) / 2, finish);
    else
        el_tile<float, float, false, ROWS, COLUMNS, PER_THREAD>(rows, panels, m0, n0, 0, p.k, finish);
}

EL_CUDA_ENTRY(gemm_f32_128x64, el_gemm_params) { el_gemm<128, 64, 8, true>(p, b); }
EL_CUDA_ENTRY(gemm_f32_64x64, el_gemm_params) { el_gemm<64, 64, 4, true>(p, b); }
EL_CUDA_ENTRY(gemm_f32_32x32, el_gemm_params) { el_gemm<32, 32, 4, true>(p, b); }
EL_CUDA_ENTRY(gemm_f32_32x32_any, el_gemm_params) { el_gemm<32, 32, 4, false>(p, b); }

/* Products in float16, by matrix instructions. */
EL_CUDA_ENTRY(gemm_f32_64x64_half, el_gemm_params) {
#if EL_HAS_MATRIX
    el_gemm<64, 64, 4, true, true>(p, b);
#endif
}
EL_CUDA_ENTRY(gemm_f32_32x32_half, el_gemm_params) {
#if EL_HAS_MATRIX
    el_gemm<32, 32, 4, true, true>(p, b);
#endif
}

/* Few rows: block (panel, row) reads a panel of 16 columns from end to end, 16 rows of k at a time. */
EL_CUDA_ENTRY(gemm_f32_row, el_gemm_params) {
    EL_SHARED float part[16][EL_PANEL + 1];
    const float *bias = (const float*)b.p[2], *residual = (const float*)b.p[3], *slope = (const float*)b.p[4];
    const int lane = el_thread() % EL_PANEL, slice = el_thread() / EL_PANEL, column = el_block_x() * EL_PANEL + lane;
    const float *x = (const float*)b.p[0] + (int64_t)el_block_y() * p.k, *w = (const float*)b.p[1] + (int64_t)el_block_x() * p.k * EL_PANEL + lane;
    float sum = 0;
    for (int k = slice; k < p.k; k += 16) sum = el_fma(x[k], w[(int64_t)k * EL_PANEL], sum);
    part[slice][lane] = sum;
    el_barrier();
    if (slice > 0 || column >= p.n) return;
    for (int s = 1; s < 16; s++) sum += part[s][lane];
    unsigned at = (unsigned)el_block_y() * (unsigned)p.n + (unsigned)column;
    ((float*)b.p[5])[at] = el_finish(p.act, sum, at, column, bias, residual, slope);
}

EL_CUDA_LAUNCH(gemm_f32, el_gemm_params) {
    if (!el_fits(p.m * p.k) || !el_fits(p.m * p.n)) return 0;
    if (p.m <= 8) return el_one(launches, "gemm_f32_row", el_pieces(p.n, EL_PANEL), p.m, 1, 256);
    if (p.k % 4 != 0) return el_one(launches, "gemm_f32_32x32_any", el_pieces(p.m, 32), el_pieces(p.n, 32), 1, 64);
    const bool half = device.allows_half && device.arch >= EL_CUDA_MATRIX_ARCH;
    const el_tile_choice tile = el_choose_tile(device, p.m, p.n, 1, half ? 64 : 128);
    const char* entry = half ? (tile.rows == 64 ? "gemm_f32_64x64_half" : "gemm_f32_32x32_half")
        : tile.rows == 128 ? "gemm_f32_128x64" : tile.rows == 64 ? "gemm_f32_64x64" : "gemm_f32_32x32";
    return el_one(launches, entry, tile.grid_rows, tile.grid_columns, 1, tile.threads);
}
