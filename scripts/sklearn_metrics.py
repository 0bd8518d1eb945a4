"""Writes scikit-learn's numbers for crates/train/tests/train/metrics.rs.

Run by hand, in an environment that has scikit-learn, from the root of the repository:

    python scripts/sklearn_metrics.py > crates/train/tests/data/metrics.json
"""

import json

import numpy as np
from scipy.special import softmax
from sklearn import metrics

rng = np.random.default_rng(5)


def numbers(y, output):
    values = {
        "mse": metrics.mean_squared_error(y, output),
        "mae": metrics.mean_absolute_error(y, output),
        "rmse": metrics.root_mean_squared_error(y, output),
        "r2": metrics.r2_score(y, output),
    }
    return {"y": y.tolist(), "output": output.tolist(), "values": values}


def classes(labels, logits):
    every = list(range(logits.shape[1]))
    best = logits.argmax(axis=1)
    values = {
        "accuracy": metrics.accuracy_score(labels, best),
        "log_loss": metrics.log_loss(labels, softmax(logits, axis=1), labels=every),
    }
    matrix = metrics.confusion_matrix(labels, best, labels=every)
    return {"labels": labels.tolist(), "logits": logits.tolist(), "values": values, "matrix": matrix.tolist()}


y = rng.normal(1000.0, 2.0, (23, 3))
constant = np.full((4, 1), 2.5)
ties = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [-1.0, -1.0, -1.0]])
print(
    json.dumps(
        {
            "numbers": [
                numbers(y, y + rng.normal(0.0, 0.5, y.shape)),
                numbers(y[:2, :1], y[1:3, 1:2]),
                numbers(constant, constant),
                numbers(constant, constant + [[0.0], [0.0], [1.0], [0.0]]),
            ],
            "classes": [
                classes(rng.integers(0, 4, 30), rng.normal(0.0, 2.0, (30, 4))),
                classes(np.array([1, 2, 0]), ties),
            ],
        },
        indent=1,
    )
)
