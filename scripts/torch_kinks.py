"""Writes PyTorch's values and gradients at kinks and extremes, for crates/autodiff/tests/autodiff/kinks.rs.

Run by hand, in an environment that has torch, from the root of the repository:

    python scripts/torch_kinks.py > crates/autodiff/tests/data/kinks.json

Everything is float64. JSON knows neither NaN nor infinities: they stand as the strings "nan", "inf" and "-inf".
"""

import itertools
import json
import math

import torch
import torch.nn.functional as F

INF, NAN = math.inf, math.nan
MAGNITUDES = [0.0, 1e-300, 1e-9, 1.0, 19.999999, 20.0, 20.000001, 30.0, 88.0, 1e4, INF]
POINTS = [sign * x for x in MAGNITUDES for sign in (1, -1)] + [NAN]

UNARY = [
    ("relu", None, F.relu),
    ("abs", None, torch.abs),
    ("square", None, torch.square),
    ("exp", None, torch.exp),
    ("ln", None, torch.log),
    ("sqrt", None, torch.sqrt),
    ("tanh", None, torch.tanh),
    ("sigmoid", None, torch.sigmoid),
    ("gelu", None, F.gelu),
    ("silu", None, F.silu),
    ("softplus", None, F.softplus),
    *[("leaky_relu", slope, lambda x, slope=slope: F.leaky_relu(x, slope)) for slope in (0.01, 0.0, -0.5)],
    *[("elu", alpha, lambda x, alpha=alpha: F.elu(x, alpha)) for alpha in (1.0, 0.5, -0.5)],
]

POINTWISE = [
    ("l1_loss", None, F.l1_loss),
    ("mse_loss", None, F.mse_loss),
    *[("huber_loss", d, lambda x, y, d=d: F.huber_loss(x, y, delta=d)) for d in (1.0, 0.5)],
    *[("smooth_l1_loss", b, lambda x, y, b=b: F.smooth_l1_loss(x, y, beta=b)) for b in (1.0, 0.5, 0.0)],
]

# Differences of 0, of exactly each delta and beta, of the next numbers beside them, and extreme ones.
BESIDE = [math.nextafter(kink, to) for kink in (0.5, 1.0) for to in (0.0, 2.0)]
INPUTS = [0.0, 1e-300, 0.5, 1.0, *BESIDE, 1e4, 1e200, INF]
PAIRS = [(sign * x, 0.0) for x in INPUTS for sign in (1, -1)]
PAIRS += [(2.5, 3.0), (2.5, 3.5), (3.0, 3.0), (INF, INF), (INF, -INF), (NAN, 0.0), (0.0, NAN)]

TARGETS = (0.0, 1.0, 0.3)

LOGITS = [
    [0.0, 0.0, 0.0],
    [1.0, 1.0, -1.0],
    [1e4, 1e4, 1e4],
    [-1e4, -1e4, -1e4],
    [1e4, -1e4, 0.0],
    [1e4, 1e4, -1e4],
    [1e4, 1e4 + 1.0, 1e4 - 1.0],
    [20.0, -20.0, 88.0],
    [INF, 0.0, 1.0],
    [INF, INF, 0.0],
    [-INF, 0.0, 1.0],
    [-INF, -INF, -INF],
    [NAN, 0.0, 1.0],
]
SEED = [1.0, -2.0, 0.5]


def encode(x):
    """Numbers, and lists of them, as JSON holds them."""
    if isinstance(x, list):
        return [encode(part) for part in x]
    if math.isnan(x):
        return "nan"
    return x if math.isfinite(x) else "inf" if x > 0 else "-inf"


def leaf(x):
    """A float64 tensor that wants a gradient."""
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def unary(name, option, f):
    """f and f' at every point."""
    x = leaf(POINTS)
    y = f(x)
    y.backward(torch.ones_like(y))
    parts = {"x": POINTS, "value": y.tolist(), "gradient": x.grad.tolist()}
    return {"op": name, "option": option, **{key: encode(part) for key, part in parts.items()}}


def pointwise(name, option, f, pairs):
    """A loss of one element at every pair: its value, and its derivatives by input and target."""
    rows = []
    for x, y in pairs:
        inputs, targets = leaf([x]), leaf([y])
        loss = f(inputs, targets)
        loss.backward()
        rows.append([x, y, loss.item(), inputs.grad.item(), targets.grad.item()])
    columns = ["x", "y", "value", "by_input", "by_target"]
    return {"op": name, "option": option, **dict(zip(columns, (encode(list(c)) for c in zip(*rows))))}


def cross_entropy(logits, label):
    """The loss of one row, and its gradient."""
    x = leaf([logits])
    loss = F.cross_entropy(x, torch.tensor([label]))
    loss.backward()
    return {"logits": encode(logits), "label": label, "value": encode(loss.item()), "gradient": encode(x.grad[0].tolist())}


def log_softmax(logits):
    """The values of one row, and the gradient of their sum weighted by SEED."""
    x = leaf(logits)
    y = F.log_softmax(x, 0)
    y.backward(torch.tensor(SEED, dtype=torch.float64))
    parts = {"logits": logits, "seed": SEED, "value": y.tolist(), "gradient": x.grad.tolist()}
    return {key: encode(part) for key, part in parts.items()}


def main():
    bce = list(itertools.product(POINTS, TARGETS))
    document = {
        "torch": torch.__version__.split("+")[0],
        "unary": [unary(*op) for op in UNARY],
        "pointwise": [pointwise(*loss, PAIRS) for loss in POINTWISE]
        + [pointwise("bce_with_logits_loss", None, F.binary_cross_entropy_with_logits, bce)],
        "cross_entropy": [cross_entropy(row, label) for row in LOGITS for label in range(3)],
        "log_softmax": [log_softmax(row) for row in LOGITS],
    }
    cases = {key: ",\n".join(map(json.dumps, part)) for key, part in document.items() if key != "torch"}
    lines = [f'"{key}": [\n{part}\n]' for key, part in cases.items()]  # one case a line
    print("{\n" + ",\n".join([f'"torch": {json.dumps(document["torch"])}', *lines]) + "\n}")


if __name__ == "__main__":
    main()
