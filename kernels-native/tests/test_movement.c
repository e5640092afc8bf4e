/* Data movement (transpose, copy2d, pad, gather) and half-precision conversion: exact, every variant against an index-by-index
 * reference or the definition of the format, one and two threads, guard pages on both ends. */
#include "test_harness.h"
#include "el_tensor.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const int sizes[] = {1, 2, 4, 8};

static void kernel_name(char* name, size_t room, const char* op, int size) { snprintf(name, room, "%s_b%d", op, size); }

/* y dims are x dims permuted: perm[k] is the dimension of x that becomes dimension k of y. */
typedef struct transposition { int32_t rank; int64_t x_dims[5]; int32_t perm[5]; } transposition;
static const transposition transpositions[] = {
    {1, {13}, {0}}, {2, {1, 9}, {1, 0}}, {2, {8, 8}, {1, 0}}, {2, {16, 64}, {1, 0}}, {2, {67, 131}, {1, 0}}, {2, {3, 1000}, {1, 0}},
    {2, {1000, 3}, {1, 0}}, {2, {17, 7}, {1, 0}}, {3, {5, 33, 18}, {0, 2, 1}}, {3, {5, 33, 18}, {2, 1, 0}}, {3, {5, 33, 18}, {1, 0, 2}},
    {3, {6, 7, 3}, {1, 2, 0}}, {4, {2, 3, 15, 17}, {0, 2, 3, 1}}, {4, {2, 15, 17, 5}, {0, 3, 1, 2}}, {4, {2, 7, 4, 9}, {0, 2, 1, 3}},
    {4, {2, 7, 4, 9}, {3, 1, 0, 2}}, {5, {2, 3, 4, 5, 6}, {4, 2, 0, 3, 1}}, {2, {517, 300}, {1, 0}}, {4, {2, 65, 3, 130}, {2, 3, 1, 0}},
    {2, {0, 5}, {1, 0}}, {3, {400, 12, 32}, {1, 0, 2}},
};

static void check_transpose(const char* what, const el_transpose_params* p, int size, const uint8_t* x, const uint8_t* origin, int threads) {
    char name[32], text[128];
    kernel_name(name, sizeof name, "transpose", size);
    int64_t count = 1;
    for (int d = 0; d < p->rank; d++) count *= p->dims[d];
    uint8_t *want = th_alloc((size_t)(count * size), (size_t)size), *y = th_alloc((size_t)(count * size), (size_t)size);
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i, at = 0;
        for (int d = p->rank - 1; d >= 0; d--) at += rest % p->dims[d] * p->x_stride[d], rest /= p->dims[d];
        memcpy(want + i * size, origin + at * size, (size_t)size);
    }
    const el_kernel* k;
    for (uint32_t v = 0; (k = th_variant(name, v)); v++) {
        memset(y, 0xEE, (size_t)(count * size));
        th_run(k, p, (void*[]){(void*)origin, y}, threads);
        snprintf(text, sizeof text, "%s %s (%s)", name, what, el_isa_name(k->isa));
        th_same_bytes(text, y, want, (size_t)(count * size));
    }
    (void)x;
    th_free_all();
}

static void test_transpose(void) {
    for (int t = 0; t < LENGTH(transpositions); t++)
        for (int s = 0; s < 4; s++) {
            const transposition* c = &transpositions[t];
            el_transpose_params p = {.rank = c->rank};
            int64_t stride[5], n = 1;
            for (int d = c->rank - 1; d >= 0; d--) stride[d] = n, n *= c->x_dims[d];
            for (int d = 0; d < c->rank; d++) p.dims[d] = c->x_dims[c->perm[d]], p.x_stride[d] = stride[c->perm[d]];
            uint8_t* x = th_alloc((size_t)(n * sizes[s]), (size_t)sizes[s]);
            th_fill_bytes(x, (size_t)(n * sizes[s]));
            char what[32];
            snprintf(what, sizeof what, "case %d", t);
            check_transpose(what, &p, sizes[s], x, x, 1 + t % 2);
        }
    for (int s = 0; s < 4; s++) {
        int size = sizes[s];
        uint8_t* x;
        for (int64_t n = 1; n < 120; n = n * 2 + 1) { /* planes to pixels */
            x = th_alloc((size_t)(6 * n * size), (size_t)size);
            th_fill_bytes(x, (size_t)(6 * n * size));
            el_transpose_params planes = {.rank = 3, .dims = {2, n, 3}, .x_stride = {3 * n, 1, n}};
            check_transpose("planes", &planes, size, x, x, 1 + (int)(n & 1));
        }
        x = th_alloc((size_t)(200 * size), (size_t)size);
        th_fill_bytes(x, (size_t)(200 * size));
        el_transpose_params expand = {.rank = 3, .dims = {3, 5, 7}, .x_stride = {0, 1, 0}};
        check_transpose("expand", &expand, size, x, x, 1);
        x = th_alloc((size_t)(200 * size), (size_t)size);
        th_fill_bytes(x, (size_t)(200 * size));
        el_transpose_params reversed = {.rank = 2, .dims = {10, 20}, .x_stride = {20, -1}};
        check_transpose("reversed", &reversed, size, x, x + 19 * size, 1);
        x = th_alloc((size_t)(200 * size), (size_t)size);
        th_fill_bytes(x, (size_t)(200 * size));
        el_transpose_params stepped = {.rank = 2, .dims = {5, 7}, .x_stride = {40, 3}};
        check_transpose("stepped", &stepped, size, x, x, 1);
    }
}

