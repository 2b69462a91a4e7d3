#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/process.h"
#include "hook/value.h"

TestSuite(value, .init = process_begin);

#define PAGE 4096

/* A readable page and, behind it, one that nobody may touch. */
static char *pages(void)
{
    char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(at, MAP_FAILED);
    cr_assert_eq(mprotect(at + PAGE, PAGE, PROT_NONE), 0);
    return at;
}

/* `n` bytes that end with their page. */
static uint64_t at_end(const char *text, size_t n)
{
    return (uint64_t)(uintptr_t)memcpy(pages() + PAGE - n, text, n);
}

static uint64_t address(const void *at)
{
    return (uint64_t)(uintptr_t)at;
}

static struct value_frame frame;
static struct value_text out;

static struct bytes text(const char *value)
{
    static struct value parsed;
    const struct value *list[] = {&parsed};
    cr_assert_eq(value_parse(&parsed, bytes_of(value), 8), 0, "%s", value);
    errno = 7777;
    value_texts(&out, list, 1, &frame);
    cr_assert_eq(errno, 7777);
    return out.text;
}

#define assert_text(value, expected)                                                               \
    do {                                                                                           \
        struct bytes is = text(value);                                                             \
        cr_assert(bytes_equal(is, bytes_of(expected)), "%s: '%.*s', not '%s'", value, (int)is.n,   \
                  is.at, expected);                                                                \
    } while (0)

Test(value, arguments_and_literals)
{
    frame = (struct value_frame){.arg = {0, 11, 22, 33, 44, (uint64_t)-55}, .ret = 66};
    assert_text("arg0", "0");
    assert_text("arg1", "11");
    assert_text("arg4", "44");
    assert_text("arg5", "-55");
    assert_text("arg5:u64", "18446744073709551561");
    assert_text("ret", "66");
    assert_text("'check out'", "check out");
}

Test(value, integers_of_each_width)
{
    frame.arg[0] = 0xf1f2f3f4f5f6f7f8;
    assert_text("arg0:i8", "-8");
    assert_text("arg0:u8", "248");
    assert_text("arg0:i16", "-2056");
    assert_text("arg0:u16", "63480");
    assert_text("arg0:i32", "-168364040");
    assert_text("arg0:u32", "4126603256");
    assert_text("arg0:i64", "-1012478732780767240");
    assert_text("arg0:u64", "17434265340928784376");
    frame.arg[0] = 0x7f;
    assert_text("arg0:i8", "127");
}

Test(value, no_more_is_read_than_an_integer_has)
{
    frame.arg[0] = at_end("\xfe\xff\xff\xff", 4);
    assert_text("arg0+0:i32", "-2");
    assert_text("arg0+0:u32", "4294967294");
    assert_text("arg0+2:i16", "-1");
    assert_text("arg0+3:u8", "255");
    assert_text("arg0+0", "invalid");
    assert_text("arg0+1:i32", "invalid");
    assert_text("arg0+4:u8", "invalid");
}

Test(value, strings_at_the_end_of_what_is_there)
{
    frame.arg[0] = at_end("POST\0\0", 6);
    assert_text("arg0:str", "POST");
    frame.arg[0] = at_end("POST", 5);
    assert_text("arg0:str", "POST");
    frame.arg[0] = at_end("", 1);
    assert_text("arg0:str", "");
    frame.arg[0] = at_end("POST", 4);
    assert_text("arg0:str", "invalid");
    assert_text("arg0:4", "POST");
    assert_text("arg0:3", "POS");
    assert_text("arg0:5", "invalid");
}

Test(value, a_string_across_pages)
{
    char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t before = 0; before <= 6; before++) {
        frame.arg[0] = address(strcpy(at + PAGE - before, "across"));
        assert_text("arg0:str", "across");
        assert_text("arg0:6", "across");
    }
}

Test(value, long_texts_are_cut)
{
    static char expected[VALUE_TEXT_BYTES + 1];
    char *at = pages();
    memset(expected, 'x', VALUE_TEXT_BYTES);
    memset(at, 'x', PAGE);
    frame.arg[0] = address(at);
    frame.arg[1] = 1 << 30;
    assert_text("arg0:str", expected);
    assert_text("arg0:arg1", expected);
    assert_text("arg0:128", expected);
    frame.arg[0] = address(at + PAGE - VALUE_TEXT_BYTES);
    assert_text("arg0:str", expected);
    frame.arg[0]++;
    assert_text("arg0:str", "invalid");
}

