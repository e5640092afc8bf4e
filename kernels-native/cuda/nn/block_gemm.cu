#include "el_cuda_conv.h"

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

/* Few rows: block (panel, row), 16 units at a time; sums are of units, whose order differs from the processor's. T: of rows and result. */
template <int BITS, typename T>
EL_DEVICE float el_block_units(const el_block_gemm_params& p, const el_cuda_buffers& b, int lane, int slice) {
    const el_block_sizes s = el_block_sizes_of(&p);
    const T* x = (const T*)b.p[0] + (int64_t)el_block_y() * p.k;
    const uint8_t* panel = (const uint8_t*)b.p[1] + (int64_t)el_block_x() * s.units * s.bytes;
    float y = 0;
    for (int u = slice; u < s.units; u += 16) {
        int q[el_block_rows<BITS>()];
        el_block_unit<BITS>(panel + (int64_t)u * s.bytes, lane, q);
        const int first = u * s.rows;
        float sum = 0, all = 0;
        EL_UNROLL for (int r = 0; r < el_block_rows<BITS>(); r++) {
            const float v = first + r < p.k ? el_value(x[first + r]) : 0.0f;
            sum = el_fma(v, (float)q[r], sum);
            all += v;
        }
        const int64_t at = ((int64_t)el_block_x() * s.blocks + u / s.block_units) * EL_PANEL + lane;
        y = el_fma(el_block_scale(&p, b.p[2], at), el_fma(-(float)el_block_zero(&p, (const uint8_t*)b.p[3], at), all, sum), y);
    }
    return y;
}

template <typename T>
EL_DEVICE void el_block_row(const el_block_gemm_params& p, const el_cuda_buffers& b) {
    EL_SHARED float part[16][EL_PANEL + 1];
    const int lane = el_thread() % EL_PANEL, slice = el_thread() / EL_PANEL, column = el_block_x() * EL_PANEL + lane;
    float y = 0;
    switch (p.bits) {
    case 8: y = el_block_units<8, T>(p, b, lane, slice); break;
    case 4: y = el_block_units<4, T>(p, b, lane, slice); break;
    case 3: y = el_block_units<3, T>(p, b, lane, slice); break;
    default: y = el_block_units<2, T>(p, b, lane, slice); break;
    }
    part[slice][lane] = y;
    el_barrier();
    if (slice > 0 || column >= p.n) return;
    for (int i = 1; i < 16; i++) y += part[i][lane];
    el_keep(((T*)b.p[6])[(int64_t)el_block_y() * p.n + column], b.p[4] ? y + ((const float*)b.p[4])[column] : y);
}

EL_CUDA_ENTRY(block_gemm_f32_row, el_block_gemm_params) { el_block_row<float>(p, b); }
EL_CUDA_ENTRY(block_gemm_f16_row, el_block_gemm_params) { EL_FROM_80(el_block_row<el_half>(p, b)); }

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

/* Weights of 4 or 8 bits for matrix instructions, 32 rows of k a step: bits, scales and zero points come to shared memory as they are, and a lane makes float16
 * of what it multiplies. A block has whole steps, or is all of k. */
template <int BITS>
struct el_block_matrix {
    static constexpr int WORDS = 4 * BITS, SCALES = 4, CHUNKS = WORDS + SCALES + 1; /* of a panel in a step, of 16 bytes: bits, scales, zero points */
    static constexpr int step_bytes(int columns) { return columns / EL_PANEL * CHUNKS * 16; }
    const el_block_gemm_params& p;
    const el_cuda_buffers& b;
    const el_block_sizes s;
    int rows;

    template <int BN, int THREADS>
    struct copies {
        static constexpr int ALL = BN / EL_PANEL * CHUNKS, FETCHES = (ALL + THREADS - 1) / THREADS;
        struct {
            const char* at;
            int advance, every, left; /* bytes to the next chunk, after so many steps */
            int row;                  /* of k; past all where there is nothing to copy */
        } chunks[FETCHES];
        int depth;

        EL_MEMBER copies(const el_block_matrix& of, int n0, int first) : depth(of.s.depth) {
            const int panels = (of.p.n + EL_PANEL - 1) / EL_PANEL, steps = (of.s.block_units * of.s.rows + 31) / 32;
            EL_UNROLL for (int i = 0; i < FETCHES; i++) {
                const int number = el_thread() + i * THREADS, panel = n0 / EL_PANEL + number / CHUNKS, chunk = number % CHUNKS;
                const int64_t block = (int64_t)panel * of.s.blocks + first / steps;
                auto& c = chunks[i];
                c.row = first * 32;
                c.every = c.left = 1;
                if (chunk < WORDS) {
                    c.at = (const char*)of.b.p[1] + ((int64_t)panel * of.s.units * 4 + first * WORDS + chunk) * 16;
                    c.advance = WORDS * 16;
                    c.row += chunk / 4 * of.s.rows;
                } else {
                    const bool is_scale = chunk < WORDS + SCALES;
                    c.advance = is_scale ? EL_PANEL * (of.p.half_scales ? 2 : 4) : EL_PANEL;
                    c.at = (const char*)of.b.p[is_scale ? 2 : 3] + block * c.advance + (is_scale ? chunk - WORDS : 0) * 16;
                    c.every = steps;
                    c.left = steps - first % steps;
                    if (is_scale ? (chunk - WORDS) * 16 >= c.advance : !of.b.p[3]) c.row = depth;
                }
                if (number >= ALL || panel >= panels) c.row = depth;
            }
        }
        EL_MEMBER void fetch(char*, el_shared store, bool is_wanted) const {
            EL_UNROLL for (int i = 0; i < FETCHES; i++)
                if (el_thread() + i * THREADS < ALL) el_copy_async(store + (el_thread() + i * THREADS) * 16, chunks[i].at, is_wanted && chunks[i].row < depth);
        }
        EL_MEMBER void next() {
            EL_UNROLL for (int i = 0; i < FETCHES; i++) {
                auto& c = chunks[i];
                c.row = c.row < depth ? c.row + 32 : depth;
                if (--c.left > 0) continue;
                c.at += c.advance;
                c.left = c.every;
            }
        }
    };

