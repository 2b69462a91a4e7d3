/* pattern, glob, demangle: which functions a user's words mean. */

#include <criterion/criterion.h>
#include <errno.h>

#include "hook/glob.h"
#include "hook/pattern.h"

static bool globs(const char *glob, const char *text)
{
    return glob_match(bytes_of(glob), bytes_of(text));
}

Test(glob, stars_and_question_marks)
{
    cr_assert(globs("", "") && globs("*", "") && globs("*", "abc") && globs("a*c", "abbc"));
    cr_assert(globs("a*b*c", "aXbXbXc") && globs("?bc", "abc") && globs("**b", "ab"));
    cr_assert(globs("*ab", "aab") && globs("a*", "a"));
    cr_assert_not(globs("", "a") || globs("a", "") || globs("?", "") || globs("a*c", "abcd"));
    cr_assert_not(globs("*b*b", "ab") || globs("ab", "abc") || globs("abc", "ab"));
}

Test(glob, nothing_else_is_special)
{
    cr_assert(globs("a::operator[]", "a::operator[]"));
    cr_assert_not(globs("[ab]", "a"));
    cr_assert(globs("\\*", "\\x"));
}

static struct pattern read_pattern(const char *text)
{
    struct pattern pattern;
    cr_assert_eq(pattern_read(&pattern, bytes_of(text)), 0, "%s", text);
    return pattern;
}

static bool is(struct bytes part, const char *expected)
{
    return part.n == strlen(expected) && (part.n == 0 || memcmp(part.at, expected, part.n) == 0);
}

static void check_parts(const char *text, const char *name, const char *version, const char *module,
                        bool is_default)
{
    struct pattern pattern = read_pattern(text);
    cr_assert(is(pattern.name, name), "%s", text);
    cr_assert(is(pattern.version, version), "%s", text);
    cr_assert(is(pattern.module, module), "%s", text);
    cr_assert_eq(pattern.is_default, is_default, "%s", text);
    pattern_free(&pattern);
}

Test(pattern, where_versions_and_modules_stand)
{
    check_parts("x", "x", "", "", false);
    check_parts(" x@libx.so ", "x", "", "libx.so", false);
    check_parts("x@", "x", "", "", false);
    check_parts("x@V1@libx.so", "x", "V1", "libx.so", false);
    check_parts("x@V1@", "x", "V1", "", false);
    check_parts("x@@V1", "x", "V1", "", true);
    check_parts("x@@V1@libx.so", "x", "V1", "libx.so", true);
    check_parts("x@V1@/a@b.so", "x", "V1", "/a@b.so", false);
}

Test(pattern, without_a_name)
{
    struct pattern pattern;
    cr_assert_eq(pattern_read(&pattern, BYTES("")), -EINVAL);
    cr_assert_eq(pattern_read(&pattern, BYTES("  ")), -EINVAL);
    cr_assert_eq(pattern_read(&pattern, BYTES("@libx.so")), -EINVAL);
}

static bool takes_module(const char *text, const char *path, const char *soname, bool is_main)
{
    struct pattern pattern = read_pattern(text);
    bool takes = pattern_takes_module(&pattern, path, soname, is_main);
    pattern_free(&pattern);
    return takes;
}

Test(pattern, modules)
{
    cr_assert(takes_module("x", "/bin/a", NULL, true));
    cr_assert_not(takes_module("x", "/lib/libx.so.1", "libx.so.1", false));
    cr_assert(takes_module("x@libx.so.1", "/lib/libx.so.1.2", "libx.so.1", false));
    cr_assert(takes_module("x@libx.so.1.2", "/lib/libx.so.1.2", NULL, false));
    cr_assert(takes_module("x@libx*", "/lib/libx.so.1.2", NULL, false));
    cr_assert(takes_module("x@/lib/libx.so.1.2", "/lib/libx.so.1.2", NULL, false));
    cr_assert(takes_module("x@a", "/bin/a", NULL, true));
    cr_assert(takes_module("x@*", "/bin/a", NULL, true));
    cr_assert_not(takes_module("x@libx.so", "/lib/libx.so.1.2", "libx.so.1", false));
}

