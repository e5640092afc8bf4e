#include "el_cuda_conv.h"

/* A thread: one output value; it gathers the inputs that its taps come from. Weights are panels as those of a convolution. */
EL_CUDA_ENTRY(conv_transpose_f32, el_conv_params) {
    const float *x = (const float*)b.p[0], *bias = (const float*)b.p[2], *residual = (const float*)b.p[3], *slope = (const float*)b.p[4];
    float* y = (float*)b.p[5];
    const int cin = p.c / p.groups, n = p.oc / p.groups, k = p.kh * p.kw * cin;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * (unsigned)p.oc) {
        int pixel = (int)(i / (unsigned)p.oc), channel = (int)(i - (unsigned)pixel * (unsigned)p.oc);
        el_place at = el_place_of(p, pixel);
        int group = channel / n, column = channel - group * n;
        const float* w = (const float*)b.p[1] + ((int64_t)group * ((n + 15) / 16) + column / EL_PANEL) * k * EL_PANEL + column % EL_PANEL;
        float sum = 0;
        for (int ky = 0; ky < p.kh; ky++) {
            int iy = el_transposed_source(at.y, ky, p.stride_h, p.dilation_h, p.pad_top, p.h);
            for (int kx = 0; kx < p.kw && iy >= 0; kx++) {
                int ix = el_transposed_source(at.x, kx, p.stride_w, p.dilation_w, p.pad_left, p.w);
                if (ix < 0) continue;
                const float* from = x + (((int64_t)at.image * p.h + iy) * p.w + ix) * p.c + group * cin;
                const float* weights = w + (int64_t)(ky * p.kw + kx) * cin * EL_PANEL;
                for (int ci = 0; ci < cin; ci++) sum = el_fma(from[ci], weights[ci * EL_PANEL], sum);
            }
        }
        y[i] = el_finish(p.act, sum, i, channel, bias, residual, slope);
    }
}

/* Taps of a phase are so far apart: the least number of them that covers whole strides. */
EL_HOST_DEVICE int el_tap_step(int stride, int dilation) {
    int divisor = stride, rest = dilation % stride;
    while (rest > 0) {
        const int next = divisor % rest;
        divisor = rest;
        rest = next;
    }
    return stride / divisor;
}

/* Outputs whose places leave the same remainder by the stride (a phase) are those of an ordinary convolution of stride 1 with the taps that reach them, every
 * `every`-th down from `last`; so no zero between inputs is multiplied. Of one axis: */
struct el_phase {
    int count;      /* outputs */
    int taps, last, every;
    int first;      /* input that tap `last` brings to the first output; may be outside */
    int dilation;   /* inputs from a tap to the one before */
};
EL_DEVICE el_phase el_phase_of(int phase, int out, int kernel, int stride, int dilation, int pad) {
    el_phase f = {out > phase ? (out - phase + stride - 1) / stride : 0, 0, 0, el_tap_step(stride, dilation), 0, 0};
    int tap = 0;
    while (tap < kernel && (phase + pad - tap * dilation) % stride != 0) tap++;
    if (tap < kernel) f.taps = (kernel - 1 - tap) / f.every + 1;
    f.last = tap + (f.taps - 1) * f.every;
    f.first = (phase + pad - f.last * dilation) / stride;
    f.dilation = (int)((int64_t)f.every * dilation / stride);
    return f;
}

/* Weights of the taps of a phase: rows of k are those of the panels that its taps have. */
struct el_phase_panels {
    struct place {
        int row, channel, tap_y, tap_x;
        const char* panel; /* and chunk */
    };
    const el_phase &y, &x;
    const char* packed;
    int rows, n, all, cin, kw; /* rows of the phase; columns; rows of a panel; channels; width of the kernel */
    EL_MEMBER place start(int row, int column) const {
        const int tap = row / cin, tap_y = x.taps > 0 ? tap / x.taps : 0;
        return {row, row - tap * cin, tap_y, tap - tap_y * x.taps, packed + (int64_t)(column / EL_PANEL) * all * (EL_PANEL * 2) + column % EL_PANEL * 2};
    }
    EL_MEMBER void next(place& p) const {
        p.row += EL_STEP_BYTES / 2;
        for (p.channel += EL_STEP_BYTES / 2; p.channel >= cin; p.channel -= cin)
            if (++p.tap_x == x.taps) p.tap_x = 0, p.tap_y++;
    }
    EL_MEMBER void fetch(char*, el_shared to, const place& p, int column, int panels, bool is_wanted) const {
        const int row = ((y.last - p.tap_y * y.every) * kw + x.last - p.tap_x * x.every) * cin + p.channel;
        el_copy_async(to, p.panel + ((int64_t)panels * all + row) * (EL_PANEL * 2), is_wanted && p.row < rows && column < n);
    }
};