    template <int BN, int WN>
    struct words {
        const el_block_matrix& of;
        int panel0;
        float scale[WN / 16][2], zero[WN / 16][2]; /* of columns g and g+8 */

        EL_MEMBER words(const el_block_matrix& from, int column0) : of(from), panel0(column0 / EL_PANEL) {}
        /* Words t and t+4 of column g, then of column g+8: rows 2t and 2t+1 of eight each. */
        EL_MEMBER void load(el_shared stage, int k, int j, unsigned* words) {
            const int g = el_thread() % 32 / 4, t = el_thread() % 4;
            const el_shared panel = stage + (panel0 + j) * CHUNKS * 16;
            EL_UNROLL for (int c = 0; c < 2; c++) {
                const int column = g + c * 8;
                if (k == 0) {
                    const el_shared scales = panel + WORDS * 16;
                    scale[j][c] = of.p.half_scales ? el_from_half(el_load_word(scales + column / 2 * 4) >> column % 2 * 16 & 0xffffu) : el_float(el_load_word(scales + column * 4));
                    /* 2^23 + q is a float with q in its last bits. */
                    zero[j][c] = 8388608.0f + (float)(of.b.p[3] ? (int)(el_load_word(scales + SCALES * 16 + column / 4 * 4) >> column % 4 * 8 & 255u) : 1 << (BITS - 1));
                }
                EL_UNROLL for (int i = 0; i < 2; i++) {
                    const int unit = BITS == 4 ? k * 2 + i : k * 4 + i * 2 + t / 2;
                    unsigned q = el_load_word(panel + unit * 64 + column * 4);
                    q = BITS == 4 ? q >> (t / 2 * 4 + t % 2 * 16) : (q ^ 0x80808080u) >> t % 2 * 16;
                    const unsigned mask = (1u << BITS) - 1, one = 0x4b000000u;
                    const float low = el_float((q & mask) | one) - zero[j][c], high = el_float((q >> 8 & mask) | one) - zero[j][c];
                    words[c * 2 + i] = el_half_pair(low * scale[j][c], high * scale[j][c]);
                }
            }
        }
    };
};
template <int BITS>
struct el_matrix_way<el_block_matrix<BITS>, el_half> : el_block_matrix<BITS> {};

template <int ROWS, int COLUMNS, int BITS>
EL_DEVICE void el_block_gemm_half(const el_block_gemm_params& p, const el_cuda_buffers& b) {
    const el_act none = {};
    const el_half_end end = {none, (const float*)b.p[4], nullptr, nullptr, (el_half*)b.p[6], (int)p.m, p.n, p.n, 0};
    const el_block_matrix<BITS> weights = {p, b, el_block_sizes_of(&p), p.k};
    el_matrix_tile<el_half, ROWS, COLUMNS>(el_matrix_rows{(const char*)b.p[0], (int)p.m, p.k * 2}, weights, el_matrix_block_of(b, ROWS, COLUMNS), b, end);
}

EL_CUDA_ENTRY(block_gemm_f16_4_128x64, el_block_gemm_params) { EL_FROM_80((el_block_gemm_half<128, 64, 4>(p, b))); }
EL_CUDA_ENTRY(block_gemm_f16_4_64x64, el_block_gemm_params) { EL_FROM_80((el_block_gemm_half<64, 64, 4>(p, b))); }
EL_CUDA_ENTRY(block_gemm_f16_8_128x64, el_block_gemm_params, 128, 3) { EL_FROM_80((el_block_gemm_half<128, 64, 8>(p, b))); }
EL_CUDA_ENTRY(block_gemm_f16_8_64x64, el_block_gemm_params) { EL_FROM_80((el_block_gemm_half<64, 64, 8>(p, b))); }

static inline bool el_block_fits(const el_block_gemm_params& p) { return p.k > 0 && el_fits(p.m * p.k) && el_fits(p.m * p.n) && el_fits((int64_t)p.k * p.n); }

EL_CUDA_LAUNCH(block_gemm_f32, el_block_gemm_params) {
    if (!el_block_fits(p)) return 0;
    if (device.allows_half && device.arch >= EL_CUDA_MATRIX_ARCH) {
        static const el_matrix_entries four = {nullptr, nullptr, "block_gemm_f16_4_128x64", "block_gemm_f16_4_64x64"};
        static const el_matrix_entries eight = {nullptr, nullptr, "block_gemm_f16_8_128x64", "block_gemm_f16_8_64x64"};
        const bool is_matrix = (p.bits == 4 || p.bits == 8) && p.k % 8 == 0 && (p.block % 32 == 0 || p.block >= p.k);
        int count = 0;
        if (p.m > 1 && is_matrix) count = el_launch_matrix(device, launches, p.bits == 4 ? four : eight, p.m, p.n, 1, el_pieces((int64_t)p.k * 2, EL_STEP_BYTES));
        else if (p.m <= 8) count = el_one(launches, "block_gemm_f16_row", el_pieces(p.n, EL_PANEL), p.m, 1, 256);
        return el_in_half(count, launches, 1 << 0 | 1 << 6);
    }
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
