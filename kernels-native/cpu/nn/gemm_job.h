/* What every matrix-shaped float kernel (convolution, transposed convolution, GEMM, matmul) becomes, over elements of float32 or, with
 * EL_ELEMENT defined as a type of two bytes, float16:
 *
 *     y[row][col] = act(scale * sum_s sum_k A[row][s][k] * B[brow[s] + k][col] + bias[col] + residual[row][col])
 *
 * A is never copied into a column matrix. For each row and each of the job's segments s there is a pointer to seglen
 * consecutive elements: the whole row of a dense matrix (one segment), the channels of one pixel under one tap of a kernel
 * (kh*kw segments), or one row of the window when there are few channels (kh segments of kw*cin floats). Taps that fall into
 * padding point to a row of zeros. NEON packs the rows of a dense A for one cut of K at a time, where B has panels enough.
 *
 * Rows are cut in blocks of at most EL_MB rows whose pointer table lives in the thread's scratch; a block is cut in tiles of
 * at most EL_MR rows (evenly: 49 rows are 10+10+10+10+9, not 12+12+12+12+1).
 */
#ifndef EL_GEMM_JOB_H
#define EL_GEMM_JOB_H
#include "el_act.h"
#include <math.h>
#include <string.h>

#ifndef EL_ELEMENT
#define EL_ELEMENT float
#endif
typedef EL_ELEMENT el_element; /* of activations and weights; biases and slopes are float */
#include "winograd_job.h"

#define EL_MB 120       /* most rows of a block: to begin one takes time, which short rows earn only if there are many */
#define EL_DEEP 256     /* floats in a row from which on a block has at most */
#define EL_DEEP_MB 60   /* so many rows, which stay in the cache then */
#define EL_MATMUL_FEW 4 /* up to so many rows a product of two computed matrices reads B where it lies; kernels for more rows need it packed */

typedef struct el_gemm_job el_gemm_job;

/* Writes the row pointers a[s * EL_MB + r] and the offsets of the rows in y, off[r], for rows [m0, m0 + rows) of group g. */
typedef void (*el_fill_fn)(const el_gemm_job* job, int32_t g, int64_t m0, int32_t rows, const el_element** a, int64_t* off,
                           el_element* patch);

struct el_gemm_job {
    int64_t m;                  /* rows */
    int32_t n;                  /* columns of one group */
    int32_t k;                  /* rows of a packed panel */
    int32_t groups;
    int32_t segs, seglen;
    const int32_t* brow;        /* [segs] first row of B of each segment */
    const el_element* b;        /* panels: column p*16 + j of row r is b[p * b_panel + r * b_row + j] */
    int64_t b_panel, b_row, b_group;
    const float *bias, *slope;
    const el_element* residual;
    el_element* y;
    float scale;
    el_act act;
    int32_t packs;              /* rows of A may be packed: thread_scratch has room for them */
    int32_t serial;             /* already inside a parallel section, as this worker */
    int32_t worker;
    el_fill_fn fill;
    /* what the fill functions need */
    const el_element* x;
    const el_element* zero;     /* seglen zeros */
    int64_t lda, ldc;           /* elements between rows of a dense A, and between pixels of y */
    const el_conv_params* conv;
    int32_t phase_y, phase_x, rows_y, rows_x; /* transposed convolution: first output row and column, how many of each */
    const int32_t* taps;        /* transposed convolution: [segs] tap ky*kw + kx of each segment */
    /* per-thread scratch */
    char* thread_scratch;
    size_t thread_bytes;
};

/* ---- scratch: the same for every instruction set of a processor --------------------------------------------------- */

/* Rows of a dense A that a thread packs for one cut of K, where kernels take them so (EL_PACKS): float32 on NEON. */
#define EL_PACKED_K 384    /* most floats of a row in a cut */
#define EL_PACKS_PANELS 4  /* of B that are worth packing for */
static inline int64_t el_gemm_packed_elements(int64_t m, int64_t k) {
#if defined(__aarch64__)
    const int64_t most = k <= EL_DEEP ? EL_MB : EL_DEEP_MB;
    return sizeof(el_element) != sizeof(float) ? 0 : (m < most ? m : most) * (k < EL_PACKED_K ? k : EL_PACKED_K);
#else
    return 0;
#endif
}

