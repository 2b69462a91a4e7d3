"""The rows on a terminal."""

HEAD = f"""\
{"":20} {"":12} {"":>5} {"throughput":25} {"CPU us a request":33} {"latency at half load":27} {"memory":>7}  {"sent a request":14}
{"":20} {"":12} {"pairs":>5} {"ratio":6} {"95 %":14} {"busy":>4} {"plain":>6} {"added":>6} {"95 %":17} \
{"p50":>6} {"p95":>6} {"p99":>6} {"p99.9":>6} {"KiB":>7} {"datagrams":>9} {"bytes":>5}  counts"""


def bounds(interval, form):
    """As `low to high`."""
    if interval["low"] is None:
        return "too few"
    return f"{interval['low']:{form}} to {interval['high']:{form}}"


def counts(row):
    if row["setting"] == "plain again":
        return ""
    if not row["exact"]:
        return f"NOT EXACT: {row['problems'][0]}" + (f" ({row['dropped']} told as dropped)" if row["dropped"] else "")
    return f"exact, {row['requests']:,}"


def line(row):
    throughput, cpu, latency, sent = (row[key] for key in ("throughput", "cpu_us", "latency", "sent_per_request"))
    return (f"{row['title']:20} {row['setting']:12} {row['pairs']:5} "
            f"{throughput['value']:6.3f} {bounds(throughput, '.3f'):14} {row['plain_busy']:4.0%} "
            f"{cpu['plain']:6.2f} {cpu['value']:+6.2f} {bounds(cpu, '+.2f'):17} "
            + " ".join(f"{quantile['value']:6.2f}" for quantile in latency.values())
            + f" {row['memory_bytes']['value'] / 1024:+7.0f} {sent['datagrams']:9.2f} {sent['bytes']:5.0f}  {counts(row)}")
