/* Products of matrices in tiles by matrix instructions: C[m][n] = sum over k of A[m][k] B[k][n] for T = el_half (sums in float32) or int8_t
 * (sums in int32).
 *
 * A block of four warps computes BM x BN of C, each warp a half of the rows and of the columns. k goes in steps of 64 bytes of a row of A
 * (32 float16, 64 int8), of which STAGES are in shared memory: while one is multiplied the next ones are on their way. Chunks of 16 bytes are what is
 * copied and what a lane names to ldmatrix; where a chunk lies in its row depends on the row, so that eight threads that copy and eight lanes that
 * read meet different banks.
 *
 *     A: row at(m), what stays the same for a row; place start(byte), where in k a thread begins; next(place), 64 bytes on;
 *        fetch(shared, row, place): 16 bytes, zero outside
 *     B: weights in panels of 16 columns: float16 [n/16][k][16], int8 [n/16][k/4][16][4] (el_matrix_panels)
 *
 * Several pieces of k are computed by blocks of their own, which leave their sums in scratch; the last of them to come, told by a counter, adds all up
 * in the order of the pieces. In the end finish(m, n, sums) gets eight neighbouring columns in shared memory, which it may change, also of places
 * outside C. */
#ifndef EL_CUDA_MATRIX_TILE_H
#define EL_CUDA_MATRIX_TILE_H
#include "el_cuda_matrix.h"

#define EL_STEP_BYTES 64
#define EL_MATRIX_THREADS 128

template <typename T>
struct el_matrix_of;
template <>
struct el_matrix_of<el_half> {
    typedef float sum;
    static constexpr int ROWS = 32, CHUNKS = 2; /* rows of B in a step, chunks of a row of a panel */
};
template <>
struct el_matrix_of<int8_t> {
    typedef int sum;
    static constexpr int ROWS = 16, CHUNKS = 4;
};

/* rows: of k for float16, of words of four int8. n: columns that there are, in whole panels. */
template <typename T>
struct el_matrix_panels {
    const void* packed;
    int rows, n;
    EL_MEMBER void fetch(char* shared, int row, int column, int chunk) const {
        constexpr int CHUNKS = el_matrix_of<T>::CHUNKS;
        const char* from = (const char*)packed + (((int64_t)(column / EL_PANEL) * rows + row) * CHUNKS + chunk) * 16;
        el_copy_async(shared, row < rows && column < n ? from : nullptr, packed);
    }
};

/* Where chunk c of a row lies. */
EL_DEVICE int el_chunk_of_a(int row, int c) { return row * 4 + (c ^ (row >> 1 & 3)); }
template <typename T>
EL_DEVICE int el_chunk_of_b(int row, int chunks, int c) {
    return row * chunks + (c ^ (sizeof(T) == 2 ? (row & 3) << 1 | (row >> 2 & 1) : (row & 1) << 2 | (row & 2)));
}

EL_DEVICE float el_plus(float a, float b) { return a + b; }
EL_DEVICE int el_plus(int a, int b) { return (int)((unsigned)a + (unsigned)b); }

/* True in the block that has the sums of all pieces. last: a word of shared memory. */
template <typename S, int COUNT>
EL_DEVICE bool el_join_pieces(S* sums, const el_cuda_buffers& b, int pieces, int piece, int tile, int& last) {
    if (pieces == 1) return true;
    volatile S* part = (volatile S*)b.scratch + (int64_t)tile * pieces * COUNT * EL_MATRIX_THREADS + el_thread();
    EL_UNROLL for (int i = 0; i < COUNT; i++) part[(piece * COUNT + i) * EL_MATRIX_THREADS] = sums[i];
    el_fence();
    el_barrier();
    if (el_thread() == 0) {
        last = el_atomic_add(b.counters + tile, 1) == pieces - 1;
        if (last) b.counters[tile] = 0;
    }
    el_barrier();
    if (!last) return false;
    el_fence();
    EL_UNROLL for (int i = 0; i < COUNT; i++) sums[i] = part[i * EL_MATRIX_THREADS];
    for (int other = 1; other < pieces; other++)
        EL_UNROLL for (int i = 0; i < COUNT; i++) sums[i] = el_plus(sums[i], part[(other * COUNT + i) * EL_MATRIX_THREADS]);
    return true;
}