static void check_copy2d(const el_copy2d_params* p) {
    for (int threads = 1; threads <= 2; threads++) {
        size_t xb = (size_t)(p->x_offset + (p->rows ? (p->rows - 1) * p->x_pitch + p->row_bytes : 0));
        size_t yb = (size_t)(p->y_offset + (p->rows ? (p->rows - 1) * p->y_pitch + p->row_bytes : 0));
        uint8_t *x = th_alloc(xb, 1), *y = th_alloc(yb, 1), *want = th_alloc(yb, 1);
        th_fill_bytes(x, xb);
        for (int64_t r = 0; r < p->rows; r++)
            for (int64_t i = 0; i < p->row_bytes; i++) want[p->y_offset + r * p->y_pitch + i] = x[p->x_offset + r * p->x_pitch + i];
        th_run(th_variant("copy2d_b1", 0), p, (void*[]){x, y}, threads);
        th_same_bytes("copy2d_b1", y, want, yb); /* th_alloc fills both alike: what lies between rows must stay */
        th_free_all();
    }
}

static void test_copy2d(void) {
    const el_copy2d_params cases[] = {
        {5, 7, 11, 13, 2, 3}, {1, 1000, 0, 0, 5, 0}, {40, 16, 16, 16, 0, 0}, {3, 300001, 300001, 300001, 0, 0},
        {2000, 200, 700, 900, 100, 300}, {0, 8, 8, 8, 0, 0}, {4, 0, 8, 8, 0, 0}, {60000, 24, 24, 28, 0, 4},
    };
    for (int c = 0; c < LENGTH(cases); c++) check_copy2d(&cases[c]);
    for (int64_t bytes = 1; bytes <= 70; bytes++) check_copy2d(&(el_copy2d_params){5, bytes, bytes + 1, bytes + 3, 0, 2});
}

static void test_pad(void) {
    const el_pad_params cases[] = {
        {.rank = 1, .x_dims = {5}, .before = {2}, .after = {3}},
        {.rank = 4, .x_dims = {2, 3, 5, 7}, .before = {0, 1, 2, 0}, .after = {0, 2, 1, 0}},
        {.rank = 4, .x_dims = {2, 3, 5, 7}, .before = {1, 0, 0, 2}, .after = {0, 0, 0, 3}},
        {.rank = 3, .x_dims = {4, 6, 9}, .before = {-1, 2, -3}, .after = {1, -2, 4}},
        {.rank = 2, .x_dims = {4, 6}, .before = {0, -6}, .after = {0, 9}},
        {.rank = 2, .x_dims = {4, 6}, .before = {0, 9}, .after = {0, -6}},
        {.rank = 3, .x_dims = {2, 3, 4}, .before = {0, 0, 0}, .after = {0, 0, 0}},
        {.rank = 0},
        {.rank = 2, .x_dims = {0, 3}, .before = {2, 0}, .after = {1, 0}},
        {.rank = 4, .x_dims = {1, 200, 200, 3}, .before = {0, 1, 1, 0}, .after = {0, 1, 1, 0}},
        {.rank = 2, .x_dims = {4, 6}, .before = {-2, 0}, .after = {-2, 0}},
        {.rank = 4, .x_dims = {1, 7, 9, 28}, .before = {0, 0, 0, 0}, .after = {0, 0, 0, 4}},
        {.rank = 3, .x_dims = {5, 4, 42}, .before = {0, 0, 21}, .after = {0, 0, 9}},
        {.rank = 2, .x_dims = {4, 26}, .before = {-1, 2}, .after = {1, -3}},
        {.rank = 2, .x_dims = {3, 300}, .before = {0, 1}, .after = {0, 70}},
    };
    for (int c = 0; c < LENGTH(cases); c++)
        for (int s = 0; s < 4; s++) {
            el_pad_params p = cases[c];
            int size = sizes[s];
            int64_t xn = 1, yn = 1;
            p.value = 0x8877665544332211u;
            for (int d = 0; d < p.rank; d++) xn *= p.x_dims[d], yn *= p.x_dims[d] + p.before[d] + p.after[d];
            uint8_t *x = th_alloc((size_t)(xn * size), (size_t)size), *y = th_alloc((size_t)(yn * size), (size_t)size),
                    *want = th_alloc((size_t)(yn * size), (size_t)size);
            th_fill_bytes(x, (size_t)(xn * size));
            for (int64_t i = 0; i < yn; i++) {
                int64_t rest = i, at = 0, step = 1, inside = 1;
                for (int d = p.rank - 1; d >= 0; d--) {
                    int64_t y_dim = p.x_dims[d] + p.before[d] + p.after[d], k = rest % y_dim - p.before[d];
                    rest /= y_dim;
                    inside &= k >= 0 && k < p.x_dims[d];
                    at += k * step, step *= p.x_dims[d];
                }
                memcpy(want + i * size, inside ? x + at * size : (uint8_t*)&p.value, (size_t)size);
            }
            char name[32], what[64];
            kernel_name(name, sizeof name, "pad", size);
            th_run(th_variant(name, 0), &p, (void*[]){x, y}, 1 + s % 2);
            snprintf(what, sizeof what, "%s case %d", name, c);
            th_same_bytes(what, y, want, (size_t)(yn * size));
            th_free_all();
        }
}

