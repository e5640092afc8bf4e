#include "el_cuda_conv.h"

/* Block (m tile, n tile, group and piece of k). Several pieces leave their sums in scratch[piece][m][oc], for conv_f32_join. */
template <int ROWS, int COLUMNS, int PER_THREAD, bool FOUR>
EL_DEVICE void el_conv(const el_conv_params& p, const el_cuda_buffers& b) {
    const float *bias = (const float*)b.p[2], *residual = (const float*)b.p[3], *slope = (const float*)b.p[4];
    float *y = (float*)b.p[5], *scratch = (float*)b.scratch;
    const int pieces = (int)b.detail, group = el_block_z() / pieces, piece = el_block_z() - group * pieces;
    const int cin = p.c / p.groups, n = p.oc / p.groups, k = p.kh * p.kw * cin, m = p.n * p.oh * p.ow;
    const int length = ((k + pieces - 1) / pieces + EL_TILE_K - 1) / EL_TILE_K * EL_TILE_K;
    const int first = piece * length, end = first + length < k ? first + length : k;
    const el_conv_rows<FOUR> rows = {p, (const float*)b.p[0] + group * cin, cin, k};
    const el_panels<float> panels = {(const float*)b.p[1] + (int64_t)group * ((n + 15) / 16) * 16 * k, k, n};
    const auto finish = [&](int row, int column, float sum) {
        if (row >= m || column >= n) return;
        const int channel = group * n + column;
        const unsigned at = (unsigned)row * (unsigned)p.oc + (unsigned)channel;
        if (pieces > 1) scratch[(int64_t)piece * m * p.oc + at] = sum;
        else y[at] = el_finish(p.act, sum, at, channel, bias, residual, slope);
    };
    el_tile<float, float, ROWS, COLUMNS, PER_THREAD>(rows, panels, el_block_x() * ROWS, el_block_y() * COLUMNS, first, end, finish);
}

EL_CUDA_ENTRY(conv_f32_128x64, el_conv_params) { el_conv<128, 64, 8, true>(p, b); }
EL_CUDA_ENTRY(conv_f32_64x64, el_conv_params) { el_conv<64, 64, 4, true>(p, b); }
EL_CUDA_ENTRY(conv_f32_32x32, el_conv_params) { el_conv<32, 32, 4, true>(p, b); }
EL_CUDA_ENTRY(conv_f32_64x64_any, el_conv_params) { el_conv<64, 64, 4, false>(p, b); }
EL_CUDA_ENTRY(conv_f32_32x32_any, el_conv_params) { el_conv<32, 32, 4, false>(p, b); }

/* Windows side by side, as of patches: a line of a window is a pixel of as many channels more, in memory and in the order of k. */
EL_HOST_DEVICE el_conv_params el_joined(el_conv_params p) {
    const bool is_patched = p.kw > 1 && p.kw == p.stride_w && p.w % p.kw == 0 && p.ow == p.w / p.kw && p.pad_left == 0 && p.dilation_w == 1 && p.groups == 1;
    if (!is_patched) return p;
    p.c *= p.kw;
    p.w = p.ow;
    p.kw = p.stride_w = 1;
    return p;
}

/* Image and result in float16. */
enum el_half_windows { EL_HALF_POINTS, EL_HALF_WINDOWS, EL_HALF_GATHERED };

template <int ROWS, int COLUMNS, el_half_windows KIND>
EL_DEVICE void el_conv_half(const el_conv_params& p, const el_cuda_buffers& b) {
    const el_matrix_block block = el_matrix_block_of(b, ROWS, COLUMNS);
    const int cin = p.c / p.groups, n = p.oc / p.groups, k = p.kh * p.kw * cin, m = p.n * p.oh * p.ow, columns = (n + 15) / 16 * 16;
    const el_half* x = (const el_half*)b.p[0] + block.group * cin;
    const el_matrix_panels<el_half> panels = {(const el_half*)b.p[1] + (int64_t)block.group * columns * k, k, columns};
    const el_half_end end = {p.act, (const float*)b.p[2], (const float*)b.p[4], (const el_half*)b.p[3], (el_half*)b.p[5], m, n, p.oc, block.group * n};
    if constexpr (KIND == EL_HALF_POINTS) el_matrix_tile<el_half, ROWS, COLUMNS>(el_matrix_rows{(const char*)x, m, k * 2}, panels, block, b, end);
    else if constexpr (KIND == EL_HALF_WINDOWS) {
        const el_conv_params joined = el_joined(p);
        el_matrix_tile<el_half, ROWS, COLUMNS>(el_matrix_windows<el_conv_params, 2>{joined, (const char*)x, joined.c / p.groups, 0}, panels, block, b, end);
    }
    else el_matrix_tile<el_half, ROWS, COLUMNS>(el_matrix_gathered{p, x, cin}, panels, block, b, end);
}

