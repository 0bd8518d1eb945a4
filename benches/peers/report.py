"""The comparison as Markdown, and the bars that wane is held to."""

import os
import platform
import re
import subprocess
from pathlib import Path
from statistics import median

NAMES = {
    "wane": "wane",
    "torch": "PyTorch",
    "compile": "torch.compile",
    "jax": "JAX",
    "candle": "candle",
    "burn": "burn",
    "dfdx": "dfdx",
}
WORKS = {
    "W1": "W1 seed",
    "W2": "W2 tabular",
    "W3": "W3 mnist-size",
    "W4": "W4 wide",
    "W5a": "W5a one tensor",
    "W5b": "W5b 1,000 tensors",
    "W6a": "W6a one row",
    "W6b": "W6b 1,024 rows",
}
RUST = ("candle", "burn", "dfdx")

# work -> peer -> at least so many times as fast; a tuple has one for each number of threads
BARS = {
    "W1": {"torch": 100, "jax": 10, "dfdx": 2.5},
    "W2": {"torch": 5, "jax": 1.5, "dfdx": 1.8},
    "W3": {"torch": 1.4, "jax": 1.2, **dict.fromkeys(RUST, 1.5)},
    "W4": {"torch": 1.2, **dict.fromkeys(("jax", *RUST), 1.1)},
    "W5a": {"torch": 1.1},
    "W5b": {"torch": 6, "dfdx": 1.3},
    "W6a": {"torch": 10, "jax": 5, "candle": 1.4},
    "W6b": {"torch": 1.15, "jax": (1.03, 1.15)},
}
# work -> share of the limit on one thread and on two
LIMITS = {"W2": (0.70, None), "W3": (0.80, 0.72), "W4": (0.85, 0.82)}
# Whose limit means something: small works are all overhead.
LIMITED = ("W2", "W3", "W4", "W5a", "W5b", "W6b")
W2_PEAK_MB = 8
FIRST_STEP_MS = 10
GROWTH = 1.15
BUILD_SECONDS = {"default features": 120, "core alone": 60}
# Without the decay, losses differ by 3e-3 and more; dfdx's plain sum over W4's half a million outputs is off by 2e-4.
AGREEMENT = 3e-4
# 784-512-256-10, 128 rows: three products a layer, two in the first.
W3_FLOP = 2 * 128 * (3 * (784 * 512 + 512 * 256 + 256 * 10) - 784 * 512)
# Four numbers read for each parameter, three written.
W5A_BYTES = 10_000_000 * 28


def disagreeing(checks):
    """Who is further than the tolerance from the middle of all."""
    if not checks:
        return []
    middle = median(checks.values())
    # `not <=`, so that a NaN disagrees.
    return [peer for peer, value in checks.items() if not abs(value - middle) <= AGREEMENT * abs(middle)]


def ratio(result, peer):
    """How many times as long the peer takes as wane: the median over rounds, each by the turns of that round."""
    medians = result["medians"]
    if peer not in medians or "wane" not in medians:
        return None
    return median(theirs / ours for theirs, ours in zip(medians[peer], medians["wane"]))


def duration(us):
    if us is None:
        return "–"
    if us >= 1e3:
        return f"{us / 1e3:.3g} ms" if us < 1e6 else f"{us / 1e3:.0f} ms"
    return f"{us:.3g} µs"


def table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def markdown(facts, results, growth, builds):
    parts = ["# wane and its peers\n", machine(facts, results)]
    if results:
        parts += ["\n## Time of a step\n", steps(results), agreement(results)]
        parts += ["\n## Memory and start\n", memory(results)]
    if growth:
        parts += ["\n## Growth\n", growing(growth)]
    parts += ["\n## Bars\n", bars(results, growth, builds)]
    return "\n".join(parts)


def machine(facts, results):
    lines = [f"- processor: {processor()}"]
    lines += [f"- system: {platform.system()} {platform.release()}"]
    lines += ["- " + ", ".join(f"{name} {version}" for name, version in facts["versions"].items())]
    for result in results:
        if (result["work"], "limit" in result["medians"]) in (("W3", True), ("W5a", True)):
            lines.append(limit(result))
    lines.append(f"- command: `{facts['command'].strip()}`")
    if results:
        lines.append(f"- each peer had {facts['rounds']} turns of {facts['seconds']} s at each work")
        lines.append(f"- preparing took {facts['preparing']:.0f} s, measuring {facts['measuring']:.0f} s")
    return "\n".join(lines) + "\n"


def limit(result):
    us, threads = median(result["medians"]["limit"]), result["threads"]
    if result["work"] == "W5a":
        return f"- limit, threads {threads}: {W5A_BYTES / us / 1e3:.0f} GB/s over parameters, gradients and moments"
    return f"- limit, threads {threads}: {W3_FLOP / us / 1e3:.0f} GFLOP/s of multiply-adds"


def processor():
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        text = info.read_text()
        field = lambda key: (re.search(rf"^{key}\s*: (.*)$", text, re.M) or [None, "?"])[1]
        name = f"{field('model name')} (family {field('cpu family')}, model {field('model')})"
        name += "".join(f", {flag}" for flag in ("avx2", "avx512f") if f" {flag} " in text)
    return f"{name}, {cores} cores"


