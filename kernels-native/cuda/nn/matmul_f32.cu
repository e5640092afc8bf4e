#include "el_cuda_conv.h"

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

/* Where the operands of a batch begin, in elements. */
struct el_matmul_places {
    int64_t a, b;
    EL_MEMBER el_matmul_places(const el_matmul_params& p, int batch) : a(0), b(0) {
        for (int d = 3; d >= 0; d--) {
            int outer = batch / p.batch[d], at = batch - outer * p.batch[d];
            a += at * p.a_stride[d];
            b += at * p.b_stride[d];
            batch = outer;
        }
    }
};

/* Block (m tile, n tile, batch). */
template <int SIZE>
EL_DEVICE void el_matmul(const el_matmul_params& p, const el_cuda_buffers& b) {
    const el_matmul_places places(p, el_block_z());
    const el_left left = {(const float*)b.p[0] + places.a, p.m, p.k, p.trans_a != 0};
    const el_right right = {(const float*)b.p[1] + places.b, p.k, p.n, p.trans_b != 0};
    float* y = (float*)b.p[2] + (int64_t)el_block_z() * p.m * p.n;
    el_tile<float, float, SIZE, SIZE, 4>(left, right, el_block_x() * SIZE, el_block_y() * SIZE, 0, p.k, [&](int row, int column, float sum) {
        if (row < p.m && column < p.n) y[(int64_t)row * p.n + column] = p.alpha * sum;
    });
}

EL_CUDA_ENTRY(matmul_f32_64x64, el_matmul_params) { el_matmul<64>(p, b); }
EL_CUDA_ENTRY(matmul_f32_32x32, el_matmul_params) { el_matmul<32>(p, b); }

/* ---- operands and result in float16 ------------------------------------------------------------------------------- */

/* b[k][n], n a multiple of 8. */
struct el_half_right {
    struct place {
        int row;
        const el_half* at;
    };
    const el_half* x;
    int rows, n;
    EL_MEMBER place start(int row, int column) const { return {row, x + (int64_t)row * n + column}; }
    EL_MEMBER void next(place& p) const {
        p.row += EL_STEP_BYTES / 2;
        p.at += (int64_t)n * (EL_STEP_BYTES / 2);
    }
    EL_MEMBER void fetch(char*, el_shared to, const place& p, int column, int panels, bool is_wanted) const {
        el_copy_async(to, p.at + panels * EL_PANEL, is_wanted && p.row < rows && column < n);
    }
};

/* Eight elements, so far apart; zeros past the first `count`. */
EL_DEVICE el_eight<el_half> el_gather_eight(const el_half* x, int64_t apart, int count) {
    el_eight<el_half> eight = {};
    EL_UNROLL for (int l = 0; l < 8; l++)
        if (l < count) eight.v[l] = x[l * apart];
    return eight;
}

/* The same of any n, or stored [n][k]. */
struct el_half_right_any {
    typedef int place; /* row */
    const el_half* x;
    int rows, n;
    int64_t row_pitch, column_pitch;
    EL_MEMBER place start(int row, int) const { return row; }
    EL_MEMBER void next(place& row) const { row += EL_STEP_BYTES / 2; }
    EL_MEMBER void fetch(char* bytes, el_shared, place row, int column, int, bool is_wanted) const {
        if (is_wanted) *(el_eight<el_half>*)bytes = el_gather_eight(x + row * row_pitch + column * column_pitch, column_pitch, row < rows ? n - column : 0);
    }
};

/* a[m][k] of any k, or stored [k][m]. */
struct el_half_left_any {
    struct row {
        const el_half* x;
        bool exists;
    };
    typedef int place;
    const el_half* x;
    int m, k;
    int64_t row_pitch, k_pitch;
    EL_MEMBER row at(int i) const { return {x + i * row_pitch, i < m}; }
    EL_MEMBER place start(int byte) const { return byte / 2; }
    EL_MEMBER void next(place& kk) const { kk += EL_STEP_BYTES / 2; }
    EL_MEMBER void fetch(char* bytes, el_shared, const row& r, place kk, bool is_wanted) const {
        if (is_wanted) *(el_eight<el_half>*)bytes = el_gather_eight(r.x + kk * k_pitch, k_pitch, r.exists ? k - kk : 0);
    }
};

struct el_scaled_half_end : el_half_end {
    float alpha;
    EL_MEMBER void finish(int row, const columns& c, const given& g, el_eight<float>& sums) const {
        EL_UNROLL for (int l = 0; l < 8; l++) sums.v[l] *= alpha;
        el_half_end::finish(row, c, g, sums);
    }
};

/* WHOLE: k and n are multiples of 8, and nothing is transposed. */
template <int ROWS, int COLUMNS, bool WHOLE>
EL_DEVICE void el_matmul_half(const el_matmul_params& p, const el_cuda_buffers& b) {
    const el_matrix_block block = el_matrix_block_of(b, ROWS, COLUMNS);
    const el_matmul_places places(p, block.group);
    const el_half *left = (const el_half*)b.p[0] + places.a, *right = (const el_half*)b.p[1] + places.b;
    const el_act none = {};
    const el_scaled_half_end end = {{none, nullptr, nullptr, nullptr, (el_half*)b.p[2] + (int64_t)block.group * p.m * p.n, p.m, p.n, p.n, 0}, p.alpha};
    if constexpr (WHOLE) {
        el_matrix_tile<el_half, ROWS, COLUMNS>(el_matrix_rows{(const char*)left, p.m, p.k * 2}, el_half_right{right, p.k, p.n}, block, b, end);
    } else {
        const el_half_left_any a = {left, p.m, p.k, p.trans_a ? 1 : p.k, p.trans_a ? p.m : 1};
        el_matrix_tile<el_half, ROWS, COLUMNS>(a, el_half_right_any{right, p.k, p.n, p.trans_b ? 1 : p.n, p.trans_b ? p.k : 1}, block, b, end);
    }
}

EL_CUDA_ENTRY(matmul_f16_128x128, el_matmul_params) { EL_FROM_80((el_matmul_half<128, 128, true>(p, b))); }
EL_CUDA_ENTRY(matmul_f16_64x64, el_matmul_params) { EL_FROM_80((el_matmul_half<64, 64, true>(p, b))); }
EL_CUDA_ENTRY(matmul_f16_64x64_any, el_matmul_params) { EL_FROM_80((el_matmul_half<64, 64, false>(p, b))); }

EL_CUDA_LAUNCH(matmul_f32, el_matmul_params) {
    int64_t batch = 1;
    for (int d = 0; d < 4; d++) batch *= p.batch[d];
    if (!el_fits(batch * p.m * p.n)) return 0;
    if (device.allows_half && device.arch >= EL_CUDA_MATRIX_ARCH) {
        static const el_matrix_entries whole = {nullptr, "matmul_f16_128x128", nullptr, "matmul_f16_64x64"};
        static const el_matrix_entries any = {nullptr, nullptr, nullptr, "matmul_f16_64x64_any"};
        const bool is_whole = p.k % 8 == 0 && p.n % 8 == 0 && !p.trans_a && !p.trans_b;
        return el_in_half(el_launch_matrix(device, launches, is_whole ? whole : any, p.m, p.n, batch, el_pieces((int64_t)p.k * 2, EL_STEP_BYTES)), launches, 1 << 0 | 1 << 1 | 1 << 2);
    }
    const el_tile_choice tile = el_choose_tile(device, p.m, p.n, batch, 64);
    return el_one(launches, tile.rows == 64 ? "matmul_f32_64x64" : "matmul_f32_32x32", tile.grid_rows, tile.grid_columns, batch, tile.threads);
}
