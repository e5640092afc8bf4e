#include "el_cuda_device.h"

/* A warp for each row; block: 8 warps. Sums are of whole numbers, so that their order does not matter. */
EL_CUDA_ENTRY(qsoftmax_s8, el_qsoftmax_params) {
    int lane = el_thread() % 32;
    for (int row = el_block_x() * 8 + el_thread() / 32; row < (int)p.rows; row += el_grid_x() * 8) {
        const int8_t* x = (const int8_t*)b.p[0] + (int64_t)row * p.depth;
        int8_t* y = (int8_t*)b.p[1] + (int64_t)row * p.depth;
        int largest = -128, sum = 0;
        for (int i = lane; i < p.depth; i += 32) largest = x[i] > largest ? x[i] : largest;
        for (int lanes = 16; lanes > 0; lanes >>= 1) {
            int other = el_shuffle_xor(largest, lanes);
            largest = other > largest ? other : largest;
        }
        for (int i = lane; i < p.depth; i += 32) {
            int diff = x[i] - largest;
            if (diff >= p.diff_min)
                sum += el_rounding_divide_by_pot(el_fixed_exp_negative(el_fixed_multiply((int32_t)((uint32_t)diff << p.input_left_shift), p.input_multiplier)), 12);
        }
        for (int lanes = 16; lanes > 0; lanes >>= 1) sum += el_shuffle_xor(sum, lanes);
        int headroom = el_fixed_leading_zeros((uint32_t)sum), right = 12 - headroom + 31 - 8;
        int scale = el_fixed_reciprocal_one_plus((int32_t)(((uint32_t)sum << headroom) - (1u << 31)));
        for (int i = lane; i < p.depth; i += 32) {
            int diff = x[i] - largest, v = -128;
            if (diff >= p.diff_min) {
                int e = el_fixed_exp_negative(el_fixed_multiply((int32_t)((uint32_t)diff << p.input_left_shift), p.input_multiplier));
                v = el_clamp_s8(el_rounding_divide_by_pot(el_fixed_multiply(scale, e), right > 31 ? 31 : right), -128, -128, 127);
            }
            y[i] = (int8_t)v;
        }
    }
}

EL_CUDA_LAUNCH(qsoftmax_s8, el_qsoftmax_params) {
    return el_fits(p.rows * p.depth) ? el_one(launches, "qsoftmax_s8", el_pieces(p.rows, 8), 1, 1, 256) : 0;
}
