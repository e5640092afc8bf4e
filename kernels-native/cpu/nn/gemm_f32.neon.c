/* NEON micro-kernel: a panel is four registers of 4 columns, a tile up to 6 rows x 1 panel: 24 accumulators, one register of A
 * per row holding 4 consecutive k (used by lane), B passing through two registers. 4 k cost 8 loads of B and 6 of A
 * for 96 multiply-adds, and move their addresses on themselves; with rows that are packed for all panels, 2 k cost 4 loads of B and
 * 1 of A for 48. Loads of four registers would be fewer by 4 for 96 multiply-adds, but what a core that executes in order multiplies next
 * could not be loaded before (113 cycles in place of 89 by llvm-mca's model of Cortex-A55). Few rows take
 * 2 or 4 panels instead, so that enough independent sums hide the latency.
 * Columns past the tail are loaded and stored in pieces of 2 and 1. */
#include "gemm_job.h"
#include <arm_neon.h>

EL_KERNEL(conv_f32, neon, el_conv_params)
EL_KERNEL(conv_f32__direct, neon, el_conv_params)
EL_KERNEL(conv_transpose_f32, neon, el_conv_params)
EL_KERNEL(gemm_f32, neon, el_gemm_params)
EL_KERNEL(gemm_f32__direct, neon, el_gemm_params)
EL_KERNEL(matmul_f32, neon, el_matmul_params)
EL_KERNEL(attention_f32, neon, el_attention_params)

/* First n lanes (n <= 0: none, n >= 4: all), zero after. */
static inline float32x4_t load_first(const float* from, int n) {
    if (n >= 4) return vld1q_f32(from);
    float lanes[4] = {0, 0, 0, 0};
    for (int i = 0; i < n; i++) lanes[i] = from[i];
    return vld1q_f32(lanes);
}

static inline void store_first(float* to, float32x4_t v, int n) {
    if (n >= 4) {
        vst1q_f32(to, v);
        return;
    }
    float32x2_t h = vget_low_f32(v);
    if (n & 2) {
        vst1_f32(to, h);
        h = vget_high_f32(v);
        to += 2;
    }
    if (n & 1 && n > 0) vst1_lane_f32(to, h, 0);
}

/* acc[r][v] += sum_k rows[r][k] * row k of B. V: registers across, 4 for each panel. packed: B is one panel whose rows are adjacent, so that loads move
 * its address on. */
static inline __attribute__((always_inline)) void products(float32x4_t* acc, const float* const* rows, const float* b, int64_t end, int64_t b_panel, int64_t b_row,
                                                           const int R, const int V, const int packed) {
    const float* a[6];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) a[r] = rows[r];
