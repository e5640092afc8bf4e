/* When a convolution goes by Winograd's minimal filtering, and how much scratch that takes: the same for every instruction set.
 * Included by gemm_job.h, which says what an element is: F(4x4, 3x3) in float32, F(2x2, 3x3) in float16, whose rounding the larger
 * transform would magnify too much (each layer keeps 51 to 55 dB of the 57 of plain sums; 42 to 46 with F(4x4)).
 *
 * Each TxT tile of outputs comes from a (T+2)x(T+2) patch of inputs d by
 *     Y = A^T [ sum_ci (G g G^T) . (B^T d B) ] A            (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015)
 * so that (T+2)^2 products of matrices [tiles][cin] * [cin][oc] replace 9 T^2 multiply-adds for each tile, cin and oc: a quarter of the
 * arithmetic with T = 4, four ninths with T = 2. Weights stay packed as for the direct convolution and are transformed here, a piece at
 * a time, into scratch that the core keeps near: that costs less than reading so many times the weights from memory would.
 */
#ifndef EL_WINOGRAD_JOB_H
#define EL_WINOGRAD_JOB_H
#include "el_nn.h"

#define EL_WG_TILE (sizeof(el_element) == 2 ? 2 : 4)
#define EL_WG_SIDE (EL_WG_TILE + 2)
#define EL_WG_POINTS (EL_WG_SIDE * EL_WG_SIDE)
#define EL_WG_SIZE ((int64_t)sizeof(el_element))
#define EL_WG_GROUP 2                 /* panels that are multiplied together */
#define EL_WG_NEAR (480 << 10)       /* bytes that a thread's transformed tiles, or its piece of the weights, may take */
#define EL_WG_WHOLE (5 << 19)         /* bytes up to which all transformed weights are kept for the whole layer */
#define EL_WG_SHARE 8                 /* tiles that are worth a block of their own */
#define EL_WG_FAR (4 << 20)           /* bytes of transformed tiles that all panels share otherwise */

typedef struct el_winograd_plan {
    int64_t tiles_y, tiles_x, tiles;  /* of all images */
    int64_t blocks, block;            /* blocks of at most `block` tiles */
    int32_t panels, groups;           /* of 16 output channels; groups of EL_WG_GROUP panels */
    int32_t depth, pieces;            /* input channels of a piece of weights, number of pieces */
    int whole;                        /* weights are transformed once, then each thread takes blocks of tiles */
    int64_t v_row, v_point;           /* elements between tiles, and between points, of transformed tiles V[point][block][cin] */
    int64_t u_point, u_panel;         /* of a piece of weights U[point][EL_WG_GROUP][depth][16] */
    int64_t m_row, m_point;           /* of products M[point][block][EL_WG_GROUP * 16] */
    size_t v_bytes, u_bytes, m_bytes, table_bytes;
} el_winograd_plan;

static inline int el_conv_is_winograd(const el_conv_params* p) {
    if (p->kh != 3 || p->kw != 3 || p->stride_h != 1 || p->stride_w != 1 || p->dilation_h != 1 || p->dilation_w != 1) return 0;
    if (p->groups != 1 || p->c < 16 || p->oc < 16) return 0;
    return (int64_t)p->oh * p->ow >= 36 && p->oh >= 4 && p->ow >= 4;
}

/* Strides are kept off multiples of 4 KB, which would fall on the same few lines of the first-level cache. */
static inline el_winograd_plan el_winograd_plan_of(const el_conv_params* p, int64_t threads) {
    el_winograd_plan w = {0};
    w.tiles_y = (p->oh + EL_WG_TILE - 1) / EL_WG_TILE;
    w.tiles_x = (p->ow + EL_WG_TILE - 1) / EL_WG_TILE;
    w.tiles = p->n * w.tiles_y * w.tiles_x;
    w.panels = (p->oc + EL_PANEL - 1) / EL_PANEL;
    w.groups = (w.panels + EL_WG_GROUP - 1) / EL_WG_GROUP;
    w.v_row = (p->c + 15) / 16 * 16 + 16;
    int64_t all = (int64_t)w.groups * EL_WG_GROUP * EL_PANEL * p->c * EL_WG_POINTS * EL_WG_SIZE, tile = w.v_row * EL_WG_POINTS * EL_WG_SIZE;
    int64_t near = EL_WG_NEAR / tile / 12 * 12;
    if (near < 24) near = 24;
    if (near > 96) near = 96;
    const int64_t depth = EL_WG_NEAR / (EL_WG_POINTS * EL_WG_GROUP * EL_PANEL * EL_WG_SIZE) / 16 * 16;
    /* threads share blocks of tiles where there are too few groups of panels for them, and sums come out the same */
    const int shares = threads > 1 && w.groups < 2 * threads && w.tiles >= EL_WG_SHARE * threads && p->c <= depth;
    w.whole = all <= EL_WG_WHOLE && (w.tiles > near || shares);
    if (!w.whole) {
        near = EL_WG_FAR / tile / 12 * 12;
        if (near < 48) near = 48;
        if (near > 192) near = 192;
        if (w.tiles > near && w.tiles <= near + near / 3) near = w.tiles;
    }
    w.blocks = (w.tiles + near - 1) / near;
    if (w.whole && (w.blocks + threads - 1) / threads * threads <= w.tiles) w.blocks = (w.blocks + threads - 1) / threads * threads; /* as many for each */
    w.block = (w.tiles + w.blocks - 1) / w.blocks;
    w.depth = p->c;
    if (!w.whole) {
        if (w.depth > depth) w.depth = (int32_t)depth;
        w.pieces = (p->c + w.depth - 1) / w.depth;
        w.depth = ((p->c + w.pieces - 1) / w.pieces + 15) / 16 * 16;
        if (w.depth > p->c) w.depth = p->c;
    }
    w.pieces = (p->c + w.depth - 1) / w.depth;
    w.v_point = w.block * w.v_row + 16;
    w.u_panel = (int64_t)w.depth * EL_PANEL;
    w.u_point = EL_WG_GROUP * w.u_panel + 16;
    w.m_row = EL_WG_GROUP * EL_PANEL;
    w.m_point = w.block * w.m_row + 16;
    w.v_bytes = el_align64((size_t)(EL_WG_POINTS * w.v_point) * sizeof(el_element));
    w.u_bytes = el_align64((size_t)(EL_WG_POINTS * w.u_point) * sizeof(el_element));
    w.m_bytes = el_align64((size_t)(EL_WG_POINTS * w.m_point) * sizeof(el_element));
    w.table_bytes = el_align64((size_t)w.block * 8);
    return w;
}

static inline size_t el_winograd_plan_bytes(const el_conv_params* p, int32_t planned, int32_t threads) {
    el_winograd_plan w = el_winograd_plan_of(p, planned);
    size_t zero = el_align64((size_t)w.v_row * sizeof(el_element)), tables = 2 * w.table_bytes;
    if (w.whole) return zero + (size_t)w.groups * w.u_bytes + (size_t)threads * (w.v_bytes + w.m_bytes + tables);
    return zero + w.v_bytes + (size_t)threads * (w.u_bytes + w.m_bytes + tables);
}
/* A step that is too small for several threads is planned for one. */
static inline size_t el_winograd_scratch_bytes(const el_conv_params* p, int32_t threads) {
    const size_t alone = el_winograd_plan_bytes(p, 1, threads), shared = el_winograd_plan_bytes(p, threads, threads);
    return alone > shared ? alone : shared;
}

#endif
