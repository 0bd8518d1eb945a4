"""Writes scikit-learn's values, for crates/data/tests/sets/sklearn.rs.

Run by hand, in an environment that has scikit-learn, from the root of the repository:

    python scripts/sklearn_data.py > crates/data/tests/data/sklearn.json
"""

import json

import numpy as np
import sklearn
from sklearn.datasets import make_blobs, make_moons
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, OneHotEncoder

# Rows of each class and the fraction for the test. In some, classes tie for the last rows, which are drawn.
SPLITS = [
    ([6, 4], 0.5),
    ([50, 30, 20], 0.25),
    ([5, 5, 5, 5], 0.3),
    ([70, 20, 11], 0.3),
    ([97, 2, 5], 0.2),
    ([2, 2], 0.5),
    ([13, 29, 31, 7], 0.1),
    ([1000, 10, 7], 0.33),
    ([5, 0, 8], 0.4),
]

LABELS = [
    ["b", "a", "c", "a"],
    ["Zebra", "apple", "\u00e9clair", "Apple", "\u4e2d", "\U0001f980", "\uff5e", "zebra", "10", "9", "a b"],
]


def split(counts, fraction):
    """How many rows of each class are for training, in every way that ties are drawn."""
    y = np.repeat(np.arange(len(counts)), counts)
    ways = set()
    for seed in range(200):
        train, _ = train_test_split(y, test_size=fraction, stratify=y, random_state=seed)
        ways.add(tuple(np.bincount(train, minlength=len(counts)).tolist()))
    return {"counts": counts, "fraction": fraction, "train": sorted(ways)}


def moons(rows):
    """The points without noise, in order."""
    x, y = make_moons(rows, shuffle=False)
    return {"rows": rows, "x": x.tolist(), "y": y.tolist()}


def labels(texts):
    """Names, classes, and the one-hot columns of the same texts."""
    encoder = LabelEncoder().fit(texts)
    hot = OneHotEncoder(sparse_output=False).fit_transform(np.array(texts)[:, None])
    return {"texts": texts, "names": encoder.classes_.tolist(), "classes": encoder.transform(texts).tolist(),
            "one_hot": hot.tolist()}


def main():
    sizes = [(10, 3), (11, 3), (3, 3), (100, 7), (5, 1)]
    document = {
        "scikit-learn": sklearn.__version__,
        "splits": [split(*case) for case in SPLITS],
        "moons": [moons(rows) for rows in (2, 3, 4, 7, 50, 101)],
        "blob_sizes": [
            {"rows": rows, "centers": centers, "sizes": np.bincount(make_blobs(rows, centers=centers)[1]).tolist()}
            for rows, centers in sizes
        ],
        "labels": [labels(texts) for texts in LABELS],
    }
    print("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()) + "\n}")


if __name__ == "__main__":
    main()
