/* Parameter blocks and packings of the integer kernels, and the two integer rules of requantization.
 *
 * Requantization (the rules of TensorFlow Lite's interpreter, so its models give its bits):
 *     real multiplier M is stored as (multiplier, shift): M = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31) or 0;
 *     shift in [-31, 30]. Convolutions, gemm and mean take M >= 0; qadd_s8 and qmul_s8 also take negated multipliers
 *     (TFLite's SUB is an ADD with the second multiplier negated). INT32_MIN is never a multiplier.
 *   qconv_s8 and qgemm_s8 round once, halves up, and saturate (the interpreter runs CONV_2D and FULLY_CONNECTED through the
 *   ruy library; its rule is in ruy/apply_multiplier.cc):
 *     el_requantize_once(acc, multiplier, shift) = saturate_int32((acc * multiplier + 2^(30 - shift)) >> (31 - shift))
 *   All others round twice: qdwconv_s8, qconv_transpose_s8, qadd_s8, qsub_s8, qmul_s8, qmean_s8, requantize_s8
 *   (MultiplyByQuantizedMultiplier in tensorflow/lite/kernels/internal/common.h):
 *     el_requantize(acc, multiplier, shift) =
 *         RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(acc << max(shift,0), multiplier), max(-shift,0))
 *     The left shift wraps around in int32.
 * "requantized + zero" is then clamped without overflow (el_clamp_s8).
 *   qconv_s16, qdwconv_s16 and qgemm_s16 cut the multiplier to 16 bits and round once: el_requantize_s64.
 * Results are equal bit for bit on every instruction set. Accumulators are int32 and wrap around (no int16 saturation).
 *
 * Panel packing of int8 weights B[K][N] (the same for every instruction set):
 *     packed[ceil(N/16)][Kp/4][16][4] int8, zero outside; byte [p][q][j][i] is B[4q+i][16p+j]
 *     K per group as in el_nn.h: (ky, kx, ci) with ci padded to a multiple of 4 for every (ky, kx): Kp = kh*kw*ceil4(cin).
 *     qgemm_s8: Kp = ceil4(k). With groups the panels of group g follow those of g-1, N = oc/groups.
 * Depthwise int8 packing: packed[ceil(C/16)][kh*kw][16] int8, zero past C.
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
    /* rounds to nearest, ties away from zero; exponent in [0, 31] */
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

static inline int32_t el_requantize_once(int32_t acc, int32_t multiplier, int32_t shift) {
    int64_t v = ((int64_t)acc * multiplier + (1ll << (30 - shift))) >> (31 - shift);
    return (int32_t)(v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : v);
}

/* The rule for 64-bit sums (int16 x): sum * reduced * 2^(shift - 15), rounded halves up; shift in [-31, 14]. */
static inline int32_t el_reduced_multiplier(int32_t multiplier) { return multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff; }
static inline int64_t el_requantize_reduced(uint64_t sum, int32_t reduced, int32_t right) {
    return (int64_t)(sum * (uint64_t)reduced + (1ull << (right - 1))) >> right; /* right = 15 - shift */
}
static inline int64_t el_requantize_s64(int64_t sum, int32_t multiplier, int32_t shift) {
    return el_requantize_reduced((uint64_t)sum, el_reduced_multiplier(multiplier), 15 - shift);
}
static inline int16_t el_finish_s16(uint64_t sum, int32_t multiplier, int32_t shift, int32_t y_zero, int32_t y_min, int32_t y_max) {
    int64_t v = el_requantize_s64((int64_t)sum, multiplier, shift) + y_zero;
    return (int16_t)(v < y_min ? y_min : v > y_max ? y_max : v);
}

/* clamp(value + zero, lo, hi) without overflow; lo and hi lie in the range of an 8-bit or 16-bit type. */
static inline int32_t el_clamp_s8(int32_t value, int32_t zero, int32_t lo, int32_t hi) {
    int64_t v = (int64_t)value + zero;
    return (int32_t)(v < lo ? lo : v > hi ? hi : v);
}

