#include "json.h"

void json_put_text(FILE *file, struct bytes text)
{
    if (text.at == NULL) {
        fputs("null", file);
        return;
    }
    fputc('"', file);
    for (size_t i = 0; i < text.n; i++) {
        char escaped[8];
        struct writer w = writer_on(escaped, sizeof escaped);
        put_json(&w, (struct bytes){text.at + i, 1});
        fwrite(escaped, 1, w.n, file);
    }
    fputc('"', file);
}

void json_put_member(FILE *file, bool first, const char *name, struct bytes text)
{
    fprintf(file, "%s\"%s\":", first ? "" : ",", name);
    json_put_text(file, text);
}

void json_put_flag(FILE *file, bool first, const char *name, bool value)
{
    fprintf(file, "%s\"%s\":%s", first ? "" : ",", name, value ? "true" : "false");
}
