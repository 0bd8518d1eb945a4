"""Writes PyTorch's values and gradients of losses, for crates/autodiff/tests/autodiff/losses.rs.

Run by hand, in an environment that has torch 2.15 or later, from the root of the repository:

    python scripts/torch_losses.py > crates/autodiff/tests/data/losses.json

Everything is float64. JSON knows neither NaN nor infinities: they stand as the strings "nan", "inf" and "-inf".
Where PyTorch has no such option (sample weights of most losses) its unreduced loss is weighted and reduced here; where
it has no such loss (the pinball loss), it is written in PyTorch's functions.
"""

import itertools
import json
import math
import random
import warnings

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
warnings.filterwarnings("ignore", message="reduction: 'mean' divides")
random.seed(7)

INF, NAN = math.inf, math.nan
REDUCTIONS = ("mean", "sum", "none", "batch_mean")


def pinball(tau):
    """scikit-learn's pinball loss; relu's gradient at 0 is 0."""
    return lambda x, y: tau * F.relu(y - x) + (1 - tau) * F.relu(x - y)


def each(f, **options):
    """A loss of PyTorch's, unreduced."""
    return lambda x, y: f(x, y, reduction="none", **options)


def hinge(x, y):
    """The hinge loss is the ranking loss of x and 0 with margin 1."""
    return F.margin_ranking_loss(x, torch.zeros_like(x), y, margin=1.0, reduction="none")


def poisson(log_input, full, eps):
    options = {"log_input": log_input, "full": full, "eps": eps}
    return "poisson_nll", options, each(F.poisson_nll_loss, **options)


# name, options, the unreduced loss
LOSSES = [
    ("mse", {}, each(F.mse_loss)),
    ("l1", {}, each(F.l1_loss)),
    *[("smooth_l1", {"beta": b}, each(F.smooth_l1_loss, beta=b)) for b in (0.0, 0.7)],
    ("huber", {"delta": 0.7}, each(F.huber_loss, delta=0.7)),
    ("bce_with_logits", {}, each(F.binary_cross_entropy_with_logits)),
    ("hinge", {}, hinge),
    *[("hinge_embedding", {"margin": m}, each(F.hinge_embedding_loss, margin=m)) for m in (1.0, 0.5)],
    *[poisson(*options) for options in ((True, False, 1e-8), (True, True, 1e-8), (False, False, 0.1), (False, True, 1e-8))],
    *[("kl_div", {"log_target": log}, each(F.kl_div, log_target=log)) for log in (False, True)],
    *[("quantile", {"tau": tau}, pinball(tau)) for tau in (0.5, 0.1)],
]

SIGNED = [sign * x for x in (0.0, 1e-300, 0.3, 0.5, 1.0, 2.0, 30.0, 1e4) for sign in (1, -1)] + [INF, -INF, NAN]
BESIDE_1 = [math.nextafter(1.0, to) for to in (0.0, 2.0)]
COUNTS = [0.0, 1.0, *BESIDE_1, 2.5, 7.0, -1.0, NAN]
# The inputs and targets at which the losses that kinks.rs has not are taken: all pairs of them.
KINKS = {
    "hinge": ([*SIGNED, *BESIDE_1], [1.0, -1.0, 0.0, 0.5, NAN]),
    "hinge_embedding": ([*SIGNED, *BESIDE_1], [1.0, -1.0, 0.0, 0.5, NAN]),
    "poisson_nll": ([x for x in SIGNED if abs(x) != 0.5], COUNTS),  # at 0.5 all digits of a slope cancel
    "kl_div": (SIGNED, [0.0, 1e-300, 0.3, 1.0, 2.0, -0.5, NAN]),
    "quantile": (SIGNED, [0.0, 1.0, -2.0, NAN]),
}

ROWS, COLUMNS = 4, 3


def draw(low, high, shape=(ROWS, COLUMNS)):
    """Numbers with few digits, so that the file stays short."""
    numbers = [round(random.uniform(low, high), 3) for _ in range(math.prod(shape))]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape)


def data(name, options):
    """An input and a target in the domain of a loss."""
    x, y = draw(-2.0, 2.0), draw(-2.0, 2.0)
    if name == "bce_with_logits":
        y = draw(0.0, 1.0)
    elif name in ("hinge", "hinge_embedding"):
        y = y.sign()
    elif name == "poisson_nll":
        x = x if options["log_input"] else x.abs() + 0.1
        y = draw(1.0 if options["full"] else 0.0, 6.0).floor()
    elif name == "kl_div":
        y = draw(-3.0, -0.1) if options["log_target"] else draw(0.01, 1.0)
    return x, y


