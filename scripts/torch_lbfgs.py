"""Writes traces of PyTorch's LBFGS, for crates/optim/tests/optim/lbfgs_torch.rs.

Run by hand, in an environment that has torch, from the root of the repository:

    python scripts/torch_lbfgs.py > crates/optim/tests/data/lbfgs.json

Everything is float64. A trace holds every evaluation of every step: where it was made, and the loss.
"""

import json

import torch

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.manual_seed(20)

DEFAULTS = {
    "lr": 1.0,
    "max_iter": 20,
    "max_eval": None,
    "tolerance_grad": 1e-7,
    "tolerance_change": 1e-9,
    "history_size": 100,
    "line_search_fn": None,
    "maximize": False,
}
WOLFE = {"line_search_fn": "strong_wolfe"}


def spd(n, condition):
    """A symmetric matrix whose eigenvalues run from 1 to `condition`."""
    q, _ = torch.linalg.qr(torch.randn(n, n))
    return q @ torch.diag(torch.logspace(0, torch.log10(torch.tensor(condition)).item(), n)) @ q.T


A, B = spd(6, 100.0), torch.randn(6)
WELLS = [(1.0, 1.0, -3.0), (2.0, 4.0, -1.0), (1.5, 2.0, 0.5), (3.0, 9.0, 2.0), (1.0, 0.5, 4.0)]
X, Y = torch.randn(12, 3), torch.randn(12, 2)


def quadratic(x):
    return ((x @ A) * x).sum() * 0.5 - (x * B).sum()


def rosenbrock(*x):
    return sum((y - x.square()).square() * 100.0 + (1.0 - x).square() for x, y in zip(x, x[1:]))


def wells(x):
    """Holes in a valley: on a line through them the slope changes its sign many times."""
    holes = sum(((x - at).square() * -width).exp().sum() * depth for depth, width, at in WELLS)
    return x.square().sum() * 0.05 - holes


def perceptron(w0, b0, w1, b1):
    hidden = torch.tanh(torch.nn.functional.linear(X, w0, b0))
    return torch.nn.functional.mse_loss(torch.nn.functional.linear(hidden, w1, b1), Y)


PROBLEMS = {
    "quadratic": (quadratic, [torch.randn(1, 6)]),
    "concave": (lambda x: -quadratic(x), [torch.randn(1, 6)]),
    **{f"wells {i}": (wells, [torch.randn(3) * 3.0]) for i in range(8)},
    "rosenbrock": (rosenbrock, [torch.tensor(x) for x in (-1.2, 1.0)]),
    "rosenbrock of four": (rosenbrock, [torch.tensor(x) for x in (-1.2, 1.0, -0.5, 2.0)]),
    "perceptron": (perceptron, [torch.randn(4, 3), torch.randn(4), torch.randn(2, 4), torch.randn(2)]),
}

CASES = [
    ("quadratic", 2, {}),
    ("quadratic", 4, {"max_iter": 6, "history_size": 2}),
    ("quadratic", 3, {"max_iter": 5, **WOLFE}),
    ("quadratic", 2, {"lr": 100.0, "history_size": 1, **WOLFE}),
    ("quadratic", 2, {"tolerance_grad": 0.05, **WOLFE}),
    ("quadratic", 3, {"max_iter": 1}),
    ("concave", 2, {"maximize": True}),
    ("concave", 2, {"maximize": True, **WOLFE}),
    ("rosenbrock", 3, {"lr": 0.1}),
    ("rosenbrock", 8, {"max_iter": 6, **WOLFE}),
    ("rosenbrock", 4, {"lr": 10.0, **WOLFE}),
    ("rosenbrock", 3, {"lr": 1e-3, "max_eval": 5, **WOLFE}),
    ("rosenbrock", 3, {"lr": 30.0, "max_eval": 3, **WOLFE}),
    ("rosenbrock", 2, {"tolerance_change": 0.05, **WOLFE}),
    ("rosenbrock", 2, {"max_eval": 1, **WOLFE}),
    ("rosenbrock of four", 6, {"max_iter": 10, "history_size": 3, **WOLFE}),
    # Among holes a rounding soon grows: few iterations, and from long steps still fewer.
    *[(f"wells {i}", 3, {"lr": lr, "max_iter": 8, **WOLFE}) for i in range(8) for lr in (0.3, 3.0)],
    *[(f"wells {i}", 1, {"lr": 30.0, "max_iter": 5, **WOLFE}) for i in range(8)],
    *[(f"wells {i}", 3, {"lr": 10.0, "max_eval": 6, **WOLFE}) for i in range(8)],
    ("perceptron", 3, {"lr": 0.5, "max_iter": 10, "history_size": 5}),
    ("perceptron", 3, {"max_iter": 10, "history_size": 5, **WOLFE}),
    ("perceptron", 2, {"max_iter": 25, "lr": 5.0, **WOLFE}),
    ("perceptron", 2, {"max_iter": 40, "tolerance_change": 3e-3, **WOLFE}),
]


def flat(params):
    return torch.cat([p.detach().reshape(-1) for p in params]).tolist()


def trace(problem, steps, options):
    """Every evaluation of `steps` steps, and what each step returned and left."""
    f, initial = PROBLEMS[problem]
    params = [p.clone().requires_grad_() for p in initial]
    options = {**DEFAULTS, **options}
    optimizer = torch.optim.LBFGS(params, **options)
    done = []
    for _ in range(steps):
        at, losses = [], []

        def closure():
            optimizer.zero_grad()
            loss = f(*params)
            loss.backward()
            at.append(flat(params))
            losses.append(loss.item())
            return loss

        returned = optimizer.step(closure)
        done.append({"at": at, "losses": losses, "returned": returned.item(), "left": flat(params)})
    return {"problem": problem, "options": options, "steps": done}


def scripted():
    """Steps of one weight whose losses and gradients are drawn, not computed: every turn a line search can take."""
    weight = torch.zeros(1, requires_grad=True)
    options = {**DEFAULTS, **WOLFE, "max_iter": 6, "max_eval": 12}
    optimizer = torch.optim.LBFGS([weight], **options)
    done = []
    for _ in range(3):
        at, losses, gradients = [], [], []

        def closure():
            falling = -0.3 * len(losses) if torch.rand(1) < 0.7 else 0.0
            loss = falling + torch.randn(1).item() * 0.3
            gradient = torch.randn(1) - 0.5
            weight.grad = gradient.clone()
            for kept, x in ((at, weight.tolist()), (losses, loss), (gradients, gradient.item())):
                kept.append(x)
            return loss

        returned = optimizer.step(closure)
        done.append({"at": at, "losses": losses, "gradients": gradients, "returned": returned, "left": weight.tolist()})
    return {"problem": "scripted", "options": options, "steps": done}


def main():
    document = {
        "torch": torch.__version__.split("+")[0],
        "matrix": A.tolist(),
        "vector": B.tolist(),
        "wells": WELLS,
        "inputs": X.tolist(),
        "targets": Y.tolist(),
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    traces = ",\n".join(json.dumps(trace(*case)) for case in CASES)  # one case a line
    traces += "".join(",\n" + json.dumps(scripted()) for _ in range(40))
    print("{\n" + ",\n".join([*lines, f'"traces": [\n{traces}\n]']) + "\n}")


if __name__ == "__main__":
    main()
