"""The rows as a picture, by gnuplot: throughput on the left, CPU on the right. White behind, so that it
can be read on a page of any colour."""

import subprocess

STYLES = [  # setting, its name in the key, its colour, where it stands among the lines of its case
    ("plain again", "plain against plain", "#9aa0a6", -0.27),
    ("every event", "every event sent", "#1f6fd6", 0.0),
    ("each second", "counters summed (AGGREGATE_MS=1000)", "#d9730d", 0.27),
]

SCRIPT = """
set terminal svg size {width},{height} dynamic noenhanced background rgb "white" font "Helvetica,Arial,sans-serif" fontscale 0.9
set output "{output}"
unset key
set multiplot title "What stats-hero costs: a server under the shim against the same one without" font ",15"
set yrange [{cases} - 0.4 : -0.6]
set ytics ({names}) scale 0 textcolor rgb "#202124"
set border 1 linecolor rgb "#80868b"
set xtics nomirror textcolor rgb "#5f6368"
set grid xtics linecolor rgb "#e8eaed" linetype 1
set tmargin at screen {top}
set bmargin at screen {bottom}

set lmargin at screen 0.2
set rmargin at screen 0.60
set xlabel "throughput, 1 is the plain server's; bars: 95 % confidence" textcolor rgb "#202124"
set xrange [{least} : {most}]
set arrow 1 from 1, graph 0 to 1, graph 1 nohead linecolor rgb "#80868b" dashtype 2
{key}
plot {throughput}

unset arrow 1
unset label
set lmargin at screen 0.63
set rmargin at screen 0.97
unset ytics
set format x "%g"
set xlabel "CPU added to a request, microseconds; the sender's thread included" textcolor rgb "#202124"
set xrange [{cpu_least} : {cpu_most}]
set style fill solid 0.85 noborder
set label 10 {caption} at screen 0.5, {foot} center font ",9" textcolor rgb "#5f6368"
plot {cpu}
unset multiplot
"""


def quoted(text):
    return '"' + text.replace('"', "'") + '"'


def block(name, lines):
    return f"${name} << END\n" + "".join(" ".join(map(str, line)) + "\n" for line in lines) + "END\n"


def bounded(interval):
    """(value, low, high); without bounds no spread is shown."""
    value, low, high = interval["value"], interval["low"], interval["high"]
    return (value, value, value) if low is None else (value, low, high)


def reach_of(intervals, base, slack):
    """What the axis shows: all values and `base`, and of their bounds what is not too far from them."""
    values = [interval["value"] for interval in intervals] + [base]
    slack *= max(abs(value - base) for value in values)
    return min(values) - slack, max(values) + slack


def draw(rows, caption, path):
    """Writes the picture of `rows` to `path`; `caption` says where they are from."""
    titles = list(dict.fromkeys(row["title"] for row in rows))
    height = 175 + 52 * len(titles)
    shown = [row for row in rows if row["setting"] != "plain again"]
    reach = reach_of([row["throughput"] for row in rows], 1, 1)
    cpu_reach = reach_of([row["cpu_us"] for row in shown], 0, 0.3)
    data, key, throughput, cpu = "", [], [], []
    for i, (setting, meaning, colour, shift) in enumerate(STYLES):
        key.append(f"set label {i + 1} {quoted(meaning)} at screen {0.22 + 0.22 * i}, screen {1 - 50 / height} "
                   f"point pointtype 7 linecolor rgb {quoted(colour)} offset 1, 0 textcolor rgb '#202124'")
        chosen = [(titles.index(row["title"]) + shift, row) for row in rows if row["setting"] == setting]
        if not chosen:
            continue
        ratios = [(y, *bounded(row["throughput"])) for y, row in chosen]
        added = [(y, *bounded(row["cpu_us"])) for y, row in chosen]
        written = [(y, min(high, cpu_reach[1]), f'"{value:+.2f}"') for y, value, _, high in added]
        data += block(f"ratios{i}", ratios) + block(f"added{i}", added) + block(f"written{i}", written)
        throughput.append(f"$ratios{i} using 2:1:3:4 with xerrorbars pointtype 7 pointsize 0.5 linewidth 1.6 "
                          f"linecolor rgb {quoted(colour)}")
        if setting != "plain again":
            cpu.append(f"$added{i} using (0):1:(0):2:($1-0.11):($1+0.11) with boxxyerror linecolor rgb {quoted(colour)}")
            cpu.append(f"$written{i} using 2:1:3 with labels left offset 0.7, 0 font ',9' textcolor rgb '#202124'")
            cpu.append(f"$added{i} using 2:1:3:4 with xerrorbars pointtype 0 linecolor rgb '#5f6368'")
    script = data + SCRIPT.format(
        width=960, height=height, output=path, cases=len(titles),
        names=", ".join(f"{quoted(title)} {i}" for i, title in enumerate(titles)),
        top=1 - 75 / height, bottom=80 / height, key="\n".join(key), foot=15 / height, caption=quoted(caption),
        least=reach[0] - 0.005, most=reach[1] + 0.005,
        cpu_least=cpu_reach[0], cpu_most=cpu_reach[1] * 1.15 + 0.01,
        throughput=", \\\n    ".join(throughput), cpu=", \\\n    ".join(cpu) or "0")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
