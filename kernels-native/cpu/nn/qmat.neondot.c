/* int8 tiles with SDOT: a lane holds one column, SDOT by lane takes quad i of a row straight from the row's bytes.
 * 4 rows x 1 panel: 16 accumulators, 8 registers of rows (32 bytes each), 4 of weights (one quad of 16 columns), so that one
 * load instruction feeds ten SDOT; the requantization follows at once. Loads and products are statements of assembly with
 * registers of their own: a compiler that may move them keeps too much at a time and stores sums to memory. */
#include "qmat_finish.h"

EL_KERNEL(qconv_s8, neondot, el_qconv_params)
EL_KERNEL(qconv_transpose_s8, neondot, el_qconv_params)
EL_KERNEL(qgemm_s8, neondot, el_qgemm_params)
EL_KERNEL(qconv_s16, neondot, el_qconv_params)
EL_KERNEL(qgemm_s16, neondot, el_qgemm_params)

/* EACH(f, ..): f(row, ..) for the R rows */
#define EACH(f, ...) \
    do { \
        f(0, __VA_ARGS__); \
        if (R == 4) { f(1, __VA_ARGS__); f(2, __VA_ARGS__); f(3, __VA_ARGS__); } \
    } while (0)
#define LOAD_PAIR(row, x, z) __asm__ volatile("ldp %q0, %q1, [%2], #32" : "=w"(x##row), "=w"(z##row), "+r"(a[row])::"memory")
#define LOAD(row, x, width, bytes) __asm__ volatile("ldr %" #width "0, [%1], #" #bytes : "=w"(x##row), "+r"(a[row])::"memory")
#define DOT(row, x, lane) \
    __asm__ volatile("sdot %0.4s, v28.16b, %4.4b[" #lane "]\n\tsdot %1.4s, v29.16b, %4.4b[" #lane "]\n\t" \
                     "sdot %2.4s, v30.16b, %4.4b[" #lane "]\n\tsdot %3.4s, v31.16b, %4.4b[" #lane "]" \
                     : "+w"(s##row##0), "+w"(s##row##1), "+w"(s##row##2), "+w"(s##row##3) \
                     : "w"(x##row), "w"(b0), "w"(b1), "w"(b2), "w"(b3))
/* quad `lane` of x times the next 64 bytes of weights */
#define QUAD(x, lane) \
    do { \
        __asm__ volatile("ld1 {v28.16b-v31.16b}, [%0], #64" : "+r"(w), "=w"(b0), "=w"(b1), "=w"(b2), "=w"(b3)::"memory"); \
        EACH(DOT, x, lane); \
    } while (0)

/* Loads, where a compiler would load once and copy registers. */
#define START(row, e) \
    __asm__ volatile("ldp %q0, %q1, [%4]\n\tldp %q2, %q3, [%4, #32]" : "=&w"(s##row##0), "=&w"(s##row##1), "=&w"(s##row##2), "=&w"(s##row##3) : "r"(e) : "memory")
#define FINISH(row, out) \
    do { \
        const q16 sums = {{s##row##0, s##row##1, s##row##2, s##row##3}}; \
        if (out) q16_store(out + row * 64, sums); \
        else q_end_store_one(sums, end, Q_ONCE, y[row] + column); \
    } while (0)

/* R rows (1 or 4) of a panel, start + A*B: to y by the rule Q_ONCE, or the sums to out[row][64] */
EL_INLINE void some_rows(const el_qtile* t, const int8_t* const* rows, const int8_t* panel, const int32_t* start, const q_end* end, int8_t* const* y,
                         int64_t column, int32_t* out, const int R) {
    register int32x4_t s00 __asm__("v0"), s01 __asm__("v1"), s02 __asm__("v2"), s03 __asm__("v3");
    register int32x4_t s10 __asm__("v4"), s11 __asm__("v5"), s12 __asm__("v6"), s13 __asm__("v7");
    register int32x4_t s20 __asm__("v8"), s21 __asm__("v9"), s22 __asm__("v10"), s23 __asm__("v11");
    register int32x4_t s30 __asm__("v12"), s31 __asm__("v13"), s32 __asm__("v14"), s33 __asm__("v15");
    register int8x16_t x0 __asm__("v20"), x1 __asm__("v21"), x2 __asm__("v22"), x3 __asm__("v23");
    register int8x16_t z0 __asm__("v24"), z1 __asm__("v25"), z2 __asm__("v26"), z3 __asm__("v27");
    register int8x16_t b0 __asm__("v28"), b1 __asm__("v29"), b2 __asm__("v30"), b3 __asm__("v31");
    EACH(START, start);
    for (const el_qseg *seg = t->segs, *last = seg + t->seg_count; seg < last; seg++) {
        const int8_t *w = panel + (int64_t)seg->first * 64, *a[4];
        EL_UNROLL for (int r = 0; r < R; r++) a[r] = rows[r] + seg->offset;
        const uint32_t quads = (uint32_t)seg->quads;
        for (uint32_t i = quads / 8; i > 0; i--) {
            EACH(LOAD_PAIR, x, z);
            QUAD(x, 0);
            QUAD(x, 1);
            QUAD(x, 2);
            QUAD(x, 3);
            QUAD(z, 0);
            QUAD(z, 1);
            QUAD(z, 2);
            QUAD(z, 3);
        }
        if (quads & 4) {
            EACH(LOAD, x, q, 16);
            QUAD(x, 0);
            QUAD(x, 1);
            QUAD(x, 2);
            QUAD(x, 3);
        }
        if (quads & 2) {
            EACH(LOAD, x, d, 8);
            QUAD(x, 0);
            QUAD(x, 1);
        }
        if (quads & 1) {
            EACH(LOAD, x, s, 4);
            QUAD(x, 0);
        }
    }
    EACH(FINISH, out);
}

/* All rows of panel p; those past the last repeat it. */
EL_INLINE void panel(const el_qtile* t, int32_t p, int32_t* out) {
    const q_end end = q_end_load(&t->panels[p], t->y_zero, t->y_min, t->y_max, t->shifts, Q_ONCE);
    const int32_t* start = t->panels[p].start;
    const int8_t *w = t->b + (size_t)p * t->panel_bytes, *const *rows = t->rows;
    int8_t* const* y = t->y;
    const int64_t column = t->y_column + p * 16;
    int32_t left = t->row_count;
    for (; left > 1; left -= 4, rows += 4, y += 4, out += out ? 4 * 64 : 0) some_rows(t, rows, w, start, &end, y, column, out, 4);
    if (left > 0) some_rows(t, rows, w, start, &end, y, column, out, 1);
}

static __attribute__((noinline)) void panel_finished(const el_qtile* t, int32_t p) { panel(t, p, NULL); }
static __attribute__((noinline)) void panel_sums(const el_qtile* t, int32_t p, int32_t* out) { panel(t, p, out); }

static void tile(const el_qtile* t) {
    const int simple = t->once && !(t->shifts & EL_QSHIFT_ANY) && !t->sums;
    const int32_t whole = simple ? t->columns / 16 : 0;
    for (int32_t p = 0; p < whole; p++) panel_finished(t, p);
    if (whole == t->panel_count) return;
    _Alignas(64) int32_t own[EL_QROWS * 64], *acc = t->sums ? t->sums : own;
    el_qtile rest = *t;
    rest.b += (size_t)whole * t->panel_bytes, rest.panels += whole, rest.panel_count -= whole;
    rest.columns -= whole * 16, rest.y_column += whole * 16;
    for (int32_t p = 0; p < rest.panel_count; p++) panel_sums(&rest, p, acc + p * 16);
    if (!t->sums) finish_rows(&rest, acc);
}

EL_QMAT_KERNELS(neondot, tile, 0, 1, 0, NULL, NULL, NULL)
