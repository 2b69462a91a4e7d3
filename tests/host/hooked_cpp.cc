/*
 * hooked_cpp SCENARIO: exceptions that pass hooked calls. `serve` is a request; Shop::find,
 * Shop::check and fail are timed.
 */
#include "hooked.h"

#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%d: %s does not hold\n", __LINE__, #condition);                       \
            _Exit(1);                                                                              \
        }                                                                                          \
    } while (0)

namespace
{

int undone;

struct Undo {
    ~Undo()
    {
        undone++;
    }
};

} // namespace

class Shop
{
  public:
    int find(int n);
    int check(int n) const;
};

int fail(int n);
int serve(int (*work)(int), int n);

HOOKED int fail(int n)
{
    Undo undo;
    STAYS();
    throw std::runtime_error(n < 0 ? "negative" : "failed");
}

HOOKED int Shop::check(int n) const
{
    Undo undo;
    int result = n % 2 == 0 ? fail(n) : n;
    STAYS();
    return result;
}

HOOKED int Shop::find(int n)
{
    int result = 0;
    try {
        result = check(n);
    } catch (const std::runtime_error &error) {
        result = strcmp(error.what(), "failed") == 0 ? -1 : -2;
    }
    STAYS();
    return result;
}

HOOKED int serve(int (*work)(int), int n)
{
    Undo undo;
    int result = work(n);
    STAYS();
    return result;
}

static int find_all(int n)
{
    Shop shop;
    for (int i = 0; i < n; i++)
        EXPECT(shop.find(i) == (i % 2 == 0 ? -1 : i));
    return 200;
}

/* Caught within: the request is done. */
static void caught_inside()
{
    EXPECT(serve(find_all, 1000) == 200 && undone == 1501);
}

static void caught_outside()
{
    int caught = 0;
    for (int i = 0; i < 1000; i++)
        try {
            serve(fail, i);
        } catch (const std::exception &) {
            caught++;
        }
    EXPECT(caught == 1000 && undone == 2000 && serve(find_all, 2) == 200);
}

static int throw_again(int n)
{
    try {
        return Shop().check(n);
    } catch (...) {
        throw;
    }
}

static void thrown_again()
{
    int caught = 0;
    for (int i = 0; i < 100; i++)
        try {
            serve(throw_again, i);
        } catch (const std::runtime_error &) {
            caught++;
        }
    EXPECT(caught == 50 && undone == 250);
}

struct Searcher {
    ~Searcher()
    {
        EXPECT(Shop().find(2) == -1 && Shop().find(3) == 3);
    }
};

static int search_at_end(int n)
{
    Searcher searcher;
    return fail(n);
}

/* Destructors that the exception runs call, throw and catch themselves. */
static void thrown_in_destructors()
{
    int caught = 0;
    for (int i = 0; i < 100; i++)
        try {
            serve(search_at_end, i);
        } catch (const std::runtime_error &) {
            caught++;
        }
    EXPECT(caught == 100 && serve(find_all, 2) == 200);
}

static std::exception_ptr kept;

static int keep_exception(int n)
{
    try {
        fail(n);
    } catch (...) {
        kept = std::current_exception();
    }
    return 200;
}

static int throw_kept(int)
{
    std::rethrow_exception(kept);
}

static void thrown_elsewhere()
{
    EXPECT(serve(keep_exception, 1) == 200);
    try {
        serve(throw_kept, 1);
    } catch (const std::runtime_error &) {
        EXPECT(serve(find_all, 2) == 200);
        return;
    }
    EXPECT(false);
}

static void *end_within(void *)
{
    Undo undo;
    serve(
        [](int) {
            pthread_exit(nullptr);
            return 0;
        },
        0);
    return nullptr;
}

/* The end of a thread is an exception, too. */
static void thread_ends()
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, nullptr, end_within, nullptr) == 0);
    EXPECT(pthread_join(thread, nullptr) == 0 && undone == 2);
    EXPECT(serve(find_all, 1) == 200);
}

static void uncaught()
{
    serve(find_all, 2);
    serve(fail, 1);
}

static void never_throws() noexcept
{
    serve(fail, -1);
}

static void *throw_often(void *)
{
    for (int i = 0; i < 50; i++)
        try {
            serve(throw_again, 0);
        } catch (const std::runtime_error &) {
        }
    return nullptr;
}

static void eight_threads()
{
    pthread_t threads[8];
    for (pthread_t &thread : threads)
        EXPECT(pthread_create(&thread, nullptr, throw_often, nullptr) == 0);
    for (pthread_t thread : threads)
        EXPECT(pthread_join(thread, nullptr) == 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)();
    } table[] = {
        {"caught_inside", caught_inside},
        {"caught_outside", caught_outside},
        {"thrown_again", thrown_again},
        {"thrown_in_destructors", thrown_in_destructors},
        {"thrown_elsewhere", thrown_elsewhere},
        {"thread_ends", thread_ends},
        {"uncaught", uncaught},
        {"never_throws", never_throws},
        {"eight_threads", eight_threads},
    };
    for (const auto &row : table)
        if (argc > 1 && strcmp(row.name, argv[1]) == 0) {
            row.run();
            return 0;
        }
    return 2;
}
