/* Products of matrices in tiles by matrix instructions: C[m][n] = sum over k of A[m][k] B[k][n] for T = el_half (sums in float32) or int8_t
 * (sums in int32).
 *
 * A block of four or eight warps (a multiprocessor has four units for products, and each of them as many warps) computes BM x BN of C, each warp WM x WN of it. k goes in steps of 64 bytes of a row of A (32 float16, 64 int8), of
 * which EL_STAGES are in shared memory: while one is multiplied the next ones are on their way. Chunks of 16 bytes are what is
 * copied and what a lane names to ldmatrix; where a chunk lies in its row depends on the row, so that eight threads that copy and eight lanes that
 * read meet different banks.
 *
 *     A: row at(m), what stays the same for a row; place start(byte), where in k a thread begins; next(place), 64 bytes on;
 *        fetch(bytes, shared, row, place, is_wanted): 16 bytes to shared memory, of which both name the place; zero outside; anything where not wanted
 *     B: rows of k that there are (of words of four int8); place start(row, column), where a thread begins; next(place), a step on;
 *        fetch(bytes, shared, place, column, panels, is_wanted): 16 bytes, so many panels from the place on; zero outside. el_matrix_panels are weights
 *        in panels of 16 columns: float16 [n/16][k][16], int8 [n/16][k/4][16][4]. What does not lie in shared memory as those do has an
 *        el_matrix_way of its own
 *
 * Several pieces of k are computed by blocks of their own, which leave their sums in scratch; the last of them to come, told by a counter, adds all up
 * in the order of the pieces. In the end sums pass through shared memory, so that a thread has eight neighbours of a row:
 *
 *     End: columns at(n), what stays the same for eight columns from n on (also where there are none); given before(m, columns), what is read for
 *        a row; finish(m, columns, given, sums) */
#ifndef EL_CUDA_MATRIX_TILE_H
#define EL_CUDA_MATRIX_TILE_H
#include "el_cuda_matrix.h"

#define EL_STEP_BYTES 64
#define EL_STAGES 4

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

/* Where chunk c of a row lies, in chunks. */
EL_DEVICE int el_chunk_of_a(int row, int c) { return row * 4 + (c ^ (row >> 1 & 3)); }
template <typename T>
EL_DEVICE int el_chunk_of_b(int row, int chunks, int c) {
    return row * chunks + (c ^ (sizeof(T) == 2 ? (row & 3) << 1 | (row >> 2 & 1) : (row & 1) << 2 | (row & 2)));
}

/* What a thread copies of a step of B: a chunk of a row, of every PANELS-th panel the same. */
template <typename B, typename T, int BN, int THREADS>
struct el_chunk_copies {
    static constexpr int ROWS = el_matrix_of<T>::ROWS, CHUNKS = el_matrix_of<T>::CHUNKS, PANELS = THREADS / (ROWS * CHUNKS), FETCHES = (BN / EL_PANEL + PANELS - 1) / PANELS;
    static_assert(PANELS * ROWS * CHUNKS == THREADS, "a step is copied by all threads");
    const B& b;
    typename B::place place;
    int panel, column, to[FETCHES];

    EL_MEMBER el_chunk_copies(const B& of, int n0, int first) : b(of) {
        const int thread = el_thread(), chunk = thread % CHUNKS, row = thread / CHUNKS % ROWS;
        panel = thread / CHUNKS / ROWS;
        column = n0 + panel * EL_PANEL + chunk * (EL_PANEL / CHUNKS);
        place = b.start(first * ROWS + row, column);
        EL_UNROLL for (int i = 0; i < FETCHES; i++) to[i] = el_chunk_of_b<T>(row, BN / EL_PANEL * CHUNKS, (panel + i * PANELS) * CHUNKS + chunk) * 16;
    }
    EL_MEMBER void fetch(char* bytes, el_shared store, bool is_wanted) const {
        EL_UNROLL for (int i = 0; i < FETCHES; i++)
            if (FETCHES * PANELS == BN / EL_PANEL || panel + i * PANELS < BN / EL_PANEL)
                b.fetch(bytes + to[i], store + to[i], place, column + i * PANELS * EL_PANEL, i * PANELS, is_wanted);
    }
    EL_MEMBER void next() { b.next(place); }
};