static inline size_t el_gemm_thread_bytes(int64_t segs, int64_t patch_elements) {
    return el_align64((size_t)(EL_MB * (segs > 0 ? segs : 1)) * sizeof(el_element*)) + el_align64(EL_MB * sizeof(int64_t)) +
           el_align64((size_t)patch_elements * sizeof(el_element));
}

/* Shared part: the zero row, brow and taps. */
static inline size_t el_gemm_shared_bytes(int64_t segs, int64_t zero_elements) {
    return el_align64((size_t)zero_elements * sizeof(el_element)) + 2 * el_align64((size_t)segs * sizeof(int32_t));
}

/* Few channels: a row of the window (kw*c floats, contiguous in NHWC) is one segment, so that the inner loop stays long. */
static inline int el_conv_merges_taps(const el_conv_params* p) {
    return p->groups == 1 && p->kw > 1 && p->dilation_w == 1 && p->c < 16;
}
/* 1x1 without padding and stride: x is a dense matrix. */
static inline int el_conv_is_dense(const el_conv_params* p) {
    return p->kh == 1 && p->kw == 1 && p->stride_h == 1 && p->stride_w == 1 && p->pad_top == 0 && p->pad_left == 0 &&
           p->oh == p->h && p->ow == p->w;
}
static inline int32_t el_conv_segs(const el_conv_params* p) { return el_conv_merges_taps(p) ? p->kh : p->kh * p->kw; }
static inline int32_t el_conv_seglen(const el_conv_params* p) {
    return el_conv_merges_taps(p) ? p->kw * p->c : p->c / p->groups;
}

/* What a thread copies of a block of rows: windows that cross a border, or packed rows. */
static inline int64_t el_conv_patch_elements(const el_conv_params* p) {
    if (el_conv_merges_taps(p)) return (int64_t)EL_MB * el_conv_segs(p) * el_conv_seglen(p);
    return el_conv_is_dense(p) ? el_gemm_packed_elements((int64_t)p->n * p->oh * p->ow, el_conv_seglen(p)) : 0;
}
/* Of a convolution that takes neither Winograd's way nor that of conv_windows.h. */
static inline size_t el_conv_scratch_bytes(const el_conv_params* p, int32_t threads) {
    int64_t segs = el_conv_segs(p), seglen = el_conv_seglen(p);
    return el_gemm_shared_bytes(segs, seglen) +
           (size_t)threads * el_gemm_thread_bytes(segs, el_conv_patch_elements(p));
}
/* Whether a convolution of few channels may be computed line by line (conv_windows.h). Not where two panels of weights do not fit into the first-level
 * cache, nor where outputs are few lines, as of sound: threads share lines. Scratch: a line of zeros, and for each thread addresses, offsets and a ring
 * of lines. */
static inline int el_conv_is_windows(const el_conv_params* p) {
    return el_conv_merges_taps(p) && p->kh <= 16 && (int64_t)p->kh * p->kw * p->c <= 256 && p->oh >= 4;
}
static inline int64_t el_windows_line(const el_conv_params* p) { return (((int64_t)p->ow - 1) * p->stride_w + p->kw) * p->c; }
static inline int64_t el_windows_span(const el_conv_params* p) { return ((int64_t)p->kh - 1) * p->dilation_h + 1; }
static inline size_t el_windows_worker_bytes(const el_conv_params* p) {
    return el_align64(2 * (size_t)p->kh * sizeof(float*)) + el_align64((size_t)p->ow * sizeof(int64_t)) +
           el_align64((size_t)(el_windows_span(p) * el_windows_line(p)) * sizeof(float));
}
/* At least a pixel, which a kernel that takes neither way fills with zeros. */
static inline size_t el_conv_f16_scratch_bytes(const el_conv_params* p, int32_t threads) {
    const size_t bytes = el_conv_is_winograd(p) ? el_winograd_scratch_bytes(p, threads) : el_conv_scratch_bytes(p, threads), pixel = (size_t)p->c * sizeof(el_element);
    return bytes > pixel ? bytes : pixel;
}
static inline size_t el_conv_f32_scratch_bytes(const el_conv_params* p, int32_t threads) {
    if (el_conv_is_winograd(p)) return el_winograd_scratch_bytes(p, threads);
    const size_t products = el_conv_scratch_bytes(p, threads);
    if (!el_conv_is_windows(p)) return products;
    const size_t windows = el_align64((size_t)el_windows_line(p) * sizeof(float)) + (size_t)threads * el_windows_worker_bytes(p);
    return windows > products ? windows : products;
}
/* A transposed convolution whose windows lie side by side is one matrix product with columns (ky, kx, oc): no column is wasted
 * where a panel of one tap would not be full. */
