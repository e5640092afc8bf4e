#include "el_cuda_tile.h"

/* The q' of column j in a unit of rows, from its word or words. */
template <int BITS>
EL_DEVICE void el_block_unit(const uint8_t* unit, int j, int* q) {
    const unsigned* words = (const unsigned*)unit + j;
    if (BITS == 8) {
        EL_UNROLL for (int r = 0; r < 4; r++) q[r] = (int)(int8_t)(words[0] >> 8 * r);
    } else if (BITS == 3) {
        const unsigned low[2] = {words[0], words[16]}, third = words[32];
        EL_UNROLL for (int r = 0; r < 32; r++) q[r] = (int)((low[r / 16] >> (8 * (r % 4) + r % 16 / 4 * 2) & 3) | (third >> (8 * (r % 4) + r / 4) & 1) << 2);
    } else {
        EL_UNROLL for (int r = 0; r < 32 / BITS; r++) q[r] = (int)(words[0] >> (8 * (r % 4) + r / 4 * BITS) & ((1 << BITS) - 1));
    }
}
template <int BITS>
constexpr int el_block_rows() { return BITS == 3 ? 32 : 32 / BITS; }

/* Few rows: block (panel, row), 16 units at a time; sums are of units, whose order differs from the processor's. */
template <int BITS>
EL_DEVICE float el_block_units(const el_block_gemm_params& p, const el_cuda_buffers& b, int lane, int slice) {
    const el_block_sizes s = el_block_sizes_of(&p);
    const float* x = (const float*)b.p[0] + (int64_t)el_block_y() * p.k;
    const uint8_t* panel = (const uint8_t*)b.p[1] + (int64_t)el_block_x() * s.units * s.bytes;
    float y = 0;
    for (int u = slice; u < s.units; u += 16) {
        int q[el_block_rows<BITS>()];
        el_block_unit<BITS>(panel + (int64_t)u * s.bytes, lane, q);
        const int first = u * s.rows;
        float sum = 0, all = 0;
        EL_UNROLL for (int r = 0; r < el_block_rows<BITS>(); r++) {
            const float v = first + r < p.k ? x[first + r] : 0.0f;
            sum = el_fma(v, (float)q[r], sum);
            all += v;
        }
        const int64_t at = ((int64_t)el_block_x() * s.blocks + u / s.block_units) * EL_PANEL + lane;
        y = el_fma(el_block_scale(&p, b.p[2], at), el_fma(-(float)el_block_zero(&p, (const uint8_t*)b.p[3], at), all, sum), y);
    }
    return y;
}

EL_CUDA_ENTRY(block_gemm_f32_row, el_block_gemm_params) {
    EL_SHARED float part[16][EL_PANEL + 1];
    const int lane = el_thread() % EL_PANEL, slice = el_thread() / EL_PANEL, column = el_block_x() * EL_PANEL + lane;
    float y = 0;
    switch (p.bits) {
    case 8: y = el_block_units<8>(p, b, lane, slice); break;
    case 4: y = el_block_units<4>(p, b, lane, slice); break;
    case 3: y = el_block_units<3>(p, b, lane, slice); break;
    default: y = el_block_units<2>(p, b, lane, slice); break;
    }
    part[slice][lane] = y;
    el_barrier();
    if (slice > 0 || column >= p.n) return;
    for (int i = 1; i < 16; i++) y += part[i][lane];
    ((float*)b.p[6])[(int64_t)el_block_y() * p.n + column] = b.p[4] ? y + ((const float*)b.p[4])[column] : y;
}

/* Weights, made float as they are read. */
struct el_block_right {
    const el_block_gemm_params& p;
    const el_cuda_buffers& b;
    el_block_sizes s;
    EL_MEMBER el_quad<float> quad(int kk, int column) const {
        el_quad<float> w = {};
        if (kk >= p.k || column >= p.n) return w;
        const int panel = column / EL_PANEL, unit = kk / s.rows;
        const uint8_t* from = (const uint8_t*)b.p[1] + ((int64_t)panel * s.units + unit) * s.bytes;
        const int64_t at = ((int64_t)panel * s.blocks + unit / s.block_units) * EL_PANEL + column % EL_PANEL;
        EL_UNROLL for (int i = 0; i < 4; i++)
            w.v[i] = el_block_scale(&p, b.p[2], at + i) * (float)(el_block_q(p.bits, from, kk - unit * s.rows, column % EL_PANEL + i) - el_block_zero(&p, (const uint8_t*)b.p[3], at + i));
        return w;
    }
};

