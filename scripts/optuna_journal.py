"""Writes a journal in which half of the operations have no effect, and what Optuna reads from it.

    python scripts/optuna_journal.py crates/search/tests/journal

Needs Optuna 5.0.
"""

import json
import pathlib
import random
import sys
import warnings

import optuna
from optuna.distributions import distribution_to_json
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

DISTRIBUTIONS = {
    "x": [
        {"name": "FloatDistribution", "attributes": {"step": None, "low": -1.0, "high": 2.0, "log": False}},
        {"name": "FloatDistribution", "attributes": {"step": 0.3, "low": 0.0, "high": 1.0, "log": False}},
        {"name": "FloatDistribution", "attributes": {"step": None, "low": 1e-05, "high": 1.0, "log": True}},
        {"type": "float", "low": 0, "high": 1},
    ],
    "n": [
        {"name": "IntDistribution", "attributes": {"log": False, "step": 2, "low": 1, "high": 8}},
        {"name": "IntDistribution", "attributes": {"log": True, "step": 1, "low": 1, "high": 8}},
        {"type": "int", "low": 1, "high": 9, "log": True},
    ],
    "c": [
        {"name": "CategoricalDistribution", "attributes": {"choices": ["a", None, True, 2, 0.5, float("nan")]}},
        {"name": "CategoricalDistribution", "attributes": {"choices": ["a", None, 1, 2.0, 0.5, float("nan")]}},
        {"type": "categorical", "choices": ["a", "b", "é\u2028"]},
    ],
}
NUMBERS = [0.1, -1.5e-300, 1e22, 0.30000000000000004, float("inf"), float("-inf"), float("nan"), 3]
TIMES = ["2026-11-24T02:48:47.381645+00:00", "2026-11-24T02:48:47+00:00", "2026-11-24T04:48:47.500000+02:00"]
rng = random.Random(0)


def attr():
    value = rng.choice([1, "ü \"\\", None, [1.5, {"a": [True, float("-inf")]}], {"b": {}}, "NaN"])
    return {rng.choice(["a", "b", "long name"]): value}


def param():
    name = rng.choice("xnc")
    distribution = rng.choice(DISTRIBUTIONS[name])
    internal = rng.choice([0, 1, 2, 1.0]) if name == "c" else rng.choice([0.25, 1.0, 3.0, 7])
    return name, internal, json.dumps(distribution)


def template():
    state = rng.choice([0, 1, 2, 3, 4])
    params = [param() for _ in range(2)]
    fields = {
        "datetime_start": rng.choice(TIMES + [None]),
        "state": state,
        "value": rng.choice(NUMBERS + [None]),
        "values": None,
        "distributions": {name: distribution for name, _, distribution in params},
        "params": {name: internal for name, internal, _ in params},
        "user_attrs": attr(),
        "system_attrs": attr() | {"fixed_params": {"x": 0.5}},
        "intermediate_values": {step: rng.choice(NUMBERS) for step in rng.sample(range(12), 3)},
    }
    if fields["value"] is None and rng.random() < 0.5:
        fields["values"] = rng.choices(NUMBERS, k=2)
    if state in (1, 2, 3):
        fields["datetime_complete"] = rng.choice(TIMES)
    return fields


def operation():
    code = rng.choices(range(11), weights=[3, 1, 3, 3, 12, 14, 14, 10, 8, 8, 2])[0]
    study, trial = {"study_id": rng.randrange(6)}, {"trial_id": rng.randrange(60)}
    if code in range(1, 10) and rng.random() < 0.05:
        # On nothing, an operation may lack what else it needs.
        return code, {"study_id": 99} if code < 5 else {"trial_id": 999}
    if code == 0:
        return code, {"study_name": rng.choice(["one", "two", "three \"3\"", "vier"]), "directions": rng.choice([[1], [2], [1, 2]])}
    if code == 1:
        return code, study if rng.random() < 0.3 else {"study_id": 99}
    if code in (2, 3):
        return code, study | {"user_attr" if code == 2 else "system_attr": attr()}
    if code == 4:
        return code, study | (template() if rng.random() < 0.5 else {"datetime_start": rng.choice(TIMES)})
    if code == 5:
        name, internal, distribution = param()
        return code, trial | {"param_name": name, "param_value_internal": internal, "distribution": distribution}
    if code == 6:
        state = rng.choice([0, 0, 0, 1, 2, 3, 4, 4])
        time = {0: "datetime_start", 4: "unused"}.get(state, "datetime_complete")
        return code, trial | {"state": state, "values": rng.choice([None, [rng.choice(NUMBERS)]]), time: rng.choice(TIMES)}
    if code == 7:
        return code, trial | {"step": rng.randrange(5), "intermediate_value": rng.choice(NUMBERS)}
    if code in (8, 9):
        return code, trial | {"user_attr" if code == 8 else "system_attr": attr()}
    return code, {"trials": [1, 2]}


def plain(value):
    """JSON proper: what is not finite becomes a text, and a moment the seconds since 1970."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return json.dumps(value)
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def read(path):
    storage = JournalStorage(JournalFileBackend(str(path)))
    studies = []
    for study in storage.get_all_studies():
        trials = storage.get_all_trials(study._study_id)
        studies.append({
            "id": study._study_id,
            "name": study.study_name,
            "directions": [int(direction) for direction in study.directions],
            "user_attrs": study.user_attrs,
            "system_attrs": study.system_attrs,
            "trials": [{
                "id": trial._trial_id,
                "number": trial.number,
                "state": int(trial.state),
                "values": trial.values,
                "params": trial.params,
                "distributions": {name: json.loads(distribution_to_json(each)) for name, each in trial.distributions.items()
                                  if name in trial.params},
                "intermediate_values": trial.intermediate_values,
                "user_attrs": trial.user_attrs,
                "system_attrs": trial.system_attrs,
                "started": trial.datetime_start and trial.datetime_start.timestamp(),
                "completed": trial.datetime_complete and trial.datetime_complete.timestamp(),
            } for trial in trials],
        })
    return plain(studies)


def main(folder, operations=700):
    folder = pathlib.Path(folder)
    journal = folder / "random.journal"
    lines = []
    while len(lines) < operations:
        code, fields = operation()
        lines.append(json.dumps({"op_code": code, "worker_id": f"w-{rng.randrange(3)}", **fields}, separators=(",", ":")))
    journal.write_text("\n".join(lines) + "\n")
    studies = read(journal)
    (folder / "random.json").write_text(json.dumps(studies, allow_nan=False, indent=1) + "\n")
    print(len(studies), "studies,", sum(len(study["trials"]) for study in studies), "trials")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    main(*sys.argv[1:2])