/* Multiply-adds by lane are written as instructions: GCC would copy each lane to a whole register, and there are none left. */
#define PRODUCT(v, bv, LANE)                                                                                           \
    _Pragma("GCC unroll 6") for (int r = 0; r < R; r++)                                                                \
    __asm__("fmla %0.4s, %1.4s, %2.s[" #LANE "]" : "+w"(acc[r * V + (v)]) : "w"(bv), "w"(av[r]));
#define STEP(LANE)                                                                                                     \
    _Pragma("GCC unroll 8") for (int v = 0; v < V; v += 2) {                                                           \
        register float32x4_t b0 __asm__("v30"), b1 __asm__("v31"); /* more would need more registers than there are */ \
        const float* from = b + v / 4 * b_panel;                                                                       \
        if (packed)                                                                                                    \
            __asm__ volatile("ldp %q0, %q1, [%2], %3" : "=w"(b0), "=w"(b1), "+r"(b) : "i"(128 / V) : "memory");        \
        else                                                                                                           \
            __asm__ volatile("ldp %q0, %q1, [%2, %3]" : "=w"(b0), "=w"(b1) : "r"(from), "i"(v % 4 * 16) : "memory");   \
        PRODUCT(v, b0, LANE)                                                                                           \
        PRODUCT(v + 1, b1, LANE)                                                                                       \
    }                                                                                                                  \
    if (!packed) b += b_row;
    int64_t left = end;
    if (packed && R <= 4) { /* there are registers for eight k */
        left = end % 8;
        for (const float *stop = a[0] + end / 8 * 8; a[0] < stop;) {
            float32x4_t av[4], next[4];
#pragma GCC unroll 4
            for (int r = 0; r < R; r++) __asm__ volatile("ldp %q0, %q1, [%2], #32" : "=w"(av[r]), "=w"(next[r]), "+r"(a[r])::"memory");
            STEP(0) STEP(1) STEP(2) STEP(3)
#pragma GCC unroll 4
            for (int r = 0; r < R; r++) av[r] = next[r];
            STEP(0) STEP(1) STEP(2) STEP(3)
        }
    }
    for (const float *stop = a[0] + left / 4 * 4; a[0] < stop;) {
        float32x4_t av[6];
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) __asm__ volatile("ldr %q0, [%1], #16" : "=w"(av[r]), "+r"(a[r])::"memory");
        STEP(0) STEP(1) STEP(2) STEP(3)
    }
    for (const float *stop = a[0] + left % 4; a[0] < stop;) {
        float32x4_t av[6];
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) av[r] = vld1q_dup_f32(a[r]++);
        STEP(0)
    }
#undef STEP
}

/* V: 4 registers for each panel, fewer where the last panel has fewer columns. */
static inline __attribute__((always_inline)) void tile_body(const el_tile* t, const int R, const int P, const int V, const int packed) {
    enum { MAX = 24 };
    float32x4_t acc[MAX];
    const int last = (P - 1) * 16 + t->tail; /* columns in use */
    const int partial = t->tail < 16 - 4 * (4 * P - V);
#pragma GCC unroll 16
    for (int v = 0; v < V; v++) {
        float32x4_t start = vdupq_n_f32(0);
        if (t->bias) start = partial ? load_first(t->bias + v * 4, last - v * 4) : vld1q_f32(t->bias + v * 4);
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) acc[r * V + v] = start;
    }
    if (t->residual) {
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            const float* from = t->residual + t->off[r];
#pragma GCC unroll 16
            for (int v = 0; v < V; v++)
                acc[r * V + v] = vaddq_f32(acc[r * V + v], partial ? load_first(from + v * 4, last - v * 4) : vld1q_f32(from + v * 4));
        }
    }
    const float* const* rows = t->a;
    const int64_t b_panel = t->b_panel, b_row = t->b_row;
    for (int32_t s = 0; s < t->segs; s++, rows += EL_MB) {
        const float* a[6];
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) a[r] = rows[r] + t->a_offset;
        const float* b = t->b + t->brow[s] * b_row;
        if (packed || (P == 1 && b_row == EL_PANEL)) products(acc, a, b, t->seglen, b_panel, b_row, R, V, 1);
        else products(acc, a, b, t->seglen, b_panel, b_row, R, V, 0);
    }
    const float32x4_t scale = vdupq_n_f32(t->scale), lo = vdupq_n_f32(t->lo), hi = vdupq_n_f32(t->hi);
    if (t->scale != 1.0f) {
#pragma GCC unroll 24
        for (int i = 0; i < R * V; i++) acc[i] = vmulq_f32(acc[i], scale);
    }
    if (t->lo != -INFINITY || t->hi != INFINITY) {
#pragma GCC unroll 24
        for (int i = 0; i < R * V; i++) acc[i] = vminq_f32(vmaxq_f32(acc[i], lo), hi); /* NaN stays */
    }
    float* y = t->y;
    const int64_t* off = t->off;
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) {
        float* to = y + off[r];
        if (!partial) {
#pragma GCC unroll 16
            for (int v = 0; v < V; v++) vst1q_f32(to + v * 4, acc[r * V + v]);
        } else {
#pragma GCC unroll 16
            for (int v = 0; v < V; v++)
                if (last > v * 4) store_first(to + v * 4, acc[r * V + v], last - v * 4);
        }
    }
}

