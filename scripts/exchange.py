"""Holds wane's safetensors files to the format's own Python package, in both directions.

    python scripts/exchange.py target/release/examples/exchange

Needs numpy and safetensors; the program is `cargo build --release -p wane-train --example exchange`.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from safetensors.numpy import load_file, save_file

SHAPES = {"0.weight": (4, 3), "0.bias": (4,), "2.weight": (2, 4), "2.bias": (2,)}
rng = np.random.default_rng(0)


def arrays(dtype):
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in SHAPES.items()}


def doubled(program, own, precision, given, folder):
    """What wane makes of the given arrays, or its message."""
    source, target = folder / "in.safetensors", folder / "out.safetensors"
    target.unlink(missing_ok=True)
    save_file(given, source)
    done = subprocess.run([program, own, precision, source, target], capture_output=True, text=True, timeout=60)
    if done.returncode == 0:
        return load_file(target)
    assert "panicked" not in done.stderr, done.stderr
    assert not target.exists()
    return done.stderr


def main(program):
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for theirs in ("float16", "float32", "float64"):
            for ours in ("float32", "float64"):
                given = arrays(theirs)
                given["0.bias"][:3] = 0.0, -0.0, np.inf
                result = doubled(program, ours, "convert", given, folder)
                assert result.keys() == given.keys()
                for name, array in given.items():
                    expected = 2 * array.astype(ours)
                    assert result[name].dtype == ours and result[name].shape == array.shape, name
                    assert result[name].tobytes() == expected.tobytes(), name
                result = doubled(program, ours, "refuse", given, folder)
                assert isinstance(result, dict if ours == theirs else str)
                count += 2

        fine = arrays("float32")
        without = {name: array for name, array in fine.items() if name != "2.bias"}
        for given, words in [
            (without, ["missing: 2.bias"]),
            ({**fine, "4.bias": fine["2.bias"]}, ["unexpected: 4.bias"]),
            ({**fine, "0.weight": np.ascontiguousarray(fine["0.weight"].T)}, ["misshapen: 0.weight (3, 4) for (4, 3)"]),
            ({**fine, "2.bias": fine["2.bias"] > 0}, ["of another dtype: 2.bias BOOL"]),
            (arrays("int64"), ["of another dtype", "0.weight I64"]),
            ({**without, "a": fine["0.bias"]}, ["missing: 2.bias", "unexpected: a"]),
        ]:
            message = doubled(program, "float32", "convert", given, folder)
            assert isinstance(message, str) and all(word in message for word in words), message
            count += 1
    print(f"{count} exchanges as they should be")


if __name__ == "__main__":
    main(sys.argv[1])