static void test_gather(void) {
    const el_gather_params cases[] = {{1, 10, 4, 7, 0}, {3, 5, 12, 9, 1}, {4, 6, 1, 33, 0}, {2, 100, 3000, 50, 1}, {1, 4, 8, 0, 0}, {1, 1, 5, 3, 1}};
    for (int c = 0; c < LENGTH(cases); c++) {
        const el_gather_params* p = &cases[c];
        size_t xb = (size_t)(p->outer * p->axis * p->inner_bytes), yb = (size_t)(p->outer * p->count * p->inner_bytes);
        int width = p->index_is_32 ? 4 : 8;
        uint8_t *x = th_alloc(xb, 1), *y = th_alloc(yb, 1), *want = th_alloc(yb, 1), *indices = th_alloc((size_t)(p->count * width), (size_t)width);
        th_fill_bytes(x, xb);
        for (int64_t k = 0; k < p->count; k++) { /* one beyond either end too */
            int64_t index = th_range(-(int32_t)p->axis - 1, (int32_t)p->axis);
            if (k == 1) index = p->index_is_32 ? INT32_MIN : INT64_MIN;
            if (k == 2) index = p->index_is_32 ? INT32_MAX : INT64_MAX;
            if (k > 4) index = k - 3; /* and a run, which leaves the axis where there are more indices than places */
            if (width == 4) ((int32_t*)(void*)indices)[k] = (int32_t)index;
            else ((int64_t*)(void*)indices)[k] = index;
            if (index < 0) index += p->axis;
            for (int64_t o = 0; o < p->outer; o++)
                for (int64_t i = 0; i < p->inner_bytes; i++)
                    want[(o * p->count + k) * p->inner_bytes + i] =
                        index < 0 || index >= p->axis ? 0 : x[(o * p->axis + index) * p->inner_bytes + i];
        }
        th_run(th_variant("gather_b1", 0), p, (void*[]){x, indices, y}, 1 + c % 2);
        th_same_bytes("gather_b1", y, want, yb);
        th_free_all();
    }
}

static void test_scatter(void) {
    for (int c = 0; c < 24; c++) {
        el_scatter_params p = {.slices = th_range(1, 40), .slice_bytes = (const int64_t[]){1, 2, 4, 8, 12, 100}[c % 6]};
        size_t bytes = (size_t)(p.slices * p.slice_bytes);
        int32_t* places = th_alloc((size_t)p.slices * 4, 4);
        for (int32_t i = 0; i < p.slices; i++)
            if (th_range(0, 1)) places[p.count++] = (int32_t)p.slices - 1 - i;
        uint8_t *x = th_alloc(bytes, 1), *y = th_alloc(bytes, 1), *want = th_alloc(bytes, 1), *updates = th_alloc((size_t)(p.count * p.slice_bytes), 1);
        th_fill_bytes(x, bytes), th_fill_bytes(updates, (size_t)(p.count * p.slice_bytes));
        for (size_t i = 0; i < bytes; i++) want[i] = x[i];
        for (int64_t i = 0; i < p.count * p.slice_bytes; i++) want[places[i / p.slice_bytes] * p.slice_bytes + i % p.slice_bytes] = updates[i];
        th_run(th_variant("scatter_b1", 0), &p, (void*[]){x, places, updates, c & 1 ? x : y}, 1);
        th_same_bytes("scatter_b1", c & 1 ? x : y, want, bytes);
        th_free_all();
    }
}

