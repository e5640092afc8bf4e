/* Parameter blocks and packings of the integer kernels, and the one integer rule that all of them share.
 *
 * Requantization (the rule of TensorFlow Lite's reference kernels, so their models give their bits):
 *     real multiplier M > 0 is stored as (multiplier, shift): M = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31)
 *     el_requantize(acc, multiplier, shift) =
 *         RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(acc << max(shift,0), multiplier), max(-shift,0))
 * Results are equal bit for bit on every instruction set. Accumulators are int32 and exact (no int16 saturation).
 *
 * Panel packing of int8 weights B[K][N] (the same for every instruction set):
 *     packed[ceil(N/16)][ceil(K/4)][16][4] int8, zero outside; byte [p][q][j][i] is B[4q+i][16p+j]
 *     K per group as in el_nn.h: (ky, kx, ci) with ci padded to a multiple of 4 for every (ky, kx): Kp = kh*kw*ceil4(cin).
 * Depthwise int8 packing: packed[ceil(C/16)][kh*kw][16] int8.
 */
#ifndef EL_QUANT_H
#define EL_QUANT_H
#include "el_kernels.h"
#include "el_nn.h"

static inline int32_t el_rounding_doubling_high_mul(int32_t a, int32_t b) {
    if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
    int64_t ab = (int64_t)a * b;
    int64_t nudge = ab >= 0 ? (1ll << 30) : (1 - (1ll << 30));
    return (int32_t)((ab + nudge) / (1ll << 31)); /* truncates toward zero, as the reference does */
}

static inline int32_t el_rounding_divide_by_pot(int32_t x, int32_t exponent) {
    int32_t mask = (int32_t)((1ll << exponent) - 1);
    int32_t remainder = x & mask;
    int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

static inline int32_t el_requantize(int32_t acc, int32_t multiplier, int32_t shift) {
    int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
    return el_rounding_divide_by_pot(
        el_rounding_doubling_high_mul((int32_t)((uint32_t)acc << left), multiplier), right);
}

/* qconv_s8 (any groups), qdwconv_s8 (groups == c == oc), qconv_transpose_s8.
 * buffers: x[n][h][w][c] int8, packed weights int8 (symmetric), bias[oc] int32 or NULL, wsum[oc] int32,
 *          multiplier[oc] int32, shift[oc] int32, y[n][oh][ow][oc] int8
 * wsum[o] is the sum of channel o's weights. acc = sum((x - x_zero) * w) + bias, which kernels compute as
 * sum(x*w) + bias - x_zero*wsum, padding positions holding x_zero.
 * y = clamp(el_requantize(acc, multiplier[o], shift[o]) + y_zero, y_min, y_max). */
typedef struct el_qconv_params {
    int32_t n, h, w, c;
    int32_t oh, ow, oc;
    int32_t kh, kw, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t groups;
    int32_t x_zero, y_zero, y_min, y_max;
} el_qconv_params;

/* qgemm_s8: y[m][n] from x[m][k]; buffers and arithmetic as qconv_s8 with a 1x1 kernel. */
typedef struct el_qgemm_params {
    int64_t m;
    int32_t n, k;
    int32_t x_zero, y_zero, y_min, y_max;
} el_qgemm_params;

/* qadd_s8, qsub_s8: TFLite's ADD/SUB over int8, both operands of `count` elements, or one of them a vector that
 * repeats along the last axis / a scalar (a_period, b_period: elements after which the operand repeats; count: never).
 *     sa = (a + a_offset) << left_shift;  sb likewise;  ra = el_requantize(sa, a_multiplier, a_shift) ...
 *     y = clamp(el_requantize(ra +/- rb, y_multiplier, y_shift) + y_offset, y_min, y_max)
 * offsets are minus the zero points for inputs, the zero point for the output; left_shift is 20.
 * buffers: a, b, y */
typedef struct el_qadd_params {
    int64_t count, a_period, b_period;
    int32_t a_offset, b_offset, y_offset;
    int32_t left_shift;
    int32_t a_multiplier, a_shift, b_multiplier, b_shift, y_multiplier, y_shift;
    int32_t y_min, y_max;
} el_qadd_params;

/* qmul_s8: y = clamp(el_requantize((a + a_offset) * (b + b_offset), y_multiplier, y_shift) + y_offset, y_min, y_max).
 * buffers: a, b, y */
typedef struct el_qmul_params {
    int64_t count, a_period, b_period;
    int32_t a_offset, b_offset, y_offset;
    int32_t y_multiplier, y_shift;
    int32_t y_min, y_max;
} el_qmul_params;

/* qavg_pool_s8: TFLite's rule: acc over the positions inside the input, y = round half away from zero (acc / count),
 * clamped. max_pool_s8: maximum, clamped. Parameters are el_qpool_params; buffers: x NHWC int8, y. */
typedef struct el_qpool_params {
    int32_t n, h, w, c;
    int32_t oh, ow;
    int32_t kh, kw, stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t y_min, y_max;
} el_qpool_params;

/* lut_s8: y[i] = table[(uint8_t)x[i]] (x read as int8, table index x + 128). buffers: x, table[256] int8, y */
typedef struct el_lut_params {
    int64_t count;
} el_lut_params;

/* requantize_s8: y = clamp(el_requantize(x - x_zero, multiplier, shift) + y_zero, y_min, y_max). buffers: x, y */
typedef struct el_requantize_params {
    int64_t count;
    int32_t x_zero, y_zero, multiplier, shift, y_min, y_max;
} el_requantize_params;

/* quantize_f32_s8: y = clamp(round_half_even(x / scale) + zero, y_min, y_max), NaN gives zero; buffers: x f32, y s8
 * (or u8 when is_unsigned; y_min/y_max say the range). dequantize_s8_f32: y = (x - zero) * scale. */
typedef struct el_quantize_params {
    int64_t count;
    float scale;
    int32_t zero, y_min, y_max;
    int32_t is_unsigned;
} el_quantize_params;

/* qsoftmax_s8: TFLite's integer softmax over the last axis (fixed-point exp, 5.26 accumulation), output scale 1/256 and
 * zero point -128. input_multiplier, input_left_shift, diff_min as TFLite's PreprocessSoftmaxScaling computes them.
 * buffers: x[rows][depth], y */
typedef struct el_qsoftmax_params {
    int64_t rows;
    int32_t depth;
    int32_t input_multiplier, input_left_shift, diff_min;
} el_qsoftmax_params;

/* qmean_s8: mean over the spatial axes of NHWC: y[n][c] = clamp(el_requantize(sum(x) - x_zero*h*w, multiplier, shift) + y_zero).
 * buffers: x[n][h*w][c], y[n][c] */
typedef struct el_qmean_params {
    int32_t n, hw, c;
    int32_t x_zero, y_zero, multiplier, shift;
} el_qmean_params;

#endif