/* qconv_s8 (any groups), qdwconv_s8 (groups == c == oc), qconv_transpose_s8.
 * buffers: x[n][h][w][c] int8, packed weights int8 (symmetric), bias[oc] int32 or NULL, wsum[oc] int32,
 *          multiplier[oc] int32, shift[oc] int32, y[n][oh][ow][oc] int8, near[oc] int32 or NULL (none in qconv_transpose_s8)
 * wsum[o] is the sum of channel o's weights. acc = sum((x - x_zero) * w) + bias, which kernels compute as
 * sum(x*w) + bias - x_zero*wsum, padding positions holding x_zero.
 * y = clamp(r(acc, multiplier[o], shift[o]) + y_zero, y_min, y_max), r being el_requantize_once in qconv_s8, el_requantize in
 * the other two.
 * near says that float32 gives the same y for every sum that the channel can have, where y_min and y_max are those of int8, and y_zero is -128 in qdwconv_s8:
 *     y = saturate_int8(floor(acc * scale + base)), acc and the multiply-add rounded down to float32; scale = multiplier * 2^(shift - 31), and (int8_t)near units in the last place;
 *     base = y_zero + 1/2, plus 2^(shift - 1) in qdwconv_s8 where shift < 0, plus (near >> 8) * scale * 2^-20, each operation rounded to float32
 * The converter proves it (ProvenRounding.cs); kernels trust it or do without. Wrong numbers there give wrong y, and nothing worse.
 * qconv_transpose_s8: x[iy][ix] adds to y at oy = iy*stride_h + ky*dilation_h - pad_top (likewise ox); positions outside
 * are dropped; wsum is not read (it may be NULL), since border and phase decide which weights meet an input.
 * Every zero point is an int8 value. */
typedef struct el_qconv_params {
    int32_t n, h, w, c;
    int32_t oh, ow, oc;
    int32_t kh, kw, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t groups;
    int32_t x_zero, y_zero, y_min, y_max;
} el_qconv_params;

/* qconv_s16, qdwconv_s16, qgemm_s16 (TFLite's 16x8 scheme): the same with x and y int16, x_zero 0, bias[oc] int64, sums of 64 bits and
 * y = clamp(el_requantize_s64(acc, multiplier[o], shift[o]) + y_zero, y_min, y_max); near is not read. kh*kw*c/groups is at most 2^16.
 * qgemm_s8: y[m][n] from x[m][k]; buffers and arithmetic as qconv_s8 with a 1x1 kernel. */
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
 * qadd_s16, qsub_s16: the same over int16, left_shift 15.
 * buffers: a, b, y */
typedef struct el_qadd_params {
    int64_t count, a_period, b_period;
    int32_t a_offset, b_offset, y_offset;
    int32_t left_shift;
    int32_t a_multiplier, a_shift, b_multiplier, b_shift, y_multiplier, y_shift;
    int32_t y_min, y_max;
} el_qadd_params;

/* qmul_s8, qmul_s16: y = clamp(el_requantize((a + a_offset) * (b + b_offset), y_multiplier, y_shift) + y_offset, y_min, y_max).
 * buffers: a, b, y */
typedef struct el_qmul_params {
    int64_t count, a_period, b_period;
    int32_t a_offset, b_offset, y_offset;
    int32_t y_multiplier, y_shift;
    int32_t y_min, y_max;
} el_qmul_params;

/* qavg_pool_s8: TFLite's rule: acc over the positions inside the input, y = round half away from zero (acc / count),
 * clamped; a window without any input position gives clamp(0). max_pool_s8: maximum, clamped; a window without any input
 * position gives y_min. Zero points and scales of x and y are equal. buffers: x NHWC int8, y. */
typedef struct el_qpool_params {
    int32_t n, h, w, c;
    int32_t oh, ow;
    int32_t kh, kw, stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t y_min, y_max;
} el_qpool_params;