static bool takes(const char *text, const char *symbol)
{
    static struct pattern_name name;
    struct pattern pattern = read_pattern(text);
    pattern_name_set(&name, bytes_of(symbol));
    bool result = pattern_takes_name(&pattern, &name);
    pattern_free(&pattern);
    return result;
}

Test(pattern, cpp_names)
{
    cr_assert(takes("_ZN4shop4Cart3addEi", "_ZN4shop4Cart3addEi"));
    cr_assert(takes("shop::Cart::add", "_ZN4shop4Cart3addEi"));
    cr_assert(takes("shop::Cart::add(int)", "_ZN4shop4Cart3addEi"));
    cr_assert(takes("shop::Cart::*", "_ZN4shop4Cart3addEi"));
    cr_assert(takes("*::add", "_ZN4shop4Cart3addEi"));
    cr_assert(takes("handle", "_Z6handlei"));
    cr_assert_not(takes("shop::Cart::add(long)", "_ZN4shop4Cart3addEi"));
    cr_assert_not(takes("shop::Cart", "_ZN4shop4Cart3addEi"));
    cr_assert_not(takes("add", "_ZN4shop4Cart3addEi"));
}

Test(pattern, blanks_do_not_count_in_cpp_names)
{
    cr_assert(takes("f(int,char)", "_Z1fic"));
    cr_assert(takes("f(int, char)", "_Z1fic"));
}

Test(pattern, words_that_symbols_do_not_spell)
{
    cr_assert(takes("std::vector<int, std::allocator<int>>::push_back",
                    "_ZNSt6vectorIiSaIiEE9push_backERKi"));
    cr_assert(takes("std::string::append", "_ZNSs6appendEPKc"));
    cr_assert(takes("(anonymous namespace)::bar", "_ZN12_GLOBAL__N_13barEv"));
    cr_assert(takes("Foo::operator[]", "_ZN3FooixEi"));
    cr_assert(takes("operator new", "_Znwm"));
    cr_assert(takes("Foo::~Foo", "_ZN3FooD1Ev"));
    cr_assert(takes("std*::push_back", "_ZNSt6vectorIiSaIiEE9push_backERKi"));
    cr_assert(takes("foo<int>", "_Z3fooIiET_S0_"));
}

Test(pattern, parts_and_changed_copies_are_met_by_their_symbols_alone)
{
    cr_assert_not(takes("shop::Cart::add", "_ZN4shop4Cart3addEi.cold"));
    cr_assert_not(takes("shop::Cart::*", "_ZN4shop4Cart3addEi.constprop.0"));
    cr_assert(takes("_ZN4shop4Cart3addEi.*", "_ZN4shop4Cart3addEi.cold"));
    cr_assert_not(takes("add", "add.cold"));
}

Test(pattern, names_that_can_not_be_demangled)
{
    static char deep[5000] = "_Z1f";
    memset(deep + 4, 'P', sizeof deep - 5);
    cr_assert_not(takes("f", deep));
    cr_assert_not(takes("f*", "_Z"));
    deep[1000] = '\0';
    cr_assert_not(takes("g", deep));
}

Test(pattern, versions)
{
    struct symbol symbol = {.version = BYTES("V1"), .is_default = false};
    struct pattern any = read_pattern("x"), old = read_pattern("x@V*@"),
                   now = read_pattern("x@@V1");
    cr_assert(pattern_takes_version(&any, &symbol) && pattern_takes_version(&old, &symbol));
    cr_assert_not(pattern_takes_version(&now, &symbol));
    symbol.is_default = true;
    cr_assert(pattern_takes_version(&now, &symbol));
    symbol.version = (struct bytes){NULL, 0};
    cr_assert_not(pattern_takes_version(&now, &symbol) || pattern_takes_version(&old, &symbol));
    pattern_free(&any);
    pattern_free(&old);
    pattern_free(&now);
}
