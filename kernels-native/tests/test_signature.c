/* SHA-512 against the examples of FIPS 180-4 and RFC 6234, Ed25519 against RFC 8032, section 7.1, and against what must be refused. */
#include "test_harness.h"

static size_t from_hex(uint8_t* out, const char* hex) {
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) exit(2);
        out[i] = (uint8_t)byte;
    }
    return n;
}

static void check_hash(const char* what, const void* data, size_t size, const char* expected) {
    uint8_t want[64], got[64];
    if (from_hex(want, expected) != 64) exit(2);
    el_sha512(data, size, got);
    th_same_bytes(what, got, want, 64);
}

static void hashes(void) {
    static const char two_blocks[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    static char million[1000000];
    memset(million, 'a', sizeof million);
    check_hash("empty", NULL, 0, "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
    check_hash("abc", "abc", 3, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    check_hash("two blocks", two_blocks, sizeof two_blocks - 1, "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909");
    check_hash("a million", million, sizeof million, "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b");
    /* Where the padding changes from one block to two, and at whole blocks: sha512sum of so many a. */
    check_hash("111", million, 111, "fa9121c7b32b9e01733d034cfc78cbf67f926c7ed83e82200ef86818196921760b4beff48404df811b953828274461673c68d04e297b0eb7b2b4d60fc6b566a2");
    check_hash("112", million, 112, "c01d080efd492776a1c43bd23dd99d0a2e626d481e16782e75d54c2503b5dc32bd05f0f1ba33e568b88fd2d970929b719ecbb152f58f130a407c8830604b70ca");
    check_hash("128", million, 128, "b73d1929aa615934e61a871596b3f3b33359f42b8175602e89f7e06e5f658a243667807ed300314b95cacdd579f3e33abdfbe351909519a846d465c59582f321");
}

typedef struct signature_case { const char *key, *message, *signature; } signature_case;

static const signature_case valid[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

static void check(const char* what, const uint8_t* signature, const uint8_t* key, const void* message, size_t size, int expected) {
    th_checks++;
    int got = el_ed25519_verify(signature, key, message, size);
    if (got != expected) th_fail("%s: got %d, expected %d", what, got, expected);
}

static void signatures(void) {
    uint8_t key[32], message[EL_ED25519_MAX_MESSAGE + 1], signature[64];
    char what[64];
    for (size_t c = 0; c < sizeof valid / sizeof valid[0]; c++) {
        from_hex(key, valid[c].key);
        from_hex(signature, valid[c].signature);
        size_t size = from_hex(message, valid[c].message);
        snprintf(what, sizeof what, "RFC 8032, test %zu", c + 1);
        check(what, signature, key, message, size, 1);
        /* Every bit of signature, key and message counts. */
        for (int bit = 0; bit < 512; bit++) {
            signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
            check("another signature", signature, key, message, size, 0);
            signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (int bit = 0; bit < 256; bit++) {
            key[bit / 8] ^= (uint8_t)(1 << bit % 8);
            check("another key", signature, key, message, size, 0);
            key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * size; bit++) {
            message[bit / 8] ^= (uint8_t)(1 << bit % 8);
            check("another message", signature, key, message, size, 0);
            message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        message[size] = 0;
        check("a longer message", signature, key, message, size + 1, 0);
        if (size > 0) check("a shorter message", signature, key, message, size - 1, 0);
    }
    check("a message that is too long", signature, key, message, sizeof message, 0);

    /* S + order is the same number for those who do not look (RFC 8032, section 8.4). */
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    size_t size = from_hex(message, valid[1].message);
    from_hex(key, valid[1].key);
    from_hex(signature, valid[1].signature);
    for (int times = 1; times <= 14; times++) {
        int carry = 0;
        for (int i = 0; i < 32; i++) {
            carry += signature[32 + i] + order[i];
            signature[32 + i] = (uint8_t)carry;
            carry >>= 8;
        }
        check("S that is not reduced", signature, key, message, size, 0);
    }
}

/* Keys for which [S] B = R is enough: with S = 0 and R the neutral point everything would be signed. */
static void hostile_keys(void) {
    static const char* small_order[] = {
        "0100000000000000000000000000000000000000000000000000000000000000", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        /* The first three again as y + p, and with a sign that x = 0 does not have. */
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    uint8_t key[32], signature[64];
    for (size_t c = 0; c < sizeof small_order / sizeof small_order[0]; c++) {
        memset(key, 0, sizeof key);
        from_hex(key, small_order[c]);
        for (uint8_t message = 0; message < 8; message++) { /* a key of order 8 has a signature for one message of eight */
            memset(signature, 0, sizeof signature);
            signature[0] = 1;
            check(small_order[c], signature, key, &message, 1, 0);
        }
    }
    /* A valid key plus a point of order 8, and a signature for which the equation holds: it does not say who signed. */
    from_hex(key, "de5a710b03f885a812719d5f283247ad23b841e683f0d2912c6895c690cdc853");
    from_hex(signature, "2c7be86ab07488ba43e8e03d85a67625cfbf98c8544de4c877241b7aaafc7fe3f3d1a2a9fbde1a219a02468ce6e710d8dd04ae71e371293d05cf7aadb8093300");
    check("a key with a part of small order", signature, key, "EdgeLite", 8, 0);
    /* Bytes at random: half of them are no point. */
    th_seed(1);
    for (int i = 0; i < 500; i++) {
        th_fill_bytes(key, sizeof key);
        th_fill_bytes(signature, sizeof signature);
        signature[63] &= 0x0f;
        check("bytes at random", signature, key, "x", 1, 0);
    }
}

int main(void) {
    hashes();
    signatures();
    hostile_keys();
    return th_report("signature");
}
