"""Writes scikit-learn's numbers for crates/train/tests/train/confusion.rs.

Run by hand, in an environment that has scikit-learn, from the root of the repository:

    python scripts/sklearn_confusion.py > crates/train/tests/data/confusion.json
"""

import json

import numpy as np
from sklearn import metrics

rng = np.random.default_rng(8)


def case(labels, taken, count):
    every = list(range(count))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, taken, labels=every, zero_division=0.0
    )
    return {
        "labels": labels.tolist(),
        "taken": taken.tolist(),
        "counts": metrics.confusion_matrix(labels, taken, labels=every).tolist(),
        "accuracy": metrics.accuracy_score(labels, taken),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.astype(int).tolist(),
    }


labels = rng.integers(0, 5, 200)
noisy = np.where(rng.random(200) < 0.7, labels, rng.integers(0, 5, 200))
print(
    json.dumps(
        [
            case(labels, noisy, 5),
            case(labels[:9], noisy[:9], 5),
            # A class that is never taken, one that never is, and one of neither.
            case(np.array([0, 0, 1, 1, 0]), np.array([0, 2, 0, 0, 2]), 4),
            case(np.array([1, 0]), np.array([0, 1]), 2),
        ],
        indent=1,
    )
)
