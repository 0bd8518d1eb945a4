"""Writes PyTorch's values and gradients of ops over one, two or three values, for crates/autodiff/tests/autodiff/torch_ops.rs.

Run by hand, in an environment that has torch, from the root of the repository:

    python scripts/torch_ops.py > crates/autodiff/tests/data/ops.json

Everything is float64. JSON knows neither NaN nor infinities: they stand as the strings "nan", "inf" and "-inf". Each
case has the op, its options, its operands, the weights by which its value is summed, the value, and the gradient of
that sum by each operand (null where there is none).
"""

import itertools
import json
import math
import warnings

import torch
import torch.nn.functional as F

INF, NAN = math.inf, math.nan
RNG = torch.Generator().manual_seed(7)

MAGNITUDES = [0.0, 1e-300, 1e-9, 0.5, math.nextafter(1.0, 0.0), 1.0, math.nextafter(1.0, 2.0), 3.0, 20.0, 1e4, INF]
POINTS = [sign * x for x in MAGNITUDES for sign in (1, -1)] + [NAN]
PAIRS = list(itertools.product([0.0, -0.0, 1.0, -1.0, 1e4, INF, -INF, NAN], repeat=2))

# Lines of equal elements, of ties at either end, of large offsets, of infinities and of NaN.
LINES = [
    [1.0, 2.0, 4.0],
    [0.0, -0.0, -1.0],
    [0.1, 0.1, 0.1],
    [3.0, 3.0, 1.0],
    [1.0, 1.0, 3.0],
    [1e4, 1e4, 1e4],
    [-1e4, -1e4, -1e4],
    [1e4, -1e4, 0.0],
    [1e4, 1e4 + 1.0, 1e4 - 1.0],
    [20.0, -20.0, 88.0],
    [INF, 0.0, 1.0],
    [0.0, INF, INF],
    [-INF, 0.0, 1.0],
    [-INF, -INF, -INF],
    [INF, -INF, 0.0],
    [NAN, 0.0, 1.0],
    [2.0, NAN, NAN],
]


def tensor(x):
    return torch.tensor(x, dtype=torch.float64)


def normal(*dims):
    return torch.randn(dims, generator=RNG, dtype=torch.float64)


def integers(*dims):
    """Few enough different ones that some tie."""
    return torch.randint(-2, 3, dims, generator=RNG).double()


def number(x):
    """A number as JSON holds it."""
    if math.isnan(x):
        return "nan"
    return x if math.isfinite(x) else "inf" if x > 0 else "-inf"


def encode(x):
    return x if x is None else {"dims": list(x.shape), "data": [number(x) for x in x.flatten().tolist()]}


def case(op, options, f, *operands, weights=None):
    """One case: f's value at the operands, and the gradient of Σ weights·f."""
    leaves = [x.detach().clone().requires_grad_() for x in operands]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # degrees of freedom of 0 are among the cases
        y = f(*leaves)
    weights = torch.randint(1, 5, y.shape, generator=RNG).double() / 2 if weights is None else weights
    if y.requires_grad:
        y.backward(weights)
    parts = {"operands": [encode(x) for x in operands], "weights": encode(weights), "value": encode(y.detach())}
    gradients = [encode(x.grad) for x in leaves]
    return {"op": op, "options": [number(o) for o in options], **parts, "gradients": gradients}


def elementwise():
    x = tensor(POINTS)
    for low, high in [(-1.0, 1.0), (-0.5, 3.0), (1.0, 1.0), (1.0, -1.0)]:
        yield case("clamp", (low, high), lambda x: x.clamp(low, high), x)
    # PyTorch's one-sided forms, whose infinite bound no element lies on.
    finite = tensor([p for p in POINTS if not math.isinf(p)])
    yield case("clamp", (-1.0, INF), lambda x: x.clamp(min=-1.0), finite)
    yield case("clamp", (-INF, 1.0), lambda x: x.clamp(max=1.0), finite)
    for p in [0, 1, 2, 3, 4, 7, -1, -2, -3, 0.5, -0.5, 1.5, 2.5, -1.5, 1 / 3]:
        yield case("powf", (p,), lambda x: x.pow(p), x)
    yield case("gelu_tanh", (), lambda x: F.gelu(x, approximate="tanh"), x)