/* What a lane reads of a step of B, for each half of it and each 16 columns. */
template <typename T, int BN, int WN>
struct el_chunk_words {
    static constexpr int CHUNKS = BN / EL_PANEL * el_matrix_of<T>::CHUNKS, HALF = el_matrix_of<T>::ROWS / 2 * CHUNKS * 16;
    int at[WN / 16];

    template <typename B>
    EL_MEMBER el_chunk_words(const B&, int column0) {
        const int lane = el_thread() % 32;
        EL_UNROLL for (int j = 0; j < WN / 16; j++)
            at[j] = sizeof(T) == 2 ? el_chunk_of_b<T>(lane % 16, CHUNKS, (column0 + j * 16) / 8 + lane / 16) * 16
                                   : el_chunk_of_b<T>(lane % 4, CHUNKS, (column0 + j * 16) / 4 + lane / 16) * 16 + lane / 4 % 4 * 4;
    }
    EL_MEMBER void load(el_shared stage, int k, int j, unsigned* words) const {
        const el_shared from = stage + at[j] + k * HALF;
        if constexpr (sizeof(T) == 2) {
            el_load_matrices_transposed(from, words);
        } else {
            /* Words t and t+4 of column g, then of column g+8, whose chunk is two further on. */
            const el_shared next = stage + (at[j] ^ 32) + k * HALF;
            EL_UNROLL for (int i = 0; i < 4; i++) words[i] = el_load_word((i / 2 ? next : from) + i % 2 * 4 * CHUNKS * 16);
        }
    }
};

/* How B gets to the products: copies<BN, THREADS>, what a thread brings to shared memory of a step, of step_bytes(BN); words<BN, WN>, what a lane reads
 * of it, first the first half of a step, then the second. */
template <typename B, typename T>
struct el_matrix_way {
    template <int BN, int THREADS>
    using copies = el_chunk_copies<B, T, BN, THREADS>;
    template <int BN, int WN>
    using words = el_chunk_words<T, BN, WN>;
    static constexpr int step_bytes(int columns) { return columns * EL_STEP_BYTES; }
};

/* Weights. rows: of k for float16, of words of four int8. n: columns that there are, in whole panels. */
template <typename T>
struct el_matrix_panels {
    static constexpr int ROW_BYTES = el_matrix_of<T>::CHUNKS * 16;
    struct place {
        int row;
        const char* at;
    };
    const void* packed;
    int rows, n;
    EL_MEMBER place start(int row, int column) const {
        return {row, (const char*)packed + ((int64_t)(column / EL_PANEL) * rows + row) * ROW_BYTES + column % EL_PANEL * (ROW_BYTES / EL_PANEL)};
    }
    EL_MEMBER void next(place& p) const {
        p.row += el_matrix_of<T>::ROWS;
        p.at += el_matrix_of<T>::ROWS * ROW_BYTES;
    }
    EL_MEMBER void fetch(char*, el_shared to, const place& p, int column, int panels, bool is_wanted) const {
        el_copy_async(to, p.at + (int64_t)panels * rows * ROW_BYTES, is_wanted && p.row < rows && column < n);
    }
};

EL_DEVICE float el_plus(float a, float b) { return a + b; }
EL_DEVICE int el_plus(int a, int b) { return (int)((unsigned)a + (unsigned)b); }

/* True in the block that has the sums of all pieces. last: a word of shared memory. */
template <int THREADS, int COUNT, typename S>
EL_DEVICE bool el_join_pieces(S* sums, const el_cuda_buffers& b, int pieces, int piece, int tile, int& last) {
    if (pieces == 1) return true;
    el_quad<S>* part = (el_quad<S>*)b.scratch + (int64_t)tile * pieces * (COUNT / 4) * THREADS + el_thread();
    EL_UNROLL for (int i = 0; i < COUNT / 4; i++) part[(piece * (COUNT / 4) + i) * THREADS] = {{sums[i * 4], sums[i * 4 + 1], sums[i * 4 + 2], sums[i * 4 + 3]}};
    el_fence();
    el_barrier();
    if (el_thread() == 0) {
        last = el_atomic_add(b.counters + tile, 1) == pieces - 1;
        if (last) b.counters[tile] = 0;
    }
    el_barrier();
    if (!last) return false;
    el_fence();
    EL_UNROLL for (int i = 0; i < COUNT; i++) sums[i] = 0;
    EL_ROLLED for (int other = 0; other < pieces; other++)
        EL_UNROLL for (int i = 0; i < COUNT / 4; i++) {
            const el_quad<S> more = el_load_fresh(part + (other * (COUNT / 4) + i) * THREADS);
            EL_UNROLL for (int l = 0; l < 4; l++) sums[i * 4 + l] = el_plus(sums[i * 4 + l], more.v[l]);
        }
    return true;
}

