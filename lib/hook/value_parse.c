#include "hook/value.h"

#include <errno.h>

#define OFFSET_MOST 0x7fffffff

/* What is left of a value's text. */
static bool take(struct bytes *rest, struct bytes word)
{
    if (!bytes_start_with(*rest, word))
        return false;
    rest->at += word.n;
    rest->n -= word.n;
    return true;
}

static int digit_of(char c, unsigned base)
{
    char lower = (char)(c | 0x20);
    unsigned digit = c >= '0' && c <= '9'           ? (unsigned)(c - '0')
                     : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10
                                                    : base;
    return digit < base ? (int)digit : -1;
}

/* Takes a number up to `most`. */
static bool take_number(struct bytes *rest, uint32_t most, uint32_t *number)
{
    unsigned base = take(rest, BYTES("0x")) ? 16 : 10;
    uint64_t sum = 0;
    size_t n = 0;
    for (int digit; n < rest->n && (digit = digit_of(rest->at[n], base)) >= 0; n++) {
        sum = sum * base + (unsigned)digit;
        if (sum > most)
            return false;
    }
    rest->at += n;
    rest->n -= n;
    *number = (uint32_t)sum;
    return n > 0;
}

static bool take_source(struct bytes *rest, uint8_t *source)
{
    if (take(rest, BYTES("ret"))) {
        *source = VALUE_RET;
        return true;
    }
    if (!take(rest, BYTES("arg")) || rest->n == 0)
        return false;
    unsigned number = (unsigned char)rest->at[0] - (unsigned)'0';
    rest->at++;
    rest->n--;
    *source = (uint8_t)number;
    return number < VALUE_ARGUMENTS;
}

/* Takes `source step*`, as a signed word of `width` bytes. */
static bool take_place(struct bytes *rest, struct value_place *place, uint8_t width)
{
    *place = (struct value_place){.width = width, .is_signed = true};
    if (!take_source(rest, &place->source))
        return false;
    while (rest->n > 0 && (rest->at[0] == '+' || rest->at[0] == '.')) {
        if (place->steps == VALUE_STEPS)
            return false;
        struct value_step *step = &place->step[place->steps++];
        step->follow = rest->at[0] == '+';
        rest->at++;
        rest->n--;
        if (!take_number(rest, OFFSET_MOST, &step->offset))
            return false;
    }
    return true;
}

static bool take_integer(struct bytes *rest, struct value_place *place)
{
    static const struct {
        struct bytes name;
        uint8_t width;
        bool is_signed;
    } types[] = {
        {{"i8", 2}, 1, true},   {{"i16", 3}, 2, true},  {{"i32", 3}, 4, true},
        {{"i64", 3}, 8, true},  {{"u8", 2}, 1, false},  {{"u16", 3}, 2, false},
        {{"u32", 3}, 4, false}, {{"u64", 3}, 8, false},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (take(rest, types[i].name)) {
            place->width = types[i].width;
            place->is_signed = types[i].is_signed;
            return true;
        }
    return false;
}

/* What stands behind a place's colon when that says how many bytes it points to. */
static bool take_size(struct bytes *rest, struct value *value)
{
    if (take_number(rest, VALUE_TEXT_BYTES, &value->bytes))
        return value->bytes > 0;
    return take_place(rest, &value->length, 8) &&
           (!take(rest, BYTES(":")) || take_integer(rest, &value->length));
}

static bool take_type(struct bytes *rest, struct value *value)
{
    if (take_integer(rest, &value->place))
        return true;
    value->place.width = 8; /* an address */
    if (take(rest, BYTES("str"))) {
        value->kind = VALUE_STRING;
        return true;
    }
    value->kind = VALUE_BYTES;
    return take_size(rest, value);
}

static bool read_literal(struct value *value, struct bytes text)
{
    value->kind = VALUE_LITERAL;
    value->literal = (struct bytes){text.at + 1, text.n - 2};
    return text.n > 2 && text.at[text.n - 1] == '\'' &&
           memchr(value->literal.at, '\'', value->literal.n) == NULL;
}

static bool read_place(struct value *value, struct bytes text, uint8_t width)
{
    value->kind = VALUE_INTEGER;
    return take_place(&text, &value->place, width) &&
           (!take(&text, BYTES(":")) || take_type(&text, value)) && text.n == 0;
}

int value_parse(struct value *value, struct bytes text, uint8_t width)
{
    *value = (struct value){.kind = VALUE_NONE};
    bool literal = text.n > 0 && text.at[0] == '\'';
    if (literal ? read_literal(value, text) : read_place(value, text, width))
        return 0;
    *value = (struct value){.kind = VALUE_NONE};
    return -EINVAL;
}
