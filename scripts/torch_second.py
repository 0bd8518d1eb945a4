"""Writes PyTorch's second derivatives, at kinks and elsewhere, for crates/autodiff/tests/autodiff/second_derivatives.rs.

Run by hand, in an environment that has torch, from the root of the repository:

    python scripts/torch_second.py > crates/autodiff/tests/data/second.json

Everything is float64.
"""

import json
import math

import torch
import torch.nn.functional as F

MAGNITUDES = [0.0, 1e-9, 0.3, 1.0, 2.5, 19.999999, 20.0, 20.000001, 88.0, 800.0]
POINTS = [sign * x for x in MAGNITUDES for sign in (1, -1)]
ABOVE_ZERO = [x for x in MAGNITUDES if x > 0]
SMALL = [x for x in POINTS if abs(x) <= 88]

UNARY = [
    ("relu", None, F.relu, POINTS),
    ("abs", None, torch.abs, POINTS),
    ("square", None, torch.square, POINTS),
    ("exp", None, torch.exp, SMALL),
    ("ln", None, torch.log, ABOVE_ZERO),
    ("sqrt", None, torch.sqrt, ABOVE_ZERO),
    ("tanh", None, torch.tanh, POINTS),
    ("sigmoid", None, torch.sigmoid, POINTS),
    ("gelu", None, F.gelu, POINTS),
    ("silu", None, F.silu, POINTS),
    ("softplus", None, F.softplus, POINTS),
    *[("leaky_relu", s, lambda x, s=s: F.leaky_relu(x, s), POINTS) for s in (0.01, 0.0, -0.5)],
    *[("elu", a, lambda x, a=a: F.elu(x, a), POINTS) for a in (1.0, 0.5, -0.5)],
]

# As functions of the input, with these targets.
BESIDE = [math.nextafter(kink, to) for kink in (0.5, 1.0) for to in (0.0, 2.0)]
DIFFERENCES = [sign * x for x in [0.0, 0.3, 0.5, 1.0, *BESIDE, 3.0] for sign in (1, -1)]
LOSSES = [
    ("l1_loss", None, F.l1_loss, DIFFERENCES, 0.0),
    ("mse_loss", None, F.mse_loss, DIFFERENCES, 0.25),
    *[("huber_loss", d, lambda x, y, d=d: F.huber_loss(x, y, delta=d), DIFFERENCES, 0.0) for d in (1.0, 0.5)],
    *[("smooth_l1_loss", b, lambda x, y, b=b: F.smooth_l1_loss(x, y, beta=b), DIFFERENCES, 0.0) for b in (1.0, 0.5)],
    *[("bce_with_logits_loss", None, F.binary_cross_entropy_with_logits, POINTS, y) for y in (0.0, 1.0, 0.3)],
]


def second(f, x):
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(f(x), x, create_graph=True)
    if not first.requires_grad:
        return 0.0
    (slope,) = torch.autograd.grad(first, x, allow_unused=True)
    return 0.0 if slope is None else slope.item()


def row(op, option, f, points, target=None):
    value = f if target is None else lambda x: f(x, torch.full_like(x, target))
    return {"op": op, "option": option, "target": target, "x": points, "second": [second(value, x) for x in points]}


print(json.dumps([row(*entry) for entry in UNARY + LOSSES], allow_nan=False, indent=1))
