"""Whether what arrived is what the server served: each request begun once and ended once, with status
200, by application, host and kind of request; and nothing else."""

import collections

import servers

APP = "app"
NOT_HTTP = f"{APP}.stats_hero.not_http"
DROPPED = f"{APP}.stats_hero.dropped"


def arrived(sink):
    """How many requests have begun and ended, as far as anybody was told."""
    return min(sums[f"{APP}.application.allRequests"] for sums in sink.sums())


def dropped(sink):
    """Events that the shim dropped, and told of."""
    return sink.sums()[0][DROPPED]


def problems(sink, served):
    """What is not as it should be after `served` requests; an empty list if all is exact."""
    found = []
    if sink.refused:
        found.append(f"{sink.refused} datagrams break the protocol")
    if sink.lost():
        found.append(f"{sink.lost()} datagrams found no room at the receiver (as root it has more)")
    counters, timers = sink.sums()
    del counters[NOT_HTTP]  # connections to count by, of servers that are not HTTP
    return found + differences(counters, timers, served)


def differences(counters, timers, served):
    expected_counters, expected_timers = collections.Counter(), collections.Counter()
    for level in ("application", servers.HOST_NAME):
        expected_counters[f"{APP}.{level}.allRequests"] = served
        expected_counters[f"{APP}.{level}.byStatusCode.200"] = served
        expected_timers[f"{APP}.{level}.allRequests"] = served
    for by_key, expected in ((counters, expected_counters), (timers, expected_timers)):
        kind = f"{APP}.application.byRequestType."
        expected[kind + "*"] = served
        by_key[kind + "*"] = sum(by_key.pop(key) for key in list(by_key) if key.startswith(kind))
    return [
        f"{name} {key}: {by_key[key]} for {expected[key]}"
        for name, by_key, expected in (("counter", counters, expected_counters), ("timer", timers, expected_timers))
        for key in sorted(by_key.keys() | expected.keys())
        if by_key[key] != expected[key]
    ]
