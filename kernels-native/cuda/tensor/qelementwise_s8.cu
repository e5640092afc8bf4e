#include "el_cuda_quant.h"

/* A thread: four neighbours, in a word. */
static inline int el_each_four(const el_cuda_device& device, el_cuda_launch* launches, const char* entry, int64_t count) {
    return el_fits(count) ? el_each(device, launches, entry, el_pieces(count, 4)) : 0;
}

/* Four elements from i on of an operand of so many, which begins again when it ends. */
EL_DEVICE unsigned el_four_of(const void* operand, unsigned i, unsigned period) {
    const uint8_t* x = (const uint8_t*)operand;
    if (i >= period) i %= period;
    if (i % 4 == 0 && period - i >= 4) return *(const unsigned*)(x + i);
    unsigned word = 0;
    EL_ROLLED for (int l = 0; l < 32; l += 8) {
        word |= (unsigned)x[i] << l;
        if (++i == period) i = 0;
    }
    return word;
}
EL_DEVICE int el_element(unsigned word, int l) { return (int8_t)(word >> 8 * l); }

/* y[i] = f(0), y[i + 1] = f(1) ... of four, or of fewer at the end. */
template <typename F>
EL_DEVICE void el_keep_four(void* result, unsigned i, int64_t count, F f) {
    int8_t* y = (int8_t*)result + i;
    unsigned word = 0;
    EL_UNROLL for (int l = 0; l < 4; l++) word |= (unsigned)(uint8_t)f(l) << 8 * l;
    if ((unsigned)count - i >= 4) *(unsigned*)y = word;
    else EL_ROLLED for (; i < (unsigned)count; i++, word >>= 8) *y++ = (int8_t)word;
}