WEIGHTS = {"full": draw(0.1, 2.0), "rows": draw(0.1, 2.0, (ROWS, 1)), "zeros": torch.zeros(ROWS, COLUMNS).double()}
WEIGHTS["full"][1] = 0.0
ROW_WEIGHTS = draw(0.1, 2.0, (ROWS,))
SEEDS = {2: draw(-2.0, 2.0), 1: draw(-2.0, 2.0, (ROWS,))}


def encode(x):
    """Numbers, and lists of them, as JSON holds them."""
    if isinstance(x, torch.Tensor):
        return encode(x.detach().reshape(-1).tolist())
    if isinstance(x, (list, tuple)):
        return [encode(part) for part in x]
    if math.isnan(x):
        return "nan"
    return x if math.isfinite(x) else "inf" if x > 0 else "-inf"


def leaf(x):
    """A copy that wants a gradient."""
    return x.detach().clone().to(torch.float64).requires_grad_()


def differentiate(loss, leaves):
    """The gradient by each leaf; of the sum weighted by a seed where the loss is not a scalar. What is not reached is 0."""
    seed = torch.ones_like(loss) if loss.dim() == 0 else SEEDS[loss.dim()]
    loss.backward(seed)
    return [encode(torch.zeros_like(x) if x.grad is None else x.grad) for x in leaves]


def reduce(losses, reduction, weights, counted):
    """Weighted losses as one number; `counted` is what each counts in a mean."""
    weighted = losses if weights is None else losses * weights
    if reduction == "none":
        return weighted
    if reduction == "sum":
        return weighted.sum()
    if reduction == "batch_mean":
        return weighted.sum() / losses.shape[0]
    return weighted.sum() / (counted if weights is None else counted * weights).sum()


def kinks(name, options, f):
    """Each pair's value, and its derivatives by input and target."""
    pairs = torch.tensor(list(itertools.product(*KINKS[name])), dtype=torch.float64)
    x, y = leaf(pairs[:, 0]), leaf(pairs[:, 1])
    loss = f(x, y)
    loss.backward(torch.ones_like(loss))
    by_target = torch.zeros_like(y) if y.grad is None else y.grad
    parts = {"x": x, "y": y, "value": loss, "by_input": x.grad, "by_target": by_target}
    return {"loss": name, **options, **{key: encode(part) for key, part in parts.items()}}


PYTORCH_WEIGHS = {"mse": F.mse_loss, "l1": F.l1_loss}
PYTORCH_REDUCES = {"kl_div": F.kl_div, "poisson_nll": F.poisson_nll_loss, "hinge_embedding": F.hinge_embedding_loss}


def pointwise(name, options, f):
    """A loss in every reduction, with and without weights."""
    x, y = data(name, options)
    cases = []
    for reduction, weights in itertools.product(REDUCTIONS, (None, *WEIGHTS)):
        inputs, targets = leaf(x), leaf(y)
        w = None if weights is None else leaf(WEIGHTS[weights])
        if name in PYTORCH_WEIGHS and weights in ("full", "zeros") and reduction != "batch_mean":
            loss = PYTORCH_WEIGHS[name](inputs, targets, weight=w, reduction=reduction)
        elif name in PYTORCH_REDUCES and weights is None and (name == "kl_div" or reduction != "batch_mean"):
            loss = PYTORCH_REDUCES[name](inputs, targets, reduction=reduction.replace("_", ""), **options)
        else:
            loss = reduce(f(inputs, targets), reduction, w, torch.ones_like(x))
        leaves = [inputs, targets] + ([] if w is None else [w])
        gradients = differentiate(loss, leaves)
        cases.append({"reduction": reduction, "weights": weights, "value": encode(loss), "gradients": gradients})
    return {"loss": name, **options, "x": encode(x), "y": encode(y), "cases": cases}


LOGITS = draw(-3.0, 3.0)
LOGITS[2] = torch.tensor([1e4, -1e4, 1e4 - 1.0])
LABELS = {"kept": [2, 0, 1, 1], "ignored": [2, -100, 1, 0], "all ignored": [-100] * ROWS}
CLASS_WEIGHTS = {"weighted": [0.3, 1.7, 0.9], "one of them 0": [0.0, 1.7, 0.9]}


