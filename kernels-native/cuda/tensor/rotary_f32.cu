#include "el_cuda_math.h"

/* A thread has a pair, or a number that is only copied. Angles are float32. */
template <typename T>
EL_DEVICE void el_rotary(const el_rotary_params& p, const el_cuda_buffers& b) {
    const float *cos = (const float*)b.p[1], *sin = (const float*)b.p[2];
    const int64_t* ids = (const int64_t*)b.p[3];
    const unsigned half = (unsigned)p.dim / 2, each = (unsigned)p.width - half, rows = (unsigned)p.rows, heads = (unsigned)p.heads;
    EL_EACH(i, (unsigned)(p.batch * p.heads * p.rows) * each) {
        const unsigned item = i / each, k = i - item * each, plane = item / rows, t = item - plane * rows, n = plane / heads, h = plane - n * heads, row = n * rows + t;
        const int64_t at = n * p.batch_stride + h * p.head_stride + t * p.row_stride, place = ids ? ids[row] : row;
        const T* x = (const T*)b.p[0] + at;
        T* y = (T*)b.p[4] + at;
        if (k >= half) {
            y[k + half] = x[k + half];
            continue;
        }
        const unsigned first = p.interleaved ? 2 * k : k, second = p.interleaved ? 2 * k + 1 : k + half;
        const bool is_there = place >= 0 && place < p.places;
        const float c = is_there ? cos[place * half + k] : 0.0f, s = is_there ? sin[place * half + k] : 0.0f, u = el_value(x[first]), v = el_value(x[second]);
        el_keep(y[first], c * u - s * v);
        el_keep(y[second], s * u + c * v);
    }
}

EL_CUDA_ENTRY(rotary_f32, el_rotary_params) { el_rotary<float>(p, b); }
EL_CUDA_ENTRY(rotary_f16, el_rotary_params) { EL_FROM_80(el_rotary<el_half>(p, b)); }

EL_CUDA_LAUNCH(rotary_f32, el_rotary_params) {
    const int64_t count = p.batch * p.heads * p.rows * (p.width - p.dim / 2);
    if (!el_fits(p.batch * p.heads * p.rows * p.width)) return 0;
    if (device.allows_half) return el_in_half(el_each(device, launches, "rotary_f16", count), launches, 1 << 0 | 1 << 4);
    return el_each(device, launches, "rotary_f32", count);
}
