#include "el_cuda_quant.h"

/* A thread: LANES neighbouring channels of one output pixel. detail: 0 for the largest, 1 for the average. */
template <int LANES>
EL_DEVICE void el_qpool(const el_qpool_params& p, const el_cuda_buffers& b) {
    typedef el_pack<int8_t, LANES> pack;
    const int8_t* x = (const int8_t*)b.p[0];
    const unsigned parts = (unsigned)p.c / LANES;
    const bool average = b.detail != 0;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * parts) {
        const int pixel = (int)(i / parts), c = (int)(i - (unsigned)pixel * parts) * LANES;
        const el_place at = el_place_of(p, pixel);
        const int y0 = at.y * p.stride_h - p.pad_top, x0 = at.x * p.stride_w - p.pad_left;
        const int first = x0 < 0 ? -x0 : 0, past = p.w - x0 < p.kw ? p.w - x0 : p.kw;
        int all[LANES], count = 0;
        EL_UNROLL for (int l = 0; l < LANES; l++) all[l] = average ? 0 : -128;
        for (int ky = 0; ky < p.kh; ky++) {
            if ((unsigned)(y0 + ky) >= (unsigned)p.h) continue;
            const int8_t* line = x + ((int64_t)(at.image * p.h + y0 + ky) * p.w + x0) * p.c + c;
            EL_ROLLED for (int kx = first; kx < past; kx++, count++) {
                const pack v = *(const pack*)(line + kx * p.c);
                if (average) {
                    EL_UNROLL for (int l = 0; l < LANES; l++) all[l] += v.v[l];
                } else {
                    EL_UNROLL for (int l = 0; l < LANES; l++) all[l] = v.v[l] > all[l] ? v.v[l] : all[l];
                }
            }
        }
        if (average && count > 0) {
            EL_UNROLL for (int l = 0; l < LANES; l++) all[l] = (all[l] > 0 ? all[l] + count / 2 : all[l] - count / 2) / count;
        }
        pack y;
        EL_UNROLL for (int l = 0; l < LANES; l++) y.v[l] = el_clamped_s8(all[l], 0, p.y_min, p.y_max);
        *(pack*)((int8_t*)b.p[1] + (int64_t)pixel * p.c + c) = y;
    }
}

EL_CUDA_ENTRY(qpool_s8, el_qpool_params) { el_qpool<1>(p, b); }
EL_CUDA_ENTRY(qpool_s8_4, el_qpool_params) { el_qpool<4>(p, b); }

static inline int el_qpool_rule(const el_qpool_params& p, const el_cuda_device& device, el_cuda_launch* launches, int average) {
    const bool whole = p.c % 4 == 0;
    const int count = el_each_output(p, device, launches, whole ? "qpool_s8_4" : "qpool_s8", whole ? p.c / 4 : p.c);
    launches[0].detail = average;
    return count;
}
EL_CUDA_LAUNCH(qavg_pool_s8, el_qpool_params) { return el_qpool_rule(p, device, launches, 1); }
EL_CUDA_LAUNCH(max_pool_s8, el_qpool_params) { return el_qpool_rule(p, device, launches, 0); }

/* Block (32 channels, image): its 8 warps share the positions. */
EL_CUDA_ENTRY(qmean_s8, el_qmean_params) {
    EL_SHARED uint32_t part[8][32];
    int lane = el_thread() % 32, warp = el_thread() / 32, c = el_block_x() * 32 + lane, n = el_block_y();
    const int8_t* x = (const int8_t*)b.p[0] + (int64_t)n * p.hw * p.c + c;
    uint32_t sum = 0;
    if (c < p.c)
        for (int i = warp; i < p.hw; i += 8) sum += (uint32_t)(x[(int64_t)i * p.c] - p.x_zero);
    part[warp][lane] = sum;
    el_barrier();
    if (warp > 0 || c >= p.c) return;
    for (int w = 1; w < 8; w++) sum += part[w][lane];
    ((int8_t*)b.p[1])[(int64_t)n * p.c + c] = (int8_t)el_clamp_s8(el_requantize((int32_t)sum, p.multiplier, p.shift), p.y_zero, -128, 127);
}

EL_CUDA_LAUNCH(qmean_s8, el_qmean_params) { return el_one(launches, "qmean_s8", el_pieces(p.c, 32), p.n, 1, 256); }
