"""Between wane's optimizer files (safetensors) and what PyTorch's Optimizer.load_state_dict takes.

    python scripts/optimizer_state.py to-torch STATE.safetensors STATE.pt
    python scripts/optimizer_state.py to-wane  STATE.pt STATE.safetensors Sgd|Adam|AdamW|RmsProp|Adagrad NAME...

The NAMEs are those of the parameters, in the optimizer's order; without them, the optimizer must have been given
model.named_parameters(). As a module: to_torch(path) gives a state_dict, to_wane(state_dict, path, rule, names).

`time` counts what wane calls advance() and a scheduler's last_epoch; PyTorch keeps it in the scheduler, so it is given
to to_wane, and read by time_of(path).
"""

import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import save_file

KEY = "wane_optimizer"
OPTIONS = {
    "Sgd": ["lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize"],
    "Adam": ["lr", "betas", "eps", "weight_decay", "amsgrad", "maximize"],
    "AdamW": ["lr", "betas", "eps", "weight_decay", "amsgrad", "maximize"],
    "RmsProp": ["lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize"],
    "Adagrad": ["lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps", "maximize"],
}


def kind_of(rule):
    """The kind of decay that `weight_decay` is in PyTorch."""
    return "Decoupled" if rule == "AdamW" else "Coupled"


def described(path):
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()[KEY]), {name: file.get_tensor(name) for name in file.keys()}


def time_of(path):
    return described(path)[0]["time"]


def to_torch(path):
    """The state_dict that the file holds."""
    header, tensors = described(path)
    # foreach, fused and so on say how PyTorch computes, and are what it has where nothing is said.
    how = {"foreach": None, "differentiable": False, "fused": None}
    if header["rule"] != "Sgd":
        how["capturable"] = False
    if header["rule"] in ("Adam", "AdamW"):
        how["decoupled_weight_decay"] = header["rule"] == "AdamW"
    if header["rule"] == "Adagrad":
        del how["capturable"]
    state, groups, index = {}, [], 0
    for group in header["groups"]:
        if group["reference"] is not None or group["decay"] != kind_of(header["rule"]):
            raise SystemExit(f"PyTorch's {header['rule']} has no decay that is {group['decay']}, or toward a reference")
        ids = []
        for name in group["params"]:
            own = {key.rpartition(".")[2]: value for key, value in tensors.items() if key.rpartition(".")[0] == name}
            if own:
                step = own.pop("step").to(torch.float32)
                state[index] = own if header["rule"] == "Sgd" else {"step": step, **own}
            ids.append(index)
            index += 1
        options = {**group["options"], **how, "initial_lr": group["initial_lr"]}
        if "betas" in options:
            options["betas"] = tuple(options["betas"])
        groups.append({**options, "params": ids, "param_names": group["params"]})
    return {"state": state, "param_groups": groups}


def to_wane(state_dict, path, rule, names=(), time=0):
    """Writes the file that wane's load_optimizer_safetensors reads."""
    names, tensors, groups = list(names), {}, []
    for group in state_dict["param_groups"]:
        own = [names[i] for i in group["params"]] if names else list(group["param_names"])
        for name, i in zip(own, group["params"]):
            state = {key: value for key, value in state_dict["state"].get(i, {}).items() if value is not None}
            if not state:
                continue
            # PyTorch's SGD does not count; that it has begun is all that matters.
            step = int(state.pop("step", 1))
            tensors[f"{name}.step"] = torch.tensor(step, dtype=torch.int64)
            tensors.update({f"{name}.{key}": value.contiguous() for key, value in state.items()})
        options = {key: group[key] for key in OPTIONS[rule]}
        options = {key: float(x) if type(x) is int else x for key, x in options.items()}
        initial_lr = float(group.get("initial_lr", group["lr"]))
        decay = kind_of(rule)
        groups.append({"params": own, "options": options, "initial_lr": initial_lr, "decay": decay, "reference": None})
    save_file(tensors, path, {KEY: json.dumps({"rule": rule, "time": time, "groups": groups})})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["to-torch", source, target]:
            torch.save(to_torch(source), target)
        case ["to-wane", source, target, rule, *names]:
            to_wane(torch.load(source), target, rule, names)
        case _:
            sys.exit(__doc__)