#define EL_MR 6

/* From packed rows (el_pack_rows): three registers of A hold two k. Of those, the second row of B is loaded while the first is multiplied, for cores
 * that execute in order. */
static inline __attribute__((always_inline)) void packed_products(float32x4_t* acc, const float* a, const float* b, int64_t end) {
    register float32x4_t a0 __asm__("v25"), a1 __asm__("v26"), a2 __asm__("v27");
    register float32x4_t b0 __asm__("v28"), b1 __asm__("v29"), b2 __asm__("v30"), b3 __asm__("v31");
#define LEFT() __asm__ volatile("ldp q28, q29, [%0], #32" : "+r"(b), "=w"(b0), "=w"(b1)::"memory");
#define RIGHT() __asm__ volatile("ldp q30, q31, [%0], #32" : "+r"(b), "=w"(b2), "=w"(b3)::"memory");
#define COLUMN(v, bv, EVEN, ODD)                                                                                                   \
    __asm__ volatile("fmla %0.4s, %6.4s, %7.s[" #EVEN "]\n\tfmla %1.4s, %6.4s, %7.s[" #ODD "]\n\t"                                  \
                     "fmla %2.4s, %6.4s, %8.s[" #EVEN "]\n\tfmla %3.4s, %6.4s, %8.s[" #ODD "]\n\t"                                  \
                     "fmla %4.4s, %6.4s, %9.s[" #EVEN "]\n\tfmla %5.4s, %6.4s, %9.s[" #ODD "]"                                     \
                     : "+w"(acc[v]), "+w"(acc[4 + v]), "+w"(acc[8 + v]), "+w"(acc[12 + v]), "+w"(acc[16 + v]), "+w"(acc[20 + v])  \
                     : "w"(bv), "w"(a0), "w"(a1), "w"(a2));
#define TWO()                                                                                                                     \
    LEFT()                                                                                                                        \
    __asm__ volatile("ld1 {v25.4s-v27.4s}, [%0], #48" : "+r"(a), "=w"(a0), "=w"(a1), "=w"(a2)::"memory");                         \
    RIGHT()                                                                                                                       \
    COLUMN(0, b0, 0, 1) COLUMN(1, b1, 0, 1)                                                                                       \
    LEFT()                                                                                                                        \
    COLUMN(2, b2, 0, 1) COLUMN(3, b3, 0, 1)                                                                                       \
    RIGHT()                                                                                                                       \
    COLUMN(0, b0, 2, 3) COLUMN(1, b1, 2, 3) COLUMN(2, b2, 2, 3) COLUMN(3, b3, 2, 3)
    for (const float* stop = a + end / 16 * 16 * EL_MR; a < stop;) { TWO() TWO() TWO() TWO() TWO() TWO() TWO() TWO() }
    for (const float* stop = a + end % 16 * EL_MR; a < stop;) { TWO() TWO() }
#undef TWO
#undef COLUMN
#undef RIGHT
#undef LEFT
}

/* Four numbers of a row and of the next one, the first of a tile's rows or 2 or 4 below it, at their places among the packed ones: four floats are a column
 * of two rows, then the next column of them. */
static inline void el_pack_two(float* to, float32x4_t upper, float32x4_t lower) {
    vst1q_f32(to, vzip1q_f32(upper, lower));
    vst1q_f32(to + 2 * EL_MR, vzip2q_f32(upper, lower));
}

/* Rows of `tiles` tiles of a dense matrix as [tile][k / 2][3][4]. */
static void el_pack_rows(const float* rows, int64_t lda, int64_t tiles, int64_t k, float* to) {
    for (; tiles > 0; tiles--, rows += EL_MR * lda)
        for (int64_t i = 0; i < k; i += 4, to += 4 * EL_MR)
#pragma GCC unroll 3
            for (int r = 0; r < EL_MR; r += 2) el_pack_two(to + 2 * r, vld1q_f32(rows + r * lda + i), vld1q_f32(rows + (r + 1) * lda + i));
}

