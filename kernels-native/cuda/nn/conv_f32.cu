#include "el_cuda_conv.h"

/* Block (m tile, n tile, group and piece of k). Several pieces leave their sums in scratch[piece][m][oc], for conv_f32_join. */
template <int ROWS, int COLUMNS, int PER_THREAD, bool FOUR, bool HALF = false>
EL_DEVICE void el_conv(const el_conv_params& p, const el_cuda_buffers& b) {
    const float *bias = (const float*)b.p[2], *residual = (const float*)b.p[3], *slope = (const float*)b.p[4];
    float *y = (float*)b.p[5], *scratch = (float*)b.scratch;
    const int pieces = (int)b.detail, group = el_block_z() / pieces, piece = el_block_z() - group * pieces;
    const int cin = p.c / p.groups, n = p.oc / p.groups, k = p.kh * p.kw * cin, m = p.n * p.oh * p.ow;
    const int words = HALF ? (k + 1) / 2 : k, length = ((words + pieces - 1) / pieces + EL_TILE_K - 1) / EL_TILE_K * EL_TILE_K;
    const int first = piece * length, end = first + length < words ? first + length : words;
    const el_conv_rows<FOUR> rows = {p, (const float*)b.p[0] + group * cin, cin, k};
    const el_panels<float> panels = {(const float*)b.p[1] + (int64_t)group * ((n + 15) / 16) * 16 * k, k, n};
    const auto finish = [&](int row, int column, float sum) {
        if (row >= m || column >= n) return;
        const int channel = group * n + column;
        const unsigned at = (unsigned)row * (unsigned)p.oc + (unsigned)channel;
        if (pieces > 1) scratch[(int64_t)piece * m * p.oc + at] = sum;
        else y[at] = el_finish(p.act, sum, at, channel, bias, residual, slope);
    };
    const int m0 = el_block_x() * ROWS, n0 = el_block_y() * COLUMNS;
    if constexpr (HALF)
        el_tile<el_half2, float, true, ROWS, COLUMNS, PER_THREAD>(el_half_rows<el_conv_rows<FOUR>>{rows}, el_half_columns<el_panels<float>>{panels}, m0, n0, first, end, finish);
    else
        el_tile<float, float, false, ROWS, COLUMNS, PER_THREAD>(rows, panels, m0, n0, first, end, finish);
}

EL_CUDA_ENTRY(conv_f32_128x64, el_conv_params) { el_conv<128, 64, 8, true>(p, b); }
EL_CUDA_ENTRY(conv_f32_64x64, el_conv_params) { el_conv<64, 64, 4, true>(p, b); }
EL_CUDA_ENTRY(conv_f32_32x32, el_conv_params) { el_conv<32, 32, 4, true>(p, b); }
EL_CUDA_ENTRY(conv_f32_64x64_any, el_conv_params) { el_conv<64, 64, 4, false>(p, b); }
EL_CUDA_ENTRY(conv_f32_32x32_any, el_conv_params) { el_conv<32, 32, 4, false>(p, b); }

/* Products in float16, by matrix instructions. */
EL_CUDA_ENTRY(conv_f32_64x64_half, el_conv_params) {
#if EL_HAS_MATRIX
    el_conv<64, 64, 4, true, true>(p, b);
#endif
}
EL_CUDA_ENTRY(conv_f32_32x32_half, el_conv_params) {
#if EL_HAS_MATRIX
    el_conv<32, 32, 4, true, true>(p, b);
#endif
}

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
    const bool four = cin % 4 == 0;
    const bool half = four && device.allows_half && device.arch >= EL_CUDA_MATRIX_ARCH;
    const el_tile_choice tile = el_choose_tile(device, m, n, p.groups, four && !half ? 128 : 64);
    const int64_t blocks = tile.grid_rows * tile.grid_columns * p.groups;
    /* Few tiles and a long k: pieces of at least 256, until there are two blocks for each multiprocessor. */
    int64_t pieces = 1;
    while (pieces < 16 && blocks * pieces < 2 * device.multiprocessors && k / (pieces * 2) >= 256) pieces *= 2;
    const char* entry = half ? (tile.rows == 64 ? "conv_f32_64x64_half" : "conv_f32_32x32_half")
        : tile.rows == 128 ? "conv_f32_128x64" : tile.rows == 64 ? (four ? "conv_f32_64x64" : "conv_f32_64x64_any")
        : four ? "conv_f32_32x32" : "conv_f32_32x32_any";
    const uint64_t scratch = pieces > 1 ? (uint64_t)(pieces * m * p.oc) * 4 : 0;
    if (!el_one(launches, entry, tile.grid_rows, tile.grid_columns, p.groups * pieces, tile.threads, scratch)) return 0;
    launches[0].detail = pieces;
    if (pieces == 1) return 1;
    el_each(device, launches + 1, "conv_f32_join", m * p.oc);
    launches[1].detail = pieces;
    return 2;
}
