#include "el_cuda_device.h"

/* A thread: one output value. */
template <bool AVERAGE>
EL_DEVICE void el_qpool(const el_qpool_params& p, const el_cuda_buffers& b) {
    const int8_t* x = (const int8_t*)b.p[0];
    int8_t* y = (int8_t*)b.p[1];
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * (unsigned)p.c) {
        int pixel = (int)(i / (unsigned)p.c), c = (int)(i - (unsigned)pixel * (unsigned)p.c);
        el_place at = el_place_of(p, pixel);
        int sum = 0, count = 0, largest = -128;
        for (int ky = 0; ky < p.kh; ky++)
            for (int kx = 0; kx < p.kw; kx++) {
                int iy = at.y * p.stride_h - p.pad_top + ky, ix = at.x * p.stride_w - p.pad_left + kx;
                if ((unsigned)iy >= (unsigned)p.h || (unsigned)ix >= (unsigned)p.w) continue;
                int v = x[(((int64_t)at.image * p.h + iy) * p.w + ix) * p.c + c];
                sum += v;
                count++;
                largest = v > largest ? v : largest;
            }
        int mean = count == 0 ? 0 : sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
        y[i] = (int8_t)el_clamp_s8(AVERAGE ? mean : largest, 0, p.y_min, p.y_max);
    }
}

EL_CUDA_ENTRY(qavg_pool_s8, el_qpool_params) { el_qpool<true>(p, b); }
EL_CUDA_ENTRY(max_pool_s8, el_qpool_params) { el_qpool<false>(p, b); }

EL_CUDA_LAUNCH(qavg_pool_s8, el_qpool_params) { return el_each_output(p, device, launches, "qavg_pool_s8", p.c); }
EL_CUDA_LAUNCH(max_pool_s8, el_qpool_params) { return el_each_output(p, device, launches, "max_pool_s8", p.c); }

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
