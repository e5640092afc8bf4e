#include "el_cuda_nd.h"

/* A function, as every kernel would hold it. */
static EL_OUT_OF_LINE float el_power_slowly(float x, float y) { return el_power(x, y); }

EL_DEVICE float el_binary(int op, float x, float y) {
    switch (op) {
    case EL_BINARY_ADD: return x + y;
    case EL_BINARY_SUB: return x - y;
    case EL_BINARY_MUL: return x * y;
    case EL_BINARY_DIV: return x / y;
    case EL_BINARY_MIN: return el_min(x, y);
    case EL_BINARY_MAX: return el_max(x, y);
    case EL_BINARY_POW: return el_power_slowly(x, y);
    default: return x < 0 ? x * y : x; /* EL_BINARY_PRELU */
    }
}

template <typename T>
EL_DEVICE void el_binary_one(const el_binary_params& p, T& y, T x0, T x1) {
    el_keep(y, el_activate(p.act, el_binary(p.op, el_value(x0), el_value(x1)), 0.0f));
}

/* Both operands are dense, and of the result's shape. */
template <typename T>
EL_DEVICE void el_binary_dense(const el_binary_params& p, const el_cuda_buffers& b) {
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    EL_EACH(i, count) el_binary_one(p, ((T*)b.p[2])[i], ((const T*)b.p[0])[i], ((const T*)b.p[1])[i]);
}

/* Any: a thread goes over `detail` neighbours of the result. */
template <typename T>
EL_DEVICE void el_binary_each(const el_binary_params& p, const el_cuda_buffers& b) {
    unsigned count = 1;
    for (int d = 0; d < p.rank; d++) count *= (unsigned)p.dims[d];
    el_nd_walk<2> walk = {p.rank, p.dims, {p.a_stride, p.b_stride}};
    const unsigned run = (unsigned)b.detail;
    EL_EACH(n, (count + run - 1) / run) {
        unsigned i = run * n;
        const unsigned past = count - i < run ? count : i + run;
        walk.start(i);
        EL_ROLLED for (;;) {
            el_binary_one(p, ((T*)b.p[2])[i], ((const T*)b.p[0])[walk.offset[0]], ((const T*)b.p[1])[walk.offset[1]]);
            if (++i == past) break;
            walk.next(i);
        }
    }
}

EL_CUDA_ENTRY(binary_f32, el_binary_params) { el_binary_each<float>(p, b); }
EL_CUDA_ENTRY(binary_f32_dense, el_binary_params) { el_binary_dense<float>(p, b); }
EL_CUDA_ENTRY(binary_f16, el_binary_params) { EL_FROM_80(el_binary_each<el_half>(p, b)); }
EL_CUDA_ENTRY(binary_f16_dense, el_binary_params) { EL_FROM_80(el_binary_dense<el_half>(p, b)); }

EL_CUDA_LAUNCH(binary_f32, el_binary_params) {
    const bool dense = el_nd_dense(p.rank, p.dims, p.a_stride) && el_nd_dense(p.rank, p.dims, p.b_stride), half = device.allows_half != 0;
    const int64_t elements = el_nd_count(p.rank, p.dims), run = dense ? 1 : el_nd_run(device, elements);
    if (!el_fits(elements)) return 0;
    const char* entry = half ? dense ? "binary_f16_dense" : "binary_f16" : dense ? "binary_f32_dense" : "binary_f32";
    const int count = el_each(device, launches, entry, el_pieces(elements, run));
    launches[0].detail = run;
    return half ? el_in_half(count, launches, 1 << 0 | 1 << 1 | 1 << 2) : count;
}
EL_CUDA_LAUNCH(binary_f16, el_binary_params) { return el_over_half(el_binary_f32__rule, p, device, launches); }
