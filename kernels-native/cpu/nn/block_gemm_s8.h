/* The integer form of block_gemm: x rounded to int8, and a kernel over one instruction set's product of quads. The including file
 * brings, for the 64 bytes [16 columns][4 rows] of a quad of rows:
 *   el_quad, quad_load(p), quad_bits(q, shift, mask): (byte >> shift) & mask, quad_or3(low, third): low | third << 2
 *   el_sums (one int32 for each column), sums_zero(), sums_dot(sums, q, x, bits): adds the products with four numbers of x,
 *   sums_add(a, b), sums_store(int32_t[16], sums); UNSIGNED_BYTES: 1 when q of 8 bits is taken as q'+128. */
#ifndef EL_BLOCK_GEMM_S8_H
#define EL_BLOCK_GEMM_S8_H
#include "block_gemm.h"

/* Numbers below this are counted as zero, so that 127 / max |x| is finite. */
#define EL_BLOCK_LEAST 0x1p-119f

/* The largest |x|, or infinity when one is not finite. */
static inline float el_block_largest(const float* x, int64_t count) {
    uint32_t most = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, 4);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    float f;
    if (most > 0x7f800000) most = 0x7f800000;
    memcpy(&f, &most, 4);
    return f;
}

/* One block of one row: int8 numbers, their sum and scale. `to` is zero behind `count` up to `room`. */
static inline void el_block_round(const float* x, int32_t count, int32_t room, int8_t* to, int32_t* sum, float* scale) {
    float most = el_block_largest(x, count);
    int32_t total = 0;
    if (!(most >= EL_BLOCK_LEAST) || most > 0x1.fffffep127f) {
        memset(to, 0, (size_t)room);
        *sum = 0;
        *scale = most > 0x1.fffffep127f ? NAN : 0;
        return;
    }
    float inverse = 127.0f / most;
    for (int32_t i = 0; i < count; i++) {
        int32_t u = (int32_t)rintf(x[i] * inverse);
        to[i] = (int8_t)u;
        total += u;
    }
    memset(to + count, 0, (size_t)(room - count));
    *sum = total;
    *scale = most / 127.0f;
}

/* DynamicQuantizeLinear's scale and zero point over all of x. */
static inline void el_block_tensor_range(el_block_job* j) {
    float low = 0, high = 0;
    int64_t count = j->p->m * j->p->k;
    if (!(el_block_largest(j->x, count) <= 0x1.fffffep127f)) {
        j->x_scale = NAN;
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        low = j->x[i] < low ? j->x[i] : low;
        high = j->x[i] > high ? j->x[i] : high;
    }
    float scale = (high - low) / 255.0f;
    if (scale == 0) scale = 1;
    float zero = rintf((0.0f - low) / scale);
    j->x_scale = scale;
    j->x_zero = (int32_t)(zero < 0 ? 0 : zero > 255 ? 255 : zero) - 128;
}

static inline void el_block_round_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_block_job* j = arg;
    const el_block_gemm_params* p = j->p;
    const el_block_sizes s = j->s;
    for (int64_t m = begin; m < end; m++) {
        const float* x = j->x + m * p->k;
        int8_t* to = (int8_t*)j->rows + m * s.depth;
        if (p->per_tensor) {
            int32_t total = 0, zero = j->x_zero + 128;
            int finite = j->x_scale == j->x_scale;
            for (int32_t i = 0; i < p->k; i++) {
                float v = finite ? rintf(x[i] / j->x_scale) + (float)zero : 128;
                int32_t u = (int32_t)(v < 0 ? 0 : v > 255 ? 255 : v) - 128;
                to[i] = (int8_t)u;
                total += u;
            }
            memset(to + p->k, 0, (size_t)(s.depth - p->k));
            if (s.blocks > 0) j->int_sums[m] = total, j->row_scales[m] = j->x_scale;
            continue;
        }
        for (int32_t b = 0; b < s.blocks; b++) {
            int32_t first = b * s.block_units * s.rows, room = s.block_units * s.rows, count = p->k - first;
            if (room > s.depth - first) room = s.depth - first;
            if (count > room) count = room;
            el_block_round(x + first, count, room, to + first, &j->int_sums[m * s.blocks + b], &j->row_scales[m * s.blocks + b]);
        }
    }
}

/* Rounds x; then `panels` has what it needs. */
static inline void el_block_gemm_s8(const el_ctx* ctx, const void* params, void* const* buffers, el_body_fn panels) {
    el_block_job j = el_block_job_of(params, buffers);
    el_block_scratch at = el_block_scratch_of(j.p, 1);
    uint8_t* scratch = ctx->scratch;
    j.rows = scratch;
    j.stride = j.s.depth;
    j.int_sums = (int32_t*)(scratch + at.sums);
    j.row_scales = (float*)(scratch + at.scales);
    if (j.p->per_tensor) el_block_tensor_range(&j);
    el_parallel(ctx, j.p->m, 16384 / (j.p->k + 1) + 1, el_block_round_rows, &j);
    el_parallel(ctx, el_block_panels(&j), el_block_grain(&j), panels, &j);
}

