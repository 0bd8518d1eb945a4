"""Writes Optuna's pruning decisions beyond those of search_golden.py, in the same format, for crates/parity/golden.

usage: optuna_pruners.py OUT_DIR SEED      (written with Optuna 5.0)

  pruner-*.json  a table of intermediate values, a row a trial -> the step at which each trial was pruned, or null

Beside search_golden.py's fields: `direction`, and `study_name`, from which Hyperband takes its brackets. In the table, null
is NaN. `steps` are the steps of a row's values, where they are not 0, 1, 2, ...
"""
import json, math, pathlib, sys
import numpy as np
import optuna
from optuna.pruners import HyperbandPruner, MedianPruner, PercentilePruner, SuccessiveHalvingPruner
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)
out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
seed = int(sys.argv[2])


def write(name, make, arguments, trials=40, steps=None, direction="minimize", nan=0.0, ties=False):
    rng = np.random.default_rng(seed * 1000 + sum(map(ord, name)))
    steps = list(range(12)) if steps is None else steps
    table = rng.random((trials, len(steps))) + np.linspace(1, 0, len(steps))
    table = table.round(1 if ties else 4)
    if direction == "maximize":
        table = 2 - table
    table[rng.random(table.shape) < nan] = math.nan
    study_name = f"{name}-{seed}"
    study = optuna.create_study(study_name=study_name, direction=direction, pruner=make(**arguments))
    stops = []
    for row in table:
        trial, stop = study.ask(), None
        for step, value in zip(steps, row):
            trial.report(float(value), step)
            if trial.should_prune():
                stop = step
                break
        if stop is not None:
            study.tell(trial, state=TrialState.PRUNED)
        elif math.isnan(row[-1]):
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, float(row[-1]))
        stops.append(stop)
    cells = [[None if math.isnan(v) else v for v in row] for row in table.tolist()]
    body = {"optuna": optuna.__version__, "table": cells, "pruned_at_step": stops, "arguments": arguments,
            "direction": direction, "study_name": study_name, "steps": steps}
    (out / f"pruner-{name}.json").write_text(json.dumps(body))


median = dict(n_startup_trials=4, n_warmup_steps=1, interval_steps=3, n_min_trials=2)
write("median-maximize", MedianPruner, median, direction="maximize", nan=0.2)
write("median-gaps", MedianPruner, dict(median, n_warmup_steps=5, interval_steps=4, n_min_trials=1), steps=[0, 2, 3, 7, 8, 12, 20, 21])
write("percentile-90", PercentilePruner, dict(median, percentile=90.0, interval_steps=1), nan=0.1, ties=True)
write("percentile-0", PercentilePruner, dict(median, percentile=0.0), direction="maximize")
rungs = dict(min_resource=2, reduction_factor=2, min_early_stopping_rate=1, bootstrap_count=3)
write("asha-bootstrap", SuccessiveHalvingPruner, rungs, ties=True)
write("asha-maximize", SuccessiveHalvingPruner, dict(rungs, min_early_stopping_rate=0, bootstrap_count=0), direction="maximize", nan=0.05)
write("asha-auto", SuccessiveHalvingPruner, dict(min_resource="auto", reduction_factor=3, min_early_stopping_rate=0), trials=60,
      steps=list(range(0, 700, 20)))
write("asha-gaps", SuccessiveHalvingPruner, dict(min_resource=1, reduction_factor=3, min_early_stopping_rate=0), steps=[0, 4, 5, 30, 31, 90])
write("hyperband", HyperbandPruner, dict(min_resource=1, max_resource=27, reduction_factor=3), trials=80, steps=list(range(27)))
write("hyperband-auto", HyperbandPruner, dict(min_resource=2, max_resource="auto", reduction_factor=2), trials=80,
      steps=list(range(32)), direction="maximize", nan=0.005)
write("hyperband-243", HyperbandPruner, dict(min_resource=1, max_resource=243, reduction_factor=3, bootstrap_count=1), trials=80,
      steps=list(range(0, 243, 3)))