/* Rows of heads, or heads of rows, out of place and in place, with places beyond the tables. */
static void test_rotary(void) {
    for (int c = 0; c < 40; c++) {
        el_rotary_params p = {.batch = th_range(1, 3), .heads = th_range(1, 4), .rows = th_range(1, 9), .dim = 2 * th_range(1, 20), .interleaved = c & 1};
        p.width = p.dim + (c & 2 ? th_range(1, 9) : 0);
        int with_ids = c >> 2 & 1, rows_first = c >> 3 & 1;
        p.places = with_ids ? th_range(1, 12) : p.batch * p.rows;
        p.batch_stride = p.heads * p.rows * p.width;
        p.head_stride = rows_first ? p.width : p.rows * p.width;
        p.row_stride = rows_first ? p.heads * p.width : p.width;
        size_t count = (size_t)(p.batch * p.batch_stride), table = (size_t)(p.places * p.dim / 2);
        float *x = th_floats(count), *y = th_floats(count), *want = th_floats(count), *cosine = th_floats(table), *sine = th_floats(table);
        int64_t* ids = with_ids ? th_alloc((size_t)(p.batch * p.rows) * 8, 8) : NULL;
        th_fill_f32(x, count, -2, 2), th_fill_f32(cosine, table, -1, 1), th_fill_f32(sine, table, -1, 1);
        for (int64_t i = 0; ids && i < p.batch * p.rows; i++) ids[i] = i == 1 ? INT64_MIN : th_range(-1, (int32_t)p.places);
        for (int64_t i = 0; i < (int64_t)count; i++) {
            int64_t b = i / p.batch_stride, t = i % p.batch_stride / p.row_stride % p.rows, n = i % p.width, half = p.dim / 2;
            int64_t place = ids ? ids[b * p.rows + t] : b * p.rows + t, pair = p.interleaved ? n / 2 : n % half;
            int second = p.interleaved ? (int)(n % 2) : n >= half;
            const float* row = x + i - n;
            if (n >= p.dim) {
                want[i] = x[i];
                continue;
            }
            float a = row[p.interleaved ? 2 * pair : pair], d = row[p.interleaved ? 2 * pair + 1 : pair + half];
            if (place < 0 || place >= p.places) want[i] = 0;
            else if (second) want[i] = sine[place * half + pair] * a + cosine[place * half + pair] * d;
            else want[i] = cosine[place * half + pair] * a - sine[place * half + pair] * d;
        }
        th_run(th_variant("rotary_f32", 0), &p, (void*[]){x, cosine, sine, ids, y}, 1 + c % 2);
        th_same_bytes("rotary_f32", y, want, count * sizeof *y);
        th_run(th_variant("rotary_f32", 0), &p, (void*[]){x, cosine, sine, ids, x}, 1 + c % 2);
        th_same_bytes("rotary_f32 in place", x, want, count * sizeof *x);
        th_free_all();
    }
}

/* The value of a half by its definition; NaN aside. */
static double half_value(uint16_t h) {
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double m = exponent == 31 ? INFINITY : exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return h >> 15 ? -m : m;
}
static int half_is_nan(uint16_t h) { return (h & 0x7FFF) > 0x7C00; }

