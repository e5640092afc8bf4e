/* Products of matrices in tiles: C[m][n] = sum over k of A[m][k] B[k][n], float32, or int8 four at a time in words (k then counts
 * words, and a product is el_dot4).
 *
 * A block computes BM x BN of C, a thread TM x TN of that; threads = BM/TM * BN/TN. k goes in steps of 16, two steps in shared memory:
 * while one is used, the next comes from memory into registers. Operands are fetched as quads by loaders, which know padding, packing
 * and strides:
 *     A: row(m) (what stays the same for a row), quad(row, k): A[m][k..k+3], zero outside
 *     B: quad(k, n): B[k][n..n+3], zero outside */
#ifndef EL_CUDA_TILE_H
#define EL_CUDA_TILE_H
#include "el_cuda_math.h"

#define EL_TILE_K 16

template <typename T>
struct alignas(16) el_quad {
    T v[4];
};

EL_DEVICE void el_multiply_add(float a, float b, float& sum) { sum = el_fma(a, b, sum); }
EL_DEVICE void el_multiply_add(int a, int b, int& sum) { sum = el_dot4(a, b, sum); }

/* sums[TM][TN] of the thread's part, which begins at row el_tile_row, column el_tile_column of the tile; k in [first, end). */
template <typename T, int BM, int BN, int TM, int TN, typename A, typename B>
EL_DEVICE void el_tile(const A& a, const B& b, int m0, int n0, int first, int end, T (&sums)[TM][TN]) {
    constexpr int THREADS = BM / TM * (BN / TN), PAD = 4;
    constexpr int A_QUADS = (BM * EL_TILE_K / 4 + THREADS - 1) / THREADS, B_QUADS = (BN * EL_TILE_K / 4 + THREADS - 1) / THREADS;
    static_assert(BM * EL_TILE_K / 4 % THREADS == 0 && BN * EL_TILE_K / 4 % THREADS == 0, "every thread fetches as much");
    alignas(16) EL_SHARED T as[2][EL_TILE_K][BM + PAD], bs[2][EL_TILE_K][BN];
    const int thread = el_thread(), tx = thread % (BN / TN), ty = thread / (BN / TN);

    typename A::row rows[A_QUADS];
    EL_UNROLL for (int i = 0; i < A_QUADS; i++) rows[i] = a.at(m0 + (thread + i * THREADS) / 4);
    el_quad<T> next_a[A_QUADS], next_b[B_QUADS];

    auto fetch = [&](int k) {
        EL_UNROLL for (int i = 0; i < A_QUADS; i++) next_a[i] = a.quad(rows[i], k + (thread + i * THREADS) % 4 * 4);
        EL_UNROLL for (int i = 0; i < B_QUADS; i++) {
            int q = thread + i * THREADS;
            next_b[i] = b.quad(k + q / (BN / 4), n0 + q % (BN / 4) * 4);
        }
    };
    auto keep = [&](int half) {
        EL_UNROLL for (int i = 0; i < A_QUADS; i++) {
            int q = thread + i * THREADS;
            EL_UNROLL for (int j = 0; j < 4; j++) as[half][q % 4 * 4 + j][q / 4] = next_a[i].v[j];
        }
        EL_UNROLL for (int i = 0; i < B_QUADS; i++) {
            int q = thread + i * THREADS;
            *(el_quad<T>*)&bs[half][q / (BN / 4)][q % (BN / 4) * 4] = next_b[i];
        }
    };

    EL_UNROLL for (int i = 0; i < TM; i++)
        EL_UNROLL for (int j = 0; j < TN; j++) sums[i][j] = 0;
    int half = 0;
    fetch(first);
    keep(0);
    el_barrier();
    for (int k = first; k < end; k += EL_TILE_K) {
        bool more = k + EL_TILE_K < end;
        if (more) fetch(k + EL_TILE_K);
        EL_UNROLL for (int kk = 0; kk < EL_TILE_K; kk++) {
            T x[TM], y[TN];
            EL_UNROLL for (int i = 0; i < TM; i += 4) *(el_quad<T>*)&x[i] = *(const el_quad<T>*)&as[half][kk][ty * TM + i];
            EL_UNROLL for (int j = 0; j < TN; j += 4) *(el_quad<T>*)&y[j] = *(const el_quad<T>*)&bs[half][kk][tx * TN + j];
            EL_UNROLL for (int i = 0; i < TM; i++)
                EL_UNROLL for (int j = 0; j < TN; j++) el_multiply_add(x[i], y[j], sums[i][j]);
        }
        half ^= 1;
        if (more) keep(half);
        el_barrier();
    }
}

template <int BN, int TM, int TN>
EL_DEVICE int el_tile_row() { return el_thread() / (BN / TN) * TM; }
template <int BN, int TM, int TN>
EL_DEVICE int el_tile_column() { return el_thread() % (BN / TN) * TN; }

/* Panel-packed constant weights [ceil(n/16)][k][16] (of words [ceil(n/16)][k][16] for int8): columns past n are zero there. */
template <typename T>
struct el_panels {
    const T* packed;
    int k, n;
    EL_MEMBER el_quad<T> quad(int kk, int column) const {
        if (kk >= k || column >= n) return {};
        return *(const el_quad<T>*)(packed + ((int64_t)(column / EL_PANEL) * k + kk) * EL_PANEL + column % EL_PANEL);
    }
};

/* Which tile: the largest that still gives every multiprocessor something to do. */
struct el_tile_choice {
    int size;           /* 128, 64 or 32, square */
    int64_t rows, columns; /* tiles */
};

static inline el_tile_choice el_choose_tile(const el_cuda_device& device, int64_t m, int64_t n, int64_t batch) {
    const int sizes[] = {128, 64, 32};
    for (int size : sizes) {
        el_tile_choice c = {size, el_pieces(m, size), el_pieces(n, size)};
        if (size == 32 || (c.rows * c.columns * batch >= 2 * device.multiprocessors && m > size / 2 && n > size / 2)) return c;
    }
    return {32, 0, 0};
}

#endif
