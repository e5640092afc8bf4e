/* Micro-kernel of float16 arithmetic: a panel is two registers of 8 columns, a tile up to 8 rows x 1 panel: 16 accumulators, one register
 * of A per row holding 8 consecutive k (used by lane, which must be one of the lower 16 registers), B passing through two. 8 k cost
 * 8 pairs of B and 8 of A for 128 multiply-adds. One row or two take 2 or 4 panels instead.
 *
 * A sum of n products in float16 is off by about 0.4 sqrt(n / 2) units of its last place (2^-11), as every addition rounds. So K is cut
 * every EL_KC: each cut is summed from zero, and the sums of cuts, bias and residual are added to each other. Of n products in
 * pieces of p that leaves 0.4 sqrt(p / 2 + n / (2 p)). */
#define EL_ELEMENT float16_t
#include "el_simd_f16.h"
#include "gemm_job.h"

EL_KERNEL(conv_f16, neonfp16, el_conv_params)
EL_KERNEL(gemm_f16, neonfp16, el_gemm_params)

/* V: registers across, all of them in use. */
static inline __attribute__((always_inline)) void tile_body(const el_tile* t, const int R, const int P, const int V) {
    enum { MAX = 16 };
    el_hf acc[MAX];
#pragma GCC unroll 16
    for (int i = 0; i < R * V; i++) acc[i] = el_hzero();
    const el_half* const* rows = t->a;
    const int64_t b_panel = t->b_panel; /* b_row is EL_PANEL */
    for (int32_t s = 0; s < t->segs; s++, rows += EL_MB) {
        const el_half* a[8];
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) a[r] = rows[r] + t->a_offset;
        const el_half* b = t->b + t->brow[s] * EL_PANEL;
        int64_t k = 0, end = t->seglen;
/* Written out as in gemm_f32.neon.c; x: a register that can be used by lane. */
#define PRODUCT(v, bv, LANE)                                                                                           \
    _Pragma("GCC unroll 8") for (int r = 0; r < R; r++)                                                                \
        __asm__("fmla %0.8h, %1.8h, %2.h[" #LANE "]" : "+w"(acc[r * V + (v)]) : "w"(bv), "x"(av[r]));
#define STEP(LANE)                                                                                                     \
    _Pragma("GCC unroll 4") for (int v = 0; v < V; v += 2) {                                                           \
        el_hf b0, b1;                                                                                                  \
        __asm__ volatile("ldp %q0, %q1, [%2, %3]" : "=w"(b0), "=w"(b1) : "r"(b + v / 2 * b_panel), "i"(LANE * EL_PANEL * 2) : "memory"); \
        PRODUCT(v, b0, LANE)                                                                                           \
        if (v + 1 < V) { PRODUCT(v + 1, b1, LANE) }                                                                    \
    }
        for (; k + 8 <= end; k += 8, b += 8 * EL_PANEL) {
            el_hf av[8];
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) av[r] = el_hload(a[r] + k);
            STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
        }
#pragma GCC unroll 1
        for (; k < end; k++, b += EL_PANEL) {
            el_hf av[8];
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) __asm__("ldr %h0, %1" : "=x"(av[r]) : "m"(a[r][k]));
            STEP(0)
        }
#undef STEP
#undef PRODUCT
    }
    /* not every cut of K has a bias, a residual and bounds: what it lacks is skipped */
#define EACH(expression)                                                                                               \
    _Pragma("GCC unroll 8") for (int r = 0; r < R; r++)                                                                \
        _Pragma("GCC unroll 8") for (int v = 0; v < V; v++) expression;
    if (t->bias) {
        el_hf bias[MAX];
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) bias[v] = el_hnarrow(t->bias + v * 8);
        EACH(acc[r * V + v] = el_hadd(acc[r * V + v], bias[v]))
    }
    if (t->residual) EACH(acc[r * V + v] = el_hadd(acc[r * V + v], el_hload(t->residual + t->off[r] + v * 8)))
    if (t->lo > -INFINITY || t->hi < INFINITY) {
        const el_hf lo = el_hset1(t->lo), hi = el_hset1(t->hi);
        EACH(acc[r * V + v] = el_hclamp(acc[r * V + v], lo, hi))
    }
    EACH(el_hstore(t->y + t->off[r] + v * 8, acc[r * V + v]))
