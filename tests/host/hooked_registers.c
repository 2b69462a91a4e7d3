/*
 * hooked_registers: what a function gets and gives in registers arrives, whatever its signature;
 * what it leaves alone stays. All functions are hooked; each is called in requests and outside.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "expect.h"
#include "hooked.h"

enum { TIMES = 50 };

int serve(int (*work)(int), int n);

HOOKED int serve(int (*work)(int), int n)
{
    int status = work(n);
    STAYS();
    return status;
}

#define HOOKED_FUNCTION(type, name, ...)                                                           \
    type name(__VA_ARGS__);                                                                        \
    HOOKED type name(__VA_ARGS__)

HOOKED_FUNCTION(long, f_integers, long a, long b, long c, long d, long e, long f, long g, long h)
{
    LONG_ENOUGH();
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
}

HOOKED_FUNCTION(double, f_doubles, double a, double b, double c, double d, double e, double f,
                double g, double h, double i, double j)
{
    LONG_ENOUGH();
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

HOOKED_FUNCTION(long double, f_long_double, long double a, double b, long double c)
{
    LONG_ENOUGH();
    return a * 3 + (long double)b - c;
}

HOOKED_FUNCTION(_Complex long double, f_complex, _Complex long double a)
{
    LONG_ENOUGH();
    return a * 2;
}

struct two {
    long a, b;
};

HOOKED_FUNCTION(struct two, f_two, struct two x, long n)
{
    LONG_ENOUGH();
    return (struct two){x.b + n, x.a - n};
}

struct two_doubles {
    double a, b;
};

HOOKED_FUNCTION(struct two_doubles, f_two_doubles, struct two_doubles x, double n)
{
    LONG_ENOUGH();
    return (struct two_doubles){x.b + n, x.a - n};
}

struct mixed {
    double a;
    long b;
};

HOOKED_FUNCTION(struct mixed, f_mixed, long n, struct mixed x)
{
    LONG_ENOUGH();
    return (struct mixed){x.a * 2, x.b + n};
}

struct large {
    long a[20];
};

HOOKED_FUNCTION(struct large, f_large, struct large x, long n)
{
    LONG_ENOUGH();
    for (int i = 0; i < 20; i++)
        x.a[i] += n;
    return x;
}

HOOKED_FUNCTION(double, f_variadic, int n, ...)
{
    double sum = 0;
    va_list list;
    va_start(list, n);
    for (int i = 0; i < n; i++)
        sum += i % 2 == 0 ? va_arg(list, double) : (double)va_arg(list, long);
    va_end(list);
    return sum;
}

/* A leaf that keeps what it works with below its stack pointer. */
HOOKED_FUNCTION(long, f_red_zone, long n)
{
    volatile long place[12];
    for (int i = 0; i < 12; i++)
        place[i] = n + i;
    long sum = 0;
    for (int i = 0; i < 12; i++)
        sum += place[i];
    return sum;
}

typedef double __attribute__((vector_size(32))) four;

HOOKED_FUNCTION(__attribute__((target("avx"))) four, f_vectors, four a, four b, four c, four d,
                four e, four f, four g, four h, four i)
{
    LONG_ENOUGH();
    return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9;
}

HOOKED_FUNCTION(bool, f_aligned, int n)
{
    _Alignas(64) volatile char place[64];
    place[0] = (char)n;
    return ((uintptr_t)place & 63) == 0 && place[0] == (char)n;
}

HOOKED_FUNCTION(unsigned __int128, f_wide, unsigned __int128 a, unsigned __int128 b)
{
    LONG_ENOUGH();
    return a * 3 + b;
}

/* Not through C: nothing but rax is changed, and the caller of no name relies on it. */
long f_keeps(long n);
__asm__(".text\n"
        ".globl f_keeps\n"
        ".type f_keeps, @function\n"
        "f_keeps:\n"
        "        leaq 1000(%rdi), %rax\n"
        "        ret\n"
        ".size f_keeps, . - f_keeps\n");

