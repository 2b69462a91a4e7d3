#include "hook/debug_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

struct link {
    const char *name;
    uint32_t check_sum;
};

/* CRC-32 as zlib has it, which lib/hook is not to depend on. */
static uint32_t crc32_of(struct bytes text)
{
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
    }
    for (size_t i = 0; i < text.n; i++)
        crc = table[(crc ^ (unsigned char)text.at[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}

static bool same_build_id(const struct elf_file *debug, const struct elf_file *file)
{
    struct bytes id = elf_file_build_id(file);
    return id.n > 0 && bytes_equal(id, elf_file_build_id(debug));
}

static int open_by_build_id(struct elf_file *debug, const struct elf_file *file, const char *root)
{
    static const char digits[] = "0123456789abcdef";
    struct bytes id = elf_file_build_id(file);
    char hex[2 * 32 + 1], path[PATH_MAX];
    if (id.n < 2 || id.n > 32)
        return -ENOENT;
    for (size_t i = 0; i < id.n; i++) {
        hex[2 * i] = digits[(unsigned char)id.at[i] >> 4];
        hex[2 * i + 1] = digits[id.at[i] & 15];
    }
    hex[2 * id.n] = '\0';
    int n = snprintf(path, sizeof path, "%s/.build-id/%.2s/%s.debug", root, hex, hex + 2);
    if (n >= (int)sizeof path || elf_file_open(debug, path) != 0)
        return -ENOENT;
    if (same_build_id(debug, file))
        return 0;
    elf_file_close(debug);
    return -ENOENT;
}

/* A name, padded to four bytes, and the check sum. */
static bool read_link(const struct elf_file *file, struct link *link)
{
    Elf64_Shdr section;
    if (!elf_file_find_section(file, SHT_PROGBITS, ".gnu_debuglink", &section))
        return false;
    struct bytes text = elf_file_section_bytes(file, &section);
    size_t name = strnlen(text.at != NULL ? text.at : "", text.n);
    size_t at = (name + 4) & ~(size_t)3;
    if (name == 0 || at + sizeof link->check_sum > text.n || memchr(text.at, '/', name) != NULL)
        return false;
    link->name = text.at;
    memcpy(&link->check_sum, text.at + at, sizeof link->check_sum);
    return true;
}

static bool is_linked(const struct elf_file *debug, const struct elf_file *file,
                      const struct link *link)
{
    if (elf_file_build_id(file).n > 0)
        return same_build_id(debug, file);
    return crc32_of(debug->all) == link->check_sum;
}

static int open_by_link(struct elf_file *debug, const struct elf_file *file, const char *path,
                        const char *root)
{
    struct link link;
    char name[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const struct {
        const char *root, *sub;
    } places[] = {{"", ""}, {"", ".debug/"}, {root, ""}};
    if (slash == NULL || !read_link(file, &link))
        return -ENOENT;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int n = snprintf(name, sizeof name, "%s%.*s/%s%s", places[i].root, (int)(slash - path),
                         path, places[i].sub, link.name);
        if (n >= (int)sizeof name || elf_file_open(debug, name) != 0)
            continue;
        if (is_linked(debug, file, &link))
            return 0;
        elf_file_close(debug);
    }
    return -ENOENT;
}

int debug_file_open(struct elf_file *debug, const struct elf_file *file, const char *path,
                    const char *root)
{
    int rc = open_by_build_id(debug, file, root);
    return rc == 0 ? rc : open_by_link(debug, file, path, root);
}