/* What each of the 256 values of an operand brings to the sum is computed once for a block. detail: 1 for the difference. */
EL_CUDA_ENTRY(qadd_s8, el_qadd_params) {
    EL_SHARED int part[2][256];
    for (int t = el_thread(); t < 512; t += el_threads()) {
        const bool second = t >= 256;
        const int v = (int8_t)t + (second ? p.b_offset : p.a_offset);
        const int r = el_rescaled(el_rescale_by(second ? p.b_multiplier : p.a_multiplier, second ? p.b_shift : p.a_shift), (int)((unsigned)v << p.left_shift));
        part[second][t % 256] = second && b.detail ? (int)(0u - (unsigned)r) : r;
    }
    el_barrier();
    const el_rescale by = el_rescale_by(p.y_multiplier, p.y_shift);
    EL_EACH(n, ((unsigned)p.count + 3) / 4) {
        const unsigned i = 4 * n, x0 = el_four_of(b.p[0], i, (unsigned)p.a_period), x1 = el_four_of(b.p[1], i, (unsigned)p.b_period);
        el_keep_four(b.p[2], i, p.count, [&](int l) {
            const unsigned sum = (unsigned)part[0][x0 >> 8 * l & 255u] + (unsigned)part[1][x1 >> 8 * l & 255u];
            return el_clamped_s8(el_rescaled(by, (int)sum), p.y_offset, p.y_min, p.y_max);
        });
    }
}
EL_CUDA_ENTRY(qmul_s8, el_qmul_params) {
    const el_rescale by = el_rescale_by(p.y_multiplier, p.y_shift);
    EL_EACH(n, ((unsigned)p.count + 3) / 4) {
        const unsigned i = 4 * n, x0 = el_four_of(b.p[0], i, (unsigned)p.a_period), x1 = el_four_of(b.p[1], i, (unsigned)p.b_period);
        el_keep_four(b.p[2], i, p.count, [&](int l) {
            return el_clamped_s8(el_rescaled(by, (el_element(x0, l) + p.a_offset) * (el_element(x1, l) + p.b_offset)), p.y_offset, p.y_min, p.y_max);
        });
    }
}
EL_CUDA_ENTRY(lut_s8, el_lut_params) {
    const int8_t* table = (const int8_t*)b.p[1] + 128;
    EL_EACH(n, ((unsigned)p.count + 3) / 4) {
        const unsigned x = el_four_of(b.p[0], 4 * n, (unsigned)p.count);
        el_keep_four(b.p[2], 4 * n, p.count, [&](int l) { return table[el_element(x, l)]; });
    }
}
EL_CUDA_ENTRY(requantize_s8, el_requantize_params) {
    const el_rescale by = el_rescale_by(p.multiplier, p.shift);
    EL_EACH(n, ((unsigned)p.count + 3) / 4) {
        const unsigned x = el_four_of(b.p[0], 4 * n, (unsigned)p.count);
        el_keep_four(b.p[1], 4 * n, p.count, [&](int l) { return el_clamped_s8(el_rescaled(by, el_element(x, l) - p.x_zero), p.y_zero, p.y_min, p.y_max); });
    }
}
/* Whole numbers are clamped as floats, which hold the bounds, before the zero is added. */
EL_CUDA_ENTRY(quantize_f32_s8, el_quantize_params) {
    const float least = (float)(p.y_min - p.zero), most = (float)(p.y_max - p.zero);
    EL_EACH(n, ((unsigned)p.count + 3) / 4) {
        const float* x = (const float*)b.p[0] + 4 * n;
        const int count = (int)p.count - (int)(4 * n);
        el_pack<float, 4> v;
        if (count >= 4) v = *(const el_pack<float, 4>*)x;
        else v = {{x[0], x[count > 1 ? 1 : 0], x[count > 2 ? 2 : 0], 0.0f}};
        el_keep_four(b.p[1], 4 * n, p.count, [&](int l) {
            const float q = __builtin_rintf(v.v[l] != v.v[l] ? 0.0f : v.v[l] / p.scale);
            return (int)(q < least ? least : q > most ? most : q) + p.zero;
        });
    }
}
EL_CUDA_ENTRY(dequantize_s8_f32, el_quantize_params) {
    EL_EACH(n, ((unsigned)p.count + 3) / 4) {
        const unsigned x = el_four_of(b.p[0], 4 * n, (unsigned)p.count);
        float* y = (float*)b.p[1] + 4 * n;
        el_pack<float, 4> v;
        EL_UNROLL for (int l = 0; l < 4; l++) v.v[l] = (float)((p.is_unsigned ? (int)(x >> 8 * l & 255u) : el_element(x, l)) - p.zero) * p.scale;
        if (p.count - 4 * n >= 4) *(el_pack<float, 4>*)y = v;
        else EL_UNROLL for (int l = 0; l < 3; l++)
            if (4 * n + l < p.count) y[l] = v.v[l];
    }
}

static inline int el_qadd_rule(const el_qadd_params& p, const el_cuda_device& device, el_cuda_launch* launches, int difference) {
    const int64_t blocks = el_pieces(p.count, 4 * 256), most = (int64_t)device.multiprocessors * 8; /* that run at a time */
    const int count = el_fits(p.count) ? el_one(launches, "qadd_s8", blocks < most ? blocks : most, 1, 1, 256) : 0;
    launches[0].detail = difference;
    return count;
}
EL_CUDA_LAUNCH(qadd_s8, el_qadd_params) { return el_qadd_rule(p, device, launches, 0); }
EL_CUDA_LAUNCH(qsub_s8, el_qadd_params) { return el_qadd_rule(p, device, launches, 1); }
EL_CUDA_LAUNCH(qmul_s8, el_qmul_params) { return el_each_four(device, launches, "qmul_s8", p.count); }
EL_CUDA_LAUNCH(lut_s8, el_lut_params) { return el_each_four(device, launches, "lut_s8", p.count); }
EL_CUDA_LAUNCH(requantize_s8, el_requantize_params) { return el_each_four(device, launches, "requantize_s8", p.count); }
EL_CUDA_LAUNCH(quantize_f32_s8, el_quantize_params) { return el_each_four(device, launches, "quantize_f32_s8", p.count); }
EL_CUDA_LAUNCH(dequantize_s8_f32, el_quantize_params) { return el_each_four(device, launches, "dequantize_s8_f32", p.count); }
