#include "el_cuda_math.h"

/* A block for each row of x[rows][depth], or, with detail 1, a warp; x may be y: a thread writes the elements that it alone reads. */
template <typename T>
EL_DEVICE void el_softmax(const el_softmax_params& p, const el_cuda_buffers& b) {
    EL_SHARED float store[33];
    const bool warp = b.detail != 0;
    const int depth = (int)p.depth, threads = warp ? 32 : el_threads(), first = el_thread() % threads;
    const int64_t row = warp ? (int64_t)el_block_x() * (el_threads() / 32) + el_thread() / 32 : el_block_x();
    if (row >= p.rows) return;
    const T* x = (const T*)b.p[0] + row * depth;
    T* y = (T*)b.p[1] + row * depth;
    float most = -EL_INFINITY, sum = 0;
    for (int i = first; i < depth; i += threads) most = el_max(most, el_value(x[i]));
    most = warp ? el_warp_max(most) : el_block_max(most, store);
    for (int i = first; i < depth; i += threads) sum += el_exp(el_value(x[i]) - most);
    sum = warp ? el_warp_sum(sum) : el_block_sum(sum, store);
    const float log = p.is_log ? el_log(sum) : 0, scale = 1.0f / sum;
    for (int i = first; i < depth; i += threads) el_keep(y[i], p.is_log ? el_value(x[i]) - most - log : el_exp(el_value(x[i]) - most) * scale);
}

EL_CUDA_ENTRY(softmax_f32, el_softmax_params) { el_softmax<float>(p, b); }
EL_CUDA_ENTRY(softmax_f16, el_softmax_params) { EL_FROM_80(el_softmax<el_half>(p, b)); }

EL_CUDA_LAUNCH(softmax_f32, el_softmax_params) {
    const bool warp = p.depth <= 512;
    if (!el_fits(p.depth)) return 0;
    const int count = el_one(launches, device.allows_half ? "softmax_f16" : "softmax_f32", warp ? el_pieces(p.rows, 4) : p.rows, 1, 1, warp ? 128 : 256);
    launches[0].detail = warp;
    return device.allows_half ? el_in_half(count, launches, 1 << 0 | 1 << 1) : count;
}