/* What a block of such a grid computes. detail holds the number of pieces in its low 16 bits; what is above is for the kernel. */
struct el_matrix_block {
    int m0, n0, group, pieces, piece, tile;
};
EL_DEVICE el_matrix_block el_matrix_block_of(const el_cuda_buffers& b, int rows, int columns) {
    const int pieces = (int)(b.detail & 0xffff), group = el_block_z() / pieces;
    return {el_block_x() * rows, el_block_y() * columns, group, pieces, el_block_z() - group * pieces, (group * el_grid_y() + el_block_y()) * el_grid_x() + el_block_x()};
}

/* Sums in shared memory between rows of a warp's: eight rows are apart by eight banks. */
#define EL_MATRIX_GAP 8

/* Threads of a block for such a tile, and its shared memory: stages, then sums. */
static constexpr int el_matrix_threads(int rows, int columns) { return rows * columns > 128 * 128 ? 256 : 128; }
static constexpr int el_matrix_shared(int rows, int columns) {
    const int stages = EL_STAGES * (rows + columns) * EL_STEP_BYTES, sums = rows * (columns + 2 * EL_MATRIX_GAP) * 4;
    return stages > sums ? stages : sums;
}

/* Piece block.piece of the steps of k. */
template <typename T, int BM, int BN, typename A, typename B, typename End>
EL_DEVICE void el_matrix_tile(const A& a, const B& right, const el_matrix_block& block, const el_cuda_buffers& b, const End& end) {
    typedef typename el_matrix_of<T>::sum S;
    typedef el_matrix_way<B, T> way;
    constexpr int THREADS = el_matrix_threads(BM, BN), WARPS = THREADS / 32, WM = BM / (WARPS / 2), WN = BN / 2;
    constexpr int ROWS = el_matrix_of<T>::ROWS, A_BYTES = BM * EL_STEP_BYTES, STAGE = A_BYTES + way::step_bytes(BN), A_FETCHES = BM * 4 / THREADS, PITCH = WN + EL_MATRIX_GAP;
    static_assert(A_FETCHES * THREADS == BM * 4, "a step is copied by all threads");
    static_assert(EL_STAGES * STAGE <= el_matrix_shared(BM, BN), "the stages fit what the launch rule asks for");
    char* const bytes = el_dynamic_shared();
    const el_shared store = el_shared_of(bytes);
    const int thread = el_thread(), lane = thread % 32, warp = thread / 32, row0 = warp / 2 * WM, column0 = warp % 2 * WN;

    const int all = (right.rows + ROWS - 1) / ROWS, length = (all + block.pieces - 1) / block.pieces, first = block.piece * length;
    const int steps = all - first < length ? (all > first ? all - first : 0) : length;

    typename A::row rows[A_FETCHES];
    EL_UNROLL for (int i = 0; i < A_FETCHES; i++) rows[i] = a.at(block.m0 + thread / 4 + i * (THREADS / 4));
    typename A::place place = a.start(first * EL_STEP_BYTES + thread % 4 * 16);
    const int to_a = el_chunk_of_a(thread / 4, thread % 4) * 16;
    typename way::template copies<BN, THREADS> copies(right, block.n0, first);

    int written = 0, fetched = 0;
    auto fetch = [&]() __attribute__((always_inline)) {
        const bool is_wanted = fetched < steps; /* no branch: what follows goes on among the products */
        EL_UNROLL for (int i = 0; i < A_FETCHES; i++) {
            const int to = written + to_a + i * (THREADS / 4) * EL_STEP_BYTES;
            a.fetch(bytes + to, store + to, rows[i], place, is_wanted);
        }
        copies.fetch(bytes + written + A_BYTES, store + written + A_BYTES, is_wanted);
        el_commit_copies();
    };
    auto advance = [&]() __attribute__((always_inline)) {
        a.next(place);
        copies.next();
        fetched++;
        written = written == (EL_STAGES - 1) * STAGE ? 0 : written + STAGE;
    };

    /* Where a lane's rows of A begin in a stage, for each half of the step. */
    int at_a[2];
    EL_UNROLL for (int k = 0; k < 2; k++) at_a[k] = el_chunk_of_a(row0 + lane % 16, k * 2 + lane / 16) * 16;
    typename way::template words<BN, WN> words(right, column0);
    struct operands {
        unsigned a[WM / 16][4], b[WN / 16][4];
    };
    auto load = [&](operands& o, int stage, int k) __attribute__((always_inline)) {
        const el_shared stage_a = store + stage + at_a[k];
        EL_UNROLL for (int i = 0; i < WM / 16; i++) el_load_matrices(stage_a + i * 16 * EL_STEP_BYTES, o.a[i]);
        EL_UNROLL for (int j = 0; j < WN / 16; j++) words.load(store + stage + A_BYTES, k, j, o.b[j]);
    };
    S sums[WM / 16][WN / 8][4];
    EL_UNROLL for (int i = 0; i < WM / 16; i++)
        EL_UNROLL for (int j = 0; j < WN / 8; j++)
            EL_UNROLL for (int l = 0; l < 4; l++) sums[i][j][l] = 0;
    auto multiply = [&](const operands& o) __attribute__((always_inline)) {
        EL_UNROLL for (int j = 0; j < WN / 16; j++)
            EL_UNROLL for (int i = 0; i < WM / 16; i++) {
                el_matrix_multiply(o.a[i], o.b[j], sums[i][j * 2]);
                el_matrix_multiply(o.a[i], o.b[j] + 2, sums[i][j * 2 + 1]);
            }
    };
    EL_ROLLED for (int i = 1; i < EL_STAGES; i++) {
        fetch();
        advance();
    }
    /* Behind each barrier there are products whose operands have been read before it, so that those of the next step are read meanwhile. */
    operands first_half, second_half;
    el_await_copies<EL_STAGES - 2>();
    el_barrier();
    load(first_half, 0, 0);
    int stage = 0;
    EL_ROLLED for (int step = 0; step < steps; step++) {
        load(second_half, stage, 1);
        fetch();
        multiply(first_half);
        advance();
        stage = stage == (EL_STAGES - 1) * STAGE ? 0 : stage + STAGE;
        el_await_copies<EL_STAGES - 2>();
        el_barrier();
        load(first_half, stage, 0);
        multiply(second_half);
    }
    el_await_copies<0>();
    el_barrier();
    if (!el_join_pieces<THREADS, WM * WN / 32>(&sums[0][0][0], b, block.pieces, block.piece, block.tile, *(int*)bytes)) return;
    el_barrier();

    constexpr int ACROSS = WN / 8, DOWN = 32 / ACROSS; /* lanes of a row, rows at once */
    S* part = (S*)bytes + warp * WM * PITCH;
    EL_UNROLL for (int i = 0; i < WM; i += 16)
        EL_UNROLL for (int j = 0; j < WN / 8; j++)
            EL_UNROLL for (int l = 0; l < 4; l += 2)
                *(el_pack<S, 2>*)(part + (i + lane / 4 + l / 2 * 8) * PITCH + j * 8 + lane % 4 * 2) = {{sums[i / 16][j][l], sums[i / 16][j][l + 1]}};
    el_warp_barrier();
    /* Two rows of a lane at a time, and what is read for the next two meanwhile. */
    const typename End::columns columns = end.at(block.n0 + column0 + lane % ACROSS * 8);
    typename End::given given[2], next[2];
    const int m = block.m0 + row0;
    EL_UNROLL for (int u = 0; u < 2; u++) given[u] = end.before(m + lane / ACROSS + u * DOWN, columns);
    EL_ROLLED for (int i = lane / ACROSS; i < WM; i += 2 * DOWN) {
        if (i + 2 * DOWN < WM)
            EL_UNROLL for (int u = 0; u < 2; u++) next[u] = end.before(m + i + (u + 2) * DOWN, columns);
        EL_UNROLL for (int u = 0; u < 2; u++) {
            const el_quad<S>* from = (const el_quad<S>*)(part + (i + u * DOWN) * PITCH + lane % ACROSS * 8);
            const el_quad<S> low = from[0], high = from[1];
            el_eight<S> eight = {{low.v[0], low.v[1], low.v[2], low.v[3], high.v[0], high.v[1], high.v[2], high.v[3]}};
            end.finish(m + i + u * DOWN, columns, given[u], eight);
            given[u] = next[u];
        }
    }
}