static inline int el_conv_transpose_is_tiling(const el_conv_params* p) {
    return p->groups == 1 && p->kh == p->stride_h && p->kw == p->stride_w && p->dilation_h == 1 && p->dilation_w == 1 && p->pad_top == 0 &&
           p->pad_left == 0 && p->oh == p->h * p->stride_h && p->ow == p->w * p->stride_w && p->oc % EL_PANEL != 0 && p->oc <= 64;
}
static inline int64_t el_tiling_columns(const el_conv_params* p) {
    return ((int64_t)p->kh * p->kw * p->oc + EL_PANEL - 1) / EL_PANEL * EL_PANEL;
}
/* Shared: weights and bias by column. Of one thread: two tables and the products of EL_DEEP_MB pixels. */
static inline size_t el_tiling_shared_bytes(const el_conv_params* p) {
    return el_align64((size_t)(el_tiling_columns(p) * p->c) * sizeof(float)) + el_align64((size_t)el_tiling_columns(p) * sizeof(float));
}
static inline size_t el_tiling_thread_bytes(const el_conv_params* p) {
    return el_gemm_thread_bytes(1, EL_DEEP_MB * el_tiling_columns(p));
}
static inline size_t el_conv_transpose_f32_scratch_bytes(const el_conv_params* p, int32_t threads) {
    if (el_conv_transpose_is_tiling(p)) return el_tiling_shared_bytes(p) + (size_t)threads * el_tiling_thread_bytes(p);
    int64_t segs = (int64_t)p->kh * p->kw;
    return el_gemm_shared_bytes(segs, p->c / p->groups) + (size_t)threads * el_gemm_thread_bytes(segs, 0);
}
#include "strassen_job.h"
static inline size_t el_gemm_scratch_bytes(const el_gemm_params* p, int32_t threads) {
    return el_gemm_shared_bytes(1, 0) + (size_t)threads * el_gemm_thread_bytes(1, el_gemm_packed_elements(p->m, p->k));
}

/* Columns of B that one thread packs at a time: as many panels as stay in 512 KB, at least two. */
static inline int32_t el_matmul_pack_panels(const el_matmul_params* p) {
    int64_t panels = (p->n + EL_PANEL - 1) / EL_PANEL, fit = (512 << 10) / ((int64_t)(p->k > 0 ? p->k : 1) * EL_PANEL * 4);
    fit = fit / 2 * 2;
    if (fit < 2) fit = 2;
    return (int32_t)(panels < fit ? panels : fit);
}
static inline size_t el_matmul_pack_bytes(const el_matmul_params* p) {
    return el_align64((size_t)el_matmul_pack_panels(p) * (size_t)p->k * EL_PANEL * sizeof(float));
}
static inline size_t el_matmul_f32_scratch_bytes(const el_matmul_params* p, int32_t threads) {
    return el_gemm_shared_bytes(1, 0) +
           (size_t)threads * (el_matmul_pack_bytes(p) + el_gemm_thread_bytes(1, p->trans_a ? (int64_t)EL_MB * p->k : 0));
}

/* Few queries for each key head, as when a language model adds a token: k and v are read so seldom that it does not pay to pack them. */
#define EL_ATTENTION_FEW 6
static inline int el_attention_is_few(const el_attention_params* p) { return (int64_t)p->group * p->s <= EL_ATTENTION_FEW; }

