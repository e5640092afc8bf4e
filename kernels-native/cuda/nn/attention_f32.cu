#include "el_cuda_matrix.h"

#define EL_ATTENTION_KEYS 32
#define EL_ATTENTION_WIDTH 256 /* most of d and e */

/* A block of 8 warps: 8 rows of q of one head, a warp each. Keys pass in groups of 32, one a lane, through shared memory; the softmax is
 * kept running (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018): with a new maximum the sum and the
 * weighted values so far are scaled. Lane l keeps columns l, l+32, .. of the result. Groups that no row of the block sees are left
 * out. */
EL_CUDA_ENTRY(attention_f32, el_attention_params) {
    EL_SHARED float rows[8][EL_ATTENTION_WIDTH], weights[8][EL_ATTENTION_KEYS], keys[EL_ATTENTION_KEYS][33];
    const int lane = el_thread() % 32, warp = el_thread() / 32, s0 = el_block_x() * 8, s = s0 + warp, head = el_block_y(), batch = el_block_z();
    const bool active = s < p.s;
    const float* q = (const float*)b.p[0] + batch * p.q[0] + head * p.q[1] + (int64_t)s * p.q[2];
    const float* k = (const float*)b.p[1] + batch * p.k[0] + head / p.group * p.k[1];
    const float* v = (const float*)b.p[2] + batch * p.v[0] + head / p.group * p.v[1];
    const int64_t mask = batch * p.mask[0] + head * p.mask[1] + (int64_t)s * p.mask[2];
    const int64_t* lengths = (const int64_t*)b.p[4];
    int64_t lo, hi, block_lo, block_hi, ignored;
    el_attention_seen(&p, lengths, batch, s, &lo, &hi);
    el_attention_seen(&p, lengths, batch, s0, &block_lo, &ignored);
    el_attention_seen(&p, lengths, batch, s0 + 7 < p.s ? s0 + 7 : p.s - 1, &ignored, &block_hi);
    for (int i = lane; i < p.d; i += 32) rows[warp][i] = active ? q[i] : 0.0f;
    float most = -EL_INFINITY, sum = 0, total[EL_ATTENTION_WIDTH / 32];
    EL_UNROLL for (int j = 0; j < EL_ATTENTION_WIDTH / 32; j++) total[j] = 0;
    for (int t0 = (int)(block_lo / EL_ATTENTION_KEYS * EL_ATTENTION_KEYS); t0 < block_hi; t0 += EL_ATTENTION_KEYS) {
        /* Scores: 32 of the d numbers of all 32 keys at a time. */
        float score = 0;
        for (int d0 = 0; d0 < p.d; d0 += 32) {
            el_barrier();
            for (int i = warp; i < EL_ATTENTION_KEYS; i += 8) keys[i][lane] = t0 + i < p.t && d0 + lane < p.d ? k[(t0 + i) * p.k[2] + d0 + lane] : 0.0f;
            el_barrier();
            for (int i = 0; i < 32 && d0 + i < p.d; i++) score = el_fma(rows[warp][d0 + i], keys[lane][i], score);
        }
        score *= p.scale;
        if (p.softcap != 0) score = p.softcap * el_tanh(score / p.softcap);
        const int t = t0 + lane;
        bool there = active && t >= lo && t < hi;
        if (there && b.p[3]) {
            if (!p.mask_is_bool) score += ((const float*)b.p[3])[mask + t * p.mask[3]];
            else if (!((const uint8_t*)b.p[3])[mask + t * p.mask[3]]) score = -EL_INFINITY;
        }
        /* NaN takes part as in the plain kernel: it is no maximum, but makes the sum NaN. */
        float group = there && score == score ? score : -EL_INFINITY;
        group = el_warp_max(group);
        float higher = group > most ? group : most, shrink = most == higher ? 1.0f : el_exp(most - higher);
        float weight = !there || score == -EL_INFINITY ? 0.0f : el_exp(score - higher);
        weights[warp][lane] = weight;
        sum = sum * shrink + el_warp_sum(weight);
        most = higher;
        el_barrier();
        EL_UNROLL for (int j = 0; j < EL_ATTENTION_WIDTH / 32; j++) {
            int column = j * 32 + lane;
            if (j * 32 >= p.e) continue;
            float part = 0;
            for (int i = 0; i < EL_ATTENTION_KEYS && t0 + i < hi; i++)
                if (column < p.e && t0 + i >= lo) part = el_fma(weights[warp][i], v[(t0 + i) * p.v[2] + column], part);
            total[j] = total[j] * shrink + part;
        }
    }
    if (!active) return;
    float* y = (float*)b.p[5] + batch * p.y[0] + head * p.y[1] + (int64_t)s * p.y[2];
    const bool is_zero = sum == 0 && (p.hidden_is_zero || lo == hi);
    EL_UNROLL for (int j = 0; j < EL_ATTENTION_WIDTH / 32; j++)
        if (j * 32 + lane < p.e) y[j * 32 + lane] = is_zero ? 0.0f : total[j] / sum;
}

