#include "el_cuda_conv.h"

/* Rows of windows in words of four int8: k counts words, the channels of a group are padded to whole words (whose weights are 0).
 * FOUR: channels of image and group are multiples of 4, so that a word is one load. */
template <bool FOUR>
struct el_qconv_rows {
    typedef el_window row;
    const el_qconv_params& p;
    const int8_t* x; /* first channel of the group */
    int cin, words, k, padding; /* words of a tap; of a window; four times x_zero */

    EL_MEMBER row at(int m) const { return el_window_at(p, x, (int64_t)p.h * p.w * p.c, m); }
    EL_MEMBER int word(const row& window, int kk) const {
        if (kk >= k || !window.image) return 0;
        int tap = kk / words, ci = (kk - tap * words) * 4, place = el_tap(p, window, tap);
        if (place < 0) return padding;
        const int8_t* from = (const int8_t*)window.image + (int64_t)place * p.c + ci;
        if (FOUR) return *(const int*)from;
        unsigned bytes = 0;
        for (int i = 0; i < 4 && ci + i < cin; i++) bytes |= (unsigned)(uint8_t)from[i] << 8 * i;
        return (int)bytes;
    }
    EL_MEMBER el_quad<int> quad(const row& window, int kk) const {
        el_quad<int> q;
        EL_UNROLL for (int i = 0; i < 4; i++) q.v[i] = word(window, kk + i);
        return q;
    }
};

/* sum + bias - x_zero * (sum of the weights), scaled back to int8. */
template <typename P>
EL_DEVICE int8_t el_qfinish(const P& p, int sum, int channel, const el_cuda_buffers& b) {
    const int32_t *bias = (const int32_t*)b.p[2], *wsum = (const int32_t*)b.p[3], *multiplier = (const int32_t*)b.p[4], *shift = (const int32_t*)b.p[5];
    uint32_t acc = (uint32_t)sum + (bias ? (uint32_t)bias[channel] : 0u) - (uint32_t)p.x_zero * (uint32_t)wsum[channel];
    return (int8_t)el_clamp_s8(el_requantize_once((int32_t)acc, multiplier[channel], shift[channel]), p.y_zero, p.y_min, p.y_max);
}

/* Block (m tile, n tile, group). */
template <int SIZE, bool FOUR>
EL_DEVICE void el_qconv(const el_qconv_params& p, const el_cuda_buffers& b) {
    int8_t* y = (int8_t*)b.p[6];
    const int group = el_block_z(), cin = p.c / p.groups, n = p.oc / p.groups, words = (cin + 3) / 4, k = p.kh * p.kw * words, m = p.n * p.oh * p.ow;
    const el_qconv_rows<FOUR> rows = {p, (const int8_t*)b.p[0] + group * cin, cin, words, k, (int)((unsigned)(uint8_t)p.x_zero * 0x01010101u)};
    const el_panels<int> panels = {(const int*)b.p[1] + (int64_t)group * ((n + 15) / 16) * 16 * k, k, n};
    el_tile<int, int, SIZE, SIZE, 4>(rows, panels, el_block_x() * SIZE, el_block_y() * SIZE, 0, k, [&](int row, int column, int sum) {
        if (row < m && column < n) y[(int64_t)row * p.oc + group * n + column] = el_qfinish(p, sum, group * n + column, b);
    });
}

EL_CUDA_ENTRY(qconv_s8_64x64, el_qconv_params) { EL_BELOW_80((el_qconv<64, true>(p, b))); }
EL_CUDA_ENTRY(qconv_s8_32x32, el_qconv_params) { EL_BELOW_80((el_qconv<32, true>(p, b))); }
EL_CUDA_ENTRY(qconv_s8_32x32_any, el_qconv_params) { EL_BELOW_80((el_qconv<32, false>(p, b))); }

/* Windows of channels that are no multiple of 16, a word at a time. */
struct el_qmatrix_gathered {
    typedef el_window row;
    typedef int place; /* number of the word */
    const el_qconv_rows<false>& rows;
    const el_qconv_rows<true> whole; /* serve where channels are a multiple of four */
    bool is_whole;
    EL_MEMBER row at(int m) const { return rows.at(m); }
    EL_MEMBER place start(int byte) const { return byte / 4; }
    EL_MEMBER void next(place& word) const { word += EL_STEP_BYTES / 4; }
    EL_MEMBER void fetch(char* to, el_shared, const row& window, place word, bool is_wanted) const {
        if (!is_wanted) return;
        EL_ROLLED for (int i = 0; i < 4; i++) ((int*)to)[i] = is_whole ? whole.word(window, word + i) : rows.word(window, word + i);
    }
};

/* The end of a layer in int8, as el_qfinish. */
template <typename P>
struct el_int8_end {
    typedef struct {
    } given;
    struct columns {
        int offset[8], multiplier[8], shift[8];
        int channel, count;
        bool is_whole;
    };
    const P& p;
    const el_cuda_buffers& b;
    int8_t* y;
    int m, n, pitch, first; /* rows, columns; channels of a row, that of column 0 */

