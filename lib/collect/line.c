#include "collect/line.h"

#include "collect/number.h"

static const struct {
    const char *name;
    const char *sentence;
} refusals[REFUSAL_KINDS] = {
    [REFUSED_NOT] = {"none", "nothing was refused"},
    [REFUSED_HEADER] = {"header", "the header has no end of line"},
    [REFUSED_LENGTH] = {"length", "the header's length is not an integer"},
    [REFUSED_LENGTH_DIFFERS] = {"length_differs", "the header's length is not the body's size"},
    [REFUSED_GZIP] = {"gzip", "the gzip data is corrupt"},
    [REFUSED_GZIP_LAYERS] = {"gzip_layers", "the body is packed by gzip more than 4 times over"},
    [REFUSED_TOO_LARGE] = {"too_large", "the gzip data is larger than 1 MiB when inflated"},
    [REFUSED_MEMORY] = {"memory", "there was no memory to inflate the gzip data"},
    [REFUSED_TRUNCATED] = {"truncated", "the datagram is larger than 65,536 bytes"},
    [REFUSED_FIELDS] = {"fields", "the line is not key:value|type"},
    [REFUSED_KEY] = {"key", "the key is empty"},
    [REFUSED_VALUE] = {"value", "the value is not a number of the accepted form"},
    [REFUSED_TYPE] = {"type", "the type is missing or unknown"},
    [REFUSED_RATE] = {"rate", "the sample rate is not of the accepted form"},
};

const char *refusal_name(enum refusal refusal)
{
    return refusals[refusal].name;
}

const char *refusal_sentence(enum refusal refusal)
{
    return refusals[refusal].sentence;
}

struct line_type {
    struct bytes name;
    enum line_kind kind;
    bool any_value; /* not looked at: a set's members are not numbers */
};

static const struct line_type shp_types[] = {
    {BYTES("m"), LINE_COUNTER, false},
    {BYTES("h"), LINE_TIMER, false},
    {BYTES("g"), LINE_IGNORED, false},
    {BYTES("mr"), LINE_IGNORED, false},
};

static const struct line_type statsd_types[] = {
    {BYTES("c"), LINE_COUNTER, false}, {BYTES("ms"), LINE_TIMER, false},
    {BYTES("h"), LINE_TIMER, false},   {BYTES("d"), LINE_TIMER, false},
    {BYTES("m"), LINE_COUNTER, false}, {BYTES("g"), LINE_IGNORED, false},
};

/* As for estatsd: a type of somebody else's is no mistake. */
static const struct line_type foreign_type = {BYTES(""), LINE_IGNORED, true};

static const struct line_type *find_type(struct bytes name, const struct line_type *types, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes_equal(name, types[i].name))
            return &types[i];
    return NULL;
}

#define FIND_TYPE(name, types) find_type((name), (types), sizeof(types) / sizeof(types)[0])

static const struct line_type *find_statsd_type(struct bytes name)
{
    const struct line_type *type = FIND_TYPE(name, statsd_types);
    return type == NULL && name.n > 0 ? &foreign_type : type;
}

/* Like bytes_cut, at the first `:` or `|`. */
static struct bytes cut_field(struct bytes *rest)
{
    for (size_t i = 0; i < rest->n; i++) {
        if (rest->at[i] == ':' || rest->at[i] == '|') {
            struct bytes field = {rest->at, i};
            *rest = (struct bytes){rest->at + i + 1, rest->n - i - 1};
            return field;
        }
    }
    struct bytes field = *rest;
    *rest = (struct bytes){NULL, 0};
    return field;
}

static enum refusal check_shp_rate(struct bytes rest)
{
    double ignored;
    if (rest.at == NULL)
        return REFUSED_NOT;
    struct bytes field = cut_field(&rest);
    if (rest.at != NULL || field.n == 0 || field.at[0] != '@')
        return REFUSED_RATE;
    struct bytes rate = {field.at + 1, field.n - 1};
    return number_dotted(rate, &ignored) == 0 ? REFUSED_NOT : REFUSED_RATE;
}

enum refusal line_read_shp(struct bytes text, line_sink *sink, void *context)
{
    struct line line = {.rate = 1};
    line.key = cut_field(&text);
    if (text.at == NULL)
        return REFUSED_FIELDS;
    struct bytes value = cut_field(&text);
    if (text.at == NULL)
        return REFUSED_FIELDS;
    if (number_integer(value, &line.value) != 0)
        return REFUSED_VALUE;
    const struct line_type *type = FIND_TYPE(cut_field(&text), shp_types);
    if (type == NULL)
        return REFUSED_TYPE;
    enum refusal rate = check_shp_rate(text);
    if (rate != REFUSED_NOT)
        return rate;
    line.kind = type->kind;
    sink(context, &line);
    return REFUSED_NOT;
}

static enum refusal read_statsd_rate(struct bytes text, double *rate)
{
    double read;
    if (number_decimal(text, &read) != 0 || !(read > 0 && read <= 1))
        return REFUSED_RATE;
    *rate = read;
    return REFUSED_NOT;
}

static enum refusal read_section(struct bytes section, double *rate)
{
    char first = section.n > 0 ? section.at[0] : '\0';
    if (first == '@')
        return read_statsd_rate((struct bytes){section.at + 1, section.n - 1}, rate);
    bool known = first == '#' || first == 'T' || bytes_start_with(section, BYTES("c:"));
    return known ? REFUSED_NOT : REFUSED_FIELDS;
}

/* Hands on each of `values`, or only checks them where there is no `sink`. */
static enum refusal each_value(struct bytes values, const struct line_type *type, struct line line,
                               line_sink *sink, void *context)
{
    while (values.at != NULL) {
        struct bytes value = bytes_cut(&values, ':');
        if (!type->any_value && number_decimal(value, &line.value) != 0)
            return REFUSED_VALUE;
        if (sink != NULL)
            sink(context, &line);
    }
    return REFUSED_NOT;
}

enum refusal line_read_statsd(struct bytes text, line_sink *sink, void *context)
{
    struct line line = {.rate = 1};
    if (text.n > 0 && text.at[text.n - 1] == '\r')
        text.n--;
    line.key = bytes_cut(&text, ':');
    if (text.at == NULL)
        return REFUSED_FIELDS;
    if (line.key.n == 0)
        return REFUSED_KEY;
    struct bytes values = bytes_cut(&text, '|');
    if (text.at == NULL)
        return REFUSED_FIELDS;
    const struct line_type *type = find_statsd_type(bytes_cut(&text, '|'));
    if (type == NULL)
        return REFUSED_TYPE;
    line.kind = type->kind;
    while (text.at != NULL) {
        enum refusal section = read_section(bytes_cut(&text, '|'), &line.rate);
        if (section != REFUSED_NOT)
            return section;
    }
    enum refusal bad = each_value(values, type, line, NULL, NULL);
    return bad != REFUSED_NOT ? bad : each_value(values, type, line, sink, context);
}