static void test_half(void) {
    const el_kernel* k;
    el_convert_params all = {65536};
    uint16_t* h = th_alloc(65536 * 2, 2);
    float* f = th_floats(65536);
    for (int i = 0; i < 65536; i++) h[i] = (uint16_t)i;
    for (uint32_t v = 0; (k = th_variant("f16_to_f32", v)); v++) {
        th_run(k, &all, (void*[]){h, f}, 2);
        th_checks++;
        for (int i = 0; i < 65536; i++)
            if (half_is_nan(h[i]) ? !isnan(f[i]) : f[i] != half_value(h[i]) || !!signbit(f[i]) != i >> 15) {
                th_fail("f16_to_f32 (%s): 0x%04x gives %.9g", el_isa_name(k->isa), i, (double)f[i]);
                break;
            }
    }
    /* To half: nearest, ties to even. Around every half: its value, the midpoint to the next one, and a step either side. */
    for (uint32_t v = 0; (k = th_variant("f32_to_f16", v)); v++) {
        th_checks++;
        enum { N = 6 };
        el_convert_params p = {N};
        uint16_t y[N];
        int bad = 0;
        for (int i = 0; i < 65536 && bad < 3; i++) {
            if ((i & 0x7FFF) >= 0x7C00) continue;
            uint16_t low = (uint16_t)i, next = (uint16_t)(i + 1);
            double value = half_value(low), above = (next & 0x7FFF) == 0x7C00 ? (i >> 15 ? -65536.0 : 65536.0) : half_value(next);
            float middle = (float)((value + above) / 2);
            uint16_t even = i & 1 ? next : low;
            float x[N] = {(float)value, middle, nextafterf(middle, (float)value), nextafterf(middle, (float)above), NAN, -INFINITY};
            uint16_t want[N] = {low, even, low, next, 0, 0xFC00};
            th_run(k, &p, (void*[]){x, y}, 1);
            for (int e = 0; e < N; e++)
                if (e == 4 ? !half_is_nan(y[e]) : y[e] != want[e]) {
                    th_fail("f32_to_f16 (%s): %.9g gives 0x%04x, expected 0x%04x", el_isa_name(k->isa), (double)x[e], y[e], want[e]);
                    bad++;
                }
        }
        for (int64_t n = 0; n < 40; n++) { /* odd lengths at guard pages */
            el_convert_params q = {n};
            float* a = th_floats((size_t)n);
            uint16_t* b = th_alloc((size_t)n * 2, 2);
            for (int64_t i = 0; i < n; i++) a[i] = (float)i;
            th_run(k, &q, (void*[]){a, b}, 1);
            for (int64_t i = 0; i < n; i++)
                if (half_value(b[i]) != (double)i) th_fail("f32_to_f16 (%s): length %d element %d", el_isa_name(k->isa), (int)n, (int)i);
            float* back = th_floats((size_t)n);
            th_run(th_variant("f16_to_f32", v), &q, (void*[]){b, back}, 1);
            th_same_bytes("f16_to_f32 lengths", back, a, (size_t)n * 4);
            th_free_all();
        }
    }
}

static void test_interleave(void) {
    for (int n = 0; n < 120; n++) {
        const int size = n % 2 ? 4 : 1;
        el_interleave_params p = {th_range(1, 20), th_range(1, 90), th_range(0, 1)};
        if (n % 20 == 0) p.rows = 3000;
        if (p.halves) p.width = p.width / 2 * 2 + 2;
        const int64_t c = p.width, half = p.halves ? c / 2 : c, count = p.rows * c;
        uint8_t *a = th_alloc((size_t)(count * size), (size_t)size), *b = th_alloc((size_t)(count * size), (size_t)size);
        uint8_t *want = th_alloc((size_t)(2 * count * size), (size_t)size), *y[2];
        th_fill_bytes(a, (size_t)(count * size)), th_fill_bytes(b, (size_t)(count * size));
        /* [y0 | y1] one behind the other */
        for (int64_t r = 0; r < p.rows; r++)
            for (int64_t i = 0; i < 2 * c; i++) {
                int64_t part = i / (2 * half), at = part * p.rows * 2 * half + r * 2 * half + i % (2 * half);
                memcpy(want + at * size, (i % 2 ? b : a) + (r * c + i / 2) * size, (size_t)size);
            }
        const size_t bytes = (size_t)(p.rows * 2 * half * size);
        y[0] = th_alloc(bytes, (size_t)size), y[1] = p.halves ? th_alloc(bytes, (size_t)size) : y[0];
        char name[32], text[128];
        kernel_name(name, sizeof name, "interleave", size);
        const el_kernel* k;
        for (uint32_t v = 0; (k = th_variant(name, v)); v++) {
            memset(y[0], 0xEE, bytes), memset(y[1], 0xEE, bytes);
            th_run(k, &p, (void*[]){a, b, y[0], y[1]}, 1 + n % 3);
            snprintf(text, sizeof text, "%s rows %d width %d halves %d (%s)", name, (int)p.rows, (int)c, (int)p.halves, el_isa_name(k->isa));
            th_same_bytes(text, y[0], want, bytes);
            if (p.halves) th_same_bytes(text, y[1], want + bytes, bytes);
        }
        th_free_all();
    }
}

int main(void) {
    test_interleave();
    test_transpose();
    test_copy2d();
    test_pad();
    test_gather();
    test_scatter();
    test_rotary();
    test_half();
    return th_report("test_movement");
}