Test(value, bad_pointers)
{
    static const char *const values[] = {"arg0:str", "arg0:1", "arg0+8", "arg0+0:str",
                                         "arg0+0+8:str"};
    uint64_t bad[] = {0,
                      8,
                      address(pages() + PAGE),
                      0x0000800000000000,
                      0x4141414141414141,
                      0xffffffff81000000,
                      UINT64_MAX - 3,
                      UINT64_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            frame.arg[0] = bad[i];
            assert_text(values[j], "invalid");
        }
}

Test(value, chains)
{
    struct inner {
        int code;
        char name[12];
        const char *title;
    } inner = {.code = -5, .name = "inline", .title = "title"};
    struct outer {
        long n;
        const struct inner *inner;
        struct inner here;
    } outer = {3, &inner, {.code = 77, .name = "embedded", .title = "other"}};
    frame.arg[2] = address(&outer);
    assert_text("arg2+0", "3");
    assert_text("arg2+8+0:i32", "-5");
    assert_text("arg2+8.4:str", "inline");
    assert_text("arg2+0x8+0x10:str", "title");
    assert_text("arg2.16.4:str", "embedded");
    assert_text("arg2.16+16:str", "other");
    assert_text("arg2.0x10+0:i32", "77");
    assert_text("arg2+8.4:3", "inl");
    const void *far = &outer;
    frame.arg[2] = address(&far);
    assert_text("arg2+0+8+16.1:str", "itle");
}

Test(value, lengths_from_elsewhere)
{
    struct pair {
        size_t n;
        const char *at;
        unsigned char small;
    } pair = {3, "GET /", 4};
    frame = (struct value_frame){.arg = {address(&pair), address("POST /"), 4}};
    assert_text("arg1:arg2", "POST");
    assert_text("arg0+8:arg0+0", "GET");
    assert_text("arg0+8:arg0+16:u8", "GET ");
    frame.arg[2] = 0xabcd00000002;
    assert_text("arg1:arg2:i32", "PO");
    frame.arg[2] = 0;
    assert_text("arg1:arg2", "");
    frame.arg[2] = (uint64_t)-1;
    assert_text("arg1:arg2", "invalid");
    frame.arg[2] = 4;
    assert_text("arg1:arg2+0", "invalid");
    frame.arg[1] = 0;
    assert_text("arg1:arg2", "invalid");
    frame.arg[2] = 0;
    assert_text("arg1:arg2", "");
}

Test(value, bytes_lose_the_zeros_at_their_end)
{
    frame.arg[0] = address("a\0b\0\0\0\0");
    cr_assert(bytes_equal(text("arg0:7"), (struct bytes){"a\0b", 3}));
    frame.arg[0] = address("\0\0\0");
    assert_text("arg0:3", "");
}

/* One that can't be read takes no other with it, wherever it stands. */
Test(value, all_together)
{
    static const char *const names[] = {"arg0:str", "arg1+0:str", "arg2:arg3", "'fixed'"};
    static const char *const expected[] = {"first", "second", "thi", "fixed"};
    struct value parsed[VALUES_MOST];
    const struct value *list[VALUES_MOST];
    struct value_text texts[VALUES_MOST];
    const char *second = "second";
    for (size_t i = 0; i < VALUES_MOST; i++) {
        cr_assert_eq(value_parse(&parsed[i], bytes_of(names[i]), 8), 0);
        list[i] = &parsed[i];
    }
    for (unsigned bad = 0; bad < 8; bad++) {
        frame =
            (struct value_frame){.arg = {address("first"), address(&second), address("third"), 3}};
        for (unsigned i = 0; i < 3; i++)
            if ((bad & 1u << i) != 0)
                frame.arg[i] = 64;
        value_texts(texts, list, VALUES_MOST, &frame);
        for (unsigned i = 0; i < VALUES_MOST; i++)
            cr_assert(bytes_equal(texts[i].text,
                                  bytes_of((bad & 1u << i) != 0 ? "invalid" : expected[i])),
                      "%u of %u: '%.*s'", i, bad, (int)texts[i].text.n, texts[i].text.at);
    }
}

