#include "el_inflate.h"
#include <stdint.h>
#include <string.h>

#define MAX_BITS 15

typedef struct source {
    const unsigned char* x;
    size_t bytes, at;
    uint32_t bits, count; /* bits read from x and not used yet, lowest first */
    int failed;
} source;

/* A canonical Huffman code (RFC 1951, 3.2.2): how many codes have each length, and the symbols in order of code. */
typedef struct code {
    uint16_t counts[MAX_BITS + 1], symbols[288];
} code;

static uint32_t take(source* s, uint32_t n) {
    while (s->count < n) {
        if (s->at == s->bytes) {
            s->failed = 1;
            return 0;
        }
        s->bits |= (uint32_t)s->x[s->at++] << s->count;
        s->count += 8;
    }
    uint32_t v = s->bits & ((1u << n) - 1);
    s->bits >>= n;
    s->count -= n;
    return v;
}

static void build(code* c, const uint8_t* lengths, int n) {
    uint16_t first[MAX_BITS + 2] = {0};
    memset(c->counts, 0, sizeof c->counts);
    for (int i = 0; i < n; i++) c->counts[lengths[i]]++;
    c->counts[0] = 0;
    for (int l = 1; l <= MAX_BITS; l++) first[l + 1] = (uint16_t)(first[l] + c->counts[l]);
    for (int i = 0; i < n; i++)
        if (lengths[i]) c->symbols[first[lengths[i]]++] = (uint16_t)i;
}

/* Codes of one length are consecutive numbers; bits arrive highest first. */
static int symbol(source* s, const code* c) {
    int value = 0, first = 0, index = 0;
    for (int l = 1; l <= MAX_BITS && !s->failed; l++) {
        value |= (int)take(s, 1);
        int count = c->counts[l];
        if (value - first < count) return c->symbols[index + value - first];
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }
    s->failed = 1;
    return 0;
}

/* RFC 1951, 3.2.5 */
static const uint16_t length_base[29] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t distance_base[30] = {1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577};

static size_t compressed(source* s, const code* literals, const code* distances, unsigned char* y, size_t n, size_t limit) {
    while (!s->failed) {
        int v = symbol(s, literals);
        if (v == 256) return n;
        if (v < 256) {
            if (n == limit) break;
            y[n++] = (unsigned char)v;
            continue;
        }
        if ((v -= 257) >= 29) break;
        size_t length = length_base[v] + take(s, length_extra[v]);
        int d = symbol(s, distances);
        if (d >= 30) break;
        size_t distance = distance_base[d] + take(s, d < 2 ? 0 : (uint32_t)d / 2 - 1);
        if (distance > n || length > limit - n) break;
        for (; length > 0; length--, n++) y[n] = y[n - distance];
    }
    s->failed = 1;
    return n;
}

static void read_codes(source* s, code* literals, code* distances) {
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[320 + 138] = {0};
    int literal_count = (int)take(s, 5) + 257, distance_count = (int)take(s, 5) + 1, n = (int)take(s, 4) + 4;
    for (int i = 0; i < n; i++) lengths[order[i]] = (uint8_t)take(s, 3);
    code c;
    build(&c, lengths, 19);
    memset(lengths, 0, sizeof lengths);
    for (n = 0; n < literal_count + distance_count && !s->failed;) {
        int v = symbol(s, &c), repeat;
        if (v < 16) {
            lengths[n++] = (uint8_t)v;
            continue;
        }
        if (v == 16 && n == 0) s->failed = 1;
        uint8_t length = v == 16 && n > 0 ? lengths[n - 1] : 0;
        repeat = v == 16 ? 3 + (int)take(s, 2) : v == 17 ? 3 + (int)take(s, 3) : 11 + (int)take(s, 7);
        for (; repeat > 0; repeat--) lengths[n++] = length;
    }
    if (n > literal_count + distance_count || literal_count > 286) s->failed = 1;
    if (s->failed) return;
    build(literals, lengths, literal_count);
    build(distances, lengths + literal_count, distance_count);
}

size_t el_inflate(const unsigned char* x, size_t bytes, unsigned char* y, size_t limit) {
    source s = {x, bytes, 0, 0, 0, 0};
    size_t n = 0;
    uint32_t last = 0;
    while (!last && !s.failed) {
        code literals, distances;
        last = take(&s, 1);
        uint32_t kind = take(&s, 2);
        if (kind == 0) {
            s.bits = s.count = 0;
            size_t length = s.at + 4 <= bytes ? (size_t)(x[s.at] | x[s.at + 1] << 8) : SIZE_MAX;
            if (length > limit - n || s.at + 4 + length > bytes) return 0;
            memcpy(y + n, x + s.at + 4, length);
            s.at += 4 + length;
            n += length;
            continue;
        }
        if (kind == 3) return 0;
        if (kind == 1) {
            uint8_t lengths[288];
            for (int i = 0; i < 288; i++) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
            build(&literals, lengths, 288);
            memset(lengths, 5, 30);
            build(&distances, lengths, 30);
        } else {
            read_codes(&s, &literals, &distances);
        }
        if (!s.failed) n = compressed(&s, &literals, &distances, y, n, limit);
    }
    return s.failed ? 0 : n;
}
