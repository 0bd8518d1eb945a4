#!/usr/bin/env python3
"""Does the same work in wane and in other frameworks, side by side, and writes the comparison as Markdown.

Builds and installs what it needs inside this folder (or CARGO_TARGET_DIR) the first time.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import report

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target")).resolve()
ENV = HERE / ".env"
PYTHON = ENV / "bin" / "python"
WORKS = ["W1", "W2", "W3", "W4", "W5a", "W5b", "W6a", "W6b"]
PEERS = ["wane", "torch", "compile", "jax", "candle", "burn", "dfdx"]
# An optimizer's step alone has its fused kernel, and W4 is all products: nothing to compile.
COMPILED = ["W1", "W2", "W3", "W6a", "W6b"]
PATIENCE = 600  # seconds for one answer


def main():
    options = arguments()
    begin = time.time()
    if options.build:
        builds = build_times()
    else:
        prepare(options.peers)
        builds = {}
    prepared = time.time()

    results, growth = [], []
    if not options.build:
        for threads in options.threads:
            for work in options.work:
                if work != "growth":
                    results.append(compare(work, threads, options))
        if "growth" in options.work and "wane" in options.peers:
            growth = grow(options)
    facts = {
        "command": "python3 benches/peers/run.py " + " ".join(sys.argv[1:]),
        "versions": report.versions(HERE),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "preparing": prepared - begin,
        "measuring": time.time() - prepared,
    }
    text = report.markdown(facts, results, growth, builds)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text)
    raw = {"facts": facts, "results": results, "growth": growth, "builds": builds}
    options.out.with_suffix(".json").write_text(json.dumps(raw, indent=1))
    print(text)
    if any(result["disagree"] or result["missing"] for result in results):
        sys.exit("programs disagree or are missing: see the report")


def arguments():
    def several(known):
        def parse(text):
            unknown = [name for name in text.split(",") if name not in known]
            if unknown:
                raise argparse.ArgumentTypeError(f"{unknown[0]}: not one of {', '.join(known)}")
            return text.split(",")

        return parse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=several(PEERS), default=PEERS, help="of " + ",".join(PEERS))
    works = [*WORKS, "growth"]
    parser.add_argument("--work", type=several(works), default=works, help="of " + ",".join(works))
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5, help="turns that each peer has at each work")
    parser.add_argument("--seconds", type=float, default=0.5, help="the time of one turn")
    parser.add_argument("--quick", action="store_true", help="one short round, without W4 and growth")
    parser.add_argument("--build", action="store_true", help="time clean builds of wane instead")
    out = HERE / "results" / "peers.md"
    parser.add_argument("--out", type=Path, default=out, help="raw numbers go beside it, as .json")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.2
        options.work = [work for work in options.work if work not in ("W4", "growth")]
    return options


def prepare(peers):
    """Makes what is to run: wane and the limit as any user builds them, other Rust peers for this processor."""
    rust = [peer for peer in peers if peer in ("candle", "burn", "dfdx")]
    cargo("plain", ["limit"] + [peer for peer in peers if peer == "wane"], native=False)
    if rust:
        cargo("native", rust, native=True)
    if {"torch", "compile", "jax"} & set(peers):
        wanted = (HERE / "requirements.txt").read_text()
        stamp = ENV / "installed.txt"
        if not stamp.exists() or stamp.read_text() != wanted:
            say("installing", ", ".join(wanted.split()))
            subprocess.run([sys.executable, "-m", "venv", ENV], check=True)
            subprocess.run([PYTHON, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
            stamp.write_text(wanted)


def cargo(folder, peers, native):
    env = cargo_env(TARGET / folder)
    if native:
        env["RUSTFLAGS"] = "-C target-cpu=native"
    for peer in peers:
        say("building", peer)
        package = ["-p", f"{peer}-peer"]
        subprocess.run(["cargo", "build", "--release", "-q", *package], cwd=HERE, env=env, check=True)


def cargo_env(target):
    env = {name: value for name, value in os.environ.items() if name not in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS")}
    return env | {"CARGO_TARGET_DIR": str(target)}


def command(peer):
    if peer in ("wane", "limit"):
        return [TARGET / "plain" / "release" / f"{peer}-peer"]
    if peer in ("torch", "compile"):
        return [PYTHON, HERE / "python" / "torch_peer.py"] + (["--compile"] if peer == "compile" else [])
    if peer == "jax":
        return [PYTHON, HERE / "python" / "jax_peer.py"]
    return [TARGET / "native" / "release" / f"{peer}-peer"]


class Program:
    """A peer doing one work on so many threads, from its start until it is closed."""

    def __init__(self, peer, work, threads):
        self.peer = peer
        count = str(threads)
        names = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
        env = os.environ | {name: count for name in names}
        if threads == 1:
            env["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        self.process = subprocess.Popen(
            [*command(peer), work, count],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
            preexec_fn=lambda: pin(threads),
        )
        self.check, self.first_ms = self.answer()

    def answer(self):
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            self.process.kill()
            raise RuntimeError(f"{self.peer} ended with {self.process.wait()}")
        first, second = line.split()
        return float(first), float(second)

    def turn(self, seconds):
        """Median and least µs a step."""
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self.answer()

    def peak_mb(self):
        """The largest resident set so far. (What wait4 tells counts this program's own memory before the child's.)"""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return None
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024

    def close(self):
        self.process.communicate()


def pin(threads):
    """One thread, one core: whatever threads a runtime starts on its own, they share it."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])


