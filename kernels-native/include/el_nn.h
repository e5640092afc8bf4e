/* Parameter blocks and packings of the float neural-network kernels. Mirrored in runtime/Devices/Cpu; the size is
 * checked when a kernel is bound. All tensors are dense; activations are NHWC (channels last).
 *
 * Panel packing of a weight matrix B[K][N] (the same for every instruction set, so one file serves all):
 *     packed[ceil(N/16)][K][16] float, zero where n >= N; panel p holds columns 16p .. 16p+15.
 * For a convolution K = kh*kw*cin in the order (ky, kx, ci); with groups, the panels of group g follow those of g-1 and
 * N is the group's number of output channels.
 * A transposed convolution is packed like a convolution: K = kh*kw*cin in the order (ky, kx, ci), N = a group's output
 * channels, the kernel not flipped: y[iy*stride_h - pad_top + ky*dilation_h] += x[iy] * w[ky]. (ONNX stores [cin][oc/groups]
 * [kh][kw], cin over all groups.)
 * conv_f16, dwconv_f16, gemm_f16, max_pool_f16 and avg_pool_f16 are the same over float16: activations, residuals and weights, packed alike;
 * biases and slopes stay float.
 * Depthwise packing: packed[ceil(C/16)*16 / 16][kh*kw][16] float, channel c = 16*block + lane, zero past C.
 */
#ifndef EL_NN_H
#define EL_NN_H
#include "el_kernels.h"

#define EL_PANEL 16

/* conv_f32 (group count any, not depthwise), conv_transpose_f32, dwconv_f32 (groups == c == oc).
 * buffers: x[n][h][w][c], packed weights, bias[oc] or NULL, residual[n][oh][ow][oc] or NULL, slope[oc] or NULL, y[n][oh][ow][oc]
 * y = act(conv(x) + bias + residual). Padding positions contribute zero. residual may be y itself, not a part of it. */
typedef struct el_conv_params {
    int32_t n, h, w, c;
    int32_t oh, ow, oc;
    int32_t kh, kw, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left; /* bottom and right follow from oh, ow */
    int32_t groups;
    el_act act;
} el_conv_params;

/* gemm_f32: y[m][n] = act(x[m][k] * B + bias[n] + residual[m][n]), B panel-packed (constant weights).
 * buffers: x, packed B, bias or NULL, residual or NULL, slope[n] or NULL, y.
 * residual may be y itself. m is the product of all leading dimensions; m == 1 takes a GEMV path, many rows go by Strassen's multiplication,
 * which adds rows i and i + h before it multiplies (strassen_job.h). */
typedef struct el_gemm_params {
    int64_t m;
    int32_t n, k;
    el_act act;
} el_gemm_params;

/* matmul_f32: y[b][m][n] = alpha * op(a[b]) * op(b[b]) with both operands computed at run time.
 * buffers: a, b, y. a_batch_stride, b_batch_stride: elements between consecutive batches, 0 repeats the same matrix.
 * trans_a: a is stored [k][m]; trans_b: b is stored [n][k]. Up to 4 batch dimensions with broadcasting are described by
 * batch_dims/strides (outermost first; unused leading entries are 1 with stride 0). */
typedef struct el_matmul_params {
    int32_t batch[4];
    int64_t a_stride[4], b_stride[4];
    int32_t m, n, k;
    int32_t trans_a, trans_b;
    float alpha;
} el_matmul_params;

/* max_pool_f32, avg_pool_f32 over NHWC. count_include_pad concerns avg_pool_f32: 0 divides by the positions inside the
 * input; 1 also counts declared padding (never the ceil_mode overhang beyond pad_bottom/pad_right).
 * buffers: x[n][h][w][c], y[n][oh][ow][c]. max_pool of a window without any input position is -inf. */
typedef struct el_pool_params {
    int32_t n, h, w, c;
    int32_t oh, ow;
    int32_t kh, kw, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    int32_t count_include_pad;
    el_act act;
} el_pool_params;

/* lstm_f32, gru_f32: the recurrent part of a layer; the products with the inputs were done for all steps by gemm_f32.
 * Gates G: 4 (i, o, f, c) or 3 (z, r, h), as ONNX orders them. Hidden units come in blocks of 16, H16 = ceil(hidden/16)*16; a
 * block's gates lie together, so that one pass over a block's weights ends in its new state.
 * buffers: gates[steps][batch][directions][H16/16][G][16] (biases included, zero past hidden),
 *          packed weights [directions][H16/16][hidden][G][16] (row k: what h[k] contributes; zero past hidden),
 *          candidate[directions][H16] (gru_f32: the recurrent bias of gate h, or NULL; lstm_f32: unused, NULL),
 *          h0[directions][batch][hidden] or NULL (zero), c0 likewise (lstm_f32),
 *          y[steps][directions][batch][hidden] or NULL, h[directions][batch][hidden] or NULL, c likewise (lstm_f32).
 * lstm:  c' = clip(f(f) c + f(i) tanh(g)), h' = f(o) tanh(c'), f the logistic function, clip to [-cell_clip, cell_clip] where that is
 *        above 0 (gru_f32: unused)
 * gru:   n = tanh(g + f(r) (R_h h + candidate)), h' = n + f(z) (h - n)        (ONNX linear_before_reset = 1)
 * Direction 1, and direction 0 when backward is set, go from the last step to the first. h may be h0, c may be c0. */
typedef struct el_recurrent_params {
    int32_t steps, batch, hidden, directions, backward;
    float cell_clip;
} el_recurrent_params;

/* attention_f32: y[b][h][i] = softmax_j(cap(scale * q[b][h][i] . k[b][h / group][j]) + mask[b][h][i][j]) v[b][h / group][j], i of s queries,
 * j of t keys; d numbers in a row of q and k, e in a row of v and y, adjacent. cap(x) = softcap * tanh(x / softcap), or x where softcap
 * is 0. Query i stands at key first + i: it sees the keys from first + i - left to first + i + right (EL_ALL_KEYS: no limit). With
 * lengths only the first lengths[b] keys of a sample count, and first is lengths[b] - s. A mask of bool is 1 where a key counts.
 * A query that sees no key gives 0 with hidden_is_zero, else what softmax makes of it. Strides in elements: of batch, head and row; of
 * the mask also of j, 0 where it repeats. buffers: q, k, v, mask or NULL, lengths (int64[batch]) or NULL, y. The scores of a block
 * of rows only are ever in memory. */
#define EL_ALL_KEYS INT32_MAX
typedef struct el_attention_params {
    int32_t batch, heads, s, t, d, e;
    float scale, softcap;
    int32_t group;
    int32_t first, left, right;
    int32_t mask_is_bool, hidden_is_zero;
    int64_t q[3], k[3], v[3], y[3], mask[4];
} el_attention_params;

/* The keys [lo, hi) that query i of sample b sees. */
static inline void el_attention_seen(const el_attention_params* p, const int64_t* lengths, int64_t b, int64_t i, int64_t* lo, int64_t* hi) {
    int64_t all = p->t, place = p->first + i;
    if (lengths) {
        if (lengths[b] < all) all = lengths[b] > 0 ? lengths[b] : 0;
        place = lengths[b] - p->s + i;
    }
    *lo = p->left == EL_ALL_KEYS || place < p->left ? 0 : place - p->left;
    *hi = p->right == EL_ALL_KEYS || place + p->right + 1 > all ? all : place + p->right + 1;
    if (*lo > all) *lo = all;
    if (*hi < *lo) *hi = *lo;
}

#endif
