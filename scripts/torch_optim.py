"""Writes PyTorch reference traces beyond those of golden.py, in the same formats, for crates/parity/golden.

usage: torch_optim.py OUT_DIR SEED      (written with PyTorch 2.15)

  optimizer-rmsprop*.json, optimizer-adagrad*.json  given gradients -> parameters after every step
  schedule-*.json                                   a learning-rate scheduler -> lr at every epoch
"""
import json, pathlib, random, sys
import torch
from torch import nn

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
seed = int(sys.argv[2])
rnd = random.Random(seed)
torch.set_num_threads(1)
SHAPES, NAMES = [[4, 3], [4], [2, 4], [2]], ["0.weight", "0.bias", "2.weight", "2.bias"]
S = torch.optim.lr_scheduler


def write(name, body):
    (out / f"{name}.json").write_text(json.dumps({"torch": torch.__version__.split("+")[0], **body}))


def tensor(t):
    return {"shape": list(t.shape), "data": t.detach().double().flatten().tolist()}


def optimizer_trace(name, kind, defaults, dtype, split=None, missing=()):
    generator = torch.Generator().manual_seed(seed * 1000 + sum(map(ord, name)))
    draw = lambda shape: torch.randn(*shape, dtype=torch.float64, generator=generator).to(dtype)
    params = [nn.Parameter(draw(shape)) for shape in SHAPES]
    initial = [{"name": n, **tensor(p)} for n, p in zip(NAMES, params)]
    groups = [([0, 2], split), ([1, 3], {"weight_decay": 0.0})] if split else [([0, 1, 2, 3], {})]
    make = {"rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad}[kind]
    optimizer = make([{"params": [params[i] for i in ids], **over} for ids, over in groups], foreach=False, **defaults)
    steps = []
    for t in range(12):
        grads = []
        for i, p in enumerate(params):
            p.grad = None if (t, i) in missing else draw(p.shape)
            grads.append(p.grad if p.grad is None else tensor(p.grad))
        optimizer.step()
        steps.append({"grads": grads, "params": [tensor(p) for p in params]})
    spec = [{"params": [NAMES[i] for i in ids], **over} for ids, over in groups]
    write(name, {"kind": "optimizer", "dtype": str(dtype).split(".")[1], "params": initial, "steps": steps,
                 "optimizer": {"name": kind, "defaults": defaults, "groups": spec}, "lr_at_step": {}})


pick = lambda *values: values[0] if seed == 0 else rnd.choice(values[1:])
for dtype in (torch.float64, torch.float32):
    end = "" if dtype == torch.float64 else "-f32"
    lr, wd = pick(0.01, 0.03, 0.005), pick(0.05, 0.2, 0.01)
    skipped = {(0, 1), (3, 0), (4, 0), (7, 3)}
    for name, over in {
        "rmsprop": {},
        "rmsprop-decay": {"weight_decay": wd},
        "rmsprop-momentum": {"weight_decay": wd, "momentum": 0.9, "alpha": 0.8},
        "rmsprop-centered": {"weight_decay": wd, "centered": True, "eps": 1e-3},
        "rmsprop-centered-momentum": {"weight_decay": wd, "centered": True, "momentum": 0.5, "eps": 1e-3},
        "rmsprop-maximize": {"weight_decay": wd, "maximize": True, "alpha": 0.3},
        "adagrad": {},
        "adagrad-decay": {"weight_decay": wd},
        "adagrad-lr-decay": {"weight_decay": wd, "lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3},
        "adagrad-maximize": {"weight_decay": wd, "maximize": True},
    }.items():
        optimizer_trace(f"optimizer-{name}{end}", name.split("-")[0], {"lr": lr, **over}, dtype)
    for kind in ("rmsprop", "adagrad"):
        optimizer_trace(f"optimizer-{kind}-groups{end}", kind, {"lr": lr}, dtype, {"weight_decay": wd, "lr": lr * 2})
        optimizer_trace(f"optimizer-{kind}-missing-grad{end}", kind, {"lr": lr, "weight_decay": wd}, dtype, None, skipped)


def schedule_trace(name, make, spec, epochs, metrics=None, build=None):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = build(optimizer) if build else make(optimizer, **spec)
    lrs = []
    for epoch in range(epochs):
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step() if metrics is None else schedule.step(metrics[epoch])
    title = spec.pop("name", None) or make.__name__
    for unused in ("cycle_momentum",):
        spec.pop(unused, None)
    write(name, {"kind": "schedule", "base_lr": 0.1, "scheduler": {"name": title, **spec}, "metrics": metrics, "lrs": lrs})


k = pick(3, 4, 5)
schedule_trace("schedule-constant", S.ConstantLR, {"factor": 1 / k, "total_iters": 2 * k}, 20)
schedule_trace("schedule-polynomial", S.PolynomialLR, {"total_iters": 4 * k, "power": pick(2.0, 0.5, 3.0)}, 20)
schedule_trace("schedule-cosine-long", S.CosineAnnealingLR, {"T_max": 10 * k, "eta_min": 0.0}, 10 * k)
schedule_trace("schedule-restarts-equal", S.CosineAnnealingWarmRestarts, {"T_0": k, "T_mult": 1, "eta_min": 0.0}, 20)
one_cycle = {"max_lr": 0.3, "total_steps": 30, "pct_start": 0.4, "div_factor": 10.0, "final_div_factor": 50.0, "cycle_momentum": False}
schedule_trace("schedule-one-cycle-linear", S.OneCycleLR, {**one_cycle, "anneal_strategy": "linear"}, 30)
schedule_trace("schedule-one-cycle-three-phase", S.OneCycleLR, {**one_cycle, "anneal_strategy": "cos", "three_phase": True}, 30)
cyclic = {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": k, "cycle_momentum": False}
schedule_trace("schedule-cyclic", S.CyclicLR, {**cyclic, "mode": "triangular"}, 40)
schedule_trace("schedule-cyclic-uneven", S.CyclicLR, {**cyclic, "step_size_down": k + 4, "mode": "triangular2"}, 40)
schedule_trace("schedule-cyclic-fading", S.CyclicLR, {**cyclic, "mode": "exp_range", "gamma": 0.95}, 40)
decline = pick(0.1, 0.5, 0.03)
schedule_trace("schedule-lambda", None, {"name": "LambdaLR", "reciprocal_of_one_plus": decline}, 20,
               build=lambda o: S.LambdaLR(o, lambda t: 1 / (1 + decline * t)))


def warm_then_steps(o):
    parts = [S.LinearLR(o, 0.1, 1.0, 4), S.ConstantLR(o, 1.0, 1), S.ExponentialLR(o, 0.8)]
    return S.SequentialLR(o, parts, [4, 9])


schedule_trace("schedule-sequential", None, {"name": "SequentialLR", "milestones": [4, 9], "schedulers": [
    {"name": "LinearLR", "start_factor": 0.1, "end_factor": 1.0, "total_iters": 4},
    {"name": "ConstantLR", "factor": 1.0, "total_iters": 1},
    {"name": "ExponentialLR", "gamma": 0.8}]}, 25, build=warm_then_steps)
generator = torch.Generator().manual_seed(seed + 5)
losses = (torch.rand(40, generator=generator) * 0.5 + torch.linspace(1, 0.6, 40)).tolist()
plateau = {"factor": 0.3, "patience": 1, "threshold": 0.05, "cooldown": 2, "min_lr": 1e-3}
schedule_trace("schedule-plateau-cooldown", S.ReduceLROnPlateau, {"mode": "min", **plateau, "threshold_mode": "abs"}, 40, losses)
schedule_trace("schedule-plateau-max", S.ReduceLROnPlateau, {"mode": "max", **plateau, "threshold_mode": "rel"}, 40, [1 - l for l in losses])
print(len(list(out.glob("*.json"))), "files in", out)
