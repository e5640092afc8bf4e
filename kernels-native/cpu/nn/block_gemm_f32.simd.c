/* A lane holds one column of a panel. Weights are taken from their bits, made float and multiplied by one broadcast number of x:
 * even and odd rows in sums of their own. Several rows of x share the unpacking. x is copied with zeros behind where its last
 * unit is not whole. */
#include "block_gemm_simd.h"

/* Bits k.. of a, k a constant. */
#define FROM(a, k) ((k) == 0 ? (a) : el_vishr(a, (k) == 0 ? 1 : (k)))
#define MASK(a, k, mask) el_viand(FROM(a, k), el_viset1(mask))

/* Row R of the unit; WEIGHT is its el_vi for vector v. */
#define ROW(R, WEIGHT)                                                              \
    do {                                                                            \
        EL_BLOCK_UNROLL for (int v = 0; v < VV; v++) {                              \
            el_vf w_ = el_vcvt_f(WEIGHT);                                           \
            EL_BLOCK_UNROLL for (int r = 0; r < MR; r++)                            \
                sum[r][v][(R) & 1] = el_vfma(el_vset1(x[r][R]), w_, sum[r][v][(R) & 1]); \
        }                                                                           \
    } while (0)
#define ROW8(i) ROW(i, el_vishr((i) == 3 ? a[v] : el_vishl(a[v], (i) == 3 ? 1 : 24 - 8 * (i)), 24))
#define ROW2(s, i) ROW(4 * (s) + (i), MASK(a[v], 8 * (i) + 2 * (s), 3))
#define ROW3(s, i) \
    ROW(4 * (s) + (i), el_vior(MASK((s) < 4 ? a[v] : b[v], 8 * (i) + 2 * ((s) & 3), 3), el_vishl(MASK(c[v], 8 * (i) + (s), 1), 2)))
#define FOUR(M, s) M(s, 0); M(s, 1); M(s, 2); M(s, 3)
#if EL_VF == 16
/* A permutation of the sixteen numbers reads the low four bits of a lane only. */
#define ROW4(s, i)                                                                                                   \
    do {                                                                                                             \
        el_vf w_ = _mm512_permutexvar_ps(FROM(a[0], 8 * (i) + 4 * (s)), numbers);                                    \
        EL_BLOCK_UNROLL for (int r = 0; r < MR; r++)                                                                 \
            sum[r][0][(i) & 1] = el_vfma(el_vset1(x[r][4 * (s) + (i)]), w_, sum[r][0][(i) & 1]);                     \
    } while (0)
#else
#define ROW4(s, i) ROW(4 * (s) + (i), MASK(a[v], 8 * (i) + 4 * (s), 15))
#endif

