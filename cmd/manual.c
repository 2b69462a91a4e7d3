#include "manual.h"

#include <stdbool.h>
#include <string.h>

#include "base/config.h"
#include "command.h"

void manual_help(FILE *file)
{
    fputs("Usage: stats-hero COMMAND [OPTIONS] …\n"
          "Request metrics from unmodified server programs.\n\n",
          file);
    for (const struct command *const *c = commands; *c != NULL; c++) {
        int n = fprintf(file, "  %s", (*c)->name);
        options_wrap(file, (*c)->sentence, 15, (size_t)n);
    }
    fputs("\n  --help       show this text; stats-hero COMMAND --help shows a command's options\n"
          "  --version    show the version\n"
          "  --variables  show the environment variables as a Markdown table\n"
          "  --man        write the man page in roff\n",
          file);
}

/* One byte of running text: what roff would take for a command or a hyphen is escaped. */
static void put_roff_char(FILE *file, char c, bool line_start)
{
    if (c == '\\')
        fputs("\\e", file);
    else if (c == '-')
        fputs("\\-", file);
    else if (line_start && (c == '.' || c == '\''))
        fprintf(file, "\\&%c", c);
    else
        fputc(c, file);
}

/* `text` with what stands between backticks in bold and a newline as a new paragraph. */
static void put_roff(FILE *file, const char *text)
{
    bool bold = false;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '`') {
            bold = !bold;
            fputs(bold ? "\\fB" : "\\fR", file);
        } else if (*c == '\n') {
            fputs("\n.PP\n", file);
        } else {
            put_roff_char(file, *c, c == text || c[-1] == '\n' || c[-1] == '`');
        }
    }
}

static void put_option(FILE *file, const struct option_row *row)
{
    fputs(".TP\n\\fB\\-\\-", file);
    put_roff(file, row->name);
    fputs("\\fR", file);
    if (row->argument != NULL) {
        fputs(" \\fI", file);
        put_roff(file, row->argument);
        fputs("\\fR", file);
    }
    fputc('\n', file);
    put_roff(file, row->meaning);
    fputs(".\n", file);
}

static void put_command(FILE *file, const struct command *command)
{
    fprintf(file, ".SS \"stats\\-hero %s\"\n", command->name);
    put_roff(file, command->sentence);
    fputs("\n.PP\n", file);
    put_roff(file, command->text);
    fputc('\n', file);
    for (const struct option_row *row = command->options; row->name != NULL; row++)
        put_option(file, row);
}

static void put_synopsis(FILE *file)
{
    fputs(".SH SYNOPSIS\n", file);
    for (const struct command *const *c = commands; *c != NULL; c++) {
        fprintf(file, "%s\\fBstats\\-hero %s\\fR [\\fIOPTIONS\\fR] ", c == commands ? "" : ".br\n",
                (*c)->name);
        put_roff(file, (*c)->arguments);
        fputc('\n', file);
    }
    fputs(".br\n\\fBstats\\-hero\\fR "
          "\\fB\\-\\-help\\fR|\\fB\\-\\-version\\fR|\\fB\\-\\-variables\\fR|"
          "\\fB\\-\\-man\\fR\n",
          file);
}

static void put_environment(FILE *file)
{
    size_t n;
    const struct config_variable *variables = config_variables(&n);
    fputs(".SH ENVIRONMENT\n"
          "The shim reads these variables when a program starts. A value that can not be used is "
          "named\n"
          "in one line of the log and the default stands.\n",
          file);
    for (size_t i = 0; i < n; i++) {
        fprintf(file, ".TP\n\\fBSTATS_HERO_%s\\fR (", variables[i].name);
        put_roff(file, variables[i].standard);
        fputs(")\n", file);
        put_roff(file, variables[i].meaning);
        fputs(".\n", file);
    }
}

static const char head[] =
    ".TH STATS\\-HERO 1 \"\" \"stats\\-hero " STATS_HERO_VERSION "\" \"User Commands\"\n"
    ".SH NAME\nstats\\-hero \\- request metrics from unmodified server programs\n";

static const char description[] =
    ".SH DESCRIPTION\n"
    "\\fBstats\\-hero\\fR runs an unmodified server program with a shim preloaded. The shim sees "
    "each\n"
    "request where its bytes arrive and leave, times it and its upstream calls, and a background\n"
    "sender ships the metrics as Stats Hero Protocol or statsd datagrams.\n"
    ".SH COMMANDS\n";

