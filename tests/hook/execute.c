/*
 * execute: the named functions of a library are patched with an entry that passes the call through,
 * and the library gives the same results as before; then those of libc too. One child process per
 * library. Prints how many functions were patched and how many of them were called.
 */

#include <dlfcn.h>
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <wchar.h>

#include "../pass_through.h"
#include "../random.h"
#include "base/process.h"
#include "elf_functions.h"

/* What a library gave. */
static struct results {
    char text[1 << 16];
    size_t n;
} results;

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(results.text + results.n, sizeof results.text - results.n, format, arguments);
    va_end(arguments);
    expect(n >= 0 && results.n + (size_t)n < sizeof results.text);
    results.n += (size_t)n;
}

static void tell_bytes(const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tell("%02x", ((const unsigned char *)bytes)[i]);
    tell("\n");
}

static void *library;

/* A function of the library, as a pointer of the wanted type. */
#define FUNCTION(type, name) ((type *)(uintptr_t)function_named(name))

static void *function_named(const char *name)
{
    void *function = dlsym(library, name);
    expect(function != NULL);
    return function;
}

typedef double one_number(double);
typedef double two_numbers(double, double);

static void use_libm(void)
{
    static const char *const one[] = {"sin",   "cos",  "tan",   "exp",   "log",   "log2",  "cbrt",
                                      "asinh", "erf",  "gamma", "j0",    "y1",    "ceil",  "rint",
                                      "atan",  "acos", "sinh",  "expm1", "log1p", "exp10", "fabs"};
    static const char *const two[] = {"pow", "atan2", "fmod", "hypot", "fdim", "nextafter"};
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        for (double x = -2.5; x < 4; x += 0.37)
            tell("%s(%g) = %a\n", one[i], x, FUNCTION(one_number, one[i])(x));
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        for (double x = -2.5; x < 4; x += 0.37)
            tell("%s(%g) = %a\n", two[i], x, FUNCTION(two_numbers, two[i])(x, 1.7));
}

static unsigned char *random_bytes(size_t n)
{
    uint64_t state = 88172645463325252u;
    unsigned char *bytes = malloc(n);
    expect(bytes != NULL);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(next_random(&state) >> 8) & 0x1f;
    return bytes;
}

typedef int z_compress(unsigned char *, unsigned long *, const unsigned char *, unsigned long, int);
typedef int z_expand(unsigned char *, unsigned long *, const unsigned char *, unsigned long);
typedef unsigned long z_check(unsigned long, const unsigned char *, unsigned);

static void use_libz(void)
{
    enum { N = 50000 };
    unsigned char *plain = random_bytes(N), *packed = malloc(2 * N), *back = malloc(N);
    tell("%lx %lx\n", FUNCTION(z_check, "crc32")(0, plain, N),
         FUNCTION(z_check, "adler32")(1, plain, N));
    for (int level = 0; level <= 9; level++) {
        unsigned long packed_n = 2 * N, back_n = N;
        expect(FUNCTION(z_compress, "compress2")(packed, &packed_n, plain, N, level) == 0);
        expect(FUNCTION(z_expand, "uncompress")(back, &back_n, packed, packed_n) == 0);
        expect(back_n == N && memcmp(back, plain, N) == 0);
        tell("%d: %lu %lx\n", level, packed_n,
             FUNCTION(z_check, "crc32")(0, packed, (unsigned)packed_n));
    }
    free(plain), free(packed), free(back);
}

typedef const void *evp_by_name(const char *);
typedef int evp_digest(const void *, size_t, unsigned char *, unsigned *, const void *, void *);
typedef int pbkdf2(const char *, int, const unsigned char *, int, int, const void *, int,
                   unsigned char *);
typedef void *bn_new(void);
typedef int bn_from(void **, const char *);
typedef int bn_mod_exp(void *, const void *, const void *, const void *, void *);
typedef char *bn_to(const void *);

static void use_big_numbers(void)
{
    void *context = FUNCTION(bn_new, "BN_CTX_new")(), *result = FUNCTION(bn_new, "BN_new")();
    void *number[3] = {NULL, NULL, NULL};
    static const char *const digits[3] = {
        "123456789012345678901234567890123456789012345678901234567890",
        "987654321098765432109876543210987654321",
        "170141183460469231731687303715884105727170141183460469231731687303715884105727"};
    for (int i = 0; i < 3; i++)
        expect(FUNCTION(bn_from, "BN_dec2bn")(&number[i], digits[i]) > 0);
    expect(FUNCTION(bn_mod_exp, "BN_mod_exp")(result, number[0], number[1], number[2], context) ==
           1);
    tell("%s\n", FUNCTION(bn_to, "BN_bn2dec")(result));
}

