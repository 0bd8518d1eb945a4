#!/usr/bin/env python3
"""The same grid search in wane and in scikit-learn: 256 settings of a 10-32-1 network, 5 folds each, on 2 cores.

Installs scikit-learn inside this folder if the Python that runs this has none.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import run

# A virtual environment of its own: this work needs none of the others' packages.
ENV = run.HERE / ".env-sweep"
WANTED = run.HERE / "requirements-sweep.txt"

try:
    import numpy as np
    import sklearn
    from sklearn.model_selection import GridSearchCV, KFold
    from sklearn.neural_network import MLPRegressor
except ImportError:
    if Path(sys.prefix) == ENV:
        raise
    run.say("installing", ", ".join(WANTED.read_text().split()))
    subprocess.run([sys.executable, "-m", "venv", ENV], check=True)
    subprocess.run([ENV / "bin" / "python", "-m", "pip", "install", "-q", "-r", WANTED], check=True)
    os.execv(ENV / "bin" / "python", [str(ENV / "bin" / "python"), *sys.argv])

CORES = 2
GRID = {
    "activation": ["relu", "tanh"],
    "alpha": [0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0],
    "batch_size": [32, 64],
    "learning_rate_init": [3e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2, 5e-2],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="16 settings instead of 256")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=50)
    options = parser.parse_args()
    grid = {name: values[1::4] if options.quick and len(values) == 8 else values for name, values in GRID.items()}
    run.cargo("plain", ["wane"], native=False)
    run.pin(CORES)

    x, y = friedman1(options.rows)
    ours, our_scores = wane(x, y, grid, options.epochs)
    theirs, their_scores = scikit_learn(x, y, grid, options.epochs)
    settings = len(our_scores)
    print(f"{settings} settings × 5 folds, {options.rows} rows, {options.epochs} epochs, 10-32-1, float64, {CORES} cores")
    print(f"scikit-learn {sklearn.__version__}: GridSearchCV over MLPRegressor, n_jobs={CORES}\n")
    print("                seconds   fits a second   best mean score (−MSE), of setting")
    for name, seconds, scores in (("wane", ours, our_scores), ("scikit-learn", theirs, their_scores)):
        best = int(np.argmax(scores))
        print(f"{name:<13} {seconds:>9.2f} {5 * settings / seconds:>15.0f}   {scores[best]:.4f}  {at(grid, best)}")
    print(f"\nwane is {theirs / ours:.1f} times as fast.")
    compare(our_scores, their_scores)


def friedman1(rows):
    """Friedman's first problem; y to mean 0 and deviation 1, x to about that."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(rows, 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y += rng.normal(size=rows)
    return (x - 0.5) * 12**0.5, (y - y.mean()) / y.std()


def wane(x, y, grid, epochs):
    """Seconds, and each setting's mean score."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        header = ",".join([f"x{column}" for column in range(x.shape[1])] + ["y"])
        np.savetxt(path, np.column_stack([x, y]), fmt="%.17g", delimiter=",", header=header, comments="")
        values = [f"{name}={','.join(str(value) for value in values)}" for name, values in grid.items()]
        env = os.environ | {"RAYON_NUM_THREADS": str(CORES)}
        command = [run.TARGET / "plain" / "release" / "sweep", path, str(epochs), *values]
        lines = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.split()
    return float(lines[0]), np.array([float(line) for line in lines[1:]])


def scikit_learn(x, y, grid, epochs):
    """The same of scikit-learn, which never stops before the last epoch: no improvement is ever too small."""
    os.environ["PYTHONWARNINGS"] = "ignore"  # for its workers: that each fit ends before it converges is meant so
    warnings.simplefilter("ignore")
    never = {"tol": 0, "n_iter_no_change": np.inf}
    network = MLPRegressor(hidden_layer_sizes=(32,), solver="adam", max_iter=epochs, random_state=0, **never)
    folds, score = KFold(5), "neg_mean_squared_error"
    search = GridSearchCV(network, grid, scoring=score, n_jobs=CORES, cv=folds, refit=False, error_score="raise")
    begin = time.perf_counter()
    search.fit(x, y)
    return time.perf_counter() - begin, search.cv_results_["mean_test_score"]


def at(grid, place):
    """The setting at a place of scikit-learn's order: the last name's values vary fastest."""
    setting = {}
    for name in sorted(grid, reverse=True):
        place, value = divmod(place, len(grid[name]))
        setting[name] = grid[name][value]
    return ", ".join(f"{name} {setting[name]}" for name in sorted(setting))


def compare(ours, theirs):
    """Starts and orders of rows are each program's own: scores agree but for that."""
    apart = np.log(ours / theirs)
    correlation = np.corrcoef(np.log(-ours), np.log(-theirs))[0, 1]
    print(f"MSE of a setting, wane's over scikit-learn's: median {np.exp(np.median(apart)):.3f},", end=" ")
    print(f"nine of ten within {np.exp(np.quantile(np.abs(apart), 0.9)) - 1:.1%};")
    print(f"correlation of their logarithms over the grid {correlation:.4f}")


if __name__ == "__main__":
    main()
