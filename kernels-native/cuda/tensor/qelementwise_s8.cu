#include "el_cuda_device.h"

EL_DEVICE int8_t el_qsum(const el_qadd_params& p, int x0, int x1, bool subtract) {
    uint32_t s0 = (uint32_t)(x0 + p.a_offset) << p.left_shift, s1 = (uint32_t)(x1 + p.b_offset) << p.left_shift;
    uint32_t r0 = (uint32_t)el_requantize((int32_t)s0, p.a_multiplier, p.a_shift);
    uint32_t r1 = (uint32_t)el_requantize((int32_t)s1, p.b_multiplier, p.b_shift);
    return (int8_t)el_clamp_s8(el_requantize((int32_t)(subtract ? r0 - r1 : r0 + r1), p.y_multiplier, p.y_shift), p.y_offset, p.y_min, p.y_max);
}

/* Element i of an operand that repeats after `period` elements. */
EL_DEVICE int el_repeated(const void* x, unsigned i, int64_t count, int64_t period) {
    return ((const int8_t*)x)[period == count ? i : i % (unsigned)period];
}

EL_CUDA_ENTRY(qadd_s8, el_qadd_params) {
    EL_EACH(i, p.count) ((int8_t*)b.p[2])[i] = el_qsum(p, el_repeated(b.p[0], i, p.count, p.a_period), el_repeated(b.p[1], i, p.count, p.b_period), false);
}
EL_CUDA_ENTRY(qsub_s8, el_qadd_params) {
    EL_EACH(i, p.count) ((int8_t*)b.p[2])[i] = el_qsum(p, el_repeated(b.p[0], i, p.count, p.a_period), el_repeated(b.p[1], i, p.count, p.b_period), true);
}
EL_CUDA_ENTRY(qmul_s8, el_qmul_params) {
    EL_EACH(i, p.count) {
        int product = (el_repeated(b.p[0], i, p.count, p.a_period) + p.a_offset) * (el_repeated(b.p[1], i, p.count, p.b_period) + p.b_offset);
        ((int8_t*)b.p[2])[i] = (int8_t)el_clamp_s8(el_requantize(product, p.y_multiplier, p.y_shift), p.y_offset, p.y_min, p.y_max);
    }
}
EL_CUDA_ENTRY(lut_s8, el_lut_params) {
    const int8_t *x = (const int8_t*)b.p[0], *table = (const int8_t*)b.p[1];
    EL_EACH(i, p.count) ((int8_t*)b.p[2])[i] = table[x[i] + 128];
}
EL_CUDA_ENTRY(requantize_s8, el_requantize_params) {
    const int8_t* x = (const int8_t*)b.p[0];
    EL_EACH(i, p.count) ((int8_t*)b.p[1])[i] = (int8_t)el_clamp_s8(el_requantize(x[i] - p.x_zero, p.multiplier, p.shift), p.y_zero, p.y_min, p.y_max);
}
EL_CUDA_ENTRY(quantize_f32_s8, el_quantize_params) {
    const float* x = (const float*)b.p[0];
    EL_EACH(i, p.count) {
        double q = (double)__builtin_rintf(x[i] != x[i] ? 0.0f : x[i] / p.scale) + p.zero;
        q = q < p.y_min ? p.y_min : q > p.y_max ? p.y_max : q;
        ((uint8_t*)b.p[1])[i] = (uint8_t)(int32_t)q;
    }
}
EL_CUDA_ENTRY(dequantize_s8_f32, el_quantize_params) {
    const int8_t* x = (const int8_t*)b.p[0];
    EL_EACH(i, p.count) {
        int v = p.is_unsigned ? (uint8_t)x[i] : x[i];
        ((float*)b.p[1])[i] = (float)(v - p.zero) * p.scale;
    }
}

EL_CUDA_LAUNCH(qadd_s8, el_qadd_params) { return el_each(device, launches, "qadd_s8", p.count); }
EL_CUDA_LAUNCH(qsub_s8, el_qadd_params) { return el_each(device, launches, "qsub_s8", p.count); }
EL_CUDA_LAUNCH(qmul_s8, el_qmul_params) { return el_each(device, launches, "qmul_s8", p.count); }
EL_CUDA_LAUNCH(lut_s8, el_lut_params) { return el_each(device, launches, "lut_s8", p.count); }
EL_CUDA_LAUNCH(requantize_s8, el_requantize_params) { return el_each(device, launches, "requantize_s8", p.count); }
EL_CUDA_LAUNCH(quantize_f32_s8, el_quantize_params) { return el_each(device, launches, "quantize_f32_s8", p.count); }
EL_CUDA_LAUNCH(dequantize_s8_f32, el_quantize_params) { return el_each(device, launches, "dequantize_s8_f32", p.count); }