#undef EACH
}

/* A tile whose last register is not all in use: computed as a whole one into memory of its own, of which the columns in use are copied. */
static void tile_edge(const el_tile* t, int rows, int panels);

#define TILE(R, P)                                                                                                     \
    static void tile_##R##_##P(const el_tile* t) {                                                                     \
        if (t->tail == 16) tile_body(t, R, P, 2 * P);                                                                  \
        else if (P == 1 && t->tail == 8) tile_body(t, R, P, 1);                                                        \
        else tile_edge(t, R, P);                                                                                       \
    }
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1)
TILE(1, 2) TILE(2, 2) TILE(1, 4) TILE(2, 4)

static const el_tile_fn tiles[3][8] = {
    {tile_1_1, tile_2_1, tile_3_1, tile_4_1, tile_5_1, tile_6_1, tile_7_1, tile_8_1},
    {tile_1_2, tile_2_2},
    {tile_1_4, tile_2_4},
};

static void tile_edge(const el_tile* t, int rows, int panels) {
    enum { WIDTH = 64, ROWS = 8 };
    el_half y[ROWS * WIDTH];
    float bias[WIDTH] = {0};
    int64_t off[ROWS];
    const int columns = (panels - 1) * 16 + t->tail;
    el_tile whole = *t;
    whole.tail = panels == 1 && t->tail < 8 ? 8 : 16;
    whole.y = y;
    whole.off = off;
    for (int r = 0; r < rows; r++) {
        off[r] = r * WIDTH;
        memset(y + off[r], 0, WIDTH * sizeof *y);
        if (t->residual) memcpy(y + off[r], t->residual + t->off[r], (size_t)columns * sizeof *y);
    }
    if (t->residual) whole.residual = y;
    if (t->bias) whole.bias = memcpy(bias, t->bias, (size_t)columns * sizeof *bias);
    tiles[panels >> 1][rows - 1](&whole);
    for (int r = 0; r < rows; r++) memcpy(t->y + t->off[r], y + off[r], (size_t)columns * sizeof *y);
}

static inline __attribute__((always_inline)) void activate_rows(const el_act act, el_half* y, const int64_t* off, int64_t rows, const float* slope,
                                                                int64_t count) {
    for (int64_t r = 0; r < rows; r++) {
        el_half* to = y + off[r];
        for (int64_t i = 0; i < count; i += EL_HF) {
            const el_hf s = act.kind == EL_ACT_PRELU ? el_hnarrow_n(slope + i, count - i) : el_hzero();
            el_hstore_n(to + i, el_hact(act, el_hload_n(to + i, count - i), s), count - i);
        }
    }
}

static void el_gemm_activate(el_act act, el_half* y, const int64_t* off, int64_t rows, const float* slope, int64_t count) {
    switch (act.kind) {
    case EL_ACT_HARD_SWISH: activate_rows((el_act){EL_ACT_HARD_SWISH, 0, 0}, y, off, rows, slope, count); break;
    default: activate_rows(act, y, off, rows, slope, count);
    }
}

#define EL_MR 8
#define EL_KC 128
#define EL_KC_ALWAYS 1
#define EL_WIDE(R) ((R) <= 2 ? 4 : 1)
static inline el_tile_fn el_tile_kernel(int32_t rows, int32_t panels) { return tiles[panels >> 1][rows - 1]; }
#include "gemm_driver.h"
#include "winograd_2x2.h"
#include "winograd.h"

void el_conv_f16__neonfp16(const el_ctx* ctx, const void* params, void* const* buffers) {
    if (el_conv_is_winograd(params)) el_winograd_run(ctx, params, buffers);
    else el_gemm_run_conv(ctx, params, buffers);
}
void el_gemm_f16__neonfp16(const el_ctx* ctx, const void* params, void* const* buffers) { el_gemm_run_gemm(ctx, params, buffers); }