def steps(results):
    peers = [peer for peer in NAMES if peer != "wane" and any(peer in result["medians"] for result in results)]
    rows = []
    for result in results:
        medians = {peer: median(times) for peer, times in result["medians"].items()}
        share = ratio(result, "limit")
        row = [WORKS[result["work"]], str(result["threads"]), duration(medians.get("wane"))]
        row.append(f"{share:.0%}" if share and result["work"] in LIMITED else "–")
        for peer in peers:
            times = ratio(result, peer)
            row.append(duration(medians.get(peer)) + (f" ({times:.3g}×)" if times else ""))
        rows.append(row)
    head = ["work", "threads", "wane", "of the limit", *(NAMES[peer] for peer in peers)]
    note = "Medians over rounds; in brackets, how many times as long as wane in the same round.\n"
    return table(head, rows) + "\n" + note


def agreement(results):
    lines = []
    for result in results:
        where = f"at {result['work']}, threads {result['threads']}"
        if result["disagree"]:
            lines.append(f"- **disagree** {where}: {result['checks']}")
        if result["missing"]:
            lines.append(f"- **missing** {where}: {', '.join(result['missing'])}")
    good = f"All programs agree on their losses and outputs within {AGREEMENT:g} of the value."
    return "\n".join(lines) or good


def memory(results):
    first = {}
    for result in results:
        first.setdefault(result["work"], result)
    peers = [peer for peer in NAMES if any(peer in result["peak_mb"] for result in results)]

    def cell(result, peer):
        peak, ms = result["peak_mb"].get(peer), result["first_ms"].get(peer)
        return "–" if peak is None else f"{peak:.{0 if peak >= 100 else 1}f} MB, {duration(ms * 1e3)}"

    rows = [[WORKS[work], *(cell(result, peer) for peer in peers)] for work, result in first.items()]
    note = "Peak resident set, and from the start of `main` (imports included) to the end of the first step.\n"
    return table(["work", *(NAMES[peer] for peer in peers)], rows) + "\n" + note


def grown(growth):
    """(rows, width, cost per row and parameter as a multiple of W2's), by the turns of each round."""

    def costs(form):
        rows, width = form["rows"], form["width"]
        parameters = 33 * width + (width + 1) * width + width + 1
        return [us / rows / parameters for us in form["medians"]], parameters

    base, least = costs(growth[0])
    for form in growth:
        cost, parameters = costs(form)
        yield form, parameters / least, median(ours / first for ours, first in zip(cost, base))


def growing(growth):
    rows = []
    for form, times, cost in grown(growth):
        net = f"32-{form['width']}-{form['width']}-1"
        time = duration(median(form["medians"]))
        rows.append([net, f"{form['rows']:,}", f"{times:.3g}×", time, f"{cost:.2f}"])
    head = ["net", "rows", "parameters", "wane, 1 thread", "cost per row and parameter, W2 = 1"]
    return table(head, rows)


def bars(results, growth, builds):
    rows = [row for result in results for row in speed_bars(result)]
    for form, times, cost in list(grown(growth))[1:] if growth else []:
        what = f"{form['rows'] / 64:.0f}× W2's rows, {times:.3g}× its parameters"
        rows.append(["growth", "1", what, f"≤ {GROWTH:.2f}", f"{cost:.2f}", met(cost <= GROWTH)])
    for name, seconds in builds.items():
        bar = BUILD_SECONDS[name]
        rows.append(["build", "–", name, f"≤ {bar} s", f"{seconds:.0f} s", met(seconds <= bar)])
    return table(["work", "threads", "against", "bar", "measured", ""], rows)


def speed_bars(result):
    work, threads = result["work"], result["threads"]
    of = lambda bar: bar if not isinstance(bar, tuple) else bar[threads - 1] if threads <= len(bar) else None

    def row(against, bar, measured, good):
        return [work, str(threads), against, bar, measured, met(good)]

    for peer, bar in BARS[work].items():
        bar, times = of(bar), ratio(result, peer)
        if bar and times:
            yield row(NAMES[peer], f"≥ {bar:g}×", f"{times:.3g}×", times >= bar)
    bar, share = of(LIMITS.get(work)), ratio(result, "limit")
    if bar and share:
        yield row("the limit", f"≥ {bar:.0%}", f"{share:.0%}", share >= bar)
    peak, first = result["peak_mb"].get("wane"), result["first_ms"].get("wane")
    if work == "W2" and peak:
        yield row("peak memory", f"≤ {W2_PEAK_MB} MB", f"{peak:.3g} MB", peak <= W2_PEAK_MB)
    if work == "W2" and first:
        yield row("first step", f"≤ {FIRST_STEP_MS} ms", f"{first:.3g} ms", first <= FIRST_STEP_MS)


def met(good):
    return "met" if good else "**not met**"


def versions(here):
    """rustc's, Python's, and those of the peers as they are pinned."""
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, cwd=here).stdout.split()
    found = {"rustc": rustc[1] if len(rustc) > 1 else "?", "Python": platform.python_version()}
    for name, version in re.findall(r"^(torch|jax|optax)==(.*)$", (here / "requirements.txt").read_text(), re.M):
        found[name] = version
    lock = (here / "Cargo.lock").read_text()
    for name in ("candle-core", "burn", "burn-flex", "dfdx", "wane"):
        match = re.search(rf'^name = "{name}"\nversion = "(.*)"$', lock, re.M)
        found[name] = match[1] if match else "?"
    return found