/* lut_s8: y[i] = table[x[i] + 128]. buffers: x int8, table[256] int8 (entry 0 belongs to x = -128), y int8
 * lut_s16: t = 256 + (x >> 7), y = table[t] + (((table[t+1] - table[t]) * (x & 127) + 64) >> 7). buffers: x int16, table[513] int16
 * (entry t belongs to x = 128*(t - 256)), y int16. The rule of TFLite's LUTLookup (kernels/internal/common.h). */
typedef struct el_lut_params {
    int64_t count;
} el_lut_params;

/* grouped_lut_s8: y[i] = tables[group[i % channels] % groups][x[i] + 128]: a table for each group of channels, channels last; count is a
 * multiple of channels. buffers: x int8, tables[groups][256] int8, group[channels] uint8, y int8 */
typedef struct el_grouped_lut_params {
    int64_t count;
    int32_t channels, groups;
} el_grouped_lut_params;

/* requantize_s8, requantize_s16: y = clamp(el_requantize(x - x_zero, multiplier, shift) + y_zero, y_min, y_max). buffers: x, y int8 or int16 */
typedef struct el_requantize_params {
    int64_t count;
    int32_t x_zero, y_zero, multiplier, shift, y_min, y_max;
} el_requantize_params;

/* quantize_f32_s8: y = clamp(round_half_even(x / scale) + zero, y_min, y_max), NaN counts as x = 0; buffers: x f32, y s8
 * (or u8 when is_unsigned; y_min/y_max say the range). The division is a true float division.
 * dequantize_s8_f32: y = (float)(x - zero) * scale; buffers: x s8 (or u8 when is_unsigned), y f32; y_min/y_max unused.
 * quantize_f32_s16, dequantize_s16_f32: the same with int16. */
typedef struct el_quantize_params {
    int64_t count;
    float scale;
    int32_t zero, y_min, y_max;
    int32_t is_unsigned;
} el_quantize_params;

/* qsoftmax_s8: TFLite's integer softmax over the last axis (fixed-point exp, sum in Q12.19), output scale 1/256 and
 * zero point -128. input_multiplier, input_left_shift, diff_min as TFLite's PreprocessSoftmaxScaling and
 * CalculateInputRadius compute them: beta*scale*2^26 = input_multiplier * 2^(input_left_shift - 31), at most 2^31 - 1;
 * input_left_shift >= 0; diff_min = -floor(31 * 2^26 / 2^input_left_shift).
 * buffers: x[rows][depth], y */
typedef struct el_qsoftmax_params {
    int64_t rows;
    int32_t depth;
    int32_t input_multiplier, input_left_shift, diff_min;
} el_qsoftmax_params;

/* qmean_s8, qmean_s16 (with its own bounds; h*w below 2^15): mean over the spatial axes of NHWC: y[n][c] = clamp(el_requantize(sum(x) - x_zero*h*w, multiplier, shift) + y_zero, -128, 127)
 * with 1/(h*w) inside the multiplier. buffers: x[n][h*w][c], y[n][c] */
typedef struct el_qmean_params {
    int32_t n, hw, c;
    int32_t x_zero, y_zero, multiplier, shift;
} el_qmean_params;

