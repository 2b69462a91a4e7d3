"""What the pairs of a case say of the shim with one setting: a row of the table, as it stands in
overhead.json. Everything is compared within a pair, and of the pairs the median is taken."""

import statistics

from .interval import Median, median

QUANTILES = ("p50", "p95", "p99", "p99.9")


def interval(sample):
    return {**median(sample)._asdict(), "of_pairs": sample}


def ratio(plain, other):
    """Of two servers' rates: slices of the same round are compared, as whoever else uses the machine
    can stop it for longer than a slice."""
    return statistics.median(b / a for a, b in zip(plain.rates, other.rates))


def cpu_us(figures):
    """Of a request: all of the CPU time, so that nothing that is seldom done is left out."""
    return figures.cpu_ns / figures.requests / 1e3


def busy(figures):
    """The share of its time that the server ran while it was loaded: below 1 it waited, for the load, for
    its processor, or for what stands behind it."""
    return statistics.median(figures.rates) * cpu_us(figures) / 1e6


def quantile(pairs, i):
    return {
        **interval([other.latencies_us[i] / plain.latencies_us[i] for plain, other in pairs]),
        "plain_us": statistics.median(plain.latencies_us[i] for plain, _ in pairs),
        "us": statistics.median(other.latencies_us[i] for _, other in pairs),
    }


def sent(pairs):
    """What arrived at the receiver, for each request."""
    served = sum(other.served for _, other in pairs) or 1
    return {"datagrams": sum(other.datagrams for _, other in pairs) / served,
            "bytes": sum(other.sent_bytes for _, other in pairs) / served}


def of_pairs(case, setting, pairs):
    """`pairs`: (Figures of the plain server, Figures of the other one)…"""
    problems = [problem for pair in pairs for figures in pair for problem in figures.problems]
    return {
        "case": case.name,
        "title": case.title,
        "setting": setting,
        "pairs": len(pairs),
        "connections": case.connections,
        "throughput": interval([ratio(*pair) for pair in pairs]),
        "plain_per_second": statistics.median(statistics.median(plain.rates) for plain, _ in pairs),
        "plain_busy": statistics.median(busy(plain) for plain, _ in pairs),
        "cpu_us": {
            **interval([cpu_us(other) - cpu_us(plain) for plain, other in pairs]),
            "plain": statistics.median(cpu_us(plain) for plain, _ in pairs),
            "shim": statistics.median(cpu_us(other) for _, other in pairs),
        },
        "latency": {name: quantile(pairs, i) for i, name in enumerate(QUANTILES)},
        "memory_bytes": interval([other.private_bytes - plain.private_bytes for plain, other in pairs]),
        "sent_per_request": sent(pairs),
        "requests": sum(other.served for _, other in pairs),
        "dropped": sum(other.dropped for _, other in pairs),
        "exact": not problems,
        "problems": problems,
    }


def sure(rows):
    """Whether each throughput is known to 1 %."""
    return all(Median(*(row["throughput"][key] for key in Median._fields)).within(0.01) for row in rows)
