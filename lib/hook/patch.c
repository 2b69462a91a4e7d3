#include "hook/patch.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/lock.h"
#include "hook/maps.h"
#include "hook/move.h"
#include "hook/near.h"
#include "hook/prologue.h"
#include "hook/text.h"

/*
 * A piece of near memory: cmp word, 0; je moved; push number; jmp [rip + 2]; filling; the entry's
 * address; and from there on the moved instructions. A call begins at the first of them that it
 * wants.
 */
enum {
    LOOK_AT = 0,
    PASS_AT = 9,
    PUSH_AT = 11,
    JUMP_AT = 16,
    ENTRY_AT = 24,
    MOVED_AT = 32,
    PIECE_MAX = MOVED_AT + MOVE_BYTES_MAX
};

static struct lock lock;

static int refuse(int error, const char *why, const char **reason)
{
    *reason = why;
    return error;
}

/* Whoever patches is not patched: it would run what it writes. */
static bool is_own(const struct map *map)
{
    uint64_t here = (uint64_t)(uintptr_t)&patch_function;
    return here >= map->begin && here < map->end;
}

static int find_text(uint64_t address, struct map *text, const char **reason)
{
    int error = maps_find_joined(address, text);
    if (error != 0)
        return refuse(error, "what is mapped there can't be read from /proc/self/maps", reason);
    if ((text->protection & (PROT_READ | PROT_EXEC)) != (PROT_READ | PROT_EXEC))
        return refuse(-ENOTSUP, "it is not in executable memory", reason);
    if (is_own(text))
        return refuse(-ENOTSUP, "it is a function of stats-hero itself", reason);
    return 0;
}

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

static int read_function(const struct patch_site *site, const struct map *text,
                         struct prologue *prologue, const char **reason)
{
    uint64_t address = (uint64_t)(uintptr_t)site->function;
    size_t rest = text->end - address;
    struct prologue_code code = {site->function,
                                 address,
                                 at_most(site->size, rest),
                                 at_most(site->room, rest),
                                 (const uint8_t *)(uintptr_t)text->begin,
                                 text->end - text->begin};
    enum prologue_verdict verdict = prologue_read(&code, prologue);
    return verdict == PROLOGUE_FITS ? 0 : refuse(-ENOTSUP, prologue_reason(verdict), reason);
}

static void spell(uint8_t *at, const void *code, size_t bytes, int32_t operand)
{
    memcpy(at, code, bytes);
    memcpy(at + bytes, &operand, sizeof operand);
}

/* All of it; where in it a call begins is way_in's to say. */
static void spell_stub(uint8_t *piece, const struct patch_way *way)
{
    memset(piece, 0xcc, MOVED_AT);
    spell(piece + LOOK_AT, "\x64\x83\x3c\x25", 4, way->unless_zero); /* cmpl $0, %fs:word */
    piece[PASS_AT - 1] = 0;
    piece[PASS_AT] = 0x74; /* je */
    piece[PASS_AT + 1] = MOVED_AT - (PASS_AT + 2);
    spell(piece + PUSH_AT, "\x68", 1, (int32_t)way->number);
    spell(piece + JUMP_AT, "\xff\x25", 2, ENTRY_AT - (JUMP_AT + 6));
    memcpy(piece + ENTRY_AT, &way->entry, sizeof way->entry);
}

static uint64_t way_in(const struct patch_way *way)
{
    if (way->replaces)
        return JUMP_AT;
    return way->unless_zero != 0 ? LOOK_AT : PUSH_AT;
}

/* The processor keeps return addresses on a stack of its own (CET): a moved call, which pushes one
 * that it does not know, would kill the program. Zero, or left as it is, where there is none. */
static bool returns_are_protected(void)
{
    uint64_t shadow_stack = 0;
#ifdef __x86_64__
    __asm__ volatile("rdsspq %0" : "+r"(shadow_stack));
#endif
    return shadow_stack != 0;
}

/* Makes the piece whose address is then `*place`. */
static int make_piece(const struct prologue *prologue, const struct patch_way *way, uint64_t *place,
                      const char **reason)
{
    uint8_t piece[PIECE_MAX];
    size_t moved;
    if (prologue->calls && returns_are_protected())
        return refuse(-ENOTSUP, "its start holds a call, and return addresses are protected here",
                      reason);
    int error = near_find(prologue->address, sizeof piece, place);
    if (error != 0)
        return refuse(error, "no executable memory can be had in reach of it", reason);
    spell_stub(piece, way);
    enum prologue_verdict verdict =
        move_prologue(prologue, *place + MOVED_AT, piece + MOVED_AT, &moved);
    if (verdict != PROLOGUE_FITS)
        return refuse(-ENOTSUP, prologue_reason(verdict), reason);
    error = near_fill(*place, piece, MOVED_AT + moved);
    return error == 0 ? 0 : refuse(error, "memory in reach of it can't be made executable", reason);
}

static int put_jump(const struct prologue *prologue, const struct map *text, uint64_t place,
                    const char **reason)
{
    uint64_t at = prologue->address + prologue->begin;
    uint8_t jump[PROLOGUE_PATCH_BYTES] = {0xe9};
    int32_t distance = (int32_t)(int64_t)(place - (at + sizeof jump));
    memcpy(jump + 1, &distance, sizeof distance);
    int error = text_put_jump(at, jump, text->protection);
    return error == 0 ? 0 : refuse(error, "its pages can't be made writable", reason);
}

static int patch_locked(const struct patch_site *site, const struct patch_way *way,
                        struct patch *made, const char **reason)
{
    struct map text;
    struct prologue prologue;
    uint64_t place;
    int error = find_text((uint64_t)(uintptr_t)site->function, &text, reason);
    if (error == 0)
        error = read_function(site, &text, &prologue, reason);
    if (error == 0)
        error = make_piece(&prologue, way, &place, reason);
    if (error != 0)
        return error;
    made->original = (void *)(uintptr_t)(place + MOVED_AT);
    return put_jump(&prologue, &text, place + way_in(way), reason);
}

int patch_function(const struct patch_site *site, const struct patch_way *way, struct patch *made,
                   const char **reason)
{
    if (!lock_take(&lock))
        return refuse(-EBUSY, "another thread is patching", reason);
    int error = patch_locked(site, way, made, reason);
    lock_release(&lock);
    return error;
}