/* Scratch of one thread: addresses and offsets of the rows of q and of the scores, the scores of EL_DEEP_MB queries, k and v in panels. With few queries
 * only the scores of one. */
static inline int64_t el_attention_score_row(const el_attention_params* p) { return (p->t + 15) / 16 * 16 + 16; }
static inline size_t el_attention_thread_bytes(const el_attention_params* p) {
    if (el_attention_is_few(p)) return el_align64((size_t)el_attention_score_row(p) * sizeof(float));
    size_t tables = 2 * el_align64(EL_DEEP_MB * sizeof(float*)) + 2 * el_align64(EL_DEEP_MB * sizeof(int64_t));
    int64_t k = (int64_t)(p->t + 15) / 16 * 16 * p->d, v = (int64_t)(p->e + 15) / 16 * 16 * p->t;
    return tables + el_align64((size_t)(EL_DEEP_MB * el_attention_score_row(p)) * 4) + el_align64((size_t)k * 4) + el_align64((size_t)v * 4);
}
static inline size_t el_attention_f32_scratch_bytes(const el_attention_params* p, int32_t threads) {
    return (size_t)threads * el_attention_thread_bytes(p);
}

/* ---- fill functions ---------------------------------------------------------------------------------------------- */

/* Dense rows: GEMM, 1x1 convolution, matmul. */
static inline void el_fill_dense(const el_gemm_job* j, int32_t g, int64_t m0, int32_t rows, const el_element** a, int64_t* off,
                                 el_element* patch) {
    const el_element* x = j->x + (int64_t)g * j->seglen;
    for (int32_t r = 0; r < rows; r++) {
        a[r] = x + (m0 + r) * j->lda;
        off[r] = (m0 + r) * j->ldc + (int64_t)g * j->n;
    }
}

/* A stored [k][m]: the rows of this block are gathered into patch[r][k]. */
static inline void el_fill_transposed(const el_gemm_job* j, int32_t g, int64_t m0, int32_t rows, const el_element** a, int64_t* off,
                                      el_element* patch) {
    for (int32_t r = 0; r < rows; r++, patch += j->seglen) {
        __asm__("" : "+r"(patch)); /* vectors would be more code than gain */
        a[r] = patch;
        off[r] = (m0 + r) * j->ldc;
    }
    patch -= rows * (int64_t)j->seglen;
    for (int32_t k = 0; k < j->seglen; k++) {
        const el_element* x = j->x + k * j->lda + m0;
        for (int32_t r = 0; r < rows; r++) patch[(int64_t)r * j->seglen + k] = x[r];
    }
}

/* Convolution, one segment per tap. */
static inline void el_fill_taps(const el_gemm_job* j, int32_t g, int64_t m0, int32_t rows, const el_element** a, int64_t* off,
                                el_element* patch) {
    const el_conv_params* p = j->conv;
    int64_t plane = (int64_t)p->oh * p->ow, image = m0 / plane, rest = m0 % plane;
    int32_t oy = (int32_t)(rest / p->ow), ox = (int32_t)(rest % p->ow);
    int64_t c = p->c, line = (int64_t)p->w * c;
    for (int32_t r = 0; r < rows; r++) {
        off[r] = (m0 + r) * j->ldc + (int64_t)g * j->n;
        int32_t iy0 = oy * p->stride_h - p->pad_top, ix0 = ox * p->stride_w - p->pad_left;
        int32_t iy_last = iy0 + (p->kh - 1) * p->dilation_h, ix_last = ix0 + (p->kw - 1) * p->dilation_w;
        const el_element* x = j->x + image * p->h * line + (int64_t)g * j->seglen;
        const el_element** out = a + r;
        if (iy0 >= 0 && iy_last < p->h && ix0 >= 0 && ix_last < p->w) {
            for (int32_t ky = 0; ky < p->kh; ky++) {
                const el_element* row = x + (int64_t)(iy0 + ky * p->dilation_h) * line + ix0 * c;
                for (int32_t kx = 0; kx < p->kw; kx++, out += EL_MB) *out = row + (int64_t)kx * p->dilation_w * c;
            }
        } else {
            for (int32_t ky = 0; ky < p->kh; ky++) {
                int32_t iy = iy0 + ky * p->dilation_h;
                for (int32_t kx = 0; kx < p->kw; kx++, out += EL_MB) {
                    int32_t ix = ix0 + kx * p->dilation_w;
                    int inside = iy >= 0 && iy < p->h && ix >= 0 && ix < p->w;
                    *out = inside ? x + iy * line + ix * c : j->zero;
                }
            }
        }
        if (++ox == p->ow) {
            ox = 0;
            if (++oy == p->oh) oy = 0, image++;
        }
    }
}