static constexpr float LOG2_E = 1.44269504f;

/* q, k, v and y in float16, by matrix instructions (the order of work is that of Dao, "FlashAttention-2", 2023): a block of four warps has 64 rows
 * of q of one head, a warp 16 of them; q, scores and results stay in registers. Keys and values pass through shared memory, KEYS at a time, while
 * the next ones are on their way; the softmax is kept running as above. d and e are multiples of 8 up to WIDTH; what is past them is zero. */
template <int WIDTH, int KEYS>
EL_DEVICE void el_attention_half(const el_attention_params& p, const el_cuda_buffers& b) {
    constexpr int CHUNKS = WIDTH / 8, TILE = KEYS * WIDTH * 2;
    alignas(16) EL_SHARED char store_bytes[4 * TILE];
    const el_shared store = el_shared_of(store_bytes);
    const int thread = el_thread(), lane = thread % 32, s0 = el_block_x() * 64 + thread / 32 * 16 + lane / 4, head = el_block_y(), batch = el_block_z();
    const bool has_rows = s0 - lane / 4 < p.s; /* the same of all lanes */
    const int block_first = el_block_x() * 64, block_last = block_first + 63 < p.s ? block_first + 63 : p.s - 1;
    const el_half* q = (const el_half*)b.p[0] + batch * p.q[0] + head * p.q[1];
    const el_half* k = (const el_half*)b.p[1] + batch * p.k[0] + head / p.group * p.k[1];
    const el_half* v = (const el_half*)b.p[2] + batch * p.v[0] + head / p.group * p.v[1];
    const int64_t mask = batch * p.mask[0] + head * p.mask[1], *lengths = (const int64_t*)b.p[4];
    /* Keys that row r of the thread sees; that some row of the block sees; that all do. */
    int64_t lo[2], hi[2], block_lo, block_hi, all_lo, all_hi;
    EL_UNROLL for (int r = 0; r < 2; r++) el_attention_seen(&p, lengths, batch, s0 + r * 8, &lo[r], &hi[r]);
    el_attention_seen(&p, lengths, batch, block_first, &block_lo, &all_hi);
    el_attention_seen(&p, lengths, batch, block_last, &all_lo, &block_hi);

    unsigned x[WIDTH / 16][4];
    EL_UNROLL for (int kk = 0; kk < WIDTH / 16; kk++)
        EL_UNROLL for (int i = 0; i < 4; i++) {
            const int row = s0 + i % 2 * 8, column = kk * 16 + i / 2 * 8 + lane % 4 * 2;
            x[kk][i] = row < p.s && column < p.d ? *(const unsigned*)(q + row * p.q[2] + column) : 0;
        }
    /* Chunk c of a row lies where eight rows meet different banks. */
    auto place = [&](int key, int c) { return (key * CHUNKS + (c ^ (key & 7))) * 16; };
    auto fetch = [&](int t0) __attribute__((always_inline)) {
        const el_shared to = store + t0 / KEYS % 2 * 2 * TILE;
        EL_UNROLL for (int i = 0; i < KEYS * CHUNKS / 128; i++) {
            const int key = (thread + i * 128) / CHUNKS, c = (thread + i * 128) % CHUNKS, t = t0 + key;
            el_copy_async(to + place(key, c), k + t * p.k[2] + c * 8, t < p.t && c * 8 < p.d);
            el_copy_async(to + TILE + place(key, c), v + t * p.v[2] + c * 8, t < p.t && c * 8 < p.e);
        }
        el_commit_copies();
    };

    float total[WIDTH / 8][4], most[2] = {-EL_INFINITY, -EL_INFINITY}, sum[2] = {0, 0};
    EL_UNROLL for (int j = 0; j < WIDTH / 8; j++)
        EL_UNROLL for (int l = 0; l < 4; l++) total[j][l] = 0;
    const int begin = (int)(block_lo / KEYS * KEYS);
    for (int t0 = begin - KEYS; t0 < block_hi; t0 += KEYS) {
        if (t0 >= begin) el_barrier(); /* all have read what the next ones take the place of */
        if (t0 + KEYS < block_hi) fetch(t0 + KEYS);
        else el_commit_copies();
        if (t0 < begin) continue;
        el_await_copies<1>();
        el_barrier();
        if (!has_rows) continue;
        const el_shared keys = store + t0 / KEYS % 2 * 2 * TILE, values = keys + TILE;
        float score[KEYS / 8][4];
        EL_UNROLL for (int j = 0; j < KEYS / 8; j++)
            EL_UNROLL for (int l = 0; l < 4; l++) score[j][l] = 0;
        EL_UNROLL for (int j = 0; j < KEYS / 16; j++) {
            if (t0 + j * 16 >= block_hi) break;
            EL_UNROLL for (int kk = 0; kk < WIDTH / 16; kk++) {
                unsigned y[4];
                el_load_matrices(keys + place(j * 16 + lane / 16 * 8 + lane % 8, kk * 2 + lane / 8 % 2), y);
                el_matrix_multiply(x[kk], y, score[j * 2]);
                el_matrix_multiply(x[kk], y + 2, score[j * 2 + 1]);
            }
        }
        /* From here on powers are of 2. */
        EL_UNROLL for (int j = 0; j < KEYS / 8; j++)
            EL_UNROLL for (int l = 0; l < 4; l++) score[j][l] *= p.scale * LOG2_E;
        if (p.softcap != 0) {
            const float cap = p.softcap * LOG2_E;
            EL_UNROLL for (int j = 0; j < KEYS / 8; j++)
                EL_UNROLL for (int l = 0; l < 4; l++) score[j][l] = cap * el_activate_slowly(EL_ACT_TANH, 0, 0, score[j][l] / cap);
        }
        if (b.p[3] || t0 < all_lo || t0 + KEYS > all_hi) {
            EL_UNROLL for (int j = 0; j < KEYS / 8; j++)
                EL_UNROLL for (int l = 0; l < 4; l++) {
                    const int row = s0 + l / 2 * 8, t = t0 + j * 8 + lane % 4 * 2 + l % 2;
                    const int64_t at = mask + row * p.mask[2] + t * p.mask[3];
                    if (row >= p.s || t < lo[l / 2] || t >= hi[l / 2]) score[j][l] = -EL_INFINITY;
                    else if (b.p[3] && !p.mask_is_bool) score[j][l] += LOG2_E * ((const float*)b.p[3])[at];
                    else if (b.p[3] && !((const uint8_t*)b.p[3])[at]) score[j][l] = -EL_INFINITY;
                }
        }
        /* NaN takes part as above: it is no maximum, but makes the sum NaN. */
        float group[2] = {-EL_INFINITY, -EL_INFINITY};
        EL_UNROLL for (int j = 0; j < KEYS / 8; j++)
            EL_UNROLL for (int l = 0; l < 4; l++) group[l / 2] = score[j][l] > group[l / 2] ? score[j][l] : group[l / 2];
        EL_UNROLL for (int r = 0; r < 2; r++) {
            EL_UNROLL for (int lanes = 1; lanes <= 2; lanes *= 2) {
                const float other = el_shuffle_xor(group[r], lanes);
                group[r] = other > group[r] ? other : group[r];
            }
            /* While all keys so far are hidden (-inf) nothing is scaled, and their weights are 0. */
            const float higher = group[r] > most[r] ? group[r] : most[r], base = higher == -EL_INFINITY ? 0.0f : higher, shrink = most[r] == higher ? 1.0f : el_exp2_roughly(most[r] - base);
            most[r] = higher;
            sum[r] *= shrink;
            EL_UNROLL for (int j = 0; j < KEYS / 8; j++) {
                if (t0 + j / 2 * 16 >= block_hi) break; /* hidden from all, and no weights below */
                EL_UNROLL for (int l = 2 * r; l < 2 * r + 2; l++) {
                    score[j][l] = el_exp2_roughly(score[j][l] - base);
                    sum[r] += score[j][l];
                }
            }
            EL_UNROLL for (int j = 0; j < WIDTH / 8; j++)
                EL_UNROLL for (int l = 2 * r; l < 2 * r + 2; l++) total[j][l] *= shrink;
        }
        /* Scores lie as results of a product do; two neighbours are a word of the next one's left operand. */
        EL_UNROLL for (int kk = 0; kk < KEYS / 16; kk++) {
            if (t0 + kk * 16 >= block_hi) break;
            const unsigned weights[4] = {el_half_pair(score[2 * kk][0], score[2 * kk][1]), el_half_pair(score[2 * kk][2], score[2 * kk][3]),
                                         el_half_pair(score[2 * kk + 1][0], score[2 * kk + 1][1]), el_half_pair(score[2 * kk + 1][2], score[2 * kk + 1][3])};
            EL_UNROLL for (int j = 0; j < WIDTH / 16; j++) {
                unsigned y[4];
                el_load_matrices_transposed(values + place(kk * 16 + lane % 16, j * 2 + lane / 16), y);
                el_matrix_multiply(weights, y, total[j * 2]);
                el_matrix_multiply(weights, y + 2, total[j * 2 + 1]);
            }
        }
    }
    el_await_copies<0>();
    el_half* y = (el_half*)b.p[5] + batch * p.y[0] + head * p.y[1];
    EL_UNROLL for (int r = 0; r < 2; r++) {
        EL_UNROLL for (int lanes = 1; lanes <= 2; lanes *= 2) sum[r] += el_shuffle_xor(sum[r], lanes);
        const int row = s0 + r * 8;
        if (row >= p.s) continue;
        if (sum[r] == 0 && (p.hidden_is_zero || lo[r] == hi[r])) sum[r] = 1;
        EL_UNROLL for (int j = 0; j < WIDTH / 8; j++) {
            const int column = j * 8 + lane % 4 * 2;
            if (column < p.e) *(unsigned*)(y + row * p.y[2] + column) = el_half_pair(total[j][2 * r] / sum[r], total[j][2 * r + 1] / sum[r]);
        }
    }
}

EL_CUDA_ENTRY(attention_f16_64, el_attention_params) { EL_FROM_80((el_attention_half<64, 64>(p, b))); }
EL_CUDA_ENTRY(attention_f16_128, el_attention_params) { EL_FROM_80((el_attention_half<128, 32>(p, b))); }

EL_CUDA_LAUNCH(attention_f32, el_attention_params) {
    const int width = p.d > p.e ? p.d : p.e;
    bool is_whole = p.d % 8 == 0 && p.e % 8 == 0;
    for (int i = 0; i < 3; i++) is_whole &= (p.q[i] | p.k[i] | p.v[i] | p.y[i]) % 8 == 0;
    if (device.allows_half && is_whole && width <= 128)
        return el_in_half(el_one(launches, width <= 64 ? "attention_f16_64" : "attention_f16_128", el_pieces(p.s, 64), p.heads, p.batch, 128), launches, 1 << 0 | 1 << 1 | 1 << 2 | 1 << 5);
    if (p.d > EL_ATTENTION_WIDTH || p.e > EL_ATTENTION_WIDTH) return 0;
    return el_one(launches, "attention_f32", el_pieces(p.s, 8), p.heads, p.batch, 256);
}
