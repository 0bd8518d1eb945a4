"""Writes what PyTorch users keep in safetensors files, for crates/train/tests/train/torch_exchange.rs.

Run by hand, in an environment that has torch and safetensors, from the root of the repository:

    python scripts/torch_exchange.py crates/train/tests/data

blocks: a network with an embedding, norms with options and dropout; blocks_data: inputs and outputs of it.
tied: an autoencoder with one weight for both sides, of which save_model keeps one name and writes the other to the metadata.
batch_norm: a network that wane has no layer for. half: numbers in float16 and bfloat16; half_wide: the same in float32.
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file, save_model
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
folder = pathlib.Path(sys.argv[1])


class Blocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3)
        self.net = nn.Sequential(
            nn.Linear(4 + 3, 8),
            nn.LayerNorm(8, eps=0.1, bias=False),
            nn.SiLU(),
            nn.Dropout(0.5),
            nn.LayerNorm(8, elementwise_affine=False),
            nn.Linear(8, 8, bias=False),
            nn.RMSNorm(8, eps=0.5),
            nn.RMSNorm(8, elementwise_affine=False),
            nn.Linear(8, 2),
        )

    def forward(self, x, labels):
        return self.net(torch.cat([x, self.table(labels)], 1))


model = Blocks().eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    x, labels = torch.randn(10, 4), torch.arange(10) * 3 % 5
    y = model(x, labels)
save_file(model.state_dict(), folder / "torch_blocks.safetensors", {"format": "pt", "note": 'any "text"\n'})
save_file({"x": x, "y": y}, folder / "torch_blocks_data.safetensors")


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(3, 3)
        self.decoder = nn.Linear(3, 3)
        self.decoder.weight = self.encoder.weight


tied = Tied()
save_model(tied, str(folder / "torch_tied.safetensors"))
separate = {name: tensor.clone() for name, tensor in tied.state_dict().items()}
save_file(separate, folder / "torch_untied.safetensors")

batch_norm = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
save_file(batch_norm.state_dict(), folder / "torch_batch_norm.safetensors")

plain = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
save_file(plain.half().state_dict(), folder / "torch_half_net.safetensors")

bits = torch.tensor([0, 1, 2, 0x3FF, 0x400, 0x3BFF, 0x3C00, 0x3C01, 0x7BFF, 0x7C00, 0x7C01, 0x7E00, 0x7F7F, 0x7F80, 0x7FFF])
bits = torch.cat([bits, bits - 0x8000, torch.randint(-0x8000, 0x8000, (170,))]).to(torch.int16)
half = {"float16": bits.view(torch.float16), "bfloat16": bits.clone().view(torch.bfloat16)}
save_file(half, folder / "half.safetensors")
save_file({name: numbers.to(torch.float32) for name, numbers in half.items()}, folder / "half_wide.safetensors")
