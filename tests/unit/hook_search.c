/* search, nearest: what patterns find in a file, and what is near when they find nothing. */

#include "elf_model.h"
#include "hook/search.h"

static const uint64_t code = MODEL_BASE + MODEL_CODE;

static struct matches found(const char *const *texts, size_t n)
{
    struct pattern patterns[4];
    bool wanted[4] = {true, true, true, true};
    struct elf_file file;
    struct matches matches = {.at = NULL};
    cr_assert_eq(elf_file_on(&file, model_bytes(model_new())), 0);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(pattern_read(&patterns[i], bytes_of(texts[i])), 0);
    cr_assert_eq(search_file(&file, NULL, patterns, wanted, n, &matches), 0);
    for (size_t i = 0; i < n; i++)
        pattern_free(&patterns[i]);
    elf_file_close(&file); /* the names are the model's, which stays */
    return matches;
}

static struct matches found_one(const char *text)
{
    return found(&text, 1);
}

static size_t number_found(const char *text)
{
    struct matches matches = found_one(text);
    free(matches.at);
    return matches.n;
}

static bool is_named(const struct match *match, const char *name, const char *version)
{
    return bytes_equal(match->symbol.name, bytes_of(name)) &&
           bytes_equal(match->symbol.version, bytes_of(version));
}

Test(search, a_function_of_several_names_is_found_once)
{
    struct matches all = found_one("*run*");
    cr_assert_eq(all.n, 1);
    cr_assert_eq(all.at[0].symbol.address, code);
    cr_assert(is_named(&all.at[0], "run", "V1"));
    free(all.at);
}

Test(search, each_name_finds_it)
{
    cr_assert_eq(number_found("run_alias"), 1);
    struct matches old = found_one("run@V0@");
    cr_assert_eq(old.n, 1);
    cr_assert(is_named(&old.at[0], "run", "V0"));
    free(old.at);
    cr_assert_eq(number_found("run@@V1"), 1);
    cr_assert_eq(number_found("run@@V0"), 0);
    cr_assert_eq(number_found("old@V0@"), 1);
}

Test(search, only_functions_with_code_are_found)
{
    struct matches all = found_one("*");
    cr_assert_eq(all.n, 5);
    for (size_t i = 1; i < all.n; i++)
        cr_assert_gt(all.at[i].symbol.address, all.at[i - 1].symbol.address);
    free(all.at);
    cr_assert_eq(number_found("data"), 0);
    cr_assert_eq(number_found("missing"), 0);
    cr_assert_eq(number_found("label"), 0);
}

Test(search, each_pattern_has_its_own)
{
    const char *const texts[] = {"shop::Cart::add", "nothing", "run*", "chosen"};
    struct matches all = found(texts, 4);
    cr_assert_eq(all.n, 3);
    cr_assert_eq(all.at[0].pattern, 0);
    cr_assert_eq(all.at[1].pattern, 2);
    cr_assert_eq(all.at[2].pattern, 3);
    cr_assert(all.at[2].symbol.is_indirect);
    free(all.at);
}

static struct nearest nearest_to(const char *text, const char *const *names)
{
    struct pattern pattern;
    struct nearest nearest;
    cr_assert_eq(pattern_read(&pattern, bytes_of(text)), 0);
    nearest_begin(&nearest, &pattern);
    for (; *names != NULL; names++)
        nearest_offer(&nearest, bytes_of(*names));
    pattern_free(&pattern);
    return nearest;
}

Test(nearest, the_three_nearest_in_order)
{
    const char *const names[] = {"processInputs",
                                 "processCommand",
                                 "prozessCommands",
                                 "processComand",
                                 "processCommand",
                                 "call",
                                 NULL};
    struct nearest nearest = nearest_to("proccessCommand", names);
    cr_assert_eq(nearest.n, 3);
    cr_assert(bytes_equal(nearest.name[0], BYTES("processCommand")));
    cr_assert_eq(nearest.distance[0], 1);
    cr_assert_eq(nearest.distance[1], 2);
    cr_assert_eq(nearest.distance[2], 3);
}

Test(nearest, nothing_where_nothing_is_alike)
{
    const char *const names[] = {"a", "call", "qqqqqqqqqqqqqq", NULL};
    cr_assert_eq(nearest_to("processCommand", names).n, 0);
}

Test(nearest, cpp_names)
{
    const char *const names[] = {"_ZN4shop4Cart6removeEi",
                                 "_ZN4shop4Cart3addEi",
                                 "_ZN4shop4Cart3addEi.cold",
                                 "_ZL4shopv",
                                 "shopCart",
                                 NULL};
    struct nearest nearest = nearest_to("shop::Card::add", names);
    cr_assert_geq(nearest.n, 1);
    cr_assert(bytes_equal(nearest.name[0], BYTES("_ZN4shop4Cart3addEi")));
    cr_assert(bytes_equal(nearest_to("shopp", names).name[0], BYTES("_ZL4shopv")));
}

/* The distance by its definition. */
static unsigned model_distance(struct bytes a, struct bytes b)
{
    unsigned row[80];
    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned change = diagonal + (a.at[i - 1] != b.at[j - 1]);
            unsigned step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < step ? change : step;
        }
    }
    return row[b.n];
}

Test(nearest, the_distance_is_that_of_its_definition)
{
    unsigned seed = 7;
    for (int turn = 0; turn < 20000; turn++) {
        char text[2][65] = {"", ""};
        for (int k = 0; k < 2; k++) {
            size_t n = 1 + (seed = seed * 1103515245 + 12345) / 65536 % 64;
            for (size_t i = 0; i < n; i++)
                text[k][i] = (char)('a' + (seed = seed * 1103515245 + 12345) / 65536 % 2);
        }
        const char *const names[] = {text[1], NULL};
        struct nearest nearest = nearest_to(text[0], names);
        unsigned expected = model_distance(bytes_of(text[0]), bytes_of(text[1]));
        cr_assert_eq(nearest.n, expected <= strlen(text[0]) / 2, "%s %s", text[0], text[1]);
        cr_assert(nearest.n == 0 || nearest.distance[0] == expected, "%s %s", text[0], text[1]);
    }
}