static const char functions[] =
    ".SH FUNCTIONS BY NAME\n"
    "Entries of \\fBSTATS_HERO_HOOKS\\fR and \\fBSTATS_HERO_TIMERS\\fR are separated by \\fB;\\fR. "
    "One that "
    "can\n"
    "not be used is named in one line of the log and left out; the others stand.\n"
    ".PP\n.EX\n"
    "hook     = function[,key=value]...     key: id label action status ok\n"
    "timer    = function[=label] | default\n"
    "function = symbol[@module]           * is any characters; no module: the program\n"
    "value    = \\(aqTEXT\\(aq | place[:type]\n"
    "place    = (arg0 ... arg5 | ret) step* ret for the status alone\n"
    "step     = +OFFSET                     what stands there, as C\\(aqs \\->\n"
    "         | .OFFSET                     that address itself; up to 4 steps\n"
    "type     = str                         text up to a zero byte, 128 bytes at most\n"
    "         | BYTES | place[:integer]     that many bytes\n"
    "         | integer\n"
    "integer  = i8 i16 i32 i64 u8 u16 u32 u64\n"
    ".EE\n.PP\n"
    "Without a type a value is an i64, as a status an i32. \\fBok\\fR takes numbers separated by "
    "\\fB|\\fR:\n"
    "a status, or what was returned, that is one of them counts as 200, any other as 500.\n"
    "Without a key the id is made, the label is the function\\(aqs name, the action \\fBcall\\fR "
    "and the\n"
    "status 200. What can not be read is \\fBinvalid\\fR, as a status 0.\n"
    ".PP\n.EX\n"
    "STATS_HERO_HOOKS=\\(aqhandle@myserver,id=arg0:str,label=arg1:str,status=ret\\(aq\n"
    "STATS_HERO_HOOKS=\"run_job,id=arg0+0x10:u64,label=\\(aqjobs\\(aq,ok=0|1\"\n"
    "STATS_HERO_TIMERS=\\(aqPQexec@libpq.so.5=rdbms.exec;my_lookup=cache.get;default\\(aq\n"
    ".EE\n";

static const char tail[] =
    ".SH EXIT STATUS\n"
    "\\fBstats\\-hero run\\fR ends with the program's own status, or with:\n"
    ".TP\n125\nstats\\-hero itself failed, or was called wrongly.\n"
    ".TP\n126\nThe program was found but can not be executed or instrumented.\n"
    ".TP\n127\nThe program was not found.\n"
    ".TP\n128+\\fIn\\fR\nThe program was ended by signal \\fIn\\fR.\n"
    ".PP\nEvery other command ends with 0, with 1 when it failed or the answer is no, and with 2 when "
    "it was called\nwrongly or can not read what it was asked about.\n"
    ".SH EXAMPLES\n"
    "Run a server and see its requests when it ends:\n"
    ".PP\n.EX\nstats\\-hero run \\-\\- nginx \\-g \\(aqdaemon off;\\(aq\n.EE\n"
    ".PP\nWatch them while it runs, and keep them as JSON:\n"
    ".PP\n.EX\nstats\\-hero run \\-\\-live \\-\\-json requests.json \\-\\- python3 \\-m "
    "http.server\n.EE\n"
    ".PP\nSend them to a statsd server:\n"
    ".PP\n.EX\nstats\\-hero run \\-\\-to metrics.example:8125 \\-\\-protocol statsd \\-\\- node "
    "server.js\n"
    ".EE\n"
    ".PP\nReceive from anywhere on this machine:\n"
    ".PP\n.EX\nstats\\-hero listen \\-\\-port 8125 \\-\\-live\n.EE\n"
    ".PP\nSee whether a program can be instrumented, and which of its functions can be hooked:\n"
    ".PP\n.EX\nstats\\-hero check nginx\nstats\\-hero symbols nginx "
    "\\(aqngx_http_*request\\(aq\n.EE\n"
    ".SH SEE ALSO\n"
    "\\fBstats_hero\\fR(3): what a program can tell of requests of its own.\n";

void manual_page(FILE *file)
{
    fputs(head, file);
    put_synopsis(file);
    fputs(description, file);
    for (const struct command *const *c = commands; *c != NULL; c++)
        put_command(file, *c);
    put_environment(file);
    fputs(functions, file);
    fputs(tail, file);
}

/* A bar would end the table's cell. */
static void put_cell(FILE *file, const char *text)
{
    for (; *text != '\0'; text++)
        fprintf(file, "%s%c", *text == '|' ? "\\" : "", *text);
}

void manual_variables(FILE *file)
{
    size_t n;
    const struct config_variable *variables = config_variables(&n);
    fputs("| variable | default | meaning |\n|---|---|---|\n", file);
    for (size_t i = 0; i < n; i++) {
        fprintf(file, "| `STATS_HERO_%s` | ", variables[i].name);
        put_cell(file, variables[i].standard);
        fputs(" | ", file);
        put_cell(file, variables[i].meaning);
        fputs(" |\n", file);
    }
}
