#include "el_cuda_math.h"

EL_DEVICE float el_reduce_start(int op) {
    return op == EL_REDUCE_MAX ? -EL_INFINITY : op == EL_REDUCE_MIN ? EL_INFINITY : op == EL_REDUCE_PROD ? 1.0f : 0.0f;
}
/* What an element contributes. */
EL_DEVICE float el_reduce_map(int op, float x) { return op == EL_REDUCE_SUM_SQUARE || op == EL_REDUCE_L2 ? x * x : op == EL_REDUCE_L1 ? el_abs(x) : x; }
EL_DEVICE float el_reduce_join(int op, float a, float x) {
    return op == EL_REDUCE_MAX ? el_max(a, x) : op == EL_REDUCE_MIN ? el_min(a, x) : op == EL_REDUCE_PROD ? a * x : a + x;
}
EL_DEVICE float el_reduce_end(int op, float a, int64_t axis) {
    return op == EL_REDUCE_MEAN ? a / (float)axis : op == EL_REDUCE_L2 ? __builtin_sqrtf(a) : a;
}

/* inner = 1: a warp for each row of x[outer][axis]. Block: 8 warps. */
template <typename T>
EL_DEVICE void el_reduce_rows(const el_reduce_params& p, const el_cuda_buffers& b) {
    const T* x = (const T*)b.p[0];
    T* y = (T*)b.p[1];
    int lane = el_thread() % 32;
    for (int row = el_block_x() * 8 + el_thread() / 32; row < (int)p.outer; row += el_grid_x() * 8) {
        const T* line = x + (int64_t)row * p.axis;
        float a = el_reduce_start(p.op);
        for (int i = lane; i < (int)p.axis; i += 32) a = el_reduce_join(p.op, a, el_reduce_map(p.op, el_value(line[i])));
        for (int lanes = 16; lanes > 0; lanes >>= 1) a = el_reduce_join(p.op, a, el_shuffle_xor(a, lanes));
        if (lane == 0) el_keep(y[row], el_reduce_end(p.op, a, p.axis));
    }
}

/* Block (x, y): 32 neighbours of inner in outer slice y; its 8 warps share the axis. */
template <typename T>
EL_DEVICE void el_reduce_columns(const el_reduce_params& p, const el_cuda_buffers& b) {
    EL_SHARED float part[8][32];
    const T* x = (const T*)b.p[0];
    T* y = (T*)b.p[1];
    int lane = el_thread() % 32, warp = el_thread() / 32, inner = (int)p.inner, column = el_block_x() * 32 + lane;
    for (int outer = el_block_y(); outer < (int)p.outer; outer += el_grid_y()) {
        float a = el_reduce_start(p.op);
        if (column < inner)
            for (int i = warp; i < (int)p.axis; i += 8)
                a = el_reduce_join(p.op, a, el_reduce_map(p.op, el_value(x[((int64_t)outer * p.axis + i) * inner + column])));
        part[warp][lane] = a;
        el_barrier();
        if (warp == 0 && column < inner) {
            for (int w = 1; w < 8; w++) a = el_reduce_join(p.op, a, part[w][lane]);
            el_keep(y[(int64_t)outer * inner + column], el_reduce_end(p.op, a, p.axis));
        }
        el_barrier();
    }
}

EL_CUDA_ENTRY(reduce_f32_rows, el_reduce_params) { el_reduce_rows<float>(p, b); }
EL_CUDA_ENTRY(reduce_f32_columns, el_reduce_params) { el_reduce_columns<float>(p, b); }
EL_CUDA_ENTRY(reduce_f16_rows, el_reduce_params) { EL_FROM_80(el_reduce_rows<el_half>(p, b)); }
EL_CUDA_ENTRY(reduce_f16_columns, el_reduce_params) { EL_FROM_80(el_reduce_columns<el_half>(p, b)); }

EL_CUDA_LAUNCH(reduce_f32, el_reduce_params) {
    if (!el_fits(p.outer) || !el_fits(p.axis) || !el_fits(p.inner)) return 0;
    const int64_t outer = p.outer < 65535 ? p.outer : 65535;
    if (device.allows_half) {
        const int count = p.inner == 1 ? el_one(launches, "reduce_f16_rows", el_pieces(p.outer, 8), 1, 1, 256)
                                       : el_one(launches, "reduce_f16_columns", el_pieces(p.inner, 32), outer, 1, 256);
        return el_in_half(count, launches, 1 << 0 | 1 << 1);
    }
    if (p.inner == 1) return el_one(launches, "reduce_f32_rows", el_pieces(p.outer, 8), 1, 1, 256);
    return el_one(launches, "reduce_f32_columns", el_pieces(p.inner, 32), outer, 1, 256);
}
EL_CUDA_LAUNCH(reduce_f16, el_reduce_params) { return el_over_half(el_reduce_f32__rule, p, device, launches); }
