/* gunzip, as the receiver uses it: bodies packed by gzip, broken ones and bombs. */

#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "collect/gunzip.h"
#include "collect/receive.h"

enum { DATAGRAM_MOST = 65536 };

static struct receive *receiver;
static size_t values;
static double last;

static void see(void *context, const struct line *line)
{
    (void)context;
    values++;
    last = line->value;
}

static void begin(void)
{
    values = 0;
    cr_assert(receive_new(&receiver) == 0);
}

static void end(void)
{
    receive_free(receiver);
}

TestSuite(gunzip, .init = begin, .fini = end);

static size_t pack(struct bytes text, char *to, size_t size)
{
    z_stream stream = {.next_in = (z_const Bytef *)text.at, .avail_in = (uInt)text.n};
    cr_assert(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_out = (Bytef *)to;
    stream.avail_out = (uInt)size;
    cr_assert(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    size_t n = size - stream.avail_out;
    deflateEnd(&stream);
    return n;
}

static enum refusal take(struct bytes datagram)
{
    values = 0;
    return receive_datagram(receiver, datagram, see, NULL);
}

/* A frame of `body` whose header says `length`. */
static enum refusal take_saying(size_t length, struct bytes body)
{
    static char frame[DATAGRAM_MOST + 16];
    struct writer w = writer_on(frame, sizeof frame);
    put_string(&w, "1|");
    put_u64(&w, length);
    put_char(&w, '\n');
    put_bytes(&w, body);
    cr_assert(!w.full);
    return take((struct bytes){frame, w.n});
}

static enum refusal take_body(struct bytes body)
{
    return take_saying(body.n, body);
}

Test(gunzip, inflates_bodies)
{
    char packed[1024], twice[1024];
    size_t n = pack(BYTES("a:1|m\nb:2|h\n"), packed, sizeof packed);
    cr_assert_eq(take_body((struct bytes){packed, n}), REFUSED_NOT);
    cr_assert_eq(values, 2);
    n = pack((struct bytes){packed, n}, twice, sizeof twice);
    cr_assert_eq(take_body((struct bytes){twice, n}), REFUSED_NOT);
    cr_assert_eq(values, 2);
}

Test(gunzip, the_length_counts_the_compressed_bytes)
{
    static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1|m\n";
    char packed[1024];
    struct bytes body = {packed, pack(bytes_of(text), packed, sizeof packed)};
    cr_assert_neq(body.n, sizeof text - 1);
    cr_assert_eq(take_saying(body.n, body), REFUSED_NOT);
    cr_assert_eq(take_saying(sizeof text - 1, body), REFUSED_LENGTH_DIFFERS);
    cr_assert_eq(take_saying(body.n - 1, body), REFUSED_LENGTH_DIFFERS);
    cr_assert_eq(take_saying(body.n + 1, body), REFUSED_LENGTH_DIFFERS);
}

Test(gunzip, an_empty_body_is_no_line)
{
    char packed[64];
    size_t n = pack(BYTES(""), packed, sizeof packed);
    cr_assert_eq(take_body((struct bytes){packed, n}), REFUSED_NOT);
    cr_assert_eq(values, 0);
    cr_assert_eq(receive_counts(receiver)->lines, 0);
}

Test(gunzip, only_a_body_that_begins_so_is_inflated)
{
    char packed[1024] = "\n";
    size_t n = 1 + pack(BYTES("a:1|m\n"), packed + 1, sizeof packed - 1);
    cr_assert_eq(take_body((struct bytes){packed, n}), REFUSED_NOT);
    cr_assert_eq(values, 0);
    cr_assert_eq(take((struct bytes){packed + 1, n - 1}), REFUSED_NOT);
    cr_assert_eq(values, 0);
    cr_assert_eq(take_body(BYTES("\x1f:5|m\n")), REFUSED_NOT);
    cr_assert_eq(values, 1);
    cr_assert_eq(take_body(BYTES("\x1f\x8a:6|m\n")), REFUSED_NOT);
    cr_assert_eq(values, 1);
    cr_assert_eq(receive_counts(receiver)->datagrams_refused, 0);
}

Test(gunzip, inflates_several_members)
{
    char packed[1024];
    size_t n = pack(BYTES("a:1|m\nb:"), packed, sizeof packed);
    n += pack(BYTES("2|h\n"), packed + n, sizeof packed - n);
    cr_assert_eq(take_body((struct bytes){packed, n}), REFUSED_NOT);
    cr_assert_eq(values, 2);
    cr_assert_eq(last, 2);
}

Test(gunzip, a_bad_line_inside_is_skipped_alone)
{
    char packed[1024];
    size_t n = pack(BYTES("a:1|m\nbad\n\nb:2|h"), packed, sizeof packed);
    cr_assert_eq(take_body((struct bytes){packed, n}), REFUSED_NOT);
    cr_assert_eq(values, 2);
    cr_assert_eq(receive_counts(receiver)->refused[REFUSED_FIELDS], 1);
}

Test(gunzip, corrupt_data_is_refused)
{
    char packed[1024];
    size_t n = pack(BYTES("a:1|m\nb:2|h\n"), packed, sizeof packed);
    for (size_t cut = 2; cut < n; cut++)
        cr_assert_eq(take_body((struct bytes){packed, cut}), REFUSED_GZIP, "%zu", cut);
    for (size_t i = n - 8; i < n; i++) {
        packed[i] ^= 0x55;
        cr_assert_eq(take_body((struct bytes){packed, n}), REFUSED_GZIP, "%zu", i);
        packed[i] ^= 0x55;
    }
    packed[n] = 'x';
    cr_assert_eq(take_body((struct bytes){packed, n + 1}), REFUSED_GZIP);
    cr_assert_eq(values, 0);
}

Test(gunzip, any_changed_byte_is_survived)
{
    char packed[1024];
    size_t n = pack(BYTES("a:1|m\nb:2|h\n"), packed, sizeof packed);
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < 256; c++) {
            char kept = packed[i];
            packed[i] = (char)c;
            take_body((struct bytes){packed, n});
            packed[i] = kept;
        }
    }
    cr_assert_eq(take_body((struct bytes){packed, n}), REFUSED_NOT);
}

