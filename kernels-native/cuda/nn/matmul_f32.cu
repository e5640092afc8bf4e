#include "el_cuda_tile.h"

/* a[m][k], or stored [k][m]. */
struct el_left {
    typedef int row;
    const float* x;
    int m, k;
    bool is_transposed;
    EL_MEMBER row at(int i) const { return i; }
    EL_MEMBER el_quad<float> quad(row i, int kk) const {
        el_quad<float> q = {};
        for (int j = 0; j < 4 && i < m && kk + j < k; j++) q.v[j] = is_transposed ? x[(int64_t)(kk + j) * m + i] : x[(int64_t)i * k + kk + j];
        return q;
    }
};

/* b[k][n], or stored [n][k]. */
struct el_right {
    const float* x;
    int k, n;
    bool is_transposed;
    EL_MEMBER el_quad<float> quad(int kk, int column) const {
        el_quad<float> q = {};
        for (int j = 0; j < 4 && kk < k && column + j < n; j++) q.v[j] = is_transposed ? x[(int64_t)(column + j) * k + kk] : x[(int64_t)kk * n + column + j];
        return q;
    }
};

/* Block (m tile, n tile, batch). */
template <int SIZE>
EL_DEVICE void el_matmul(const el_matmul_params& p, const el_cuda_buffers& b) {
    int64_t a_offset = 0, b_offset = 0;
    for (int d = 3, rest = el_block_z(); d >= 0; d--) {
        int outer = rest / p.batch[d], at = rest - outer * p.batch[d];
        a_offset += at * p.a_stride[d];
        b_offset += at * p.b_stride[d];
        rest = outer;
    }
    const el_left left = {(const float*)b.p[0] + a_offset, p.m, p.k, p.trans_a != 0};
    const el_right right = {(const float*)b.p[1] + b_offset, p.k, p.n, p.trans_b != 0};
    float* y = (float*)b.p[2] + (int64_t)el_block_z() * p.m * p.n;
    el_tile<float, float, SIZE, SIZE, 4>(left, right, el_block_x() * SIZE, el_block_y() * SIZE, 0, p.k, [&](int row, int column, float sum) {
        if (row < p.m && column < p.n) y[(int64_t)row * p.n + column] = p.alpha * sum;
    });
}

EL_CUDA_ENTRY(matmul_f32_64x64, el_matmul_params) { el_matmul<64>(p, b); }
EL_CUDA_ENTRY(matmul_f32_32x32, el_matmul_params) { el_matmul<32>(p, b); }

EL_CUDA_LAUNCH(matmul_f32, el_matmul_params) {
    int64_t batch = 1;
    for (int d = 0; d < 4; d++) batch *= p.batch[d];
    if (!el_fits(batch * p.m * p.n)) return 0;
    const el_tile_choice tile = el_choose_tile(device, p.m, p.n, batch, 64);
    return el_one(launches, tile.rows == 64 ? "matmul_f32_64x64" : "matmul_f32_32x32", tile.grid_rows, tile.grid_columns, batch, tile.threads);
}
