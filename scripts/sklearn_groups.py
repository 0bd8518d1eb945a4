"""Writes scikit-learn's solutions with groups, for crates/linear/tests/linear/groups.rs.

Run by hand, in an environment that has scikit-learn, from the root of the repository:

    python scripts/sklearn_groups.py > crates/linear/tests/data/multi_task.json
"""

import json

import numpy as np
import sklearn
from sklearn.linear_model import MultiTaskElasticNet

# Rows, columns, outputs, columns that count, and how much columns have in common.
PROBLEMS = [(30, 6, 2, 3, 0.0), (25, 40, 3, 5, 0.0), (40, 12, 4, 4, 0.8)]


def problem(rng, n, p, outputs, counting, common):
    x = rng.standard_normal((n, p)) + common * rng.standard_normal((n, 1)) + rng.uniform(-2, 2, p)
    weights = np.zeros((p, outputs))
    weights[rng.permutation(p)[:counting]] = rng.uniform(-2, 2, (counting, outputs))
    y = x @ weights + 0.2 * rng.standard_normal((n, outputs)) + rng.uniform(-3, 3, outputs)
    return np.round(x, 3), np.round(y, 3)


def objective(model, x, y):
    residual = y - model.predict(x)
    weights = model.coef_.T
    l1, l2 = model.alpha * model.l1_ratio, model.alpha * (1 - model.l1_ratio)
    norms = np.sqrt((weights**2).sum(1)).sum()
    return (residual**2).sum() / (2 * len(x)) + l1 * norms + l2 / 2 * (weights**2).sum()


def main():
    rng = np.random.default_rng(1)
    problems = []
    for case in PROBLEMS:
        x, y = problem(rng, *case)
        centred = x - x.mean(0), y - y.mean(0)
        fits = []
        for l1_ratio in (1.0, 0.4):
            largest = np.sqrt(((centred[0].T @ centred[1]) ** 2).sum(1)).max() / len(x) / l1_ratio
            for part in (0.5, 0.1, 0.01):
                alpha = float(part * largest)
                model = MultiTaskElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-15, max_iter=1_000_000).fit(x, y)
                fits.append({
                    "alpha": alpha, "l1_ratio": l1_ratio, "largest": float(largest),
                    "coef": model.coef_.T.tolist(), "intercept": model.intercept_.tolist(),
                    "objective": float(objective(model, x, y)),
                })
        problems.append({"x": x.tolist(), "y": y.tolist(), "fits": fits})
    document = {"scikit-learn": sklearn.__version__, "problems": problems}
    print(json.dumps(document))


if __name__ == "__main__":
    main()