/* Runs: many tiles of 6 rows of a dense matrix, one below the other, so that two strides replace the tables; V * 4 columns, all in use. */
static inline __attribute__((always_inline)) void run_body(const el_tile* t, int64_t tiles, const int V, const int packed) {
    const int64_t lda = t->lda, ldc = t->ldc;
    const int clamps = t->lo != -INFINITY || t->hi != INFINITY;
    const float* rows = t->a_rows;
    float* y = t->y_rows;
    const float* residual = t->residual ? t->residual + (t->y_rows - t->y) : NULL;
    for (; tiles > 0; tiles--) {
        float32x4_t acc[24];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            const float32x4_t start = t->bias ? vld1q_f32(t->bias + v * 4) : vdupq_n_f32(0);
#pragma GCC unroll 6
            for (int r = 0; r < EL_MR; r++) acc[r * V + v] = start;
        }
        if (residual) {
#pragma GCC unroll 6
            for (int r = 0; r < EL_MR; r++, residual += ldc) {
#pragma GCC unroll 4
                for (int v = 0; v < V; v++) acc[r * V + v] = vaddq_f32(acc[r * V + v], vld1q_f32(residual + v * 4));
            }
        }
        if (packed) {
            packed_products(acc, rows, t->b, t->seglen);
            rows += EL_MR * lda;
        } else {
            const float* a[EL_MR];
#pragma GCC unroll 6
            for (int r = 0; r < EL_MR; r++, rows += lda) a[r] = rows;
            products(acc, a, t->b, t->seglen, 0, EL_PANEL, EL_MR, V, 1);
        }
        if (clamps) {
            const float32x4_t lo = vdupq_n_f32(t->lo), hi = vdupq_n_f32(t->hi);
#pragma GCC unroll 24
            for (int i = 0; i < EL_MR * V; i++) acc[i] = vminq_f32(vmaxq_f32(acc[i], lo), hi); /* NaN stays */
        }
#pragma GCC unroll 6
        for (int r = 0; r < EL_MR; r++, y += ldc) {
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) vst1q_f32(y + v * 4, acc[r * V + v]);
        }
    }
}

static void run_2(const el_tile* t, int64_t tiles) { run_body(t, tiles, 2, 0); }
static void run_4(const el_tile* t, int64_t tiles) { run_body(t, tiles, 4, 0); }
static void run_packed(const el_tile* t, int64_t tiles) { run_body(t, tiles, 4, 1); }

#define EL_RUNS 1
static inline int el_run_activates(int32_t kind, int32_t panels, int32_t tail) { return 0; }
static inline el_run_fn el_run_kernel(int32_t panels, int32_t tail) {
    return panels == 1 && tail == EL_PANEL ? run_4 : panels == 1 && tail == EL_PANEL / 2 ? run_2 : NULL;
}
#define EL_PACKS

#define TILE(R, P)                                                                                                     \
    static void tile_##R##_##P(const el_tile* t) {                                                                     \
        if (P == 1 && t->tail <= 8) tile_body(t, R, P, 2, R > EL_MATMUL_FEW);                                          \
        else tile_body(t, R, P, 4 * P, R > EL_MATMUL_FEW); /* fewer rows come from unpacked matrices, too */           \
    }
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(1, 4)

static const el_tile_fn tiles[3][6] = {
    {tile_1_1, tile_2_1, tile_3_1, tile_4_1, tile_5_1, tile_6_1},
    {tile_1_2, tile_2_2, tile_3_2},
    {tile_1_4},
};

#define EL_KC 256
#define EL_WIDE(R) ((R) == 1 ? 4 : (R) <= 3 ? 2 : 1)
static inline el_tile_fn el_tile_kernel(int32_t rows, int32_t panels) { return tiles[panels >> 1][rows - 1]; }
#include "gemm_f32.h"

EL_GEMM_F32_KERNELS(neon)
