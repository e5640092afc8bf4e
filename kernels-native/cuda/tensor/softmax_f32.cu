#include "el_cuda_math.h"

/* A block for each row of x[rows][depth]; x may be y: a thread writes the elements that it alone reads. */
EL_CUDA_ENTRY(softmax_f32, el_softmax_params) {
    EL_SHARED float store[33];
    int depth = (int)p.depth;
    const float* x = (const float*)b.p[0] + (int64_t)el_block_x() * depth;
    float* y = (float*)b.p[1] + (int64_t)el_block_x() * depth;
    float most = -EL_INFINITY, sum = 0;
    for (int i = el_thread(); i < depth; i += el_threads()) most = el_max(most, x[i]);
    most = el_block_max(most, store);
    for (int i = el_thread(); i < depth; i += el_threads()) sum += el_exp(x[i] - most);
    sum = el_block_sum(sum, store);
    float log = p.is_log ? el_log(sum) : 0, scale = 1.0f / sum;
    for (int i = el_thread(); i < depth; i += el_threads()) y[i] = p.is_log ? x[i] - most - log : el_exp(x[i] - most) * scale;
}

EL_CUDA_LAUNCH(softmax_f32, el_softmax_params) {
    return el_fits(p.depth) ? el_one(launches, "softmax_f32", p.rows, 1, 1, p.depth > 512 ? 256 : p.depth > 128 ? 128 : 32) : 0;
}