#ifdef UNSIGNED_BYTES
#include "block_gemm_simd.h"

#if EL_VF == 16
#define MULTIPLY(a, b) _mm512_mullo_epi32(a, b)
#elif EL_VF == 8
#define MULTIPLY(a, b) _mm256_mullo_epi32(a, b)
#else
#define MULTIPLY(a, b) vmulq_s32(a, b)
#endif

/* Rows m .. m+MR-1 of one panel. */
EL_BLOCK_INLINE void tile(const el_block_job* j, int64_t panel, int64_t m, const int bits, const int MR) {
    const el_block_gemm_params* p = j->p;
    const el_block_sizes s = j->s;
    const int quads = bits == 3 ? 8 : 8 / bits, signs = bits == 8 && UNSIGNED_BYTES ? 128 : 0;
    const uint8_t* w = j->packed + panel * s.units * s.bytes;
    const int8_t* x[4];
    el_vf y[4][VECTORS];
    EL_BLOCK_UNROLL for (int r = 0; r < MR; r++) {
        x[r] = (const int8_t*)j->rows + (m + r) * j->stride;
        EL_BLOCK_UNROLL for (int v = 0; v < VECTORS; v++) y[r][v] = el_vzero();
    }
    for (int32_t b = 0; b < s.blocks; b++) {
        int32_t units = s.units - b * s.block_units;
        if (units > s.block_units) units = s.block_units;
        el_sums sums[4][2];
        EL_BLOCK_UNROLL for (int r = 0; r < MR; r++) sums[r][0] = sums[r][1] = sums_zero();
        for (int32_t u = 0; u < units; u++, w += bits == 3 ? 192 : 64) {
            el_quad a = quad_load(w), a1 = a, third = a;
            if (bits == 3) a1 = quad_load(w + 64), third = quad_load(w + 128);
            EL_BLOCK_UNROLL for (int q = 0; q < quads; q++) {
                el_quad t = bits == 8 ? a : bits == 4 ? quad_bits(a, 4 * q, 15) : quad_bits(bits == 3 && q >= 4 ? a1 : a, 2 * (q & 3), 3);
                if (bits == 3) t = quad_or3(t, quad_bits(third, q, 1));
                EL_BLOCK_UNROLL for (int r = 0; r < MR; r++) {
                    int32_t four;
                    memcpy(&four, x[r] + 4 * q, 4);
                    sums[r][q & 1] = sums_dot(sums[r][q & 1], t, four, bits);
                }
            }
            EL_BLOCK_UNROLL for (int r = 0; r < MR; r++) x[r] += 4 * quads;
        }
        int64_t at = (panel * s.blocks + b) * 16;
        EL_BLOCK_UNROLL for (int r = 0; r < MR; r++) {
            int32_t total[16], row = j->int_sums[(m + r) * s.blocks + b];
            sums_store(total, sums_add(sums[r][0], sums[r][1]));
            EL_BLOCK_UNROLL for (int v = 0; v < VECTORS; v++) {
                const int64_t i = at + v * EL_VF;
                el_vf scale = load_scales(j, i);
                el_vi off = el_viset1((int32_t)((uint32_t)row * (uint32_t)(bits == 8 ? signs : 1 << (bits - 1))));
                if (j->zeros) off = MULTIPLY(el_viadd(load_bytes(j->zeros + i), el_viset1(bits == 8 ? signs - 128 : 0)), el_viset1(row));
                el_vi t = el_visub(el_viload(total + v * EL_VF), off);
                if (p->per_tensor) {
                    int64_t n = panel * 16 + v * EL_VF, count = p->n - n < EL_VF ? p->n - n : EL_VF;
                    if (count > 0) t = el_visub(t, MULTIPLY(el_viload_n(j->wsum + n, count), el_viset1(j->x_zero)));
                }
                y[r][v] = el_vfma(el_vcvt_f(t), el_vmul(scale, el_vset1(j->row_scales[(m + r) * s.blocks + b])), y[r][v]);
            }
        }
    }
    store_tile(j, m, panel * 16, y, MR, VECTORS);
}

EL_BLOCK_INLINE void panels(const el_block_job* j, int64_t begin, int64_t end, const int bits) {
    for (int64_t panel = begin; panel < end; panel++) {
        int64_t m = 0;
        for (; m + 4 <= j->p->m; m += 4) tile(j, panel, m, bits, 4);
        for (; m < j->p->m; m++) tile(j, panel, m, bits, 1);
    }
}

EL_BLOCK_BY_BITS
#endif
#endif