    EL_MEMBER columns at(int column) const {
        const int32_t *bias = (const int32_t*)b.p[2], *wsum = (const int32_t*)b.p[3], *multiplier = (const int32_t*)b.p[4], *shift = (const int32_t*)b.p[5];
        columns c = {};
        c.channel = first + column;
        c.count = n - column;
        c.is_whole = c.count >= 8 && (pitch & 7) == 0 && (first & 7) == 0 && ((uint64_t)y & 7) == 0;
        EL_UNROLL for (int l = 0; l < 8; l++) {
            if (l >= c.count) continue;
            const int channel = c.channel + l;
            c.offset[l] = (int)((bias ? (uint32_t)bias[channel] : 0u) - (uint32_t)p.x_zero * (uint32_t)wsum[channel]);
            c.multiplier[l] = multiplier[channel];
            c.shift[l] = shift[channel];
        }
        return c;
    }
    EL_MEMBER given before(int, const columns&) const { return {}; }
    EL_MEMBER void finish(int row, const columns& c, const given&, el_eight<int>& sums) const {
        if (row >= m || c.count <= 0) return;
        el_eight<int8_t> whole;
        EL_UNROLL for (int l = 0; l < 8; l++)
            whole.v[l] = (int8_t)el_clamp_s8(el_requantize_once(el_plus(sums.v[l], c.offset[l]), c.multiplier[l], c.shift[l]), p.y_zero, p.y_min, p.y_max);
        int8_t* to = y + (unsigned)row * (unsigned)pitch + (unsigned)c.channel;
        if (c.is_whole) *(el_eight<int8_t>*)to = whole;
        else EL_UNROLL for (int l = 0; l < 8; l++)
            if (l < c.count) to[l] = whole.v[l];
    }
};

/* By matrix instructions. CHUNKS: channels are a multiple of 16. */
template <int ROWS, int COLUMNS, bool CHUNKS>
EL_DEVICE void el_qmatrix(const el_qconv_params& p, const el_cuda_buffers& b) {
    const el_matrix_block block = el_matrix_block_of(b, ROWS, COLUMNS);
    const int cin = p.c / p.groups, n = p.oc / p.groups, words = (cin + 3) / 4, k = p.kh * p.kw * words, m = p.n * p.oh * p.ow, columns = (n + 15) / 16 * 16;
    const int8_t* x = (const int8_t*)b.p[0] + block.group * cin;
    const int padding = (int)((unsigned)(uint8_t)p.x_zero * 0x01010101u);
    const el_matrix_panels<int8_t> panels = {(const int*)b.p[1] + (int64_t)block.group * columns * k, k, columns};
    const el_int8_end<el_qconv_params> end = {p, b, (int8_t*)b.p[6], m, n, p.oc, block.group * n};
    if constexpr (CHUNKS) {
        el_matrix_tile<int8_t, ROWS, COLUMNS>(el_matrix_windows<el_qconv_params, 1>{p, (const char*)x, cin, padding}, panels, block, b, end);
    } else {
        const el_qconv_rows<false> rows = {p, x, cin, words, k, padding};
        el_matrix_tile<int8_t, ROWS, COLUMNS>(el_qmatrix_gathered{rows, {p, x, cin, words, k, padding}, ((cin | p.c) & 3) == 0}, panels, block, b, end);
    }
}

EL_CUDA_ENTRY(qconv_s8_128x128_matrix, el_qconv_params) { EL_FROM_80((el_qmatrix<128, 128, true>(p, b))); }
EL_CUDA_ENTRY(qconv_s8_128x64_matrix, el_qconv_params, 128, 3) { EL_FROM_80((el_qmatrix<128, 64, true>(p, b))); }
EL_CUDA_ENTRY(qconv_s8_64x64_matrix, el_qconv_params) { EL_FROM_80((el_qmatrix<64, 64, true>(p, b))); }
EL_CUDA_ENTRY(qconv_s8_64x64_matrix_any, el_qconv_params) { EL_FROM_80((el_qmatrix<64, 64, false>(p, b))); }

static inline int el_launch_qmatrix(const el_cuda_device& device, el_cuda_launch* launches, const el_matrix_entries& chunks, const char* any, int64_t m, int64_t n, int64_t groups,
    int64_t cin, int64_t taps) {
    const el_matrix_entries gathered = {nullptr, nullptr, nullptr, any};
    return el_launch_matrix(device, launches, cin % 16 != 0 ? gathered : chunks, m, n, groups, el_pieces(taps * ((cin + 3) / 4) * 4, EL_STEP_BYTES));
}