/* Rows are the pixels of a phase. */
struct el_phase_end : el_half_end {
    const el_conv_params& p;
    int images_rows, width, y0, x0; /* lines of all images, places of a line; the first line and place */
    int lines;                      /* of an image */
    EL_MEMBER int pixel(int row) const {
        const int line = width > 0 ? row / width : images_rows;
        if (line >= images_rows) return m;
        const int image = line / lines;
        return (image * p.oh + y0 + (line - image * lines) * p.stride_h) * p.ow + x0 + (row - line * width) * p.stride_w;
    }
    EL_MEMBER given before(int row, const columns& c) const { return el_half_end::before(pixel(row), c); }
    EL_MEMBER void finish(int row, const columns& c, const given& g, el_eight<float>& sums) const { el_half_end::finish(pixel(row), c, g, sums); }
};

/* Image and result in float16. Block (m tile, n tile; group, phase and piece). WHOLE: the channels of a group are a multiple of 8. */
template <int ROWS, int COLUMNS, bool WHOLE>
EL_DEVICE void el_conv_transpose_half(const el_conv_params& p, const el_cuda_buffers& b) {
    const el_matrix_block block = el_matrix_block_of(b, ROWS, COLUMNS);
    const int phases = p.stride_h * p.stride_w, group = block.group / phases, phase = block.group - group * phases, phase_y = phase / p.stride_w, phase_x = phase - phase_y * p.stride_w;
    const el_phase y = el_phase_of(phase_y, p.oh, p.kh, p.stride_h, p.dilation_h, p.pad_top), x = el_phase_of(phase_x, p.ow, p.kw, p.stride_w, p.dilation_w, p.pad_left);
    const int cin = p.c / p.groups, n = p.oc / p.groups, k = p.kh * p.kw * cin, columns = (n + 15) / 16 * 16, taps = y.taps * x.taps;
    el_conv_params window = p;
    window.oh = y.count;
    window.ow = x.count;
    window.kh = taps > 0 ? y.taps : 0;
    window.kw = taps > 0 ? x.taps : 1;
    window.stride_h = window.stride_w = 1;
    window.dilation_h = y.dilation;
    window.dilation_w = x.dilation;
    window.pad_top = -y.first;
    window.pad_left = -x.first;
    const el_half* image = (const el_half*)b.p[0] + group * cin;
    const el_phase_panels panels = {y, x, (const char*)b.p[1] + (int64_t)group * columns * k * 2, taps * cin, columns, k, cin, p.kw};
    const el_phase_end end = {{p.act, (const float*)b.p[2], (const float*)b.p[4], (const el_half*)b.p[3], (el_half*)b.p[5], p.n * p.oh * p.ow, n, p.oc, group * n},
        p, p.n * y.count, x.count, phase_y, phase_x, y.count};
    if constexpr (WHOLE) el_matrix_tile<el_half, ROWS, COLUMNS>(el_matrix_windows<el_conv_params, 2>{window, (const char*)image, cin, 0}, panels, block, b, end);
    else el_matrix_tile<el_half, ROWS, COLUMNS>(el_matrix_gathered{window, image, cin}, panels, block, b, end);
}

EL_CUDA_ENTRY(conv_transpose_f16_128x64, el_conv_params) { EL_FROM_80((el_conv_transpose_half<128, 64, true>(p, b))); }
EL_CUDA_ENTRY(conv_transpose_f16_64x64, el_conv_params) { EL_FROM_80((el_conv_transpose_half<64, 64, true>(p, b))); }
EL_CUDA_ENTRY(conv_transpose_f16_64x64_any, el_conv_params) { EL_FROM_80((el_conv_transpose_half<64, 64, false>(p, b))); }

EL_CUDA_LAUNCH(conv_transpose_f32, el_conv_params) {
    if (device.allows_half && device.arch >= EL_CUDA_MATRIX_ARCH && el_fits((int64_t)p.n * p.h * p.w * p.c) && el_fits((int64_t)p.n * p.oh * p.ow * p.oc)) {
        static const el_matrix_entries whole = {nullptr, nullptr, "conv_transpose_f16_128x64", "conv_transpose_f16_64x64"};
        static const el_matrix_entries any = {nullptr, nullptr, nullptr, "conv_transpose_f16_64x64_any"};
        const int64_t cin = p.c / p.groups, m = p.n * el_pieces(p.oh, p.stride_h) * el_pieces(p.ow, p.stride_w), groups = (int64_t)p.groups * p.stride_h * p.stride_w;
        const int64_t taps = el_pieces(p.kh, el_tap_step(p.stride_h, p.dilation_h)) * el_pieces(p.kw, el_tap_step(p.stride_w, p.dilation_w));
        return el_in_half(el_launch_matrix(device, launches, cin % 8 != 0 ? any : whole, m, p.oc / p.groups, groups, el_pieces(cin * taps * 2, EL_STEP_BYTES)), launches,
            1 << 0 | 1 << 1 | 1 << 3 | 1 << 5);
    }
    return el_each_output(p, device, launches, "conv_transpose_f32", p.oc);
}