/* Convolution with few channels, one segment per kernel row; a window that crosses the left or right border is copied. */
static inline void el_fill_window_rows(const el_gemm_job* j, int32_t g, int64_t m0, int32_t rows, const el_element** a,
                                       int64_t* off, el_element* patch) {
    const el_conv_params* p = j->conv;
    int64_t plane = (int64_t)p->oh * p->ow, image = m0 / plane, rest = m0 % plane;
    int32_t oy = (int32_t)(rest / p->ow), ox = (int32_t)(rest % p->ow);
    int64_t c = p->c, line = (int64_t)p->w * c;
    for (int32_t r = 0; r < rows; r++) {
        off[r] = (m0 + r) * j->ldc;
        int32_t iy0 = oy * p->stride_h - p->pad_top, ix0 = ox * p->stride_w - p->pad_left;
        if (ix0 >= 0 && ix0 + p->kw <= p->w && iy0 >= 0 && iy0 + (p->kh - 1) * p->dilation_h < p->h) {
            /* this output and those to its right whose windows lie inside of the input, too */
            int32_t inside = (p->w - p->kw - ix0) / p->stride_w + 1;
            if (inside > p->ow - ox) inside = p->ow - ox;
            if (inside > rows - r) inside = rows - r;
            const el_element* row = j->x + (image * p->h + iy0) * line + ix0 * c;
            const int64_t step = p->stride_w * c, ldc = j->ldc, at = (m0 + r) * ldc;
            for (int32_t ky = 0; ky < p->kh; ky++, row += p->dilation_h * line) {
                const el_element** out = a + ky * EL_MB + r;
                for (int32_t i = 0; i < inside; i++) out[i] = row + i * step;
            }
            for (int32_t i = 0; i < inside; i++) off[r + i] = at + i * ldc;
            r += inside - 1;
            ox += inside;
            if (ox == p->ow) {
                ox = 0;
                if (++oy == p->oh) oy = 0, image++;
            }
            continue;
        }
        int64_t first = ix0 < 0 ? -ix0 : 0, last = p->w - ix0 < p->kw ? p->w - ix0 : p->kw; /* taps [first, last) are inside */
        for (int32_t ky = 0; ky < p->kh; ky++) {
            int32_t iy = iy0 + ky * p->dilation_h;
            const el_element** out = a + ky * EL_MB + r;
            if (iy < 0 || iy >= p->h || first >= last) {
                *out = j->zero;
                continue;
            }
            const el_element* row = j->x + (image * p->h + iy) * line;
            if (first == 0 && last == p->kw) {
                *out = row + ix0 * c;
                continue;
            }
            el_element* copy = patch + ((int64_t)r * p->kh + ky) * j->seglen;
            memset(copy, 0, (size_t)j->seglen * sizeof(el_element));
            memcpy(copy + first * c, row + (ix0 + first) * c, (size_t)((last - first) * c) * sizeof(el_element));
            *out = copy;
        }
        if (++ox == p->ow) {
            ox = 0;
            if (++oy == p->oh) oy = 0, image++;
        }
    }
}

/* Transposed convolution, the outputs of one stride phase: oy = phase_y + stride_h * jy, so that exactly the taps in
 * `taps` reach them, at iy = (oy + pad_top - ky * dilation_h) / stride_h, a whole number. */
