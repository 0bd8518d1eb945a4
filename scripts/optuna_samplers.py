"""Writes what Optuna's samplers compute, and the normal distribution to 50 digits.

    python scripts/optuna_samplers.py crates/search/tests/data

Needs optuna 5.0, scipy, torch and mpmath. NumPy has to run on AVX2 or AVX-512: of equal observations, other processors'
sorts give other kernels' widths.
"""

import json
import math
import pathlib
import sys
import warnings

import mpmath
import numpy as np
import optuna
import torch
from optuna._gp import acqf, gp, prior, search_space
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json
from optuna.samplers._gp.sampler import _standardize_values
from optuna.samplers._tpe.sampler import _split_trials
from optuna.trial import TrialState, create_trial

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
mpmath.mp.dps = 50
rng = np.random.default_rng(0)


def number(value):
    """JSON has no infinity."""
    return value if value is None or math.isfinite(value) else str(value)


# The normal distribution.


def ln_mass(a, b):
    a, b = mpmath.mpf(a), mpmath.mpf(b)
    if a > 0:
        a, b = -b, -a
    return mpmath.log(mpmath.ncdf(b) - mpmath.ncdf(a))


def quantile(q, a, b):
    """By bisection: the mass left of it is q of all."""
    low, high = mpmath.mpf(a), mpmath.mpf(b)
    goal = mpmath.mpf(q) * (mpmath.ncdf(high) - mpmath.ncdf(low)) + mpmath.ncdf(low)
    for _ in range(170):
        middle = (low + high) / 2
        low, high = (middle, high) if mpmath.ncdf(middle) < goal else (low, middle)
    return low


def ln_h(z):
    z = mpmath.mpf(z)
    with mpmath.workdps(60 + int(3 * mpmath.log10(abs(z) + 1))):
        return mpmath.log(mpmath.npdf(z) + z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2)


def normal():
    points = [-1e5, -1e3, -50.0, -37.0, -20.5, -20.0, -19.5, -5.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 5.0, 8.0, 12.0]
    intervals = [(-1, 2), (-0.5, 0.5), (0, 1), (-3, -2), (2, 3), (-9, 0), (0, 30), (-0.3, 5), (-40, -39), (39, 1000), (-0.9, 0.2)]
    intervals += [(-2e-3, 1e-3), (3, 3 + 1e-6), (-5, -5 + 1e-3), (0, 1e-9), (-1.01, 0.001), (-8.29, 8.3), (30, 30.001), (1, 1.03)]
    truncations = [(-1, 2), (0.5, 3), (-3, -0.5), (-1e-3, 1e-3), (8, 9), (-30, 0), (-12, -11), (-0.01, 40)]
    return {
        "log_ndtr": [[x, float(mpmath.log(mpmath.ncdf(x)))] for x in points],
        "log_mass": [[a, b, float(ln_mass(a, b))] for a, b in intervals],
        "quantile": [[q, a, b, float(quantile(q, a, b))] for a, b in truncations for q in (1e-9, 0.1, 0.5, 0.99)],
        "log_h": [[z, float(ln_h(z))] for z in [-1e6, -300.0, -26.0, -25.0, -24.9, -12.0, -3.0, -0.1, 0.0, 0.7, 5.0, 40.0]],
    }


# TPE.

KINDS = {
    "lr": FloatDistribution(1e-5, 1.0, log=True),
    "momentum": FloatDistribution(-1.0, 3.0),
    "dropout": FloatDistribution(0.0, 1.0, step=0.25),
    "layers": IntDistribution(1, 8),
    "rows": IntDistribution(16, 128, step=16),
    "width": IntDistribution(1, 64, log=True),
    "penalty": CategoricalDistribution(["l1", "l2", "adamw"]),
}


def draw(distribution):
    """An internal value, with few digits."""
    if isinstance(distribution, CategoricalDistribution):
        return float(rng.integers(len(distribution.choices)))
    low, high = distribution.low, distribution.high
    if distribution.log:
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
    else:
        value = rng.uniform(low, high)
    if distribution.step:
        value = low + round((value - low) / distribution.step) * distribution.step
    return float(min(max(float(f"{value:.4g}"), low), high))