static void use_libcrypto(void)
{
    static const char *const names[] = {"MD5",      "SHA1",       "SHA256",    "SHA512",
                                        "SHA3-256", "BLAKE2b512", "RIPEMD160", "SM3"};
    unsigned char digest[64], *plain = random_bytes(10000);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsigned n = 0;
        const void *kind = FUNCTION(evp_by_name, "EVP_get_digestbyname")(names[i]);
        if (kind != NULL &&
            FUNCTION(evp_digest, "EVP_Digest")(plain, 10000, digest, &n, kind, NULL) == 1)
            tell_bytes(digest, n);
    }
    expect(FUNCTION(pbkdf2, "PKCS5_PBKDF2_HMAC")(
               "secret", 6, plain, 16, 1000,
               FUNCTION(evp_by_name, "EVP_get_digestbyname")("SHA256"), 32, digest) == 1);
    tell_bytes(digest, 32);
    use_big_numbers();
    free(plain);
}

typedef int sqlite_open(const char *, void **);
typedef int sqlite_exec(void *, const char *, int (*)(void *, int, char **, char **), void *,
                        char **);
typedef int sqlite_close(void *);

static int tell_row(void *nothing, int n, char **values, char **names)
{
    for (int i = 0; i < n; i++)
        tell("%s=%s ", names[i], values[i] != NULL ? values[i] : "NULL");
    tell("\n");
    (void)nothing;
    return 0;
}

static void use_libsqlite(void)
{
    static const char *const statements[] = {
        "create table t(a integer primary key, b text, c real)",
        ("with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) "
         "insert into t select i, printf('%05d-%s', (i * 7919) % 1000, hex(i)), i / 7.0 from n"),
        "create index tb on t(b)",
        "select count(*), sum(c), min(b), max(b), avg(length(b)) from t",
        "select b, count(*) from t where b like '%9-%' group by b order by 2 desc, 1 limit 20",
        "select x.a, y.b from t x join t y on x.b = y.b and x.a < y.a order by 1, 2 limit 20",
        "update t set b = upper(b) || 'z' where a % 3 = 0",
        "delete from t where a % 5 = 0",
        "select json_group_array(a) from (select a from t order by b desc limit 10)",
        "select sum(a), group_concat(b) from (select * from t order by c limit 30)",
    };
    void *database = NULL;
    expect(FUNCTION(sqlite_open, "sqlite3_open")(":memory:", &database) == 0);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        tell("%d\n",
             FUNCTION(sqlite_exec, "sqlite3_exec")(database, statements[i], tell_row, NULL, NULL));
    expect(FUNCTION(sqlite_close, "sqlite3_close")(database) == 0);
}