static inline void el_fill_phase(const el_gemm_job* j, int32_t g, int64_t m0, int32_t rows, const el_element** a, int64_t* off,
                                 el_element* patch) {
    const el_conv_params* p = j->conv;
    int64_t plane = (int64_t)j->rows_y * j->rows_x, image = m0 / plane, rest = m0 % plane;
    int32_t jy = (int32_t)(rest / j->rows_x), jx = (int32_t)(rest % j->rows_x);
    int64_t c = p->c, line = (int64_t)p->w * c;
    for (int32_t r = 0; r < rows; r++) {
        int32_t oy = j->phase_y + p->stride_h * jy, ox = j->phase_x + p->stride_w * jx;
        off[r] = ((image * p->oh + oy) * p->ow + ox) * j->ldc + (int64_t)g * j->n;
        const el_element* x = j->x + image * p->h * line + (int64_t)g * j->seglen;
        for (int32_t s = 0; s < j->segs; s++) {
            int32_t ty = oy + p->pad_top - j->taps[s] / p->kw * p->dilation_h;
            int32_t tx = ox + p->pad_left - j->taps[s] % p->kw * p->dilation_w;
            int32_t iy = ty / p->stride_h, ix = tx / p->stride_w;
            int inside = ty >= 0 && iy < p->h && tx >= 0 && ix < p->w;
            a[s * EL_MB + r] = inside ? x + iy * line + ix * c : j->zero;
        }
        if (++jx == j->rows_x) {
            jx = 0;
            if (++jy == j->rows_y) jy = 0, image++;
        }
    }
}

/* ---- the micro-kernel's argument ---------------------------------------------------------------------------------- */

typedef struct el_tile {
    const el_element* const* a;   /* row r of segment s: a[s * EL_MB + r] + a_offset, seglen elements */
    int64_t a_offset;
    int32_t segs, seglen;
    const int32_t* brow;
    const el_element* b;
    int64_t b_panel, b_row;  /* elements between panels, and between rows of one panel */
    int64_t ahead;           /* distance from b to a panel that will be read soon and that the micro-kernel may fetch meanwhile; 0: none */
    const float* bias;       /* [columns] or NULL */
    const el_element* residual;   /* same layout as y, or NULL; the earlier partial sums of y itself when K is cut */
    el_element* y;
    const int64_t* off;      /* row r of the tile starts at y + off[r] */
    int32_t tail;            /* columns in use in the last panel, 1 .. 16 */
    float scale, lo, hi;     /* y = clamp(scale * (sum + bias + residual), lo, hi) */
    /* read by runs only (el_run_fn) */
    const el_element* a_rows; /* the first row, a_offset included */
    el_element* y_rows;      /* where that row starts in y */
    int64_t lda, ldc;        /* elements from one row of A, and of y, to the next */
    int32_t act;             /* the activation that takes the place of the clamp (el_run_activates), or EL_ACT_NONE */
    /* read by el_run_less only, whose B is the difference b - less and is stored to kept, rows of a panel adjacent; kept may be less */
    const el_element* less;
    int64_t less_panel;
    el_element* kept;
    int64_t kept_panel;
} el_tile;

typedef void (*el_tile_fn)(const el_tile* t);

/* A line of outputs of a convolution with few channels. For each kernel row the window of output i is `length` adjacent floats, from edges[row] + i * step
 * on: a copy with padding, of which only the ends need be there. Outputs [from, to), which see no padding, find the same in the input, from
 * lines[row] + i * step - left on. */
typedef struct el_windows {
    const float *const *edges, *const *lines; /* [kh] */
    int64_t from, to, left;
    int32_t kh, length;
    int64_t step;
    const float* b;
    int64_t b_panel;
    const float* bias; /* or NULL */
    float* y;
    int64_t ldc;       /* from one output to the next */
    int32_t tail;      /* as in el_tile */
    float lo, hi;
    int32_t act;       /* the activation that takes the place of the clamp (el_windows_activates), or EL_ACT_NONE */
} el_windows;
typedef void (*el_windows_fn)(const el_windows* v, int64_t outputs);
/* Most outputs that a kernel for windows does at once. */
#define EL_WINDOWS_MOST 16
/* A run: `tiles` tiles of EL_MR rows of a dense matrix, one below the other; one segment of at least two elements, scale 1. */
typedef void (*el_run_fn)(const el_tile* t, int64_t tiles);

#endif
