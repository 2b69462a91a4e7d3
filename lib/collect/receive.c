#include "collect/receive.h"

#include <errno.h>
#include <stdlib.h>

#include "collect/gunzip.h"
#include "collect/number.h"

struct receive {
    struct receive_counts counts;
    char *inflated[2]; /* made when first needed; two, as one layer is inflated into the other's
                          place */
};

int receive_new(struct receive **receive)
{
    *receive = calloc(1, sizeof **receive);
    return *receive == NULL ? -ENOMEM : 0;
}

void receive_free(struct receive *receive)
{
    if (receive == NULL)
        return;
    free(receive->inflated[0]);
    free(receive->inflated[1]);
    free(receive);
}

struct receive_counts *receive_counts(struct receive *receive)
{
    return &receive->counts;
}

static enum refusal refusal_of(int gunzip_rc)
{
    if (gunzip_rc == -ENOMEM)
        return REFUSED_MEMORY;
    return gunzip_rc == -EFBIG ? REFUSED_TOO_LARGE : REFUSED_GZIP;
}

static enum refusal inflate_layer(struct receive *receive, int layer, struct bytes *body)
{
    char **buffer = &receive->inflated[layer % 2];
    size_t n = 0;
    if (*buffer == NULL)
        *buffer = malloc(RECEIVE_INFLATED_BYTES);
    if (*buffer == NULL)
        return REFUSED_MEMORY;
    int rc = gunzip(*body, *buffer, RECEIVE_INFLATED_BYTES, &n);
    if (rc != 0)
        return refusal_of(rc);
    *body = (struct bytes){*buffer, n};
    return REFUSED_NOT;
}

static enum refusal inflate_body(struct receive *receive, struct bytes *body)
{
    for (int layer = 0; gunzip_wanted(*body); layer++) {
        enum refusal refusal =
            layer < RECEIVE_GZIP_LAYERS ? inflate_layer(receive, layer, body) : REFUSED_GZIP_LAYERS;
        if (refusal != REFUSED_NOT)
            return refusal;
    }
    return REFUSED_NOT;
}

static enum refusal check_header(struct bytes after_version, struct bytes *body)
{
    double length;
    *body = after_version;
    struct bytes digits = bytes_cut(body, '\n');
    if (body->at == NULL)
        return REFUSED_HEADER;
    if (number_integer(digits, &length) != 0)
        return REFUSED_LENGTH;
    return length == (double)body->n ? REFUSED_NOT : REFUSED_LENGTH_DIFFERS;
}

static void keep_example(struct receive_example *example, struct bytes text)
{
    example->whole = text.n;
    example->n = text.n < RECEIVE_EXAMPLE_BYTES ? text.n : RECEIVE_EXAMPLE_BYTES;
    memcpy(example->text, text.at, example->n);
}

/* Counts `text`, a datagram or a line. */
static void refuse(struct receive_counts *counts, enum refusal refusal, struct bytes text)
{
    if (counts->refused[refusal]++ == 0)
        keep_example(&counts->examples[refusal], text);
    if (refusal_whole(refusal))
        counts->datagrams_refused++;
    else
        counts->lines_refused++;
}

typedef enum refusal line_reader(struct bytes text, line_sink *sink, void *context);

static void read_lines(struct receive *receive, struct bytes body, line_reader *reader,
                       line_sink *sink, void *context)
{
    while (body.at != NULL) {
        struct bytes text = bytes_cut(&body, '\n');
        if (text.n == 0)
            continue;
        enum refusal refusal = reader(text, sink, context);
        receive->counts.lines++;
        if (refusal != REFUSED_NOT)
            refuse(&receive->counts, refusal, text);
    }
}

enum refusal receive_datagram(struct receive *receive, struct bytes datagram, line_sink *sink,
                              void *context)
{
    struct bytes version = BYTES("1|");
    receive->counts.datagrams++;
    if (!bytes_start_with(datagram, version)) {
        read_lines(receive, datagram, line_read_statsd, sink, context);
        return REFUSED_NOT;
    }
    struct bytes body;
    struct bytes rest = {datagram.at + version.n, datagram.n - version.n};
    enum refusal refusal = check_header(rest, &body);
    if (refusal == REFUSED_NOT)
        refusal = inflate_body(receive, &body);
    if (refusal == REFUSED_NOT)
        read_lines(receive, body, line_read_shp, sink, context);
    else
        refuse(&receive->counts, refusal, datagram);
    return refusal;
}

void receive_truncated(struct receive *receive, struct bytes beginning)
{
    receive->counts.datagrams++;
    refuse(&receive->counts, REFUSED_TRUNCATED, beginning);
}
