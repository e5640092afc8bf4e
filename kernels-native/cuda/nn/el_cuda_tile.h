/* Products of matrices in tiles without matrix instructions: C[m][n] = sum over k of A[m][k] B[k][n], float32, or int8 four at a time in
 * words (k then counts words, and a product is el_dot4).
 *
 * A block computes BM x BN of C, a thread TM x 4 of that; threads = BM/TM * BN/4. k goes in steps of 16, two steps in shared memory:
 * while one is used, the next comes from memory into registers. Operands are fetched as quads by loaders, which know padding, packing
 * and strides:
 *     A: row at(m) (what stays the same for a row), quad(row, k): A[m][k..k+3], zero outside
 *     B: quad(k, n): B[k][n..n+3], zero outside
 * In the end the tile lies in shared memory, and threads take neighbouring columns: finish(m, n, sum), also of places outside C. */
#ifndef EL_CUDA_TILE_H
#define EL_CUDA_TILE_H
#include "el_cuda_math.h"

#define EL_TILE_K 16

EL_DEVICE void el_multiply_add(float a, float b, float& sum) { sum = el_fma(a, b, sum); }
EL_DEVICE void el_multiply_add(int a, int b, int& sum) { sum = el_dot4(a, b, sum); }

/* T: what is multiplied, S: what is summed. k in [first, end). */
template <typename T, typename S, int BM, int BN, int TM, typename A, typename B, typename F>
EL_DEVICE void el_tile(const A& a, const B& b, int m0, int n0, int first, int end, const F& finish) {
    /* Rows of shared memory are 8 longer than the tile, so that what a warp writes at a time lies in different banks. */
    constexpr int TN = 4, THREADS = BM / TM * (BN / TN), A_PITCH = BM + 8, B_PITCH = BN + 8;
    constexpr int A_QUADS = BM * EL_TILE_K / 4 / THREADS, B_QUADS = BN * EL_TILE_K / 4 / THREADS, STEP = EL_TILE_K * (A_PITCH + B_PITCH);
    static_assert(A_QUADS * THREADS * 4 == BM * EL_TILE_K && B_QUADS * THREADS * 4 == BN * EL_TILE_K, "every thread fetches as much");
    static_assert(sizeof(T) == 4 && sizeof(S) == 4, "words");
    alignas(16) EL_SHARED T store[2 * STEP > BM * BN ? 2 * STEP : BM * BN];
    const int thread = el_thread(), tx = thread % (BN / TN), ty = thread / (BN / TN);

    typename A::row rows[A_QUADS];
    EL_UNROLL for (int i = 0; i < A_QUADS; i++) rows[i] = a.at(m0 + (thread + i * THREADS) / 4);
    el_quad<T> next_a[A_QUADS], next_b[B_QUADS];

    /* A step of A lies as [k][m], one of B as [k][n] behind it. */
    auto fetch = [&](int k) {
        EL_UNROLL for (int i = 0; i < A_QUADS; i++) next_a[i] = a.quad(rows[i], k + (thread + i * THREADS) % 4 * 4);
        EL_UNROLL for (int i = 0; i < B_QUADS; i++) {
            int q = thread + i * THREADS;
            next_b[i] = b.quad(k + q / (BN / 4), n0 + q % (BN / 4) * 4);
        }
    };
    auto keep = [&](T* step) {
        EL_UNROLL for (int i = 0; i < A_QUADS; i++) {
            int q = thread + i * THREADS;
            EL_UNROLL for (int j = 0; j < 4; j++) step[(q % 4 * 4 + j) * A_PITCH + q / 4] = next_a[i].v[j];
        }
        EL_UNROLL for (int i = 0; i < B_QUADS; i++) {
            int q = thread + i * THREADS;
            *(el_quad<T>*)(step + EL_TILE_K * A_PITCH + q / (BN / 4) * B_PITCH + q % (BN / 4) * 4) = next_b[i];
        }
    };

    S sums[TM][TN];
    EL_UNROLL for (int i = 0; i < TM; i++)
        EL_UNROLL for (int j = 0; j < TN; j++) sums[i][j] = 0;
    T *step = store, *other = store + STEP;
    fetch(first);
    keep(step);
    el_barrier();
    for (int k = first; k < end; k += EL_TILE_K) {
        const bool more = k + EL_TILE_K < end;
        const T* step_b = step + EL_TILE_K * A_PITCH;
        if (more) fetch(k + EL_TILE_K);
        EL_UNROLL_PRODUCTS for (int kk = 0; kk < EL_TILE_K; kk++) {
            el_quad<T> x[TM / 4], y = *(const el_quad<T>*)(step_b + kk * B_PITCH + tx * TN);
            EL_UNROLL for (int i = 0; i < TM / 4; i++) x[i] = *(const el_quad<T>*)(step + kk * A_PITCH + ty * TM + i * 4);
            EL_UNROLL for (int i = 0; i < TM; i++)
                EL_UNROLL for (int j = 0; j < TN; j++) el_multiply_add(x[i / 4].v[i % 4], y.v[j], sums[i][j]);
        }
        T* swap = step;
        step = other;
        other = swap;
        if (more) keep(step);
        el_barrier();
    }

    S* tile = (S*)store;
    EL_UNROLL for (int i = 0; i < TM; i++) *(el_quad<S>*)(tile + (ty * TM + i) * BN + tx * TN) = {{sums[i][0], sums[i][1], sums[i][2], sums[i][3]}};
    el_barrier();
    for (int i = thread; i < BM * BN; i += THREADS) finish(m0 + i / BN, n0 + i % BN, tile[i]);
}

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

/* Which tile: the largest that still gives every multiprocessor something to do: 128 x 64, 64 x 64 or 32 x 32. */
struct el_tile_choice {
    int rows, columns, threads; /* of the tile and of a block */
    int64_t grid_rows, grid_columns;
};

static inline el_tile_choice el_choose_tile(const el_cuda_device& device, int64_t m, int64_t n, int64_t batch, int largest = 128) {
    for (int rows = largest; rows >= 64; rows /= 2) {
        el_tile_choice c = {rows, 64, 256, el_pieces(m, rows), el_pieces(n, 64)};
        if (c.grid_rows * c.grid_columns * batch >= 2 * device.multiprocessors && m > rows / 2 && n > 32) return c;
    }
    return {32, 32, 64, el_pieces(m, 32), el_pieces(n, 32)};
}

/* Of A: rows of a dense matrix x[m][k]. FOUR: k is a multiple of 4. */
template <bool FOUR>
struct el_dense_rows {
    typedef const float* row;
    const float* x;
    int m, k;
    EL_MEMBER row at(int i) const { return i < m ? x + (int64_t)i * k : nullptr; }
    EL_MEMBER el_quad<float> quad(row r, int kk) const {
        el_quad<float> q = {};
        if (!r) return q;
        if (FOUR) return kk < k ? *(const el_quad<float>*)(r + kk) : q;
        for (int i = 0; i < 4 && kk + i < k; i++) q.v[i] = r[kk + i];
        return q;
    }
};

#endif
