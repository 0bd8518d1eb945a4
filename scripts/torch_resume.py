"""Writes runs of PyTorch that wane goes on with, for crates/train/tests/train/torch_resume.rs.

Run by hand, in an environment that has torch and safetensors, from the root of the repository:

    python scripts/torch_resume.py crates/train/tests/data

For each optimizer, in float64: NAME_model.safetensors and NAME_state.safetensors hold the run after 5 steps, and
NAME_run.safetensors the inputs x and y, and each parameter after each of the next 10 steps, as STEP/PARAMETER.

With a second argument, a state file that the example state_for_pytorch wrote, it checks that PyTorch takes it: the AdamW run goes on from there.
"""

import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from optimizer_state import to_torch, to_wane

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

RUNS = {
    "sgd": ("Sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.02)),
    "adam": ("Adam", torch.optim.Adam, dict(lr=0.02, betas=(0.8, 0.95), weight_decay=0.05, amsgrad=True)),
    "adamw": ("AdamW", torch.optim.AdamW, dict(lr=0.02, weight_decay=0.1)),
}


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def optimizer_of(make, options, model):
    named = list(model.named_parameters())
    weights = {"params": [p for n, p in named if p.ndim > 1]}
    biases = {"params": [p for n, p in named if p.ndim == 1], "weight_decay": 0.0}
    names = [n for n, p in named if p.ndim > 1] + [n for n, p in named if p.ndim == 1]
    return make([weights, biases], foreach=False, **options), names


def step(model, optimizer, x, y):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()


def write(folder):
    for name, (rule, make, options) in RUNS.items():
        torch.manual_seed(len(name))
        model = network()
        x, y = torch.randn(8, 3), torch.randn(8, 2)
        optimizer, names = optimizer_of(make, options, model)
        for _ in range(5):
            step(model, optimizer, x, y)
        save_file(model.state_dict(), folder / f"{name}_model.safetensors")
        to_wane(optimizer.state_dict(), folder / f"{name}_state.safetensors", rule, names)
        run = {"x": x, "y": y}
        for number in range(1, 11):
            step(model, optimizer, x, y)
            run.update({f"{number}/{n}": p.detach().clone() for n, p in model.named_parameters()})
        save_file(run, folder / f"{name}_run.safetensors")


def check(folder, state):
    """PyTorch goes on from wane's file as it went on from its own."""
    _, make, options = RUNS["adamw"]
    model, run = network(), load_file(folder / "adamw_run.safetensors")
    model.load_state_dict(load_file(folder / "adamw_model.safetensors"))
    # Defaults on purpose: what matters comes with the state.
    optimizer, _ = optimizer_of(make, {}, model)
    optimizer.load_state_dict(to_torch(state))
    for number in range(1, 11):
        step(model, optimizer, run["x"], run["y"])
        for n, p in model.named_parameters():
            torch.testing.assert_close(p.detach(), run[f"{number}/{n}"], rtol=0, atol=0)
    print("PyTorch goes on from wane's state to the last bit")


folder = pathlib.Path(sys.argv[1])
if len(sys.argv) > 2:
    check(folder, sys.argv[2])
else:
    write(folder)