/* qlstm_s8: an LSTM in integers as TensorFlow Lite computes it (8-bit input, weights and output, 16-bit gates and cell state); gates i, f, g, o,
 * or f, g, o when coupled, and then i = 32767 - f. For each gate, in Q3.12, r() being el_requantize with the gate's multiplier and shift in
 * row 0, 1, 2, 3 of [rows][4], satN saturating to N bits:
 *     sat16(sat16(r0(W x + b0)) + r1(R h + b1)), then with peepholes sat16(. + r2(p c)), then with norm what el_qlstm_normalize does, r3
 *     c' = clip(sat16((f c >> 15) + (i g >> (30 + cell_shift)))), scale 2^cell_shift, cell_shift in [-15, -9]
 *     h' = sat8(r(o tanh(c')) + y_zero);  with a projection h'' = clip(sat8(r(P h' + pb) + projection_zero)); y holds h' or h''
 * i, f, o by logistic, g and c' by tanh of el_fixed16.h; every shift rounds halves away from zero. Peepholes read c, that of o reads c'.
 * buffers: x[batch][steps][inputs] int8 (time_major: [steps][batch][inputs]), W, R in panels of one group for each gate, N = cells,
 *     K = inputs and outputs, b[2][gates][C16] int32 with C16 = cells rounded up to 16 and zero behind them, multiplier, shift
 *     int32[2 or 4][4], h, c int16 [batch][outputs] and [batch][cells] or NULL (h has h_initial taken off), peephole[3][cells] int16 (i, f,
 *     o) or NULL, norm[gates][cells] int16 and norm_bias[gates][cells] int32 or NULL, projection in panels (N = outputs, K = cells) and its
 *     bias[outputs] int32 or NULL, y, last_c[batch][cells] int16 or NULL
 * Multipliers are not negative; zero points and h_initial are int8 values but for y_zero, which may be 128. */
typedef struct el_qlstm_params {
    int32_t steps, batch, inputs, cells, outputs; /* outputs == cells where nothing projects; at most cells with peepholes */
    int32_t coupled, time_major;
    int32_t cell_shift, cell_clip; /* a clip of 0: none */
    int32_t hidden_multiplier, hidden_shift, y_zero, h_initial;
    int32_t projection_multiplier, projection_shift, projection_zero, projection_clip;
    int32_t guards[4]; /* what stands for a variance below 1, for i, f, g, o */
} el_qlstm_params;

/* block_gemm_f32, block_gemm_s8: y[m][n] = x[m][k] * W[k][n] + bias[n], x and y float, W held in 2, 3, 4 or 8 bits:
 *     W[i][j] = scale[i / block][j] * (q[i][j] - zero[i / block][j]),  0 <= q < 2^bits
 * buffers: x, packed q, scales (float, or float16 when half_scales) [ceil(n/16)][blocks][16], zeros uint8 in the same order or
 *          NULL (all 2^(bits-1)), bias[n] or NULL, wsum[n] int32 or NULL, y
 * blocks = ceil(k / block); block is a multiple of the rows of a unit, or at least k.
 * Packing: [ceil(n/16)][ceil(k / rows)][16][4] bytes in units of `rows` rows; byte [j][i] of column j of the panel holds
 *     8 bits: rows 4:   row i as int8 q - 128
 *     4 bits: rows 8:   row i in the low half, row 4+i in the high one
 *     2 bits: rows 16:  row 4s+i in bits 2s, 2s+1
 *     3 bits: rows 32, 192 bytes: the low two bits of rows 0-15, then of rows 16-31, both as of 2 bits; then the third bit of
 *             row 4s+i in bit s
 * Arithmetic, the same for every instruction set; fma rounds once:
 *   block_gemm_f32, block by block from y = 0: even and odd rows of a block are summed apart in order, s = fma(x, q', s);
 *     y = fma(scale, fma(-zero', sum of x, s_even + s_odd), y), q' and zero' being less 128 for 8 bits; then y + bias
 *   block_gemm_s8: x is rounded to int8 first, d = max |x| / 127, u = round_half_even(x * (127 / max |x|)), each block of
 *     each row for itself; all products are summed in int32; y = fma((float)(sum u*q' - zero' * sum u), scale * d, y).
 *     A block with a number that is not finite gives NaN.
 *     per_tensor (one block): x as ONNX's DynamicQuantizeLinear makes it, uint8 with one scale and zero point for all rows;
 *     u is that less 128, and zero_x * wsum[j] is taken off, wsum[j] = sum over i of q' - zero'. */
typedef struct el_block_gemm_params {
    int64_t m;
    int32_t n, k, bits, block, half_scales, per_tensor;
} el_block_gemm_params;

#endif