Test(gunzip, writes_no_more_than_it_may)
{
    char packed[256], text[9];
    size_t n = pack(BYTES("12345678"), packed, sizeof packed), inflated = 0;
    for (size_t size = 0; size < 8; size++) {
        memset(text, '#', sizeof text);
        cr_assert_eq(gunzip((struct bytes){packed, n}, text, size, &inflated), -EFBIG, "%zu", size);
        cr_assert_eq(text[size], '#');
    }
    cr_assert_eq(gunzip((struct bytes){packed, n}, text, 8, &inflated), 0);
    cr_assert_eq(inflated, 8);
}

Test(gunzip, bounds_what_a_body_inflates_to)
{
    char packed[4096];
    size_t size = RECEIVE_INFLATED_BYTES + 1;
    char *text = malloc(size);
    memset(text, '\n', size);
    size_t n = pack((struct bytes){text, size}, packed, sizeof packed);
    cr_assert_eq(take_body((struct bytes){packed, n}), REFUSED_TOO_LARGE);
    n = pack((struct bytes){text, size - 1}, packed, sizeof packed);
    cr_assert_eq(take_body((struct bytes){packed, n}), REFUSED_NOT);
    free(text);
}

Test(gunzip, bounds_the_layers)
{
    char a[2048], b[2048];
    size_t n = pack(BYTES("a:1|m\n"), a, sizeof a);
    for (int layer = 1; layer < RECEIVE_GZIP_LAYERS; layer++) {
        n = pack((struct bytes){a, n}, b, sizeof b);
        memcpy(a, b, n);
    }
    cr_assert_eq(take_body((struct bytes){a, n}), REFUSED_NOT);
    cr_assert_eq(values, 1);
    n = pack((struct bytes){a, n}, b, sizeof b);
    cr_assert_eq(take_body((struct bytes){b, n}), REFUSED_GZIP_LAYERS);
    cr_assert_eq(values, 0);
}

/* 60 MB of zeros in a datagram, plain and packed once more: a receiver that inflated all of them
 * would write 60 GB. */
Test(gunzip, bombs_cost_little, .timeout = 30)
{
    size_t size = (size_t)60 << 20;
    char *zeros = calloc(1, size), *bomb = malloc(DATAGRAM_MOST), *twice = malloc(DATAGRAM_MOST);
    size_t n = pack((struct bytes){zeros, size}, bomb, DATAGRAM_MOST);
    size_t m = pack((struct bytes){bomb, n}, twice, DATAGRAM_MOST);
    free(zeros);
    for (int i = 0; i < 500; i++) {
        cr_assert_eq(take_body((struct bytes){bomb, n}), REFUSED_TOO_LARGE);
        cr_assert_eq(take_body((struct bytes){twice, m}), REFUSED_TOO_LARGE);
    }
    cr_assert_eq(values, 0);
    free(bomb);
    free(twice);
}