/* ---- launch rules ----------------------------------------------------------------------------------------------- */

struct el_matrix_choice {
    int tile; /* number in el_matrix_tiles */
    int64_t grid_rows, grid_columns, pieces;
    uint64_t scratch;
};

/* Tiles, of which a list of entries names those that there are (NULL: not this one), and how many blocks of it a multiprocessor takes. */
static constexpr struct {
    int rows, columns, resident;
} el_matrix_tiles[] = {{192, 128, 1}, {128, 128, 2}, {128, 64, 3}, {64, 64, 5}};
static constexpr int EL_MATRIX_TILES = 4;
typedef const char* el_matrix_entries[EL_MATRIX_TILES];

/* Tile and pieces by an estimate of cycles. A multiprocessor with several blocks is as fast as its matrix units (for products of 16 x 8 by 32 bytes) or as
 * what comes to it from the second-level cache, whichever takes longer; a block alone waits for itself. A block takes time to begin and to write
 * what it has; pieces write and read sums besides. The constants fit 250 times on an H200, most within 20 % (bench/native/cuda_tiles.cpp). */
static inline el_matrix_choice el_choose_matrix(const el_cuda_device& device, const el_matrix_entries& entries, int64_t m, int64_t n, int64_t groups, int64_t steps) {
    const double bytes_a_cycle = 23, product = 1.6, begin = 5800;
    el_matrix_choice best = {-1, 0, 0, 0, 0};
    double least = 0;
    auto is_there = [&](int t) { return entries[t] && el_matrix_shared(el_matrix_tiles[t].rows, el_matrix_tiles[t].columns) <= device.shared_bytes; };
    auto is_asked_for = [&](int t) { return el_matrix_tiles[t].rows == device.tile_rows && el_matrix_tiles[t].columns == device.tile_columns && is_there(t); };
    bool any = true;
    for (int t = 0; t < EL_MATRIX_TILES; t++) any &= !is_asked_for(t);
    for (int t = 0; t < EL_MATRIX_TILES; t++) {
        const auto& tile = el_matrix_tiles[t];
        if (!(any ? is_there(t) : is_asked_for(t))) continue;
        const int64_t grid_rows = el_pieces(m, tile.rows), grid_columns = el_pieces(n, tile.columns), places = grid_rows * grid_columns * groups;
        const double products = (double)(tile.rows / 16 * (tile.columns / 8) * 2), sums = (double)(tile.rows * tile.columns) * 4 / bytes_a_cycle;
        const double brought = (tile.rows + tile.columns) * EL_STEP_BYTES / bytes_a_cycle, busy = product * products > brought ? product * products : brought;
        const double alone = 170 + 1.5 * products * 32 / el_matrix_threads(tile.rows, tile.columns);
        for (int64_t pieces = 1; pieces <= 32 && (pieces == 1 || (steps / pieces >= 4 && places <= EL_CUDA_COUNTERS)); pieces *= 2) {
            const int64_t blocks = el_pieces(places * pieces, device.multiprocessors), whole = blocks / tile.resident, rest = blocks % tile.resident;
            const double length = (double)el_pieces(steps, pieces);
            auto round = [&](int64_t resident) {
                const double step = (double)resident * busy;
                return begin + length * (step > alone ? step : alone) + (double)resident * sums;
            };
            double time = (double)whole * round(tile.resident) + (rest > 0 ? round(rest) : 0);
            if (pieces > 1) time += 2600 + (0.4 * (double)blocks + 0.55 * (double)pieces) * sums;
            if (best.tile >= 0 && time >= least) continue;
            least = time;
            best = {t, grid_rows, grid_columns, pieces, pieces > 1 ? (uint64_t)(places * pieces * tile.rows * tile.columns) * 4 : 0};
        }
    }
    return best;
}

/* Grid (m tile, n tile, group and piece). */
static inline int el_launch_matrix(const el_cuda_device& device, el_cuda_launch* launches, const el_matrix_entries& entries, int64_t m, int64_t n, int64_t groups, int64_t steps) {
    const el_matrix_choice choice = el_choose_matrix(device, entries, m, n, groups, steps);
    const auto& tile = el_matrix_tiles[choice.tile];
    if (!el_one(launches, entries[choice.tile], choice.grid_rows, choice.grid_columns, groups * choice.pieces, el_matrix_threads(tile.rows, tile.columns), choice.scratch)) return 0;
    launches[0].detail = choice.pieces;
    launches[0].shared_bytes = (uint32_t)el_matrix_shared(tile.rows, tile.columns);
    return 1;
}

#endif