def class_labels(labels, classes, smoothing):
    """Cross-entropy in every reduction, with and without sample weights."""
    target = torch.tensor(LABELS[labels])
    w = None if classes is None else torch.tensor(CLASS_WEIGHTS[classes], dtype=torch.float64)
    counted = (target != -100) * (torch.ones(ROWS) if w is None else w[target.clamp(min=0)])
    cases = []
    for reduction, samples in itertools.product(REDUCTIONS, (False, True)):
        x, s = leaf(LOGITS), leaf(ROW_WEIGHTS)
        options = {"weight": w, "label_smoothing": smoothing}
        if samples or reduction == "batch_mean":
            losses = F.cross_entropy(x, target, reduction="none", **options)
            loss = reduce(losses, reduction, s if samples else None, counted)
        else:
            loss = F.cross_entropy(x, target, reduction=reduction, **options)
        case = {"reduction": reduction, "samples": samples, "value": encode(loss)}
        case["gradients"] = differentiate(loss, [x, s] if samples else [x])
        if smoothing == 0.0 and not samples and reduction != "batch_mean":
            logs = leaf(F.log_softmax(LOGITS, 1))
            loss = F.nll_loss(logs, target, weight=w, reduction=reduction)
            case["nll"] = [encode(loss), differentiate(loss, [logs])[0]]
        cases.append(case)
    weights = None if classes is None else CLASS_WEIGHTS[classes]
    return {"labels": LABELS[labels], "class_weights": weights, "smoothing": smoothing, "cases": cases}


def pairs_of_vectors():
    """Pairs of rows: drawn, orthogonal, equal, opposite, zero, tiny."""
    a, b = draw(-1.0, 1.0, (9, 3)), draw(-1.0, 1.0, (9, 3))
    special = [
        ([1.0, 0.0, 0.0], [0.0, 2.0, 0.0]),
        ([1.0, 2.0, 2.0], [1.0, 2.0, 2.0]),
        ([1.0, 2.0, 2.0], [-1.0, -2.0, -2.0]),
        ([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
        ([1e4, -1e4, 1e4], [1e4, 1e4, 1e4]),
    ]
    for row, (left, right) in enumerate(special):
        a[row], b[row] = torch.tensor(left).double(), torch.tensor(right).double()
    return a, b


VECTORS = pairs_of_vectors()


def cosine_similarity(axis, eps):
    a, b = (leaf(x if axis == 1 else x.T) for x in VECTORS)
    c = F.cosine_similarity(a, b, dim=axis, eps=eps)
    c.backward(torch.linspace(-1.0, 2.0, len(c)).double())
    parts = {"value": c, "by_input": a.grad, "by_other": b.grad}
    return {"axis": axis, "eps": eps, **{key: encode(part) for key, part in parts.items()}}


def cosine_embedding(target, margin, reduction):
    a, b = (leaf(x) for x in VECTORS)
    y = torch.full((len(a),), target, dtype=torch.float64)
    loss = F.cosine_embedding_loss(a, b, y, margin=margin, reduction=reduction)
    loss.backward(torch.ones_like(loss))
    parts = {"value": loss, "by_input": a.grad, "by_other": b.grad}
    return {"target": target, "margin": margin, "reduction": reduction, **{k: encode(p) for k, p in parts.items()}}


def main():
    document = {
        "inputs": [{
            "weights": {key: encode(w) for key, w in WEIGHTS.items()},
            "row_weights": encode(ROW_WEIGHTS),
            "seeds": [encode(SEEDS[1]), encode(SEEDS[2])],
            "logits": encode(LOGITS),
            "vectors": [encode(x) for x in VECTORS],
        }],
        "kinks": [kinks(*loss) for loss in LOSSES if loss[0] in KINKS],
        "pointwise": [pointwise(*loss) for loss in LOSSES],
        "classes": [class_labels(*o) for o in itertools.product(LABELS, (None, *CLASS_WEIGHTS), (0.0, 0.1, 1.0))],
        "cosine_similarity": [cosine_similarity(axis, eps) for axis in (0, 1) for eps in (1e-8, 1e-3)],
        "cosine_embedding": [
            cosine_embedding(*o) for o in itertools.product((1.0, -1.0, 0.0), (0.0, 0.3, -0.5), ("mean", "sum", "none"))
        ],
    }
    cases = {key: ",\n".join(map(json.dumps, part)) for key, part in document.items()}
    lines = [f'"{key}": [\n{part}\n]' for key, part in cases.items()]  # one case a line
    print("{\n" + ",\n".join([f'"torch": {json.dumps(torch.__version__.split("+")[0])}', *lines]) + "\n}")


if __name__ == "__main__":
    main()
