#include "el_cuda_math.h"

/* A block for each row of x[rows][depth]; x may be y: a thread writes the elements that it alone reads. */
template <typename T>
EL_DEVICE void el_softmax(const el_softmax_params& p, const el_cuda_buffers& b) {
    EL_SHARED float store[33];
    int depth = (int)p.depth;
    const T* x = (const T*)b.p[0] + (int64_t)el_block_x() * depth;
    T* y = (T*)b.p[1] + (int64_t)el_block_x() * depth;
    float most = -EL_INFINITY, sum = 0;
    for (int i = el_thread(); i < depth; i += el_threads()) most = el_max(most, el_value(x[i]));
    most = el_block_max(most, store);
    for (int i = el_thread(); i < depth; i += el_threads()) sum += el_exp(el_value(x[i]) - most);
    sum = el_block_sum(sum, store);
    float log = p.is_log ? el_log(sum) : 0, scale = 1.0f / sum;
    for (int i = el_thread(); i < depth; i += el_threads()) el_keep(y[i], p.is_log ? el_value(x[i]) - most - log : el_exp(el_value(x[i]) - most) * scale);
}

EL_CUDA_ENTRY(softmax_f32, el_softmax_params) { el_softmax<float>(p, b); }
EL_CUDA_ENTRY(softmax_f16, el_softmax_params) { EL_FROM_80(el_softmax<el_half>(p, b)); }

EL_CUDA_LAUNCH(softmax_f32, el_softmax_params) {
    const int threads = p.depth > 512 ? 256 : p.depth > 128 ? 128 : 32;
    if (!el_fits(p.depth)) return 0;
    if (device.allows_half) return el_in_half(el_one(launches, "softmax_f16", p.rows, 1, 1, threads), launches, 1 << 0 | 1 << 1);
    return el_one(launches, "softmax_f32", p.rows, 1, 1, threads);
}