static int by_value(const void *a, const void *b)
{
    uint32_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

static jmp_buf way_back;

static __attribute__((noinline)) void go_back(int value)
{
    longjmp(way_back, value);
}

static void *on_thread(void *number)
{
    char text[64];
    snprintf(text, sizeof text, "%ld", (long)(intptr_t)number);
    return strdup(text);
}

static void use_processes_and_threads(void)
{
    int status;
    void *text;
    pthread_t thread;
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    expect(waitpid(child, &status, 0) == child);
    tell("status %d\n", status);
    FILE *pipe = popen("echo from a shell", "r");
    char line[64] = "";
    expect(pipe != NULL && fgets(line, sizeof line, pipe) != NULL && pclose(pipe) == 0);
    expect(pthread_create(&thread, NULL, on_thread, (void *)(intptr_t)4711) == 0);
    expect(pthread_join(thread, &text) == 0);
    tell("%s%s\n", line, (char *)text);
    free(text);
}

static void use_libc(void)
{
    uint32_t *numbers = (uint32_t *)(void *)random_bytes(4000);
    qsort(numbers, 1000, sizeof *numbers, by_value);
    tell_bytes(numbers, 4000);
    free(numbers);
    for (double x = 1e-5; x < 1e9; x *= 7.3) {
        char text[64];
        snprintf(text, sizeof text, "%.*g", 12, x);
        tell("%s %a %ld\n", text, strtod(text, NULL), strtol(text, NULL, 10));
    }
    int value = setjmp(way_back);
    tell("setjmp %d\n", value);
    if (value < 3)
        go_back(value + 1);
    struct tm when;
    time_t moment = 1700000000;
    char text[128];
    wchar_t wide[64];
    expect(strftime(text, sizeof text, "%c %A %j %U", gmtime_r(&moment, &when)) > 0);
    tell("%s %zu %s\n", text, mbstowcs(wide, "wide", 64), strstr("a needle in hay", "needle"));
    use_processes_and_threads();
}

typedef void py_begin(int);
typedef int py_run(const char *, void *);

/* Python tells by a file, as a program that is embedded would. */
static void use_libpython(void)
{
    static bool begun;
    char *text = NULL;
    size_t size = 0;
    FILE *told;
    char script[4096];
    int fd[2];
    expect(pipe(fd) == 0);
    if (!begun)
        FUNCTION(py_begin, "Py_InitializeEx")(0);
    begun = true;
    snprintf(script, sizeof script,
             "import os, re, json, hashlib, struct, math, collections\n"
             "class A(dict):\n"
             "    def __missing__(self, k): return self.setdefault(k, len(self))\n"
             "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\n"
             "out = [f(15), json.dumps({'a': [1, 2.5, None], 'b': 'ü'}), re.sub(r'(\\d+)', "
             "lambda m: str(int(m[1]) * 2), 'a1b22c333')]\n"
             "a = A(); [a[x %% 17] for x in range(100)]; out.append(sorted(a.items()))\n"
             "try: 1 / 0\n"
             "except ZeroDivisionError as e: out.append(repr(e))\n"
             "out.append(hashlib.sha256(b'x' * 1000).hexdigest())\n"
             "out.append(struct.pack('>IdH', 7, math.pi, 3).hex())\n"
             "out.append(collections.Counter('mississippi').most_common(2))\n"
             "out.append(2 ** 200 %% 97)\n"
             "os.write(%d, repr(out).encode())\n",
             fd[1]);
    tell("%d\n", FUNCTION(py_run, "PyRun_SimpleStringFlags")(script, NULL));
    close(fd[1]);
    told = fdopen(fd[0], "r");
    expect(told != NULL);
    if (getline(&text, &size, told) > 0)
        tell("%s\n", text);
    fclose(told);
    free(text);
}

static const struct subject {
    const char *library;
    void (*use)(void);
} subjects[] = {
    {"libm.so.6", use_libm},
    {"libz.so.1", use_libz},
    {"libcrypto.so.3", use_libcrypto},
    {"libsqlite3.so.0", use_libsqlite},
    {"libpython3.11.so.1.0", use_libpython},
    {"libc.so.6", use_libc},
};

static uint32_t made;

/* Of a large library not each function, but some from everywhere. */
enum { ABOUT = 600 };

/* Numbers go on from library to library. */
static size_t patch_all(const struct link_map *loaded)
{
    struct elf_file file;
    uint32_t before = made;
    expect(elf_open(&file, loaded->l_name));
    for (size_t i = 0; i < file.n; i += 1 + file.n / (ABOUT + ABOUT / 2)) {
        const struct elf_function *function = &file.functions[i];
        struct patch_site site = {(void *)(loaded->l_addr + function->address), function->size,
                                  function->room};
        struct patch_way way = {.number = made, .entry = (const void *)(uintptr_t)pass_entry};
        const char *reason;
        expect(made < PASSES_MAX);
        if (patch_function(&site, &way, &pass_made[made], &reason) == 0)
            made++;
    }
    elf_close(&file);
    return made - before;
}

static size_t called_since(uint32_t first)
{
    size_t n = 0;
    for (uint32_t i = first; i < made; i++)
        n += pass_counts[i] != 0;
    return n;
}

/* The work's results have to be those of the first time. */
static void use_again(const struct subject *subject, const struct results *first)
{
    results.n = 0;
    subject->use();
    if (results.n == first->n && memcmp(results.text, first->text, first->n) == 0)
        return;
    printf("%s: was\n%.*snow\n%.*s", subject->library, (int)first->n, first->text, (int)results.n,
           results.text);
    exit(1);
}

static const struct link_map *map_of(void *handle)
{
    struct link_map *loaded;
    expect(dlinfo(handle, RTLD_DI_LINKMAP, &loaded) == 0);
    return loaded;
}

static void try_subject(const struct subject *subject)
{
    static struct results first;
    library = dlopen(subject->library, RTLD_NOW | RTLD_GLOBAL);
    if (library == NULL) {
        printf("%s: is not here\n", subject->library);
        exit(0);
    }
    subject->use();
    first = results;
    expect(first.n > 0);
    size_t patched = patch_all(map_of(library));
    use_again(subject, &first);
    size_t used = called_since(0);
    expect(used >= 5);
    if (subject->use != use_libc)
        patch_all(map_of(dlopen("libc.so.6", RTLD_NOW)));
    use_again(subject, &first);
    printf("%s: %zu functions patched, %zu of them called; with libc %u in all\n", subject->library,
           patched, used, made);
    exit(0);
}

int main(void)
{
    int failed = 0;
    process_begin();
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        int status;
        fflush(stdout);
        pid_t child = fork();
        expect(child >= 0);
        if (child == 0)
            try_subject(&subjects[i]);
        expect(waitpid(child, &status, 0) == child);
        if (status != 0)
            printf("%s: failed, status %d\n", subjects[i].library, status);
        failed += status != 0;
    }
    return failed != 0;
}
