#include "hook/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "hook/glob.h"

/* The words that C++ names have and their symbols do not spell, or not always. */
static const char made_up[] =
    "std::allocator basic_string string char_traits<char> basic_istream istream basic_ostream "
    "ostream "
    "basic_iostream iostream (anonymous namespace) lambda unnamed type operator abi: auto decltype";

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* What of a name symbols spell as it stands: not what follows `operator` or stands in parameters
 * and template arguments, nor the words before a blank (`non-virtual thunk to`). */
static struct bytes spelled_part(struct bytes name)
{
    const char *cut_at = memmem(name.at, name.n, "operator", 8);
    if (cut_at != NULL)
        name.n = (size_t)(cut_at - name.at);
    const char *blank = memrchr(name.at, ' ', name.n);
    const char *at = blank != NULL ? blank + 1 : name.at;
    size_t n = 0, most = (size_t)(name.at + name.n - at);
    while (n < most && at[n] != '(' && at[n] != '<')
        n++;
    return (struct bytes){at, n};
}

static bool is_made_up(struct bytes word)
{
    return memmem(made_up, sizeof made_up - 1, word.at, word.n) != NULL;
}

/*
 * The longest word of the name that every symbol meant by it has in it: demangling each C++ symbol
 * of a big program takes a third of a second, and looking for a word in it a fiftieth.
 */
static struct bytes find_part(struct bytes name)
{
    struct bytes rest = spelled_part(name), longest = {NULL, 0};
    while (rest.n > 0) {
        size_t n = 0;
        while (n < rest.n && is_word(rest.at[n]))
            n++;
        struct bytes word = {rest.at, n};
        if (n > longest.n && !is_made_up(word))
            longest = word;
        n += n < rest.n; /* what ends it */
        rest.at += n;
        rest.n -= n;
    }
    return longest;
}

static size_t remove_blanks(char *to, struct bytes from)
{
    size_t n = 0;
    for (size_t i = 0; i < from.n; i++)
        if (from.at[i] != ' ')
            to[n++] = from.at[i];
    return n;
}

/* Cuts the text after the name: `@MODULE`, `@VERSION@MODULE`, `@@VERSION` or `@@VERSION@MODULE`. */
static void cut(struct pattern *pattern, struct bytes text)
{
    struct bytes rest = text;
    pattern->name = bytes_cut(&rest, '@');
    if (rest.at == NULL)
        return;
    pattern->is_default = rest.n > 0 && rest.at[0] == '@';
    if (pattern->is_default)
        rest.at++, rest.n--;
    struct bytes first = bytes_cut(&rest, '@');
    if (pattern->is_default || rest.at != NULL)
        pattern->version = first;
    else
        pattern->module = first;
    if (rest.at != NULL)
        pattern->module = rest;
}

int pattern_read(struct pattern *pattern, struct bytes text)
{
    text = bytes_trim(text);
    if (text.n == 0 || text.at[0] == '@')
        return -EINVAL;
    *pattern = (struct pattern){.text = malloc(2 * text.n)};
    if (pattern->text == NULL)
        return -ENOMEM;
    memcpy(pattern->text, text.at, text.n);
    cut(pattern, (struct bytes){pattern->text, text.n});
    char *bare = pattern->text + text.n;
    pattern->bare = (struct bytes){bare, remove_blanks(bare, pattern->name)};
    pattern->part = find_part(pattern->name);
    return 0;
}

void pattern_free(struct pattern *pattern)
{
    free(pattern->text);
    pattern->text = NULL;
}

bool pattern_takes_module(const struct pattern *pattern, const char *path, const char *soname,
                          bool is_main)
{
    if (pattern->module.n == 0)
        return is_main;
    const char *slash = strrchr(path, '/');
    return glob_match(pattern->module, bytes_of(path)) ||
           (slash != NULL && glob_match(pattern->module, bytes_of(slash + 1))) ||
           (soname != NULL && glob_match(pattern->module, bytes_of(soname)));
}

static struct bytes bare_name(struct bytes symbol, bool parameters, char text[DEMANGLED_BYTES])
{
    size_t n = demangle(symbol, parameters, text);
    return (struct bytes){text, remove_blanks(text, (struct bytes){text, n})};
}

static bool takes_plain(const struct pattern *pattern, struct pattern_name *name)
{
    if (!name->is_demangled) {
        name->is_demangled = true;
        name->plain = bare_name(name->symbol, false, name->text[0]);
        name->whole = bare_name(name->symbol, true, name->text[1]);
    }
    return name->plain.n > 0 &&
           (glob_match(pattern->bare, name->plain) || glob_match(pattern->bare, name->whole));
}

bool pattern_takes_name(const struct pattern *pattern, struct pattern_name *name)
{
    if (glob_match(pattern->name, name->symbol))
        return true;
    if (!bytes_start_with(name->symbol, BYTES("_Z")) ||
        (pattern->part.n > 0 &&
         memmem(name->symbol.at, name->symbol.n, pattern->part.at, pattern->part.n) == NULL) ||
        memchr(name->symbol.at, '.', name->symbol.n) != NULL)
        return false;
    return takes_plain(pattern, name);
}

bool pattern_takes_version(const struct pattern *pattern, const struct symbol *symbol)
{
    return pattern->version.n == 0 || (glob_match(pattern->version, symbol->version) &&
                                       (symbol->is_default || !pattern->is_default));
}