EL_CUDA_ENTRY(block_gemm_f32_64x64, el_block_gemm_params) {
    const el_dense_rows<false> rows = {(const float*)b.p[0], (int)p.m, p.k};
    const el_block_right columns = {p, b, el_block_sizes_of(&p)};
    const float* bias = (const float*)b.p[4];
    float* y = (float*)b.p[6];
    el_tile<float, float, 64, 64, 4>(rows, columns, el_block_x() * 64, el_block_y() * 64, 0, p.k, [&](int row, int column, float sum) {
        if (row < (int)p.m && column < p.n) y[(int64_t)row * p.n + column] = bias ? sum + bias[column] : sum;
    });
}

static inline bool el_block_fits(const el_block_gemm_params& p) { return p.k > 0 && el_fits(p.m * p.k) && el_fits(p.m * p.n) && el_fits((int64_t)p.k * p.n); }

EL_CUDA_LAUNCH(block_gemm_f32, el_block_gemm_params) {
    if (!el_block_fits(p)) return 0;
    if (p.m <= 8) return el_one(launches, "block_gemm_f32_row", el_pieces(p.n, EL_PANEL), p.m, 1, 256);
    return el_one(launches, "block_gemm_f32_64x64", el_pieces(p.m, 64), el_pieces(p.n, 64), 1, 256);
}

/* ---- rounded to int8 -------------------------------------------------------------------------------------------- */

#define EL_BLOCK_MOST 256 /* blocks of a row */

/* Scratch: scale and zero point less 128 of the whole tensor; for each block of each row its scale and the sum of its numbers; the numbers. */
struct el_block_rounded {
    float* tensor_scale;
    int* tensor_zero;
    float* scales;
    int* sums;
    int8_t* numbers;
};
EL_DEVICE el_block_rounded el_block_rounded_of(const el_block_gemm_params& p, const el_block_sizes& s, void* scratch) {
    float* head = (float*)scratch;
    const int64_t count = p.m * s.blocks;
    return {head, (int*)head + 1, head + 4, (int*)head + 4 + count, (int8_t*)(head + 4 + 2 * count)};
}

