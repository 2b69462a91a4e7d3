#include <criterion/criterion.h>
#include <stdio.h>

#include "base/process.h"
#include "request/names.h"

static struct config config;
static struct names_memory memory;

static void begin(const char *routes, uint32_t most)
{
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    config.routes = bytes_of(routes);
    config.max_labels = most;
    names_read_routes(&config);
    cr_assert_eq(names_begin(&config), 0);
}

static struct bytes label(struct bytes target)
{
    return label_text(&names.labels, names_label(&memory, target));
}

#define assert_label(target, expected)                                                             \
    do {                                                                                           \
        struct bytes is = label(target);                                                           \
        cr_assert(bytes_equal(is, bytes_of(expected)), "%.*s is %.*s, not %s", (int)(target).n,    \
                  (target).at, (int)is.n, is.at, expected);                                        \
    } while (0)

/* Twice: the second time it is remembered. */
static void assert_labels(const char *target, const char *expected)
{
    assert_label(bytes_of(target), expected);
    assert_label(bytes_of(target), expected);
}

Test(names, a_segment_is_remembered_as_it_was)
{
    begin("", 200);
    assert_labels("/", "root");
    assert_labels("/?a", "root");
    assert_labels("/users/7?x", "users");
    assert_labels("/Users", "Users");
    assert_labels("/users#top", "users");
    assert_labels("//users", "users");
    assert_labels("/42", "id");
    assert_labels("/0123456789abcde", "0123456789abcde");
    assert_labels("/0123456789abcdef", "id");
    assert_labels("/0123456789abcdefg", "0123456789abcdefg");
    assert_labels("/a.b", "a_b");
    assert_labels("/a,b", "a_b");
    assert_labels("*", "_");
    assert_labels("http://host/users/7", "users");
}

Test(names, a_segment_is_its_bytes_and_their_number)
{
    begin("", 200);
    assert_label(BYTES("/a"), "a");
    assert_label(BYTES("/a\0"), "a_");
    assert_label(BYTES("/a\0\0"), "a__");
    assert_label(BYTES("/a"), "a");
    assert_label(BYTES("/\0"), "_");
    assert_label(BYTES("/"), "root");
}

Test(names, segments_on_one_place_do_not_mix)
{
    char target[16], expected[16];
    begin("", 5000);
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < 50 * NAMES_REMEMBERED; i++) {
            snprintf(target, sizeof target, "/s%d/x", i);
            snprintf(expected, sizeof expected, "s%d", i);
            assert_label(bytes_of(target), expected);
        }
}

Test(names, past_the_limit_new_ones_are_other)
{
    begin("", 1);
    assert_labels("/first", "first");
    assert_labels("/second", "other");
    assert_labels("/first", "first");
}

Test(names, with_routes_the_whole_path_decides)
{
    begin("/users/*/posts=posts", 200);
    assert_labels("/users/7/posts", "posts");
    assert_labels("/users/7", "users");
    assert_labels("/users/7/posts?page=2", "posts");
}
