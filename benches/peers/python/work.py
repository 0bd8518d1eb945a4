"""The work that every program does, the numbers that it starts from, and how it is timed: `work/src/lib.rs` in Python."""

import sys
import time

MAIN = time.perf_counter()

import numpy as np

LR, BETAS, EPS, DECAY = 1e-3, (0.9, 0.999), 1e-8, 0.1

# sizes, rows, kind of step, steps after which all programs must agree
MODELS = {
    "W1": ([10, 5, 2], 64, "adam", 100),
    "W2": ([32, 128, 128, 1], 64, "adamw", 20),
    "W3": ([784, 512, 256, 10], 128, "classify", 10),
    "W4": ([1024, 4096, 4096, 1024], 512, "adamw", 2),
    "W6a": ([32, 128, 128, 1], 1, "forward", 1),
    "W6b": ([32, 128, 128, 1], 1024, "forward", 1),
}
# tensors, length
UPDATES = {"W5a": (1, 10_000_000), "W5b": (1000, 1000)}


class Work:
    def __init__(self, name):
        if name in UPDATES:
            self.kind, self.check, self.tensors = "update", 5, UPDATES[name]
        else:
            self.sizes, self.rows, self.kind, self.check = MODELS[name]
            self.layers = list(zip(self.sizes, self.sizes[1:]))

    def weight(self, layer):
        """(outputs, inputs)"""
        inputs, outputs = self.layers[layer]
        return uniform(2 * layer, outputs * inputs, bound(inputs)).reshape(outputs, inputs)

    def bias(self, layer):
        inputs, outputs = self.layers[layer]
        return uniform(2 * layer + 1, outputs, bound(inputs))

    def x(self):
        return uniform(100, self.rows * self.sizes[0], 1.0).reshape(self.rows, -1)

    def y(self):
        return uniform(101, self.rows * self.sizes[-1], 1.0).reshape(self.rows, -1)

    def labels(self):
        return ((hashed(102, 0, self.rows) >> np.uint64(40)) % np.uint64(self.sizes[-1])).astype(np.int64)

    def parameters(self):
        tensors, length = self.tensors
        return [uniform(1000 + tensor, length, 0.1) for tensor in range(tensors)]

    def gradients(self):
        tensors, length = self.tensors
        return [uniform(5000 + tensor, length, 1.0) for tensor in range(tensors)]

    def updated(self, parameter):
        """What is compared after updates alone."""
        gradient = uniform(5000, 1000, 1.0)
        return float(np.dot(np.asarray(parameter[:1000], np.float64), gradient.astype(np.float64)))


def mean_square(output):
    return float(np.mean(np.asarray(output, np.float64) ** 2))


def bound(inputs):
    return np.float32(1 / inputs**0.5)


def hashed(stream, begin, end):
    """splitmix64 of a counter."""
    z = (np.uint64(stream << 32) | np.arange(begin, end, dtype=np.uint64)) + np.uint64(1)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(stream, length, limit):
    """float32 of [-limit, limit), made in pieces so that little memory is needed beside it."""
    values = np.empty(length, np.float32)
    for begin in range(0, length, 1 << 18):
        end = min(begin + (1 << 18), length)
        unit = (hashed(stream, begin, end) >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
        values[begin:end] = unit * np.float32(limit)
    return values


def serve(work, program):
    """Answers the driver, as the function of this name in Rust does."""
    program.step()
    program.sync()
    first = time.perf_counter() - MAIN
    begin = time.perf_counter()
    for _ in range(1, work.check):
        program.step()
    program.sync()
    estimate = (time.perf_counter() - begin) / (work.check - 1) if work.check > 1 else first
    print(program.check(), first * 1e3, flush=True)
    for line in sys.stdin:
        times = sorted(measure(float(line), estimate, program))
        estimate = times[len(times) // 2]
        print(estimate * 1e6, times[0] * 1e6, flush=True)


def measure(budget, estimate, program):
    block = max(1, int(budget / 20 / estimate))

    def timed():
        begin = time.perf_counter()
        for _ in range(block):
            program.step()
        program.sync()
        return (time.perf_counter() - begin) / block

    if estimate < budget / 10:
        timed()
    begin = time.perf_counter()
    times = [timed()]
    while time.perf_counter() - begin < budget:
        times.append(timed())
    return times
