/* Parameter blocks of the tensor kernels (element-wise, reductions, movement). float32 unless the name says otherwise;
 * unary_f16, binary_f16 and reduce_f16 are unary_f32, binary_f32 and reduce_f32 over float16, computed in float32;
 * movement kernels are named _b1, _b2, _b4, _b8 by element size and serve every type of that size. */
#ifndef EL_TENSOR_H
#define EL_TENSOR_H
#include "el_kernels.h"

#define EL_MAX_RANK 8

/* unary_f32: y[i] = op(x[i]); x == y allowed. buffers: x, y */
typedef enum el_unary_op {
    EL_UNARY_ACT = 0, /* the activation in `act` */
    EL_UNARY_ABS, EL_UNARY_NEG, EL_UNARY_EXP, EL_UNARY_LOG, EL_UNARY_SQRT, EL_UNARY_RSQRT, EL_UNARY_RECIPROCAL,
    EL_UNARY_FLOOR, EL_UNARY_CEIL, EL_UNARY_ROUND /* half to even */, EL_UNARY_ERF, EL_UNARY_SIN, EL_UNARY_COS,
    EL_UNARY_SIGN, EL_UNARY_SQUARE, EL_UNARY_COUNT_
} el_unary_op;
typedef struct el_unary_params {
    int64_t count;
    int32_t op;
    el_act act;
} el_unary_params;

/* binary_f32: y = act(op(a, b)) with NumPy broadcasting. Strides are in elements, 0 where an operand repeats; y is dense.
 * The kernel merges adjacent dimensions that go on alike. MIN and MAX give NaN when either operand is NaN; POW is C's powf.
 * buffers: a, b, y; y may be a or b when that operand is dense too (neither repeated nor permuted). */
typedef enum el_binary_op {
    EL_BINARY_ADD = 0, EL_BINARY_SUB, EL_BINARY_MUL, EL_BINARY_DIV, EL_BINARY_MIN, EL_BINARY_MAX, EL_BINARY_POW,
    EL_BINARY_PRELU, /* a < 0 ? a * b : a */
    EL_BINARY_COUNT_
} el_binary_op;
typedef struct el_binary_params {
    int32_t rank;
    int32_t op;
    int64_t dims[EL_MAX_RANK], a_stride[EL_MAX_RANK], b_stride[EL_MAX_RANK];
    el_act act;
} el_binary_params;

/* where_f32: y = c ? a : b with NumPy broadcasting as in binary_f32; c is one byte per element, any value but 0 is true.
 * buffers: c, a, b, y; y may be a or b when that operand is dense too. */
typedef struct el_where_params {
    int32_t rank;
    int64_t dims[EL_MAX_RANK], c_stride[EL_MAX_RANK], a_stride[EL_MAX_RANK], b_stride[EL_MAX_RANK];
} el_where_params;

/* f16_to_f32, f32_to_f16: IEEE binary16; to half rounds to nearest even, overflows to infinity, keeps denormals and NaN
 * (as a quiet NaN). buffers: x, y; not in place. */
typedef struct el_convert_params {
    int64_t count;
} el_convert_params;

/* reduce_f32 over the middle of x[outer][axis][inner]: y[outer][inner]. buffers: x, y; not in place.
 * Sums are accumulated in many lanes and blocks, never in one running float; the order depends on the instruction set and
 * on the sizes, never on the number of threads. MAX and MIN give NaN when an element is NaN. An empty axis gives the
 * neutral element (0, 1, -inf, +inf), and NaN for the mean. */
typedef enum el_reduce_op {
    EL_REDUCE_SUM = 0, EL_REDUCE_MEAN, EL_REDUCE_MAX, EL_REDUCE_MIN, EL_REDUCE_PROD, EL_REDUCE_SUM_SQUARE, EL_REDUCE_L2,
    EL_REDUCE_L1, EL_REDUCE_COUNT_
} el_reduce_op;
typedef struct el_reduce_params {
    int64_t outer, axis, inner;
    int32_t op;
} el_reduce_params;

/* topk_f32 over the middle of x[outer][axis][inner]: the k largest (or smallest) of each line, in order, of equals the lower index first,
 * NaN above every number; k <= axis < 2^31. Values keep their bits. buffers: x, values[outer][k][inner] or NULL,
 * indices[outer][k][inner] (int64) or NULL */
typedef struct el_topk_params {
    int64_t outer, axis, inner, k;
    int32_t smallest;
} el_topk_params;

/* softmax_f32: exp(x - max) / sum exp(x - max) over the last axis of x[rows][depth], or its logarithm. A row that holds
 * NaN or +inf, or -inf alone, is NaN. buffers: x, y; x == y allowed. */
typedef struct el_softmax_params {
    int64_t rows, depth;
    int32_t is_log;
} el_softmax_params;

