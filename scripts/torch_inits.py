"""Writes the numbers of torch.nn.init, for crates/layers/tests/layers/laws.rs and the tests in crates/layers/src/orthogonal.rs.

Run by hand, in an environment that has torch, from the root of the repository:

    python scripts/torch_inits.py > crates/layers/tests/data/inits.json

The laws are read off the calls that PyTorch makes: the bounds it gives to uniform_, the mean and std to normal_.
"""

import json

import torch
from torch.nn import init

SHAPES = [(5, 3), (1, 1), (4, 3, 2), (2, 7, 3, 5)]
GAINS = [("sigmoid", None), ("tanh", None), ("relu", None)]
GAINS += [("leaky_relu", slope) for slope in (0.01, 0.0, 0.2, -0.5, 5**0.5)]
ORTHOGONAL = [(1, 1), (4, 4), (3, 7), (7, 3), (1, 5), (5, 1), (12, 12)]


class Recorder(torch.Tensor):
    """A tensor that notes the law it is asked to draw from, in place of drawing."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    def uniform_(self, low, high, generator=None):
        self.law = ["uniform", low, high]
        return self

    def normal_(self, mean, std, generator=None):
        self.law = ["normal", mean, std]
        return self


def law(draw, shape, **options):
    """What `draw` asks for."""
    tensor = torch.zeros(shape, dtype=torch.float64).as_subclass(Recorder)
    draw(tensor, **options)
    return tensor.law


def laws(shape):
    """Every law for one shape: its name, gain, fan, kind and the two numbers of that kind."""
    for name in ("xavier_uniform", "xavier_normal"):
        for gain in (1.0, 5 / 3):
            yield [name, gain, None, *law(getattr(init, name + "_"), shape, gain=gain)]
    for name in ("kaiming_uniform", "kaiming_normal"):
        for fan in ("in", "out"):
            for activation, slope in [("relu", 0), ("tanh", 0), ("leaky_relu", 0.3), ("leaky_relu", 5**0.5)]:
                gain = init.calculate_gain(activation, slope)
                drawn = law(getattr(init, name + "_"), shape, a=slope, mode="fan_" + fan, nonlinearity=activation)
                yield [name, gain, fan, *drawn]


def orthogonal(shape, seed):
    """The numbers that orthogonal_ draws, and what it makes of them."""
    generator = lambda: torch.Generator().manual_seed(seed)
    empty = torch.empty(shape, dtype=torch.float64)
    gaussian = empty.clone().normal_(0, 1, generator=generator())
    q = init.orthogonal_(empty.clone(), generator=generator())
    return {"shape": shape, "gaussian": gaussian.flatten().tolist(), "q": q.flatten().tolist()}


def main():
    document = {
        "gains": [[name, slope, init.calculate_gain(name, slope)] for name, slope in GAINS],
        "laws": [[shape, *row] for shape in SHAPES for row in laws(shape)],
        "orthogonal": [orthogonal(shape, seed) for seed, shape in enumerate(ORTHOGONAL)],
    }
    cases = [f'"{key}": [\n' + ",\n".join(map(json.dumps, part)) + "\n]" for key, part in document.items()]
    print("{\n" + ",\n".join([f'"torch": {json.dumps(torch.__version__.split("+")[0])}', *cases]) + "\n}")


if __name__ == "__main__":
    main()
