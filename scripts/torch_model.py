"""Writes a network of PyTorch's, with inputs and its outputs, for examples/from_pytorch.rs.

Run by hand, in an environment that has torch and safetensors, from the root of the repository:

    python scripts/torch_model.py data

torch_mlp.safetensors holds the weights alone, torch_mlp.csv a row for each input: x0 to x5, then the outputs y0 to y2.
"""

import csv
import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Sequential(
    nn.Linear(6, 16), nn.LayerNorm(16), nn.GELU(), nn.Dropout(0.2), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3)
)
# Trained a little, so that no weight is where it started.
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for _ in range(50):
    x = torch.randn(32, 6)
    y = torch.stack([x[:, 0] * x[:, 1], x[:, 2].sin(), x[:, 3:].abs().sum(1)], 1)
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()

folder = pathlib.Path(sys.argv[1])
save_file(model.state_dict(), folder / "torch_mlp.safetensors")
model.eval()
with torch.no_grad(), open(folder / "torch_mlp.csv", "w", newline="") as file:
    x = torch.randn(32, 6)
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow([f"x{i}" for i in range(6)] + [f"y{i}" for i in range(3)])
    rows.writerows(torch.cat([x, model(x)], 1).tolist())