/* One block: DynamicQuantizeLinear's scale and zero point over all of x. */
EL_CUDA_ENTRY(block_gemm_s8_range, el_block_gemm_params, 1024) {
    EL_SHARED float store[33];
    const float* x = (const float*)b.p[0];
    float low = 0, high = 0;
    bool finite = true;
    for (int64_t i = el_thread(); i < p.m * p.k; i += el_threads()) {
        finite &= el_abs(x[i]) < EL_INFINITY;
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    high = el_block_max(high, store);
    low = -el_block_max(-low, store);
    const float infinite = el_block_max(finite ? 0.0f : 1.0f, store);
    if (el_thread() != 0) return;
    const el_block_rounded to = el_block_rounded_of(p, el_block_sizes_of(&p), b.scratch);
    float scale = (high - low) / 255.0f;
    if (scale == 0) scale = 1;
    *to.tensor_scale = infinite > 0 ? EL_NAN : scale;
    *to.tensor_zero = infinite > 0 ? 0 : (int)el_clamp(__builtin_rintf((0.0f - low) / scale), 0.0f, 255.0f) - 128;
}

/* Block: a row; a warp: blocks of it. Numbers below 2^-119 are counted as zero, so that 127 / max |x| is finite. */
EL_CUDA_ENTRY(block_gemm_s8_round, el_block_gemm_params) {
    const el_block_sizes s = el_block_sizes_of(&p);
    const el_block_rounded to = el_block_rounded_of(p, s, b.scratch);
    const int lane = el_thread() % 32, m = el_block_x();
    const float* x = (const float*)b.p[0] + (int64_t)m * p.k;
    int8_t* numbers = to.numbers + (int64_t)m * s.depth;
    for (int block = el_thread() / 32; block < s.blocks; block += 8) {
        const int first = block * s.block_units * s.rows, end = first + s.block_units * s.rows < s.depth ? first + s.block_units * s.rows : s.depth;
        float most = 0, scale, inverse = 0;
        for (int i = first + lane; i < end && i < p.k; i += 32) most = el_max(most, el_abs(x[i]));
        most = el_warp_max(most);
        if (p.per_tensor) {
            scale = *to.tensor_scale;
        } else {
            const bool counts = most >= 1.5046328e-36f && most < EL_INFINITY;
            inverse = counts ? 127.0f / most : 0.0f;
            scale = most < EL_INFINITY ? (counts ? most / 127.0f : 0.0f) : EL_NAN;
        }
        int sum = 0;
        for (int i = first + lane; i < end; i += 32) {
            int u = 0;
            if (p.per_tensor && i < p.k) u = (int)(scale == scale ? el_clamp(__builtin_rintf(x[i] / scale) + (float)(*to.tensor_zero + 128), 0.0f, 255.0f) : 128.0f) - 128;
            else if (i < p.k && inverse > 0) u = (int)__builtin_rintf(x[i] * inverse);
            numbers[i] = (int8_t)u;
            sum += u;
        }
        for (int lanes = 16; lanes > 0; lanes >>= 1) sum += el_shuffle_xor(sum, lanes);
        if (lane != 0) continue;
        to.scales[m * s.blocks + block] = scale;
        to.sums[m * s.blocks + block] = sum;
    }
}

/* Sums of the units of a column that a slice takes, added to those of their blocks. */
template <int BITS>
EL_DEVICE void el_block_products(const uint8_t* panel, const int8_t* numbers, const el_block_sizes& s, int lane, int slice, int (*sums)[EL_PANEL]) {
    for (int u = slice; u < s.units; u += 16) {
        int q[el_block_rows<BITS>()], sum = 0;
        el_block_unit<BITS>(panel + (int64_t)u * s.bytes, lane, q);
        EL_UNROLL for (int r = 0; r < el_block_rows<BITS>(); r++) sum += numbers[u * s.rows + r] * q[r];
        el_atomic_add(&sums[u / s.block_units][lane], sum);
    }
}

/* Block (panel, row). Sums are whole numbers; blocks are added up in order, as on the processor. */
EL_CUDA_ENTRY(block_gemm_s8_row, el_block_gemm_params) {
    EL_SHARED int sums[EL_BLOCK_MOST][EL_PANEL];
    const el_block_sizes s = el_block_sizes_of(&p);
    const el_block_rounded from = el_block_rounded_of(p, s, b.scratch);
    const int lane = el_thread() % EL_PANEL, slice = el_thread() / EL_PANEL, column = el_block_x() * EL_PANEL + lane, m = el_block_y();
    const uint8_t* panel = (const uint8_t*)b.p[1] + (int64_t)el_block_x() * s.units * s.bytes;
    const int8_t* numbers = from.numbers + (int64_t)m * s.depth;
    for (int i = slice; i < s.blocks; i += 16) sums[i][lane] = 0;
    el_barrier();
    switch (p.bits) {
    case 8: el_block_products<8>(panel, numbers, s, lane, slice, sums); break;
    case 4: el_block_products<4>(panel, numbers, s, lane, slice, sums); break;
    case 3: el_block_products<3>(panel, numbers, s, lane, slice, sums); break;
    default: el_block_products<2>(panel, numbers, s, lane, slice, sums); break;
    }
    el_barrier();
    if (slice > 0 || column >= p.n) return;
    float y = 0;
    for (int block = 0; block < s.blocks; block++) {
        const int64_t at = ((int64_t)el_block_x() * s.blocks + block) * EL_PANEL + lane;
        unsigned sum = (unsigned)sums[block][lane] - (unsigned)el_block_zero(&p, (const uint8_t*)b.p[3], at) * (unsigned)from.sums[m * s.blocks + block];
        if (p.per_tensor) sum -= (unsigned)*from.tensor_zero * (unsigned)((const int32_t*)b.p[5])[column];
        y = el_fma((float)(int)sum, el_block_scale(&p, b.p[2], at) * from.scales[m * s.blocks + block], y);
    }
    ((float*)b.p[6])[(int64_t)m * p.n + column] = b.p[4] ? y + ((const float*)b.p[4])[column] : y;
}

EL_CUDA_LAUNCH(block_gemm_s8, el_block_gemm_params) {
    if (!el_block_fits(p)) return 0;
    const el_block_sizes s = el_block_sizes_of(&p);
    if (s.blocks > EL_BLOCK_MOST) return 0;
    const uint64_t scratch = 16 + (uint64_t)p.m * s.blocks * 8 + (uint64_t)p.m * s.depth;
    int count = 0;
    if (p.per_tensor) count += el_one(launches + count, "block_gemm_s8_range", 1, 1, 1, 1024, scratch);
    count += el_one(launches + count, "block_gemm_s8_round", p.m, 1, 1, 256, scratch);
    const int product = el_one(launches + count, "block_gemm_s8_row", el_pieces(p.n, EL_PANEL), p.m, 1, 256, scratch);
    return product == 0 ? 0 : count + product;
}