EL_CUDA_ENTRY(conv_f16_192x128_1x1, el_conv_params) { EL_FROM_80((el_conv_half<192, 128, EL_HALF_POINTS>(p, b))); }
EL_CUDA_ENTRY(conv_f16_128x128_1x1, el_conv_params) { EL_FROM_80((el_conv_half<128, 128, EL_HALF_POINTS>(p, b))); }
EL_CUDA_ENTRY(conv_f16_128x64_1x1, el_conv_params, 128, 3) { EL_FROM_80((el_conv_half<128, 64, EL_HALF_POINTS>(p, b))); }
EL_CUDA_ENTRY(conv_f16_64x64_1x1, el_conv_params) { EL_FROM_80((el_conv_half<64, 64, EL_HALF_POINTS>(p, b))); }
EL_CUDA_ENTRY(conv_f16_128x128, el_conv_params) { EL_FROM_80((el_conv_half<128, 128, EL_HALF_WINDOWS>(p, b))); }
EL_CUDA_ENTRY(conv_f16_128x64, el_conv_params, 128, 3) { EL_FROM_80((el_conv_half<128, 64, EL_HALF_WINDOWS>(p, b))); }
EL_CUDA_ENTRY(conv_f16_64x64, el_conv_params) { EL_FROM_80((el_conv_half<64, 64, EL_HALF_WINDOWS>(p, b))); }
EL_CUDA_ENTRY(conv_f16_64x64_any, el_conv_params) { EL_FROM_80((el_conv_half<64, 64, EL_HALF_GATHERED>(p, b))); }

EL_CUDA_ENTRY(conv_f32_join, el_conv_params) {
    const float *bias = (const float*)b.p[2], *residual = (const float*)b.p[3], *slope = (const float*)b.p[4], *scratch = (const float*)b.scratch;
    float* y = (float*)b.p[5];
    const unsigned count = (unsigned)(p.n * p.oh * p.ow * p.oc);
    EL_EACH(i, count) {
        float sum = 0;
        for (int piece = 0; piece < (int)b.detail; piece++) sum += scratch[(uint64_t)piece * count + i];
        y[i] = el_finish(p.act, sum, i, (int)(i % (unsigned)p.oc), bias, residual, slope);
    }
}

EL_CUDA_LAUNCH(conv_f32, el_conv_params) {
    const int64_t m = (int64_t)p.n * p.oh * p.ow, n = p.oc / p.groups, cin = p.c / p.groups, k = (int64_t)p.kh * p.kw * cin;
    if (!el_fits(m * p.oc) || !el_fits((int64_t)p.n * p.h * p.w * p.c) || !el_fits(k)) return 0;
    if (device.allows_half && device.arch >= EL_CUDA_MATRIX_ARCH) {
        static const el_matrix_entries points = {"conv_f16_192x128_1x1", "conv_f16_128x128_1x1", "conv_f16_128x64_1x1", "conv_f16_64x64_1x1"};
        static const el_matrix_entries windows = {nullptr, "conv_f16_128x128", "conv_f16_128x64", "conv_f16_64x64"};
        static const el_matrix_entries any = {nullptr, nullptr, nullptr, "conv_f16_64x64_any"};
        const bool is_point = p.kh == 1 && p.kw == 1 && p.stride_h == 1 && p.stride_w == 1 && p.pad_top == 0 && p.pad_left == 0 && p.oh == p.h && p.ow == p.w && p.groups == 1;
        const el_conv_params joined = el_joined(p);
        const auto& entries = joined.c / p.groups % 8 != 0 || joined.c % 8 != 0 ? any : is_point ? points : windows;
        return el_in_half(el_launch_matrix(device, launches, entries, m, n, p.groups, el_pieces(k * 2, EL_STEP_BYTES)), launches, 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5);
    }
    const bool four = cin % 4 == 0;
    const el_tile_choice tile = el_choose_tile(device, m, n, p.groups, four ? 128 : 64);
    const int64_t blocks = tile.grid_rows * tile.grid_columns * p.groups;
    /* Few tiles and a long k: pieces of at least 256, until there are two blocks for each multiprocessor. */
    int64_t pieces = 1;
    while (pieces < 16 && blocks * pieces < 2 * device.multiprocessors && k / (pieces * 2) >= 256) pieces *= 2;
    const char* entry = tile.rows == 128 ? "conv_f32_128x64" : tile.rows == 64 ? (four ? "conv_f32_64x64" : "conv_f32_64x64_any")
                      : four ? "conv_f32_32x32" : "conv_f32_32x32_any";
    const uint64_t scratch = pieces > 1 ? (uint64_t)(pieces * m * p.oc) * 4 : 0;
    if (!el_one(launches, entry, tile.grid_rows, tile.grid_columns, p.groups * pieces, tile.threads, scratch)) return 0;
    launches[0].detail = pieces;
    if (pieces == 1) return 1;
    el_each(device, launches + 1, "conv_f32_join", m * p.oc);
    launches[1].detail = pieces;
    return 2;
}
EL_CUDA_LAUNCH(conv_f16, el_conv_params) { return el_over_half(el_conv_f32__rule, p, device, launches); }
