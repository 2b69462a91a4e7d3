#include <criterion/criterion.h>
#include <errno.h>

#include "base/bytes.h"

static bool is(struct bytes text, const char *expected)
{
    return bytes_equal(text, bytes_of(expected));
}

Test(bytes, equal)
{
    cr_assert(bytes_equal(BYTES("a\0b"), BYTES("a\0b")));
    cr_assert_not(bytes_equal(BYTES("a\0b"), BYTES("a\0c")));
    cr_assert_not(bytes_equal(BYTES("ab"), BYTES("abc")));
    cr_assert(bytes_equal(BYTES(""), bytes_of("")));
    cr_assert_not(bytes_equal(BYTES("a"), BYTES("A")));
}

Test(bytes, equal_without_case)
{
    cr_assert(bytes_equal_nocase(BYTES("Content-LENGTH"), BYTES("content-length")));
    cr_assert_not(bytes_equal_nocase(BYTES("content-length"), BYTES("content_length")));
    cr_assert_not(bytes_equal_nocase(BYTES("a"), BYTES("ab")));
    /* 0x20 apart, but not letters */
    cr_assert_not(bytes_equal_nocase(BYTES("@"), BYTES("`")));
    cr_assert_not(bytes_equal_nocase(BYTES("["), BYTES("{")));
    cr_assert_not(bytes_equal_nocase(BYTES("\r"), BYTES("-")));
}

Test(bytes, start_with)
{
    cr_assert(bytes_start_with(BYTES("unix:/path"), BYTES("unix:")));
    cr_assert(bytes_start_with(BYTES("unix:"), BYTES("unix:")));
    cr_assert(bytes_start_with(BYTES("a"), BYTES("")));
    cr_assert_not(bytes_start_with(BYTES("unix"), BYTES("unix:")));
    cr_assert_not(bytes_start_with(BYTES("Unix:"), BYTES("unix:")));
}

Test(bytes, trim)
{
    cr_assert(is(bytes_trim(BYTES(" \t a b\t ")), "a b"));
    cr_assert(is(bytes_trim(BYTES("a")), "a"));
    cr_assert(is(bytes_trim(BYTES("\na\r")), "\na\r"));
    cr_assert_eq(bytes_trim(BYTES("  \t")).n, 0);
    cr_assert_eq(bytes_trim(BYTES("")).n, 0);
}

Test(bytes, cut_visits_each_part)
{
    static const char *const expected[] = {"a", "", "bc", ""};
    size_t n = 0;
    for (struct bytes rest = BYTES("a,,bc,"); rest.at != NULL; n++) {
        cr_assert(n < 4);
        cr_assert(is(bytes_cut(&rest, ','), expected[n]), "part %zu", n);
    }
    cr_assert_eq(n, 4);
}

Test(bytes, cut_without_separator_takes_all)
{
    struct bytes rest = BYTES("abc");
    cr_assert(is(bytes_cut(&rest, ','), "abc"));
    cr_assert_null(rest.at);
    rest = BYTES("");
    cr_assert_eq(bytes_cut(&rest, ',').n, 0);
    cr_assert_null(rest.at);
}

Test(bytes, to_u64)
{
    uint64_t value = 7;
    cr_assert_eq(bytes_to_u64(BYTES("0"), &value), 0);
    cr_assert_eq(value, 0);
    cr_assert_eq(bytes_to_u64(BYTES("000123"), &value), 0);
    cr_assert_eq(value, 123);
    cr_assert_eq(bytes_to_u64(BYTES("18446744073709551615"), &value), 0);
    cr_assert_eq(value, UINT64_MAX);
}

Test(bytes, to_u64_refuses)
{
    static const struct {
        const char *text;
        int error;
    } cases[] = {
        {"", -EINVAL},
        {"-1", -EINVAL},
        {"+1", -EINVAL},
        {" 1", -EINVAL},
        {"1 ", -EINVAL},
        {"0x1", -EINVAL},
        {"1a", -EINVAL},
        {"18446744073709551616", -ERANGE},
        {"18446744073709551620", -ERANGE},
        {"99999999999999999999", -ERANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t value = 7;
        cr_assert_eq(bytes_to_u64(bytes_of(cases[i].text), &value), cases[i].error, "%s",
                     cases[i].text);
        cr_assert_eq(value, 7, "%s", cases[i].text);
    }
}

static bool wrote(const struct writer *w, const char *expected)
{
    return is((struct bytes){w->at, w->n}, expected);
}

Test(bytes, writer_puts)
{
    char at[64];
    struct writer w = writer_on(at, sizeof at);
    put_string(&w, "a=");
    put_u64(&w, 0);
    put_char(&w, ' ');
    put_u64(&w, UINT64_MAX);
    put_char(&w, ' ');
    put_i64(&w, INT64_MIN);
    put_char(&w, ' ');
    put_i64(&w, 42);
    cr_assert(wrote(&w, "a=0 18446744073709551615 -9223372036854775808 42"));
    cr_assert_not(w.full);
}

Test(bytes, writer_leaves_out_what_does_not_fit)
{
    char at[4] = "????";
    struct writer w = writer_on(at, 3);
    put_string(&w, "ab");
    cr_assert_not(w.full);
    put_string(&w, "cd");
    cr_assert(w.full);
    cr_assert(wrote(&w, "ab"));
    put_char(&w, 'e');
    cr_assert(wrote(&w, "abe"));
    put_char(&w, 'f');
    cr_assert(wrote(&w, "abe"));
    cr_assert_eq(at[3], '?');
    cr_assert(w.full);
}

Test(bytes, writer_without_room)
{
    struct writer w = writer_on(NULL, 0);
    put_char(&w, 'a');
    put_u64(&w, 1);
    cr_assert(w.full);
    cr_assert_eq(w.n, 0);
}

Test(bytes, json_escapes_every_byte_that_is_not_printable_ascii)
{
    char at[128];
    struct writer w = writer_on(at, sizeof at);
    put_json(&w, BYTES("a \"b\\\n\0\x7f\xff/~"));
    cr_assert(wrote(&w, "a \\\"b\\\\\\u000a\\u0000\\u007f\\u00ff/~"));
}