def choices():
    a, b = (tensor(side) for side in zip(*PAIRS))
    for op, f in [("maximum", torch.maximum), ("minimum", torch.minimum)]:
        yield case(op, (), f, a, b)
        yield case(op, (), f, tensor([1.0, 2.0, 1.0]), tensor([2.0, 1.0, 1.0]), weights=tensor([NAN, NAN, NAN]))
        yield case(op, (), f, integers(2, 1, 3), integers(4, 1))
        yield case(op, (), f, integers(0, 3), integers(1))

    def where(condition, x, other):
        return torch.where(condition.detach() != 0, x, other)

    conditions = tensor([0.0, -0.0, 1.0, -1e-300, NAN, INF])
    yield case("where", (), where, conditions, tensor([NAN] * 6), tensor([1.0] * 6))
    yield case("where", (), where, conditions, tensor([1.0] * 6), tensor([INF] * 6), weights=tensor([NAN] * 6))
    signs = tensor([0.0, -0.0, 0.0])
    yield case("where", (), where, tensor([1.0, 1.0, 0.0]), signs, signs)
    yield case("where", (), where, integers(3), normal(2, 1, 3), normal(4, 1))
    yield case("where", (), where, integers(4, 2, 1, 1), normal(), normal(3))
    yield case("where", (), where, integers(2, 2), normal(2, 2), normal(2, 2))
    yield case("where", (), where, integers(1), normal(0, 3), normal(3))


def reductions():
    def plain(f):
        return lambda x, **along: f(x, along.pop("dim", tuple(range(x.dim()))), **along)

    ops = [
        ("max", (), plain(torch.amax)),
        ("min", (), plain(torch.amin)),
        ("logsumexp", (), plain(torch.logsumexp)),
        *[("var", (c,), lambda x, c=c, **along: x.var(correction=c, **along)) for c in (0, 1, 0.5, 2, 3)],
        *[("std", (c,), lambda x, c=c, **along: x.std(correction=c, **along)) for c in (0, 1, 0.5, 2, 3)],
    ]
    lines = tensor(LINES)
    # A correction above the number of elements is left out: PyTorch's value is infinite, its gradient of the wrong sign.
    for op, options, f in ops:
        yield case(f"{op}_axis", (1, *options), lambda x: f(x, dim=1), lines)
        yield case(f"{op}_axis", (0, *options), lambda x: f(x, dim=0), lines.T.contiguous())
        for dims in [(2, 3, 4), (3, 1, 2)]:
            x = integers(*dims)
            yield case(op, options, f, x)
            for axis in (axis for axis in range(3) if not options or options[0] <= dims[axis]):
                yield case(f"{op}_axis", (axis, *options), lambda x: f(x, dim=axis), x)
                yield case(f"{op}_axis_keepdim", (axis, *options), lambda x: f(x, dim=axis, keepdim=True), x)
        yield case(f"{op}_axis", (0, *options), lambda x: f(x, dim=0), normal(3, 0))
        if op not in ("max", "min"):
            yield case(op, options, f, normal(0))
            yield case(f"{op}_axis", (0, *options), lambda x: f(x, dim=0), normal(0, 2))
    yield case("softmax", (1,), lambda x: x.softmax(1), lines)
    yield case("softmax", (0,), lambda x: x.softmax(0), lines.T.contiguous())
    for dims in [(3,), (2, 3), (2, 3, 4), (0, 3), (3, 0)]:
        x = normal(*dims)
        for axis in range(len(dims)):
            yield case("softmax", (axis,), lambda x: x.softmax(axis), x)


def pieces():
    for dims, axis, start, end in [((5,), 0, 1, 4), ((3, 4), 0, 0, 2), ((2, 3, 4), 1, 2, 3), ((2, 3, 4), 2, 1, 1)]:
        yield case("slice_axis", (axis, start, end), lambda x: x.narrow(axis, start, end - start), normal(*dims))
    for dims, axis, indices in [((5,), 0, [4, 0, 4]), ((3, 4), 1, [3, 3, 3, 1, 0]), ((2, 3, 2), 1, [2]), ((2, 3), 0, [])]:
        chosen = torch.tensor(indices, dtype=torch.long)
        yield case("select", (axis, *indices), lambda x: x.index_select(axis, chosen), normal(*dims))
    for axis, shapes in [(0, [(2,), (3,)]), (1, [(2, 3), (2, 1), (2, 0)]), (1, [(2, 1, 3), (2, 2, 3)]), (0, [(1, 2)])]:
        yield case("concat", (axis,), lambda *xs: torch.cat(xs, axis), *(normal(*dims) for dims in shapes))
    for axis, dims in [(0, ()), (0, (3,)), (1, (3,)), (1, (2, 3)), (3, (2, 1, 3)), (1, (0, 2))]:
        yield case("stack", (axis,), lambda *xs: torch.stack(xs, axis), *(normal(*dims) for _ in range(3)))
    for left, right in [((2, 3, 4), (2, 4, 5)), ((1, 1, 3), (1, 3, 1)), ((2, 3, 1, 2), (2, 3, 2, 3)), ((2, 0, 3), (2, 3, 2))]:
        yield case("bmm", (), torch.matmul, normal(*left), normal(*right))


def main():
    torch.set_num_threads(1)
    cases = ",\n".join(json.dumps(c) for part in (elementwise, choices, reductions, pieces) for c in part())
    print(f'{{\n"torch": {json.dumps(torch.__version__.split("+")[0])},\n"cases": [\n{cases}\n]\n}}')


if __name__ == "__main__":
    main()