/* Piece `piece` of `pieces` of the steps of k; tile: number of the place in C. */
template <typename T, int BM, int BN, int STAGES, typename A, typename F>
EL_DEVICE void el_matrix_tile(const A& a, const el_matrix_panels<T>& panels, int m0, int n0, const el_cuda_buffers& b, int pieces, int piece, int tile, const F& finish) {
    typedef el_matrix_of<T> of;
    typedef typename of::sum S;
    constexpr int WM = BM / 2, WN = BN / 2, ROWS = of::ROWS, B_CHUNKS = BN / EL_PANEL * of::CHUNKS;
    constexpr int A_FETCHES = BM * 4 / EL_MATRIX_THREADS, B_FETCHES = ROWS * B_CHUNKS / EL_MATRIX_THREADS, STAGE = (BM + BN) * EL_STEP_BYTES;
    constexpr int PITCH = WN + 8; /* of rows of sums: eight rows apart by eight banks */
    constexpr int PART = 4 * WM * PITCH * 4 <= STAGES * STAGE ? WM : WM / 2; /* rows of sums that fit */
    static_assert(STAGES * STAGE <= 48 * 1024 && 4 * PART * PITCH * 4 <= STAGES * STAGE, "shared memory");
    alignas(16) EL_SHARED char store[STAGES * STAGE];
    const int thread = el_thread(), lane = thread % 32, warp = thread / 32, row0 = warp / 2 * WM, column0 = warp % 2 * WN;

    const int all = (panels.rows + ROWS - 1) / ROWS, length = (all + pieces - 1) / pieces, first = piece * length;
    const int steps = all - first < length ? (all > first ? all - first : 0) : length;

    typename A::row rows[A_FETCHES];
    EL_UNROLL for (int i = 0; i < A_FETCHES; i++) rows[i] = a.at(m0 + thread / 4 + i * (EL_MATRIX_THREADS / 4));
    typename A::place place = a.start(first * EL_STEP_BYTES + thread % 4 * 16);
    int fetched = 0;
    auto fetch = [&]() __attribute__((always_inline)) {
        if (fetched < steps) {
            char* stage = store + fetched % STAGES * STAGE;
            EL_UNROLL for (int i = 0; i < A_FETCHES; i++)
                a.fetch(stage + el_chunk_of_a(thread / 4 + i * (EL_MATRIX_THREADS / 4), thread % 4) * 16, rows[i], place);
            stage += BM * EL_STEP_BYTES;
            EL_UNROLL for (int i = 0; i < B_FETCHES; i++) {
                const int q = thread + i * EL_MATRIX_THREADS, chunk = q % of::CHUNKS, row = q / of::CHUNKS % ROWS, panel = q / of::CHUNKS / ROWS;
                panels.fetch(stage + el_chunk_of_b<T>(row, B_CHUNKS, panel * of::CHUNKS + chunk) * 16, (first + fetched) * ROWS + row, n0 + panel * EL_PANEL, chunk);
            }
            a.next(place);
        }
        fetched++;
        el_commit_copies();
    };

    S sums[WM / 16][WN / 8][4];
    EL_UNROLL for (int i = 0; i < WM / 16; i++)
        EL_UNROLL for (int j = 0; j < WN / 8; j++)
            EL_UNROLL for (int l = 0; l < 4; l++) sums[i][j][l] = 0;
    for (int step = 1 - STAGES; step < steps; step++) {
        if (step >= 0) {
            el_await_copies<STAGES - 2>();
            el_barrier();
        }
        fetch();
        if (step < 0) continue;
        const char *stage_a = store + step % STAGES * STAGE, *stage_b = stage_a + BM * EL_STEP_BYTES;
        EL_UNROLL for (int k = 0; k < 2; k++) {
            unsigned x[WM / 16][4];
            EL_UNROLL for (int i = 0; i < WM / 16; i++) el_load_matrices(stage_a + el_chunk_of_a(row0 + i * 16 + lane % 16, k * 2 + lane / 16) * 16, x[i]);
            EL_UNROLL for (int j = 0; j < WN / 16; j++) {
                unsigned y[4];
                if constexpr (sizeof(T) == 2) {
                    el_load_matrices_transposed(stage_b + el_chunk_of_b<T>(k * 16 + lane % 16, B_CHUNKS, (column0 + j * 16) / 8 + lane / 16) * 16, y);
                } else {
                    EL_UNROLL for (int i = 0; i < 4; i++) {
                        const int column = column0 + j * 16 + i / 2 * 8 + lane / 4;
                        y[i] = *(const unsigned*)(stage_b + el_chunk_of_b<T>(k * 8 + i % 2 * 4 + lane % 4, B_CHUNKS, column / 4) * 16 + column % 4 * 4);
                    }
                }
                EL_UNROLL for (int i = 0; i < WM / 16; i++) {
                    el_matrix_multiply(x[i], y, sums[i][j * 2]);
                    el_matrix_multiply(x[i], y + 2, sums[i][j * 2 + 1]);
                }
            }
        }
    }
    el_await_copies<0>();
    if (!el_join_pieces<S, WM * WN / 32>(&sums[0][0][0], b, pieces, piece, tile, *(int*)store)) return;

    /* Sums pass through shared memory, each warp's through a part of its own, so that a thread finishes neighbours. */
    el_barrier();
    S* part = (S*)store + warp * PART * PITCH;
    EL_UNROLL for (int i0 = 0; i0 < WM; i0 += PART) {
        EL_UNROLL for (int i = 0; i < PART; i += 16)
            EL_UNROLL for (int j = 0; j < WN / 8; j++)
                EL_UNROLL for (int l = 0; l < 4; l += 2)
                    *(el_pack<S, 2>*)(part + (i + lane / 4 + l / 2 * 8) * PITCH + j * 8 + lane % 4 * 2) = {{sums[(i0 + i) / 16][j][l], sums[(i0 + i) / 16][j][l + 1]}};
        el_warp_barrier();
        EL_ROLLED for (int q = lane; q < PART * WN / 8; q += 32) {
            const int row = q / (WN / 8), column = q % (WN / 8) * 8;
            finish(m0 + row0 + i0 + row, n0 + column0 + column, part + row * PITCH + column);
        }
        el_warp_barrier();
    }
}

