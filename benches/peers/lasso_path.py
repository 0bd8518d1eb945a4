#!/usr/bin/env python3
"""The lasso's path on data/diabetes.csv at 100 alphas, in wane and in scikit-learn: times and duality gaps.

Wants numpy and scikit-learn, and builds wane the first time. One core, both programs at once, turns in another order each
round.
"""

import os

# Before numpy starts its threads.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import statistics
import subprocess
import sys
import time

import numpy as np
import sklearn
from sklearn.linear_model import lasso_path

import run

DATA = run.HERE.parents[1] / "data" / "diabetes.csv"
ALPHAS = 100
KINDS = {
    "scikit-learn, its defaults (tol 1e-4)": {},
    "scikit-learn, tol 1e-10": {"tol": 1e-10},
    "scikit-learn, tol 1e-10, precompute=False": {"tol": 1e-10, "precompute": False},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns that each has")
    parser.add_argument("--seconds", type=float, default=0.5, help="the time of one turn")
    options = parser.parse_args()
    run.cargo("plain", ["wane"], native=False)
    run.pin(1)

    x, y = diabetes()
    peers = {"wane": Wane()} | {name: Sklearn(x, y, kind) for name, kind in KINDS.items()}
    times = {name: [] for name in peers}
    for number in range(options.rounds):
        order = list(peers)
        begin = number % len(order)
        for name in order[begin:] + order[:begin]:
            times[name].append(peers[name].turn(options.seconds))
    peers["wane"].close()

    medians = {name: statistics.median(turns) for name, turns in times.items()}
    gaps = {
        name: max(relative_gap(x, y, *point) for point in zip(peer.alphas, peer.weights))
        for name, peer in peers.items()
    }
    print(f"scikit-learn {sklearn.__version__}, numpy {np.__version__}; one core, {options.rounds} rounds\n")
    print("| | a path of 100 alphas, ms | by wane's | range over rounds | largest gap, of ‖y‖²/2 |")
    print("|---|---|---|---|---|")
    for name, turns in times.items():
        ratios = [turn / wane for turn, wane in zip(turns, times["wane"])]
        print(
            f"| {name} | {medians[name]:.2f} | {medians[name] / medians['wane']:.1f} "
            f"| {min(ratios):.1f} to {max(ratios):.1f} | {gaps[name]:.0e} |"
        )
    best = peers["scikit-learn, tol 1e-10"]
    apart = np.abs(peers["wane"].weights - best.weights).max()
    print(f"\nBetween wane's weights and scikit-learn's of tol 1e-10: {apart:.0e} at most, of {np.abs(best.weights).max():.0f}.")
    if apart > 1e-3:
        sys.exit("the programs disagree")


def diabetes():
    """Columns of mean 0 and variance 1 (over n), in the order that scikit-learn is fastest with; y of mean 0."""
    table = np.loadtxt(DATA, delimiter=",", skiprows=1)
    x, y = table[:, :-1], table[:, -1]
    return np.asfortranarray((x - x.mean(0)) / x.std(0)), y - y.mean()


def relative_gap(x, y, alpha, w):
    """P − D of ½‖y − Xw‖² + nα‖w‖₁, over ‖y‖²/2. Rounding leaves about 1e-16 of it, of either sign."""
    l1 = len(y) * alpha
    residual = y - x @ w
    shrink = min(1.0, l1 / np.abs(x.T @ residual).max())
    primal = residual @ residual / 2 + l1 * np.abs(w).sum()
    dual = shrink * (y @ residual) - shrink**2 / 2 * (residual @ residual)
    return abs(primal - dual) / (y @ y / 2)


class Wane:
    def __init__(self):
        program = run.TARGET / "plain" / "release" / "lasso_path"
        self.process = subprocess.Popen([program, DATA], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        found = np.array([[float(number) for number in self.answer().split()] for _ in range(ALPHAS)])
        self.alphas, self.weights = found[:, 0], found[:, 1:]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"wane ended with {self.process.wait()}")
        return line

    def turn(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return float(self.answer())

    def close(self):
        self.process.communicate()


class Sklearn:
    def __init__(self, x, y, kind):
        self.path = lambda: lasso_path(x, y, eps=1e-3, max_iter=100_000, **kind)
        self.alphas, weights, _ = self.path()
        self.weights = weights.T

    def turn(self, seconds):
        """The median milliseconds of as many paths as fit."""
        begin, times = time.perf_counter(), []
        while not times or time.perf_counter() - begin < seconds:
            start = time.perf_counter()
            self.path()
            times.append(time.perf_counter() - start)
        return 1e3 * statistics.median(times)


if __name__ == "__main__":
    main()