def trials_of(n, names, *, states=("COMPLETE",), conditional=False, changed=None, values=None):
    """Trials as the file holds them; `changed` replaces distributions in every third."""
    trials = []
    for i in range(n):
        state = states[i % len(states)]
        taken = [name for name in names if not conditional or name == "lr" or (name == "layers") == (i % 2 == 0)]
        is_changed = bool(changed) and i % 3 == 0
        space = {name: (changed or {}).get(name, KINDS[name]) if is_changed else KINDS[name] for name in taken}
        params = {name: draw(distribution) for name, distribution in space.items()}
        trial = {"state": state, "params": params}
        if is_changed:
            trial["changed"] = True
        if state == "COMPLETE":
            trial["value"] = number(values[i % len(values)] if values else round(float(rng.standard_normal()), 2))
        if state == "PRUNED" and i % 5:
            steps = range(int(rng.integers(1, 4)))
            trial["intermediates"] = {str(step): round(float(rng.standard_normal()), 1) for step in steps}
            if i % 7 == 0:
                trial["intermediates"][str(len(steps))] = "nan"
        if state == "RUNNING":
            external = {name: space[name].to_external_repr(value) for name, value in params.items()}
            text = json.dumps(external)
            cut = max(1, len(text) // 2)
            trial["attrs"] = {"tpe:relative_params:0": text[:cut], "tpe:relative_params:1": text[cut:]}
            # The objective has asked for the first one so far.
            trial["params"] = dict(list(params.items())[: i % 2])
        trials.append(trial)
    return trials


def record(trial, changed):
    space = {name: (changed or {}).get(name, KINDS[name]) if trial.get("changed") else KINDS[name] for name in trial["params"]}
    value = trial.get("value")
    return create_trial(
        state=TrialState[trial["state"]],
        value=None if value is None else float(value),
        params={name: space[name].to_external_repr(value) for name, value in trial["params"].items()},
        distributions=space,
        intermediate_values={int(step): float(value) for step, value in trial.get("intermediates", {}).items()},
        system_attrs=trial.get("attrs", {}),
    )


def tpe_case(name, trials, asked, *, direction="minimize", changed=None, **options):
    study = optuna.create_study(direction=direction)
    study.add_trials([record(trial, changed) for trial in trials])
    sampler = optuna.samplers.TPESampler(**options)
    current = study.ask()
    relative = sampler.infer_relative_search_space(study, current)
    asked = {name: KINDS[name] for name in asked} if asked else relative
    states = [TrialState.COMPLETE, TrialState.PRUNED] + ([TrialState.RUNNING] if sampler._constant_liar else [])
    past = [t for t in study.get_trials(deepcopy=False, states=states) if t.number != current.number]
    n = sum(t.state != TrialState.RUNNING for t in past)
    below, above = _split_trials(study, past, optuna.samplers._tpe.sampler.default_gamma(n))
    below = sampler._build_parzen_estimator(study, asked, below, handle_below=True)
    above = sampler._build_parzen_estimator(study, asked, above, handle_below=False)
    points = {name: [draw(d) for _ in range(6)] for name, d in asked.items()}
    drawn = below.sample(np.random.RandomState(0), 6)
    points = {name: [*values, *drawn[name].tolist()] for name, values in points.items()}
    arrays = {name: np.array(values) for name, values in points.items()}
    written = lambda space: {name: json.loads(distribution_to_json(d)) for name, d in (space or {}).items()}
    return {
        "name": name,
        "direction": direction,
        "multivariate": sampler._multivariate is not False,
        "constant_liar": sampler._constant_liar,
        "distributions": written(KINDS),
        "changed": written(changed),
        "trials": trials,
        "relative": sorted(relative),
        "asked": sorted(asked),
        "points": points,
        "below": below.log_pdf(arrays).tolist(),
        "above": above.log_pdf(arrays).tolist(),
        "score": sampler._compute_acquisition_func(arrays, below, above).tolist(),
    }


def tpe():
    every = list(KINDS)
    mixed = ("COMPLETE", "PRUNED", "COMPLETE", "FAIL", "RUNNING", "PRUNED", "COMPLETE")
    wider = {"momentum": FloatDistribution(-5.0, 5.0), "layers": IntDistribution(1, 20)}
    branches = trials_of(45, ["lr", "layers", "momentum"], states=mixed, conditional=True)
    ranges = trials_of(40, ["lr", "momentum", "layers"], changed=wider)
    values = [0.5, math.inf, 0.25, -math.inf, 0.25, 3.0, math.inf]
    return [
        tpe_case("floats", trials_of(15, ["lr", "momentum"]), None),
        tpe_case("all kinds, all states", trials_of(62, every, states=mixed), None),
        tpe_case("for the greatest value", trials_of(62, every, states=mixed), None, direction="maximize"),
        tpe_case("without running trials", trials_of(48, every, states=mixed), None, constant_liar=False),
        tpe_case("univariate", trials_of(48, every, states=mixed), ["width"], multivariate=False),
        tpe_case("pruned only", trials_of(30, ["lr", "penalty"], states=("PRUNED",)), None),
        tpe_case("few complete, many pruned", trials_of(88, ["lr"], states=("PRUNED",) * 10 + ("COMPLETE",)), None),
        tpe_case("conditional, together", branches, None),
        tpe_case("conditional, one branch", branches, ["layers"]),
        tpe_case("conditional, other branch", branches, ["momentum"], direction="maximize"),
        tpe_case("ranges that change", ranges, None, changed=wider),
        tpe_case("observations out of range", ranges, ["momentum"], changed=wider),
        tpe_case("integers out of range", ranges, ["layers"], changed=wider),
        tpe_case("infinite and equal values", trials_of(33, ["lr", "dropout"], values=values), None),
        tpe_case("the same, greatest", trials_of(33, ["lr", "dropout"], values=values), None, direction="maximize"),
        tpe_case("weights that fall", trials_of(270, ["momentum"]), None),
        tpe_case("equal observations", trials_of(200, ["layers", "penalty"], states=mixed), None),
    ]


# Gaussian processes.


def gp_case(space, n, *, deterministic=False, running=0):
    study = optuna.create_study()
    names = list(space)
    trials = [{name: draw(d) for name, d in space.items()} for _ in range(n + running)]
    values = [round(float(rng.standard_normal()), 3) for _ in range(n)]
    external = [{k: space[k].to_external_repr(v) for k, v in t.items()} for t in trials]
    frozen = [create_trial(params=e, distributions=space, value=v) for e, v in zip(external, values)]
    cube = search_space.SearchSpace(space)
    x = cube.get_normalized_params(frozen)
    y = _standardize_values(-np.array(values)[:, None])[0][:, 0]
    raw = rng.uniform(-1, 1, len(names) + 2)
    logs = torch.from_numpy(raw).requires_grad_(True)
    regressor = gp.GPRegressor(
        torch.from_numpy(cube.is_categorical), torch.from_numpy(x), torch.from_numpy(y),
        torch.exp(logs[:-2]), torch.exp(logs[-2]),
        torch.tensor(prior.DEFAULT_MINIMUM_NOISE_VAR, dtype=torch.float64) if deterministic
        else torch.exp(logs[-1]) + prior.DEFAULT_MINIMUM_NOISE_VAR,
    )
    loss = -regressor.marginal_log_likelihood() - prior.default_log_prior(regressor)
    loss.backward()
    kernel = regressor.kernel().detach().numpy()
    hyper = [*regressor.inverse_squared_lengthscales.tolist(), regressor.kernel_scale.item(), regressor.noise_var.item()]
    regressor._cache_matrix()
    points = [{name: draw(d) for name, d in space.items()} for _ in range(5)] + trials[:1]
    frozen = [create_trial(params={k: space[k].to_external_repr(v) for k, v in p.items()}, distributions=space, value=0.0) for p in points]
    at = cube.get_normalized_params(frozen)
    mean, variance = regressor.posterior(torch.from_numpy(at))
    criterion = acqf.LogEI(gpr=regressor, search_space=cube, threshold=float(y.max()))
    log_ei = [criterion.eval_acqf_with_grad(row) for row in at]
    fitted = gp.fit_kernel_params(x, y, cube.is_categorical, prior.default_log_prior, prior.DEFAULT_MINIMUM_NOISE_VAR, deterministic, gtol=1e-6)
    best = -fitted.marginal_log_likelihood() - prior.default_log_prior(fitted)
    return {
        "space": {name: json.loads(distribution_to_json(d)) for name, d in space.items()},
        "deterministic": deterministic,
        "trials": [[t[name] for name in sorted(names)] for t in trials],
        "values": values,
        "x": x[:, np.argsort(names)].tolist(),
        "y": y.tolist(),
        "logs": [*raw[:-2][np.argsort(names)].tolist(), *raw[-2:].tolist()],
        "hyper": [*np.array(hyper[:-2])[np.argsort(names)].tolist(), *hyper[-2:]],
        "kernel_row": kernel[0].tolist(),
        "loss": loss.item(),
        "gradient": [*logs.grad.numpy()[:-2][np.argsort(names)].tolist(), *logs.grad.numpy()[-2:].tolist()],
        "at": at[:, np.argsort(names)].tolist(),
        "mean": mean.tolist(),
        "variance": variance.tolist(),
        "log_ei": [value for value, _ in log_ei],
        # PyTorch has none where the plain form of the improvement underflows.
        "log_ei_gradient": [[x if math.isfinite(x) else None for x in g[np.argsort(names)].tolist()] for _, g in log_ei],
        "best_loss": best.item(),
    }


def gaussian_processes():
    pick = lambda *names: {name: KINDS[name] for name in names}
    return [
        gp_case(pick("lr"), 10),
        gp_case(pick("lr", "momentum"), 20),
        gp_case(pick("lr", "momentum"), 12, deterministic=True),
        gp_case(pick("lr", "width", "penalty", "dropout"), 25),
    ]


out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
for name, content in {"normal": normal(), "tpe": tpe(), "gp": gaussian_processes()}.items():
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    (out / f"{name}.json").write_text(text.replace('},{"name"', '},\n{"name"') + "\n")