/* Rows m .. m+MR-1 of vectors first .. first+VV-1 of a panel. */
EL_BLOCK_INLINE void tile(const el_block_job* j, int64_t panel, int64_t m, const int first, const int bits, const int MR, const int VV) {
    const el_block_sizes s = j->s;
    const uint8_t* w = j->packed + panel * s.units * s.bytes + first * EL_VF * 4;
    const float* x[4];
    el_vf y[4][VECTORS];
#if EL_VF == 16
    const el_vf numbers = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    (void)numbers;
#endif
    EL_BLOCK_UNROLL for (int r = 0; r < MR; r++) {
        x[r] = (const float*)j->rows + (m + r) * j->stride;
        EL_BLOCK_UNROLL for (int v = 0; v < VV; v++) y[r][v] = el_vzero();
    }
    for (int32_t b = 0; b < s.blocks; b++) {
        int32_t units = s.units - b * s.block_units;
        if (units > s.block_units) units = s.block_units;
        el_vf sum[4][VECTORS][2];
        EL_BLOCK_UNROLL for (int r = 0; r < MR; r++)
            EL_BLOCK_UNROLL for (int v = 0; v < VV; v++) sum[r][v][0] = sum[r][v][1] = el_vzero();
        for (int32_t u = 0; u < units; u++, w += s.bytes) {
            el_vi a[VECTORS];
            EL_BLOCK_UNROLL for (int v = 0; v < VV; v++) a[v] = el_viload((const int32_t*)w + v * EL_VF);
            if (bits == 8) {
                ROW8(0); ROW8(1); ROW8(2); ROW8(3);
            } else if (bits == 4) {
                FOUR(ROW4, 0); FOUR(ROW4, 1);
            } else if (bits == 2) {
                FOUR(ROW2, 0); FOUR(ROW2, 1); FOUR(ROW2, 2); FOUR(ROW2, 3);
            } else {
                el_vi b[VECTORS], c[VECTORS];
                EL_BLOCK_UNROLL for (int v = 0; v < VV; v++) {
                    b[v] = el_viload((const int32_t*)(w + 64) + v * EL_VF);
                    c[v] = el_viload((const int32_t*)(w + 128) + v * EL_VF);
                }
                FOUR(ROW3, 0); FOUR(ROW3, 1); FOUR(ROW3, 2); FOUR(ROW3, 3);
                FOUR(ROW3, 4); FOUR(ROW3, 5); FOUR(ROW3, 6); FOUR(ROW3, 7);
            }
            EL_BLOCK_UNROLL for (int r = 0; r < MR; r++) x[r] += bits == 3 ? 32 : 32 / bits;
        }
        int64_t at = (panel * s.blocks + b) * 16 + first * EL_VF;
        EL_BLOCK_UNROLL for (int v = 0; v < VV; v++, at += EL_VF) {
            el_vf scale = load_scales(j, at);
            el_vf zero = j->zeros ? el_vcvt_f(load_bytes(j->zeros + at)) : el_vset1((float)(1 << (bits - 1)));
            if (bits == 8) zero = el_vsub(zero, el_vset1(128));
            EL_BLOCK_UNROLL for (int r = 0; r < MR; r++) {
                el_vf t = el_vfnma(zero, el_vset1(j->row_sums[(m + r) * s.blocks + b]), el_vadd(sum[r][v][0], sum[r][v][1]));
                y[r][v] = el_vfma(scale, t, y[r][v]);
            }
        }
    }
    store_tile(j, m, panel * 16 + first * EL_VF, y, MR, VV);
}

EL_BLOCK_INLINE void panels(const el_block_job* j, int64_t begin, int64_t end, const int bits) {
    for (int64_t panel = begin; panel < end; panel++) {
        int64_t m = 0;
        for (; m + 4 <= j->p->m; m += 4)
            for (int v = 0; v < VECTORS; v++) tile(j, panel, m, v, bits, 4, 1);
        for (; m < j->p->m; m++) tile(j, panel, m, 0, bits, 1, VECTORS);
    }
}

EL_BLOCK_BY_BITS

static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_block_job* j = arg;
    const el_block_sizes s = j->s;
    for (int64_t m = begin; m < end; m++) {
        const float* x = j->x + m * j->p->k;
        for (int32_t b = 0; b < s.blocks; b++) {
            int32_t first = b * s.block_units * s.rows, last = first + s.block_units * s.rows;
            if (last > j->p->k) last = j->p->k;
            j->row_sums[m * s.blocks + b] = el_block_sum(x + first, last - first);
        }
        if (j->rows == j->x) continue;
        float* to = (float*)j->rows + m * s.depth;
        memcpy(to, x, (size_t)j->p->k * 4);
        memset(to + j->p->k, 0, (size_t)(s.depth - j->p->k) * 4);
    }
}

EL_KERNEL_SIMD(block_gemm_f32, el_block_gemm_params)
void EL_SIMD_NAME(block_gemm_f32)(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_block_job j = el_block_job_of(params, buffers);
    const el_block_gemm_params* p = j.p;
    j.row_sums = (float*)((uint8_t*)ctx->scratch + el_block_scratch_of(p, sizeof(float)).sums);
    if (j.s.depth != p->k) j.rows = ctx->scratch, j.stride = j.s.depth;
    el_parallel(ctx, p->m, 65536 / (p->k + 1) + 1, some_rows, &j);
    el_parallel(ctx, el_block_panels(&j), el_block_grain(&j), panels_of(p), &j);
}