EL_CUDA_LAUNCH(qconv_s8, el_qconv_params) {
    const int64_t m = (int64_t)p.n * p.oh * p.ow, n = p.oc / p.groups, cin = p.c / p.groups;
    if (!el_fits(m * p.oc) || !el_fits((int64_t)p.n * p.h * p.w * p.c) || !el_fits((int64_t)p.kh * p.kw * (cin + 3))) return 0;
    if (device.arch >= EL_CUDA_MATRIX_ARCH) {
        static const el_matrix_entries chunks = {nullptr, "qconv_s8_128x128_matrix", "qconv_s8_128x64_matrix", "qconv_s8_64x64_matrix"};
        return el_launch_qmatrix(device, launches, chunks, "qconv_s8_64x64_matrix_any", m, n, p.groups, cin, (int64_t)p.kh * p.kw);
    }
    if (cin % 4 != 0) return el_one(launches, "qconv_s8_32x32_any", el_pieces(m, 32), el_pieces(n, 32), p.groups, 64);
    const el_tile_choice tile = el_choose_tile(device, m, n, p.groups, 64);
    return el_one(launches, tile.rows == 64 ? "qconv_s8_64x64" : "qconv_s8_32x32", tile.grid_rows, tile.grid_columns, p.groups, tile.threads);
}

/* A dense layer is a convolution of 1x1 over m pixels of k channels. */
EL_DEVICE el_qconv_params el_as_conv(const el_qgemm_params& p) {
    return {1, (int)p.m, 1, p.k, (int)p.m, 1, p.n, 1, 1, 1, 1, 1, 1, 0, 0, 1, p.x_zero, p.y_zero, p.y_min, p.y_max};
}

EL_CUDA_ENTRY(qgemm_s8_64x64, el_qgemm_params) { EL_BELOW_80((el_qconv<64, true>(el_as_conv(p), b))); }
EL_CUDA_ENTRY(qgemm_s8_32x32, el_qgemm_params) { EL_BELOW_80((el_qconv<32, true>(el_as_conv(p), b))); }
EL_CUDA_ENTRY(qgemm_s8_128x128_matrix, el_qgemm_params) { EL_FROM_80((el_qmatrix<128, 128, true>(el_as_conv(p), b))); }
EL_CUDA_ENTRY(qgemm_s8_128x64_matrix, el_qgemm_params, 128, 3) { EL_FROM_80((el_qmatrix<128, 64, true>(el_as_conv(p), b))); }
EL_CUDA_ENTRY(qgemm_s8_64x64_matrix, el_qgemm_params) { EL_FROM_80((el_qmatrix<64, 64, true>(el_as_conv(p), b))); }
EL_CUDA_ENTRY(qgemm_s8_64x64_matrix_any, el_qgemm_params) { EL_FROM_80((el_qmatrix<64, 64, false>(el_as_conv(p), b))); }
EL_CUDA_ENTRY(qgemm_s8_32x32_any, el_qgemm_params) { EL_BELOW_80((el_qconv<32, false>(el_as_conv(p), b))); }

/* Few rows: block (panel, row), 16 words of k at a time. */
EL_CUDA_ENTRY(qgemm_s8_row, el_qgemm_params) {
    EL_SHARED int part[16][EL_PANEL + 1];
    const int lane = el_thread() % EL_PANEL, slice = el_thread() / EL_PANEL, column = el_block_x() * EL_PANEL + lane, k = (p.k + 3) / 4;
    const el_qconv_params conv = el_as_conv(p);
    const el_qconv_rows<false> rows = {conv, (const int8_t*)b.p[0], p.k, k, k, 0};
    const el_window window = rows.at(el_block_y());
    const int* w = (const int*)b.p[1] + (int64_t)el_block_x() * k * EL_PANEL + lane;
    int sum = 0;
    for (int i = slice; i < k; i += 16) sum = el_dot4(rows.word(window, i), w[(int64_t)i * EL_PANEL], sum);
    part[slice][lane] = sum;
    el_barrier();
    if (slice > 0 || column >= p.n) return;
    for (int s = 1; s < 16; s++) sum = (int)((unsigned)sum + (unsigned)part[s][lane]);
    ((int8_t*)b.p[6])[(int64_t)el_block_y() * p.n + column] = el_qfinish(p, sum, column, b);
}

EL_CUDA_LAUNCH(qgemm_s8, el_qgemm_params) {
    if (!el_fits(p.m * p.k) || !el_fits(p.m * p.n)) return 0;
    if (p.m <= 8) return el_one(launches, "qgemm_s8_row", el_pieces(p.n, EL_PANEL), p.m, 1, 256);
    if (device.arch >= EL_CUDA_MATRIX_ARCH) {
        static const el_matrix_entries chunks = {nullptr, "qgemm_s8_128x128_matrix", "qgemm_s8_128x64_matrix", "qgemm_s8_64x64_matrix"};
        return el_launch_qmatrix(device, launches, chunks, "qgemm_s8_64x64_matrix_any", p.m, p.n, 1, p.k, 1);
    }
    if (p.k % 4 != 0) return el_one(launches, "qgemm_s8_32x32_any", el_pieces(p.m, 32), el_pieces(p.n, 32), 1, 64);
    const el_tile_choice tile = el_choose_tile(device, p.m, p.n, 1, 64);
    return el_one(launches, tile.rows == 64 ? "qgemm_s8_64x64" : "qgemm_s8_32x32", tile.grid_rows, tile.grid_columns, 1, tile.threads);
}