/* ---- launch rules ----------------------------------------------------------------------------------------------- */

struct el_matrix_choice {
    int rows, columns; /* of the tile */
    int64_t grid_rows, grid_columns, pieces;
    uint64_t scratch;
};

/* Tile and pieces by what a multiprocessor would do, in multiplications of 16 x 8 x 64 bytes: those of its blocks, at the rate that the tile allows,
 * and for each of its rounds what a block takes to begin and end. Estimated, not measured. `steps`: of 64 bytes of k. */
static inline el_matrix_choice el_choose_matrix(const el_cuda_device& device, int64_t m, int64_t n, int64_t groups, int64_t steps, bool only_smallest) {
    static const struct {
        int rows, columns;
        double slowness; /* by what shared memory gives: words read for a product */
    } tiles[] = {{128, 128, 1.0}, {128, 64, 1.15}, {64, 64, 1.4}};
    el_matrix_choice best = {};
    double least = 0;
    for (const auto& tile : tiles) {
        if (only_smallest && tile.rows > 64) continue;
        const int64_t grid_rows = el_pieces(m, tile.rows), grid_columns = el_pieces(n, tile.columns), places = grid_rows * grid_columns * groups;
        for (int64_t pieces = 1; pieces <= 32 && (pieces == 1 || (steps / pieces >= 4 && places <= EL_CUDA_COUNTERS)); pieces *= 2) {
            const double rounds = (double)el_pieces(places * pieces, device.multiprocessors), work = (double)(tile.rows / 16) * (tile.columns / 8);
            const double time = rounds * ((double)el_pieces(steps, pieces) * work * tile.slowness + 4 * work) + (pieces > 1 ? (double)(2 + pieces) * work : 0);
            if (best.rows != 0 && time >= least) continue;
            least = time;
            best = {tile.rows, tile.columns, grid_rows, grid_columns, pieces, pieces > 1 ? (uint64_t)(places * pieces * tile.rows * tile.columns) * 4 : 0};
        }
    }
    return best;
}

/* entries: of the tiles 128x128, 128x64, 64x64. Grid (m tile, n tile, group and piece). */
static inline int el_launch_matrix(const el_cuda_device& device, el_cuda_launch* launches, const char* const (&entries)[3], int64_t m, int64_t n, int64_t groups, int64_t steps,
    bool only_smallest = false) {
    const el_matrix_choice choice = el_choose_matrix(device, m, n, groups, steps, only_smallest);
    const char* entry = entries[choice.columns == 128 ? 0 : choice.rows == 128 ? 1 : 2];
    if (!el_one(launches, entry, choice.grid_rows, choice.grid_columns, groups * choice.pieces, EL_MATRIX_THREADS, choice.scratch)) return 0;
    launches[0].detail = choice.pieces;
    return 1;
}

/* What a block of such a grid computes. */
struct el_matrix_block {
    int m0, n0, group, pieces, piece, tile;
};
EL_DEVICE el_matrix_block el_matrix_block_of(const el_cuda_buffers& b, int rows, int columns) {
    const int pieces = (int)b.detail, group = el_block_z() / pieces;
    return {el_block_x() * rows, el_block_y() * columns, group, pieces, el_block_z() - group * pieces, (group * el_grid_y() + el_block_y()) * el_grid_x() + el_block_x()};
}

#endif
