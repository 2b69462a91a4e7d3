#include "collect/number.h"

#include <errno.h>
#include <math.h>

/* A decimal number, split as it is read. */
struct spelling {
    bool negative;
    bool dot;
    bool exponent;
    size_t whole_digits;
    size_t fraction_digits;
    size_t exponent_digits;
    long double digits; /* the leading digits as one integer */
    long dropped;       /* digits after these, which only count as powers of ten */
    long power;         /* the exponent as written */
};

static bool digit(struct bytes text)
{
    return text.n > 0 && text.at[0] >= '0' && text.at[0] <= '9';
}

static void skip(struct bytes *text)
{
    text->at++;
    text->n--;
}

static bool take_sign(struct bytes *text)
{
    bool negative = text->n > 0 && text->at[0] == '-';
    if (negative || (text->n > 0 && text->at[0] == '+'))
        skip(text);
    return negative;
}

/* More digits than this say nothing that a double can keep. */
static const long double digits_kept = 1e30L;

static size_t take_digits(struct bytes *text, long double *sum, long *dropped)
{
    size_t n = 0;
    for (; digit(*text); n++, skip(text)) {
        if (*sum < digits_kept)
            *sum = *sum * 10 + (text->at[0] - '0');
        else
            (*dropped)++;
    }
    return n;
}

static void take_exponent(struct bytes *text, struct spelling *s)
{
    long double sum = 0;
    long dropped = 0;
    s->exponent = true;
    skip(text);
    bool negative = take_sign(text);
    s->exponent_digits = take_digits(text, &sum, &dropped);
    /* Past this every value is 0 or over the limit, however many digits a datagram can hold. */
    long power = sum > 1000000 ? 1000000 : (long)sum;
    s->power = negative ? -power : power;
}

static int read_spelling(struct bytes text, struct spelling *s)
{
    *s = (struct spelling){.negative = take_sign(&text)};
    s->whole_digits = take_digits(&text, &s->digits, &s->dropped);
    if (text.n > 0 && text.at[0] == '.') {
        s->dot = true;
        skip(&text);
        s->fraction_digits = take_digits(&text, &s->digits, &s->dropped);
    }
    if (text.n > 0 && (text.at[0] == 'e' || text.at[0] == 'E'))
        take_exponent(&text, s);
    bool digits = s->whole_digits + s->fraction_digits > 0;
    return text.n == 0 && digits && (!s->exponent || s->exponent_digits > 0) ? 0 : -EINVAL;
}

static double cut(long double size)
{
    return size < NUMBER_LIMIT ? (double)size : NUMBER_LIMIT;
}

static double value_of(const struct spelling *s)
{
    long power = s->power + s->dropped - (long)s->fraction_digits;
    long double size = s->digits;
    /* 0 times infinity is not a number. */
    if (size != 0)
        size =
            power < 0 ? size / powl(10, (long double)-power) : size * powl(10, (long double)power);
    double value = cut(size);
    return s->negative ? -value : value;
}

int number_integer(struct bytes text, double *value)
{
    struct spelling s;
    if (read_spelling(text, &s) != 0 || s.dot || s.exponent)
        return -EINVAL;
    *value = value_of(&s);
    return 0;
}

int number_dotted(struct bytes text, double *value)
{
    struct spelling s;
    if (read_spelling(text, &s) != 0 || s.whole_digits == 0 || s.fraction_digits == 0)
        return -EINVAL;
    double read = value_of(&s);
    if (fabs(read) >= NUMBER_LIMIT)
        return -EINVAL;
    *value = read;
    return 0;
}

int number_decimal(struct bytes text, double *value)
{
    struct spelling s;
    if (read_spelling(text, &s) != 0)
        return -EINVAL;
    *value = value_of(&s);
    return 0;
}
