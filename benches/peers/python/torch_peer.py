"""PyTorch, eager with its fused optimizers; with `--compile`, model and loss through torch.compile."""

import sys

from work import BETAS, DECAY, EPS, LR, Work, mean_square, serve

import torch
from torch import nn


def optimizer(work, parameters):
    kind = torch.optim.Adam if work.kind == "adam" else torch.optim.AdamW
    return kind(parameters, lr=LR, betas=BETAS, eps=EPS, weight_decay=DECAY, fused=True)


def mlp(work):
    layers = []
    for number, (inputs, outputs) in enumerate(work.layers):
        if number > 0:
            layers.append(nn.ReLU())
        linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(work.weight(number)))
            linear.bias.copy_(torch.from_numpy(work.bias(number)))
        layers.append(linear)
    return nn.Sequential(*layers)


class Program:
    def sync(self):
        """Nothing is left to wait for on a CPU."""


class Train(Program):
    def __init__(self, work, compiled):
        model = mlp(work)
        self.x = torch.from_numpy(work.x())
        if work.kind == "classify":
            self.y, criterion = torch.from_numpy(work.labels()), nn.functional.cross_entropy
        else:
            self.y, criterion = torch.from_numpy(work.y()), nn.functional.mse_loss
        self.optimizer = optimizer(work, model.parameters())
        self.evaluate = lambda x, y: criterion(model(x), y)
        if compiled:
            self.evaluate = torch.compile(self.evaluate)

    def step(self):
        self.optimizer.zero_grad()
        self.loss = self.evaluate(self.x, self.y)
        self.loss.backward()
        self.optimizer.step()

    def check(self):
        return self.loss.item()


class Update(Program):
    def __init__(self, work):
        self.work = work
        self.parameters = [nn.Parameter(torch.from_numpy(values)) for values in work.parameters()]
        for parameter, gradient in zip(self.parameters, work.gradients()):
            parameter.grad = torch.from_numpy(gradient)
        self.step = optimizer(work, self.parameters).step

    def check(self):
        return self.work.updated(self.parameters[0].detach().numpy())


class Forward(Program):
    def __init__(self, work, compiled):
        model = mlp(work).eval()
        self.model = torch.compile(model) if compiled else model
        self.x = torch.from_numpy(work.x())

    def step(self):
        self.y = self.model(self.x)

    def check(self):
        return mean_square(self.y.numpy())


def main():
    compiled = sys.argv[1] == "--compile"
    name, threads = sys.argv[-2:]
    torch.set_num_threads(int(threads))
    work = Work(name)
    if work.kind == "forward":
        with torch.inference_mode():
            serve(work, Forward(work, compiled))
    else:
        serve(work, Update(work) if work.kind == "update" else Train(work, compiled))


main()
