/*
 * hero_cpp: stats_hero.h from C++. An exception that passes STATS_HERO_TIME passes on, and what it
 * passed records nothing. Says what it found; ends with 1 if that is wrong.
 */
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <stats_hero.h>

static const char id[] = "order-1";

static int throws(bool really)
{
    if (really)
        throw std::runtime_error("out of stock");
    return 7;
}

/* Calls recorded under a label, -1 for none. */
static long calls(const char *label)
{
    stats_hero_entry entry[8];
    int n = stats_hero_snapshot(id, STATS_HERO_STRING, STATS_HERO_NO_AGG, entry, 8);
    for (int i = 0; i < n; i++)
        if (entry[i].label == std::string(label))
            return static_cast<long>(entry[i].count);
    return -1;
}

static std::string passed_on()
{
    try {
        return std::to_string(STATS_HERO_TIME(id, "rdbms.throws", throws(true)));
    } catch (const std::runtime_error &error) {
        return error.what();
    }
}

static std::vector<int> inner_and_outer()
{
    return STATS_HERO_TIME(id, "rdbms.outer",
                           std::vector<int>(3, STATS_HERO_TIME(id, "rdbms.inner", throws(false))));
}

int main()
{
    stats_hero_config config = {};
    config.my_app = "shop";
    config.request_label = "orders";
    config.request_action = "POST";
    config.request_id = id;
    config.request_id_bytes = STATS_HERO_STRING;
    config.upstream_prefixes = "rdbms";

    bool shim = stats_hero_start(&config, nullptr) == 0;
    long none = -1, one = shim ? 1 : none;
    std::string said = passed_on();
    bool right = said == "out of stock" && calls("rdbms.throws") == none;
    right = right && inner_and_outer() == std::vector<int>(3, 7);
    right = right && calls("rdbms.inner") == one && calls("rdbms.outer") == one;
    right = right && stats_hero_report_metrics(id, STATS_HERO_STRING, 201) == (shim ? 0 : -ENOSYS);
    right = right && stats_hero_stop_worker(id, STATS_HERO_STRING) == (shim ? 0 : -ENOSYS);
    std::printf("shim %d, exception: %s\n", shim, said.c_str());
    return right ? 0 : 1;
}
