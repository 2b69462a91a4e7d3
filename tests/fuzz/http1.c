/*
 * Any bytes, in both directions: what the parsers make of a stream does not depend on how it was
 * split, nor on how wide they look; a call never takes more than it got, and what may be skipped is
 * what would have been taken as data. Each piece has memory of its own, so that the address
 * sanitizer sees every step beyond.
 */

#include "../unit/http1_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char whole_text[EVENTS_BYTES], split_text[EVENTS_BYTES];

/* Sizes of pieces, drawn from a seed that the input holds. */
static size_t next_size(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    size_t most = (*seed >> 32) % 4 == 0 ? 700 : 8;
    return 1 + *seed % most;
}

static void insist(bool holds)
{
    if (!holds)
        abort();
}

static void insist_same(const struct writer *a, const struct writer *b)
{
    insist(!a->full && bytes_equal((struct bytes){a->at, a->n}, (struct bytes){b->at, b->n}));
}

static char *own(struct bytes piece)
{
    char *at = malloc(piece.n);
    insist(at != NULL);
    return memcpy(at, piece.at, piece.n);
}

static struct bytes piece_of(struct bytes stream, size_t at, uint64_t *seed)
{
    size_t n = next_size(seed);
    return (struct bytes){stream.at + at, n < stream.n - at ? n : stream.n - at};
}

static void check_request(struct bytes stream, uint64_t seed)
{
    struct request_run whole = {.events.out = writer_on(whole_text, sizeof whole_text)};
    struct request_run split = {.events.out = writer_on(split_text, sizeof split_text)};
    http1_scan_wide_from_now(true);
    request_piece(&whole, stream.at, stream.n);
    request_finish(&whole);
    http1_scan_wide_from_now(false);
    for (size_t at = 0; at < stream.n;) {
        struct bytes piece = piece_of(stream, at, &seed);
        char *copy = own(piece);
        insist(request_skip_agrees(&split.parser, copy, piece.n));
        request_piece(&split, copy, piece.n);
        free(copy);
        at += piece.n;
    }
    request_finish(&split);
    insist_same(&whole.events.out, &split.events.out);
}

static void check_response(struct bytes stream, struct bytes methods, uint64_t seed)
{
    struct response_run whole = {.methods = methods,
                                 .events.out = writer_on(whole_text, sizeof whole_text)};
    struct response_run split = {.methods = methods,
                                 .events.out = writer_on(split_text, sizeof split_text)};
    http1_scan_wide_from_now(true);
    response_piece(&whole, stream.at, stream.n);
    response_finish(&whole);
    http1_scan_wide_from_now(false);
    for (size_t at = 0; at < stream.n;) {
        struct bytes piece = piece_of(stream, at, &seed);
        char *copy = own(piece);
        insist(response_skip_agrees(&split.parser, copy, piece.n));
        response_piece(&split, copy, piece.n);
        free(copy);
        at += piece.n;
    }
    response_finish(&split);
    insist_same(&whole.events.out, &split.events.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes stream = {(const char *)data, size};
    uint64_t seed = size;
    for (size_t i = 0; i < size; i++)
        seed = (seed ^ data[i]) * 0x100000001b3;
    seed |= 1;
    check_request(stream, seed);
    check_response(stream, BYTES("GET HEAD GET CONNECT"), seed);
    check_response(stream, BYTES("HEAD GET CONNECT"), seed);
    check_response(stream, BYTES("CONNECT"), seed);
    return 0;
}
