// The option table's parser.  No libc parsing: it may run before libc has set up its locale.
#include "hak_option.h"

#include <string.h>
#include <sys/auxv.h>

struct option_row {
    const char *variable;
    long *value;
    long minimum;
    long maximum;
};

struct hak_options hak_options = {
#define HAK_OPTION_DEFAULT(name, variable, fallback, low, high, box, meaning) .name = (fallback),
    HAK_OPTION_ROWS(HAK_OPTION_DEFAULT)
#undef HAK_OPTION_DEFAULT
};

static const struct option_row rows[] = {
#define HAK_OPTION_ROW(name, variable, fallback, low, high, box, meaning)                          \
    {variable, &hak_options.name, low, high},
    HAK_OPTION_ROWS(HAK_OPTION_ROW)
#undef HAK_OPTION_ROW
};

static bool parse(const char *text, const struct option_row *row, long *ret_value)
{
    if (row->minimum == HAK_OPTION_AUTO && strcmp(text, "auto") == 0) {
        *ret_value = HAK_OPTION_AUTO;
        return true;
    }
    if (*text == '\0')
        return false;
    long value = 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || value > row->maximum)
            return false;
        value = value * 10 + (*text - '0');
    }
    if (value < row->minimum || value > row->maximum)
        return false;
    *ret_value = value;
    return true;
}

static void read_one(const char *setting)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].variable);
        if (strncmp(setting, rows[i].variable, length) != 0 || setting[length] != '=')
            continue;
        if (!parse(setting + length + 1, &rows[i], rows[i].value))
            hak_warn("bad value, the default is used:", setting);
        return;
    }
}

static void lower(long *value, long most)
{
    if (*value > most)
        *value = most;
}

// What HAKMEM_DIET bounds.
static void go_on_diet(void)
{
    lower(&hak_options.refill, 8);
    lower(&hak_options.cache_slots, 256);
    lower(&hak_options.cache_kib, 512);
    lower(&hak_options.dirty_mib, 2);
    lower(&hak_options.dirty_percent, 2);
    lower(&hak_options.bigcache_mib, 16);
    lower(&hak_options.huge, 0);
    lower(&hak_options.chunk_max, 2);
}

void hak_options_read(char **environment)
{
    for (char **setting = environment; *setting != NULL; setting++) {
        if (strncmp(*setting, "HAKMEM_", 7) == 0)
            read_one(*setting);
    }
}

void hak_options_start(char **environment)
{
    if (getauxval(AT_SECURE) == 0)
        hak_options_read(environment);
    if (hak_options.diet)
        go_on_diet();
}
