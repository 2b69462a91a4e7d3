"""What the figures are held to: exact counts always, the rest by options."""


def each_setting(text):
    """One number for all settings, or two: for every event, for each second."""
    numbers = [float(number) for number in text.split(",")]
    if len(numbers) > 2:
        raise ValueError
    return {"every event": numbers[0], "each second": numbers[-1]}


BOUNDS = [  # option, meaning, its figure in a row, whether more is better
    ("--at-least", "throughput ratio", lambda row: row["throughput"]["value"], True),
    ("--added-at-most", "CPU us added to a request", lambda row: row["cpu_us"]["value"], False),
    ("--p99-at-most", "p99 latency ratio", lambda row: row["latency"]["p99"]["value"], False),
    ("--memory-at-most", "KiB of memory added", lambda row: row["memory_bytes"]["value"] / 1024, False),
]


def add_options(parser):
    for option, meaning, _, more in BOUNDS:
        parser.add_argument(option, type=each_setting, default={}, metavar="X[,Y]",
                            help=f"exit 1 if the {meaning} is {'below' if more else 'above'} X (Y: for each second)")


def broken(rows, options):
    """What each row breaks, in words."""
    found = []
    for row in rows:
        name = f"{row['title']}, {row['setting']}"
        found += [f"{name}: {problem}" for problem in row["problems"][:3]]
        for option, meaning, figure, more in BOUNDS:
            bound = getattr(options, option[2:].replace("-", "_")).get(row["setting"])
            if bound is not None and (figure(row) < bound if more else figure(row) > bound):
                found.append(f"{name}: {meaning} {figure(row):.3f}, wanted {'at least' if more else 'at most'} {bound:g}")
    return found
