/* debug_file: which file apart is taken, and which only looks like it. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "elf_model.h"
#include "hook/debug_file.h"
#include "scratch.h"

/* A folder with a debug root in it; the paths of what is put there. */
struct place {
    char folder[64], root[80], program[80];
    struct elf_file file;
};

static void make_folder(const char *folder, const char *sub)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, sub);
    cr_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void put_file(const char *folder, const char *name, const struct elf_model *m)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, m, MODEL_BYTES), MODEL_BYTES);
    close(fd);
}

static void begin(struct place *place, struct elf_model *m)
{
    scratch_folder(place->folder);
    snprintf(place->root, sizeof place->root, "%s/root", place->folder);
    snprintf(place->program, sizeof place->program, "%s/program", place->folder);
    make_folder(place->folder, "root");
    make_folder(place->folder, ".debug");
    cr_assert_eq(elf_file_on(&place->file, model_bytes(m)), 0);
}

static int looked(struct place *place)
{
    struct elf_file debug;
    int rc = debug_file_open(&debug, &place->file, place->program, place->root);
    if (rc == 0)
        elf_file_close(&debug);
    return rc;
}

static struct elf_model *of_another_build(void)
{
    struct elf_model *m = model_new();
    m->note.id[7] ^= 1;
    return m;
}

Test(debug_file, by_build_id)
{
    struct place place;
    begin(&place, model_new());
    cr_assert_eq(looked(&place), -ENOENT);
    make_folder(place.root, ".build-id");
    make_folder(place.root, ".build-id/12");
    put_file(place.root, ".build-id/12/3456789abcdef0.debug", of_another_build());
    cr_assert_eq(looked(&place), -ENOENT);
    put_file(place.root, ".build-id/12/3456789abcdef0.debug", model_new());
    cr_assert_eq(looked(&place), 0);
    elf_file_close(&place.file);
}

Test(debug_file, by_link_with_the_same_build_id)
{
    struct place place;
    begin(&place, model_new());
    put_file(place.folder, "model.so.debug", of_another_build());
    cr_assert_eq(looked(&place), -ENOENT);
    put_file(place.folder, ".debug/model.so.debug", model_new());
    cr_assert_eq(looked(&place), 0);
    elf_file_close(&place.file);
}

/* CRC-32 by its definition, bit by bit. */
static uint32_t check_sum(const unsigned char *at, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n * 8; i++)
        crc = crc >> 1 ^ (((crc ^ (uint32_t)(at[i / 8] >> i % 8)) & 1) ? 0xedb88320 : 0);
    return ~crc;
}

Test(debug_file, by_link_with_the_check_sum)
{
    struct place place;
    struct elf_model *m = model_new(), *debug = model_new();
    m->note.header.n_type = debug->note.header.n_type = 99;
    uint32_t crc = check_sum((const unsigned char *)debug, MODEL_BYTES);
    memcpy(m->link + 16, &crc, sizeof crc);
    begin(&place, m);
    char parts[160];
    snprintf(parts, sizeof parts, "mkdir -p '%s%s'", place.root, place.folder);
    cr_assert_eq(system(parts), 0);
    snprintf(parts, sizeof parts, "%s%s", place.root, place.folder);
    put_file(parts, "model.so.debug", debug);
    cr_assert_eq(looked(&place), 0);
    debug->link[3] ^= 1;
    put_file(parts, "model.so.debug", debug);
    cr_assert_eq(looked(&place), -ENOENT);
    elf_file_close(&place.file);
}

Test(debug_file, links_that_lead_elsewhere_or_nowhere)
{
    static const char *const links[] = {"", "../x", "/etc/passwd", "sixteen bytes..!",
                                        "long and never ends....."};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        struct place place;
        struct elf_model *m = model_new();
        memset(m->link, 0, sizeof m->link);
        memcpy(m->link, links[i], strlen(links[i]));
        begin(&place, m);
        cr_assert_eq(looked(&place), -ENOENT, "%s", links[i]);
        elf_file_close(&place.file);
    }
}