/* Calls with every register that C may change filled, and sees that each is what it was. */
static bool keeps_registers(long n)
{
    uint64_t before[8], after[8];
    double vectors[2] = {1.5 + (double)n, 2.5}, found[2];
    long result;
    for (unsigned i = 0; i < 8; i++)
        before[i] = 0x1111111111111111u * (i + 1) + (uint64_t)n;
    __asm__ volatile("subq $128, %%rsp\n\t"
                     "movq 0(%[b]), %%rcx\n\t"
                     "movq 8(%[b]), %%rdx\n\t"
                     "movq 16(%[b]), %%rsi\n\t"
                     "movq 24(%[b]), %%r8\n\t"
                     "movq 32(%[b]), %%r9\n\t"
                     "movq 40(%[b]), %%r10\n\t"
                     "movq 48(%[b]), %%r11\n\t"
                     "movsd 0(%[v]), %%xmm0\n\t"
                     "movsd 8(%[v]), %%xmm15\n\t"
                     "call f_keeps\n\t"
                     "movq %%rcx, 0(%[a])\n\t"
                     "movq %%rdx, 8(%[a])\n\t"
                     "movq %%rsi, 16(%[a])\n\t"
                     "movq %%r8, 24(%[a])\n\t"
                     "movq %%r9, 32(%[a])\n\t"
                     "movq %%r10, 40(%[a])\n\t"
                     "movq %%r11, 48(%[a])\n\t"
                     "movq %%rdi, 56(%[a])\n\t"
                     "movsd %%xmm0, 0(%[f])\n\t"
                     "movsd %%xmm15, 8(%[f])\n\t"
                     "addq $128, %%rsp"
                     : "=&a"(result)
                     : [b] "r"(before), [a] "r"(after), [v] "r"(vectors), [f] "r"(found), "D"(n)
                     : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "xmm0", "xmm15", "memory",
                       "cc");
    bool same = result == n + 1000 && after[7] == (uint64_t)n;
    for (int i = 0; i < 7; i++)
        same = same && before[i] == after[i];
    return same && memcmp(vectors, found, sizeof found) == 0;
}

static int __attribute__((target("avx"))) call_vectors(int n)
{
    four x[9];
    for (int i = 0; i < 9; i++)
        x[i] = (four){i + n, i + 1, i + 2, i + 3};
    four sum = f_vectors(x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8]);
    for (int k = 0; k < 4; k++) {
        double expected = 0;
        for (int i = 0; i < 9; i++)
            expected += x[i][k] * (i + 1);
        EXPECT(sum[k] == expected);
    }
    return 200;
}

static void call_structs(long n)
{
    struct two two = f_two((struct two){n, 7}, 3);
    EXPECT(two.a == 10 && two.b == n - 3);
    struct two_doubles doubles = f_two_doubles((struct two_doubles){(double)n, 7.5}, 3);
    EXPECT(doubles.a == 10.5 && doubles.b == (double)n - 3);
    struct mixed mixed = f_mixed(n, (struct mixed){2.25, 5});
    EXPECT(mixed.a == 4.5 && mixed.b == n + 5);
    struct large large = {{0}};
    for (int i = 0; i < 20; i++)
        large.a[i] = i;
    large = f_large(large, n);
    for (int i = 0; i < 20; i++)
        EXPECT(large.a[i] == i + n);
}

static int call_all(int n)
{
    double d = n;
    EXPECT(f_integers(n, 2, 3, 4, 5, 6, 7, 8) == n + 203);
    EXPECT(f_doubles(d, 2, 3, 4, 5, 6, 7, 8, 9, 10) == d + 384);
    EXPECT(f_long_double(1.25L, d, 0.5L) == 3.25L + (long double)n);
    _Complex long double z = f_complex(1.5L + 2.5L * (_Complex long double)1.0iL);
    EXPECT(__real__ z == 3.0L && __imag__ z == 5.0L);
    EXPECT(f_variadic(6, 1.5, 2L, 2.5, 4L, d, 6L) == 16 + d);
    EXPECT(f_variadic(0) == 0);
    EXPECT(f_red_zone(n) == 12 * n + 66);
    EXPECT(f_aligned(n));
    EXPECT(f_wide((unsigned __int128)1 << 100, (unsigned __int128)n) ==
           ((unsigned __int128)3 << 100) + (unsigned __int128)n);
    EXPECT(keeps_registers(n));
    call_structs(n);
    return __builtin_cpu_supports("avx") ? call_vectors(n) : 200;
}

/* As if each call were the first to be hooked: outside, within, and when a timer of it is open. */
int main(void)
{
    alarm(PATIENCE_S);
    for (int i = 0; i < TIMES; i++) {
        EXPECT(call_all(i) == 200);
        EXPECT(serve(call_all, i) == 200);
    }
    return 0;
}
