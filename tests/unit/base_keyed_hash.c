#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/keyed_hash.h"
#include "threads.h"

static const struct hash_key key = {0x0123456789abcdef, 0xfedcba9876543210};

/* Of a text, in words as workers keep it. */
static uint64_t hash_under(const struct hash_key *under, const char *text, size_t n)
{
    union {
        char bytes[128];
        _Atomic uint64_t word[16];
    } id = {.bytes = {0}};
    memcpy(id.bytes, text, n);
    return keyed_hash(under, id.word, n);
}

static uint64_t hash(const char *text)
{
    return hash_under(&key, text, strlen(text));
}

Test(keyed_hash, the_same_text_gives_the_same)
{
    cr_assert_eq(hash("request-1"), hash("request-1"));
    cr_assert_neq(hash("request-1"), hash("request-2"));
}

Test(keyed_hash, each_part_of_the_key_counts)
{
    struct hash_key other = key;
    other.k0 ^= 1;
    cr_assert_neq(hash_under(&other, "a", 1), hash("a"));
    other = key;
    other.k1 ^= 1ull << 63;
    cr_assert_neq(hash_under(&other, "a", 1), hash("a"));
}

Test(keyed_hash, the_length_counts)
{
    static const char zeros[128];
    for (size_t n = 1; n <= 128; n++)
        cr_assert_neq(hash_under(&key, zeros, n), hash_under(&key, zeros, n - 1));
}

Test(keyed_hash, every_bit_counts)
{
    char text[128] = {0};
    uint64_t before = hash_under(&key, text, 128);
    for (size_t bit = 0; bit < 1024; bit++) {
        text[bit / 8] = (char)(1 << bit % 8);
        uint64_t after = hash_under(&key, text, 128);
        int changed = __builtin_popcountll(before ^ after);
        cr_assert(changed > 8 && changed < 56, "bit %zu changes %d bits", bit, changed);
        text[bit / 8] = 0;
    }
}

Test(keyed_hash, words_in_another_order_differ)
{
    cr_assert_neq(hash("aaaaaaaabbbbbbbb"), hash("bbbbbbbbaaaaaaaa"));
    cr_assert_neq(hash("aaaaaaaabbbbbbbbccccccccdddddddd"),
                  hash("ccccccccddddddddaaaaaaaabbbbbbbb"));
}

/* The registry takes shards from the top and slots from the bottom. */
Test(keyed_hash, counted_ids_spread_over_top_and_bottom)
{
    static int top[64], bottom[64];
    char text[40];
    for (int i = 0; i < 64000; i++) {
        snprintf(text, sizeof text, "5f2c1e9a00000000%016x", i);
        uint64_t h = hash(text);
        top[h >> 58]++;
        bottom[h & 63]++;
    }
    for (int i = 0; i < 64; i++) {
        cr_assert(top[i] > 800 && top[i] < 1200, "%d in shard %d", top[i], i);
        cr_assert(bottom[i] > 800 && bottom[i] < 1200, "%d in slot %d", bottom[i], i);
    }
}
