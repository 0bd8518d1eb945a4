"""Writes crates/search/tests/data/sklearn.json: scikit-learn's folds, grids, ranks and a small network's predictions.

usage: sklearn_folds.py > crates/search/tests/data/sklearn.json  (scikit-learn 1.9)
"""

import json
import warnings

import numpy as np
from scipy.stats import rankdata
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, LeaveOneOut, ParameterGrid, ShuffleSplit, StratifiedKFold, cross_validate
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")
rng = np.random.default_rng(5)


def tests(splitter, n, y=None):
    return [test.tolist() for _, test in splitter.split(np.zeros((n, 1)), y)]


def stratified(labels, k):
    labels = np.asarray(labels)
    try:
        return {"labels": labels.tolist(), "k": k, "tests": tests(StratifiedKFold(k), len(labels), labels)}
    except ValueError as error:
        return {"labels": labels.tolist(), "k": k, "error": str(error)}


def sizes(n, test, train):
    try:
        split = next(ShuffleSplit(1, test_size=test, train_size=train, random_state=0).split(np.zeros(n)))
        return {"n": n, "test_size": test, "train_size": train, "train": len(split[0]), "test": len(split[1])}
    except ValueError:
        return {"n": n, "test_size": test, "train_size": train, "error": True}


def network(activation, hidden, alpha, batch_size, outputs):
    """A network whose start is known: trained without shuffling, with an epsilon that is lost beside the root."""
    x = rng.standard_normal((23, 4))
    y = np.stack([np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * k * x[:, 3] for k in range(outputs)], axis=1)
    options = dict(
        hidden_layer_sizes=hidden,
        activation=activation,
        alpha=alpha,
        batch_size=batch_size,
        learning_rate_init=0.01,
        shuffle=False,
        epsilon=1e-300,
        tol=0.0,
        n_iter_no_change=10**9,
        random_state=0,
    )
    target = y if outputs > 1 else y[:, 0]
    mlp = MLPRegressor(max_iter=30, **options)
    start = MLPRegressor(max_iter=1, **{**options, "learning_rate_init": 1e-300}).fit(x, target)
    mlp.fit(x, target)
    return {
        "activation": activation,
        "hidden": hidden,
        "alpha": alpha,
        "batch_size": batch_size,
        "x": x.tolist(),
        "y": y.tolist(),
        # As PyTorch has them: weights (out, in).
        "start": [[w.T.flatten().tolist(), b.tolist()] for w, b in zip(start.coefs_, start.intercepts_)],
        "prediction": mlp.predict(x).reshape(23, -1).tolist(),
    }


def scores():
    data = load_diabetes(scaled=False)
    pipe = make_pipeline(StandardScaler(), Ridge(alpha=30.0, solver="svd"))
    out = {}
    for metric in ("neg_mean_squared_error", "r2", "neg_mean_absolute_error", "neg_root_mean_squared_error"):
        result = cross_validate(pipe, data.data, data.target, cv=7, scoring=metric, return_train_score=True)
        out[metric] = {name: result[name].tolist() for name in ("test_score", "train_score")}
    return out


def ranks(means):
    """As BaseSearchCV._format_results has them."""
    means = np.array(means, dtype=float)
    if np.isnan(means).all():
        return [1] * len(means)
    means = np.nan_to_num(means, nan=np.nanmin(means) - 1)
    return rankdata(-means, method="min").astype(int).tolist()


labels = [rng.integers(0, 3, 40).tolist(), rng.choice([5, 0, 2], 33, p=[0.7, 0.2, 0.1]).tolist()]
mean_scores = [[-3.0, -1.0, None, -1.0, -2.0], [None, None], [0.5, 0.5, 0.5], [1.0, 2.0, None]]
grids = [{"b": [3, 1], "a": [0.5, 2.0, 1.0]}, {"width": [8], "activation": ["tanh", "relu"], "lr": [0.1, 0.01]}]
print(
    json.dumps(
        {
            "kfold": [{"n": n, "k": k, "tests": tests(KFold(k), n)} for n, k in ((10, 4), (5, 2), (7, 7), (23, 6))],
            "leave_one_out": tests(LeaveOneOut(), 4),
            "stratified": [
                *(stratified(some, k) for some in labels for k in (2, 3, 5)),
                stratified([1, 1, 0, 0, 1, 0, 2, 2, 1], 3),
                stratified([1, 1, 1, 1, 0, 1, 1], 3),
                stratified([2, 0, 1, 2, 0, 1], 3),
            ],
            "shuffle_split": [
                sizes(n, test, train)
                for n in (10, 7, 1, 3)
                for test, train in (
                    (0.25, None),
                    (0.1, None),
                    (3, None),
                    (0.25, 0.5),
                    (0.3, 0.7),
                    (2, 5),
                    (0.5, 4),
                    (0.34, 0.1),
                    (7, None),
                    (1, 9),
                )
            ],
            "grids": [{"grid": grid, "settings": list(ParameterGrid(grid))} for grid in grids],
            "ranks": [{"means": means, "ranks": ranks(means)} for means in mean_scores],
            "networks": [
                network("tanh", [5], 0.0, 8, 1),
                network("tanh", [6, 3], 0.7, 10, 2),
                network("logistic", [4], 0.3, 50, 1),
                network("relu", [8], 1e-2, 7, 1),
            ],
            "cross_validate": scores(),
        }
    )
)