def start(peers, work, threads):
    programs = []
    for peer in peers:
        try:
            programs.append(Program(peer, work, threads))
        except (OSError, RuntimeError) as error:
            say(f"  {peer}: {error}")
    return programs


def rounds(programs, options):
    """Turns in another order each round, so that what the machine does meanwhile hits all alike."""
    turns = {program.peer: [] for program in programs}
    for number in range(options.rounds):
        begin = number % len(programs)
        for program in programs[begin:] + programs[:begin]:
            if program.peer in turns:
                try:
                    turns[program.peer].append(program.turn(options.seconds))
                except (OSError, RuntimeError) as error:
                    say(f"  {error}")
                    del turns[program.peer]
    return turns


def compare(work, threads, options):
    begin = time.time()
    peers = [peer for peer in options.peers if peer != "compile" or work in COMPILED]
    programs = start(["limit", *peers], work, threads)
    turns = rounds(programs, options)
    checks = {program.peer: program.check for program in programs if program.peer != "limit"}
    result = {
        "work": work,
        "threads": threads,
        "medians": {peer: [median for median, _ in all] for peer, all in turns.items()},
        "least": {peer: min(least for _, least in all) for peer, all in turns.items()},
        "checks": checks,
        "missing": [peer for peer in peers if peer not in turns],
        "disagree": report.disagreeing(checks),
        "first_ms": {program.peer: program.first_ms for program in programs},
        "peak_mb": {program.peer: program.peak_mb() for program in programs if program.peer in turns},
    }
    for program in programs:
        program.close()
    say(f"{work}, threads {threads}: {time.time() - begin:.0f} s")
    return result


def grow(options):
    """wane alone, one thread: W2 with more rows, with more parameters, and with both."""
    forms = [(rows, width) for width in (128, 416, 1408) for rows in (64, 640, 6400)]
    turns = {form: [] for form in forms}
    programs = {}
    for rows, width in forms:
        name = f"32-{width}-{width}-1:{rows}"
        programs[rows, width] = Program("wane", name, 1)
    for _ in range(options.rounds):
        for form, program in programs.items():
            turns[form].append(program.turn(options.seconds)[0])
    for program in programs.values():
        program.close()
    say("growth")
    return [{"rows": rows, "width": width, "medians": turns[rows, width]} for rows, width in forms]


def build_times():
    """Seconds of clean builds: wane with its default features, and its core alone."""
    root = HERE.parent.parent
    subprocess.run(["cargo", "fetch"], cwd=root, check=True)
    core = [f"wane-{crate}" for crate in ("autodiff", "layers", "optim", "penalties")]
    times = {}
    for name, packages in (("default features", ["wane"]), ("core alone", core)):
        target = tempfile.mkdtemp(prefix="wane-build-")
        chosen = [word for package in packages for word in ("-p", package)]
        begin = time.time()
        subprocess.run(["cargo", "build", "--release", *chosen], cwd=root, env=cargo_env(target), check=True)
        times[name] = time.time() - begin
        shutil.rmtree(target)
    return times


def say(*words):
    print(*words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
