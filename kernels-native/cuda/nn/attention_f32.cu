#include "el_cuda_math.h"

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

EL_CUDA_LAUNCH(attention_f32, el_attention_params) {
    if (p.d > EL_ATTENTION_WIDTH || p.e > EL_ATTENTION_WIDTH) return 0;
    return el_one(launches, "attention_f32", el_pieces(p.s, 8), p.heads, p.batch, 256);
}
