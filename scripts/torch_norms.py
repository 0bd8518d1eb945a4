"""Writes PyTorch's layer norm and RMS norm, forward and gradients, for crates/autodiff/tests/autodiff/norms.rs.

Run by hand, in an environment that has torch, from the root of the repository:

    python scripts/torch_norms.py > crates/autodiff/tests/data/norms.json

Everything is float64 but what stands under "float32". JSON knows no NaN: it stands as null.
"""

import json
import math

import torch
import torch.nn.functional as F

# (shape, scale, offset) of the inputs; a constant row, a zero row and a single feature among them.
INPUTS = [
    ((3, 5), 1.0, 0.0),
    ((2, 3, 4), 1.0, 0.5),
    ((2, 1, 2, 7), 3.0, -2.0),
    ((6,), 1e-3, 0.0),
    ((4, 1), 1.0, 0.0),
    ((1, 33), 100.0, 30.0),
    ((2, 5), 0.0, 0.75),
    ((2, 5), 0.0, 0.0),
    ((0, 3), 1.0, 0.0),
    ((2, 3), math.nan, 0.0),
]
LAYER_NORM = [(None, True, True), (None, True, False), (None, False, False), (0.1, True, True)]
RMS_NORM = [(None, True), (None, False), (1e-3, True)]


def numbers(tensor):
    """Elements in row-major order, NaN as null."""
    return None if tensor is None else [None if math.isnan(x) else x for x in tensor.flatten().tolist()]


def case(make, shape, scale, offset, generator, dtype):
    """One module: inputs, what comes out, and the gradients of the output weighted by a seed."""
    draw = lambda dims: torch.randn(dims, generator=generator, dtype=torch.float64).to(dtype)
    module = make(shape[-1])
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(draw(parameter.shape))
    x = (draw(shape) * scale + offset).requires_grad_()
    y = module(x)
    seed = draw(shape)
    y.backward(seed)
    parameter = lambda name: getattr(module, name, None)
    gradient = lambda name: None if parameter(name) is None else parameter(name).grad
    return {
        "eps": module.eps,
        "shape": list(shape),
        "x": numbers(x),
        "weight": numbers(parameter("weight")),
        "bias": numbers(parameter("bias")),
        "seed": numbers(seed),
        "y": numbers(y),
        "dx": numbers(x.grad),
        "dweight": numbers(gradient("weight")),
        "dbias": numbers(gradient("bias")),
    }


def layer_norm(eps, affine, bias, dtype):
    """LayerNorm's constructor; the default eps where none is given."""
    options = {} if eps is None else {"eps": eps}
    return lambda n: torch.nn.LayerNorm(n, elementwise_affine=affine, bias=bias, dtype=dtype, **options)


def rms_norm(eps, affine, dtype):
    """RMSNorm's constructor."""
    return lambda n: torch.nn.RMSNorm(n, eps=eps, elementwise_affine=affine, dtype=dtype)


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    make = lambda kinds, inputs, dtype: [
        case(kind(dtype), *given, generator, dtype) for kind in kinds for given in inputs
    ]
    layer = [lambda dtype, o=options: layer_norm(*o, dtype) for options in LAYER_NORM]
    rms = [lambda dtype, o=options: rms_norm(*o, dtype) for options in RMS_NORM]
    document = {
        "layer_norm": make(layer, INPUTS, torch.float64),
        "rms_norm": make(rms, INPUTS, torch.float64),
        "float32": make(rms[:1], [((2, 4), 1e-4, 0.0)], torch.float32),
    }
    cases = [f'"{key}": [\n' + ",\n".join(map(json.dumps, part)) + "\n]" for key, part in document.items()]
    print("{\n" + ",\n".join([f'"torch": {json.dumps(torch.__version__.split("+")[0])}', *cases]) + "\n}")


if __name__ == "__main__":
    main()