/* layer_norm_f32 over the last axis: y = (x - mean) / sqrt(var + epsilon) * scale + bias; is_rms: the mean is taken
 * as 0. Instance normalisation of NCHW is this kernel with rows = n*c, depth = h*w and no scale or bias, then affine_f32.
 * buffers: x[rows][depth], scale[depth] or NULL, bias[depth] or NULL, y; x == y allowed */
typedef struct el_layer_norm_params {
    int64_t rows, depth;
    float epsilon;
    int32_t is_rms;
} el_layer_norm_params;

/* affine_f32 over the last axis: y[r][c] = act(x[r][c] * scale[c] + bias[c]) (batch normalisation, NHWC;
 * scale and bias constants folded by the caller).
 * buffers: x, scale or NULL, bias or NULL, y; x == y allowed */
typedef struct el_affine_params {
    int64_t rows, depth;
    el_act act;
} el_affine_params;

/* resize_f32, linear over NHWC: two indices and one weight per output coordinate, computed by the caller from the ONNX
 * coordinate rule.
 * buffers: x[n][h][w][c], yi0[oh] int32, yi1[oh] int32, yw[oh] f32, xi0[ow], xi1[ow], xw[ow], y[n][oh][ow][c]
 * y = (1-yw)*((1-xw)*x[i0][j0] + xw*x[i0][j1]) + yw*(...)
 * resize_nearest_b1: y[n][i][j] = x[n][yi[i]][xi[j]], c bytes of any type each.
 * buffers: x[n][h][w][c], yi[oh] int32, xi[ow] int32, y[n][oh][ow][c] */
typedef struct el_resize_params {
    int32_t n, h, w, c, oh, ow;
} el_resize_params;

/* transpose_bK: y dense with dims `dims`, element [i0..] at x offset sum(i_k * x_stride[k]), strides in elements, any sign
 * (also Expand: stride 0, and Slice with steps, with x pointing at the first element taken). The kernel merges dimensions.
 * buffers: x, y; not in place */
typedef struct el_transpose_params {
    int32_t rank;
    int64_t dims[EL_MAX_RANK], x_stride[EL_MAX_RANK];
} el_transpose_params;

/* copy2d_b1: rows of `row_bytes` from x (pitch x_pitch bytes, first byte at x_offset) to y (pitch y_pitch, first
 * byte at y_offset): concat, split, slice along one axis. buffers: x, y; no overlap */
typedef struct el_copy2d_params {
    int64_t rows, row_bytes, x_pitch, y_pitch, x_offset, y_offset;
} el_copy2d_params;

/* interleave_bK: z[r][2i] = a[r][i], z[r][2i+1] = b[r][i] for `rows` rows of `width` elements. With `halves` (width is even) the first
 * half of each row of z is a row of y0, the second of y1; else all of it is y0's. buffers: a, b, y0, y1 (y0 again without halves) */
typedef struct el_interleave_params {
    int64_t rows, width;
    int32_t halves;
} el_interleave_params;

/* pad_bK: constant padding (or cropping when negative) of x[dims] to y; `value` holds the element's bytes
 * (little-endian, in its low bytes). buffers: x, y; not in place */
typedef struct el_pad_params {
    int32_t rank;
    int64_t x_dims[EL_MAX_RANK], before[EL_MAX_RANK], after[EL_MAX_RANK];
    uint64_t value;
} el_pad_params;

/* gather_b1 along one axis: x[outer][axis][inner_bytes], indices int64 (or int32 when index_is_32), negative counts from
 * the end; the caller has no way to check indices computed at run time, so an index out of range yields zero bytes.
 * buffers: x, indices[count], y[outer][count][inner_bytes] */
typedef struct el_gather_params {
    int64_t outer, axis, inner_bytes, count;
    int32_t index_is_32;
} el_gather_params;

/* scatter_b1: y is x in slices of slice_bytes, of which those at `places` are replaced by the updates; places are in [0, slices)
 * and differ. buffers: x, places[count] int32, updates[count][slice_bytes], y; x may be y */
typedef struct el_scatter_params {
    int64_t slices, slice_bytes, count;
} el_scatter_params;

/* rotary_f32: the first dim numbers (an even count) of each row of x[batch][heads][rows][width] as pairs, (i, i + dim/2) or neighbours when
 * interleaved; pair i (a, b) becomes (c a - s b, s a + c b), c = cos[place][i], s = sin[place][i]; the rest is copied. The place of
 * (batch, row) is ids[batch][row], or batch * rows + row without ids; cos and sin have places * dim/2 numbers; a place beyond them
 * gives 0 (they come at run time, see gather). Distances in floats of x and y; the width is adjacent.
 * buffers: x, cos, sin, ids (int64) or NULL, y; y may be x */
typedef struct el_rotary_params {
    int64_t batch, heads, rows, width, dim, places;
    int64_t batch_stride, head_stride, row_stride;
    int32_t interleaved;
} el_rotary_params;

#endif
