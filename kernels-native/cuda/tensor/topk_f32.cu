#include "el_cuda_math.h"

/* Lines, and choices from longer ones, of up to so many ranks are sorted in shared memory. */
#define EL_TOPK_SHARED 1024

static inline constexpr int64_t el_topk_padded(int64_t count) {
    int64_t padded = 1;
    while (padded < count) padded *= 2;
    return padded;
}

/* A line of x, whose elements are `step` apart. */
template <typename T>
struct el_topk_line {
    const T* x;
    int step, count, smallest;
    EL_MEMBER uint64_t rank(int i) const { return el_topk_rank(el_bits(el_value(x[i * step])), (uint32_t)i, smallest); }
};

/* A bitonic network (Batcher 1968) over a[n], n a power of two, by a block: highest first. */
EL_DEVICE void el_topk_sort(uint64_t* a, int n) {
    for (int size = 2; size <= n; size *= 2)
        for (int distance = size / 2; distance > 0; distance /= 2) {
            el_barrier();
            for (int t = el_thread(); t < n / 2; t += el_threads()) {
                int i = 2 * t - (t & (distance - 1)), j = i + distance;
                uint64_t first = a[i], second = a[j];
                if ((first < second) == ((i & size) == 0)) {
                    a[i] = second;
                    a[j] = first;
                }
            }
        }
    el_barrier();
}

/* A number that exactly k ranks of the line reach, by a block of at least 256 threads. Digit by digit, highest first, it counts which digit
 * how many of the ranks have that begin as the k-th does, and ends where all of those are taken. */
template <typename T>
EL_DEVICE uint64_t el_topk_least(const el_topk_line<T>& line, int k) {
    EL_SHARED int has[256], reach[256], found[3]; /* ranks with this digit, with this one or a higher one; digit of the k-th, has, still wanted */
    const int digit = el_thread();
    int wanted = k, begin_so = line.count;
    uint64_t least = 0;
    for (int shift = 56; wanted < begin_so; shift -= 8) {
        if (digit < 256) has[digit] = 0;
        el_barrier();
        for (int i = el_thread(); i < line.count; i += el_threads()) {
            uint64_t rank = line.rank(i);
            if (((rank ^ least) >> shift) < 256 || shift == 56) el_atomic_add(&has[rank >> shift & 255], 1);
        }
        el_barrier();
        if (digit < 256) reach[digit] = has[digit];
        el_barrier();
        for (int distance = 1; distance < 256; distance *= 2) {
            int more = digit + distance < 256 ? reach[digit + distance] : 0;
            el_barrier();
            if (digit < 256) reach[digit] += more;
            el_barrier();
        }
        if (digit < 256 && reach[digit] >= wanted && reach[digit] - has[digit] < wanted) {
            found[0] = digit;
            found[1] = has[digit];
            found[2] = wanted - (reach[digit] - has[digit]);
        }
        el_barrier();
        least |= (uint64_t)found[0] << shift;
        begin_so = found[1];
        wanted = found[2];
    }
    return least;
}

/* A block for each line. detail: 0, or ranks of scratch of each block. */
template <typename T>
EL_DEVICE void el_topk(const el_topk_params& p, const el_cuda_buffers& b) {
    EL_SHARED uint64_t shared[EL_TOPK_SHARED];
    EL_SHARED int taken;
    uint64_t* ranks = b.detail ? (uint64_t*)b.scratch + (int64_t)el_block_x() * b.detail : shared;
    T* values = (T*)b.p[1];
    int64_t* indices = (int64_t*)b.p[2];
    const int inner = (int)p.inner, axis = (int)p.axis, k = (int)p.k;
    for (int l = el_block_x(); l < (int)p.outer * inner; l += el_grid_x()) {
        const int outer = l / inner, at = l - outer * inner;
        const el_topk_line<T> line = {(const T*)b.p[0] + outer * axis * inner + at, inner, axis, p.smallest};
        const int count = axis > EL_TOPK_SHARED ? k : axis, padded = (int)el_topk_padded(count);
        for (int i = el_thread(); i < padded; i += el_threads()) ranks[i] = i < axis && count == axis ? line.rank(i) : 0;
        if (count < axis) {
            const uint64_t least = el_topk_least(line, k);
            if (el_thread() == 0) taken = 0;
            el_barrier();
            for (int i = el_thread(); i < axis; i += el_threads()) {
                uint64_t rank = line.rank(i);
                if (rank >= least) ranks[el_atomic_add(&taken, 1)] = rank;
            }
        }
        el_topk_sort(ranks, padded);
        for (int i = el_thread(); i < k; i += el_threads()) {
            const int to = (outer * k + i) * inner + at, from = (int)el_topk_index(ranks[i]);
            if (values) values[to] = line.x[from * inner];
            if (indices) indices[to] = from;
        }
        el_barrier();
    }
}

EL_CUDA_ENTRY(topk_f32, el_topk_params, 512) { el_topk<float>(p, b); }
EL_CUDA_ENTRY(topk_f16, el_topk_params, 512) { EL_FROM_80(el_topk<el_half>(p, b)); }

EL_CUDA_LAUNCH(topk_f32, el_topk_params) {
    if (!el_fits(p.outer * p.axis * p.inner) || p.k > 1 << 24) return 0;
    const int64_t padded = el_topk_padded(p.k), lines = p.outer * p.inner;
    const bool is_long = p.axis > EL_TOPK_SHARED, in_scratch = is_long && p.k > EL_TOPK_SHARED;
    const int64_t most = in_scratch ? device.multiprocessors : 1 << 20, blocks = lines < most ? lines : most;
    const int threads = is_long ? 512 : p.axis > 256 ? 256 : p.axis > 64 ? 128 : 32;
    const int count = el_one(launches, device.allows_half ? "topk_f16" : "topk_f32", blocks, 1, 1, threads, in_scratch ? (uint64_t)(blocks * padded) * 8 : 0);
    launches[0].detail = in_scratch ? padded : 0;
    return device.allows_half ? el_in_half(count, launches, 1 << 0 | 1 << 1) : count;
}