/* Four strings, each across two pages, the second of which is bad: the most that can be asked for.
 */
Test(value, as_much_as_can_be_asked_for)
{
    struct value parsed;
    const struct value *list[VALUES_MOST] = {&parsed, &parsed, &parsed, &parsed};
    struct value_text texts[VALUES_MOST];
    frame.arg[0] = at_end("0123456789", 11);
    cr_assert_eq(value_parse(&parsed, BYTES("arg0:str"), 8), 0);
    value_texts(texts, list, VALUES_MOST, &frame);
    for (unsigned i = 0; i < VALUES_MOST; i++)
        cr_assert(bytes_equal(texts[i].text, BYTES("0123456789")));
    value_texts(texts, list, 0, &frame);
}

Test(value, none_is_empty)
{
    struct value none = {.kind = VALUE_NONE};
    const struct value *list[] = {&none};
    value_texts(&out, list, 1, &frame);
    cr_assert_eq(out.text.n, 0);
    cr_assert_not(value_needs_return(&none));
}

Test(value, numbers)
{
    struct value value;
    int64_t number;
    uint32_t here = 404;
    frame = (struct value_frame){.arg = {address(&here)}, .ret = 0xffffffff};
    cr_assert_eq(value_parse(&value, BYTES("ret"), 4), 0);
    cr_assert_eq(value_number(&number, &value, &frame), 0);
    cr_assert_eq(number, -1);
    cr_assert_eq(value_parse(&value, BYTES("arg0+0"), 4), 0);
    cr_assert_eq(value_number(&number, &value, &frame), 0);
    cr_assert_eq(number, 404);
    frame.arg[0] = 1;
    cr_assert_eq(value_number(&number, &value, &frame), -EFAULT);
}

Test(value, what_is_known_at_the_end_alone)
{
    static const struct {
        const char *value;
        bool needs;
    } cases[] = {{"arg0", false},    {"ret", true},       {"ret+8:str", true}, {"arg0:4", false},
                 {"'ret'", false},   {"arg0:ret", true},  {"arg0:str", false}, {"arg0:arg1", false},
                 {"ret:arg0", true}, {"arg0:ret+8", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value value;
        cr_assert_eq(value_parse(&value, bytes_of(cases[i].value), 8), 0);
        cr_assert_eq(value_needs_return(&value), cases[i].needs, "%s", cases[i].value);
    }
}

Test(value, what_is_no_value)
{
    static const char *const bad[] = {
        "",
        "arg",
        "arg6",
        "arg00",
        "argx",
        "ARG0",
        "arg0:",
        "arg0:0",
        "arg0:129",
        "arg0:-1",
        "arg0:strx",
        "arg0:str:i8",
        "arg0:4:i8",
        "arg0:i24",
        "arg0:i128",
        "arg0:i8:i8",
        "arg0+",
        "arg0+0x",
        "arg0+x",
        "arg0-8",
        "arg0.",
        "arg0++8",
        "arg0+8 ",
        " arg0",
        "arg0 +8",
        "arg0+8:arg",
        "arg0:arg7",
        "ret0",
        "retx",
        "arg0:arg1:str",
        "arg0:arg1:4",
        "arg0+1+2+3+4+5",
        "arg0+0x80000000",
        "arg0+99999999999999999999999",
        "'",
        "''",
        "'a",
        "a'",
        "'a'b'",
        "'a'b",
        "0",
        "+8",
        ":str",
        "arg0:+8",
        "arg0\xff",
        "arg0:0x",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct value value;
        cr_assert_eq(value_parse(&value, bytes_of(bad[i]), 8), -EINVAL, "'%s'", bad[i]);
        cr_assert_eq(value.kind, VALUE_NONE);
    }
}

Test(value, the_largest_of_each)
{
    static const char *const good[] = {"arg5+0x7fffffff+2147483647.7.0x7FFFFFFF:arg0+1+2+3+4:u64",
                                       "arg0:128", "arg0:0x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct value value;
        cr_assert_eq(value_parse(&value, bytes_of(good[i]), 8), 0, "%s", good[i]);
    }
}
