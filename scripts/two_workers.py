"""Lets wane's workers and Optuna's work on one study in one journal file, and kills wane's in the middle of a trial, and at
any moment of short ones.

    python scripts/two_workers.py

Builds wane's worker (crates/search/examples/journal.rs), and installs Optuna into the Python that runs it, best one of a
virtual environment, where it is not there yet.
"""

import json
import math
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings

try:
    import optuna
except ImportError:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "optuna>=5,<6"], check=True)
    import optuna
from optuna.storages import JournalStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

# How long a lock without a change is waited for, and how long workers are killed for.
GRACE, SHORT_GRACE, KILLING = 2.0, 0.3, 7.0
FINISHED = {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}


def study(journal):
    return optuna.load_study(study_name="shared", storage=JournalStorage(JournalFileBackend(str(journal))))


def objective(seconds):
    def of(trial):
        x = trial.suggest_float("x", -2.0, 2.0)
        n = trial.suggest_int("n", 1, 64, log=True)
        kind = trial.suggest_categorical("kind", ["l1", "l2"])
        trial.set_user_attr("worker", "optuna")
        value = x * x + n / 64 + (kind == "l1")
        for step in range(4):
            time.sleep(seconds / 4)
            trial.report(float("inf") if step == 0 else value / step, step)
        return value

    return of


def until(what, seconds=20.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never comes"
        time.sleep(0.05)


def work(program, journal, trials, seconds, grace=GRACE):
    return [program, "work", journal, str(trials), str(round(1000 * seconds)), str(round(1000 * grace))]


def check_same(program, journal):
    """What wane reads is what Optuna reads, to the last bit."""
    done = subprocess.run([program, "read", journal], capture_output=True, text=True, timeout=60, check=True)
    theirs = study(journal).trials
    for trial, ours in zip(theirs, json.loads(done.stdout), strict=True):
        assert (trial.number, trial.state.name, trial.values) == (ours["number"], ours["state"], ours["values"]), ours
        assert (trial.params, trial.user_attrs, trial.system_attrs) == (ours["params"], ours["user_attrs"], ours["system_attrs"])
        assert trial.intermediate_values == {int(step): float(value) for step, value in ours["intermediate"].items()}
    return theirs


def shared(program, journal):
    """Two workers of each kind, and a third of wane's that is killed."""
    mine = optuna.create_study(study_name="shared", storage=JournalStorage(JournalFileBackend(str(journal))))
    mine.enqueue_trial({"x": 0.5, "n": 8, "kind": "l2"})

    victim = subprocess.Popen(work(program, journal, 1, 60.0), stdout=subprocess.PIPE, text=True)
    killed = int(victim.stdout.readline())
    # Slow, and without a heartbeat: it must not be taken for dead.
    python = [sys.executable, __file__, "--worker", journal]
    slow = subprocess.Popen([*python, "1", "6.0"])
    until(lambda: any(trial.user_attrs.get("worker") == "optuna" for trial in mine.trials))
    wane = [subprocess.Popen(work(program, journal, 40, 0.2), stdout=subprocess.DEVNULL) for _ in range(2)]
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    others = [subprocess.Popen([*python, "15", "0.1"]) for _ in range(2)]
    for worker in [slow, *wane, *others]:
        assert worker.wait(timeout=60) == 0

    trials = check_same(program, journal)
    assert all(trial.state in FINISHED for trial in trials), [trial.state.name for trial in trials]
    assert [trial.number for trial in trials] == list(range(len(trials)))
    # One for each time that a worker has begun one: the victim, the slow one, and the others.
    assert len(trials) == 1 + 1 + 2 * 40 + 2 * 15, len(trials)
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    assert [trial.number for trial in failed] == [killed] and failed[0].value is None, failed
    again = [trial for trial in trials if RetryHeartbeatStaleTrialCallback.retry_history(trial) == [killed]]
    assert len(again) == 1 and again[0].params == failed[0].params == {"x": 0.5, "n": 8, "kind": "l2"}, again
    for trial in trials:
        if trial.number != killed:
            x, n, kind = trial.params["x"], trial.params["n"], trial.params["kind"]
            assert trial.value == x * x + n / 64 + (kind == "l1"), trial
            assert list(trial.intermediate_values) == [0, 1, 2, 3] and math.isinf(trial.intermediate_values[0])
    assert not list(journal.parent.glob("*.lock*"))
    return trials


def torn(program, journal, folder):
    """Journals cut off somewhere in the last two lines: wane goes on with them, and Optuna reads them."""
    text = journal.read_bytes()
    starts = [0] + [at + 1 for at, byte in enumerate(text[:-1]) if byte == 10]
    sizes = sorted({starts[-2] + offset for offset in range(0, len(text) - starts[-2], 23)} | {starts[-1], len(text) - 1})
    for size in sizes:
        cut = folder / "cut.journal"
        cut.write_bytes(text[:size])
        before = len(study(cut).trials)
        subprocess.run(work(program, cut, 1, 0.0), stdout=subprocess.DEVNULL, timeout=60, check=True)
        study(cut).optimize(objective(0), n_trials=1)
        assert len(check_same(program, cut)) == before + 2, size
    return len(sizes)


def killed(program, journal):
    """Workers that are killed at any moment: what one has told is there, and whoever comes next goes on."""
    optuna.create_study(study_name="shared", storage=JournalStorage(JournalFileBackend(str(journal))))
    moments, begun, end = random.Random(1), [], time.monotonic() + KILLING
    command = work(program, journal, 1_000_000, 0.0, SHORT_GRACE)
    while time.monotonic() < end:
        outputs = [journal.with_suffix(f".{len(begun) + i}") for i in range(2)]
        workers = [subprocess.Popen(command, stdout=output.open("wb")) for output in outputs]
        until(lambda: any(output.read_bytes() for output in outputs))
        time.sleep(moments.uniform(0.0, 0.2))
        for worker in workers:
            worker.kill()
        for worker, output in zip(workers, outputs):
            assert worker.wait() == -signal.SIGKILL, "it ended by itself"
            begun.append([int(number) for number in output.read_text().split()])
    subprocess.run(work(program, journal, 1, 0.0, SHORT_GRACE), stdout=subprocess.DEVNULL, timeout=60, check=True)
    trials = check_same(program, journal)
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert len({number for numbers in begun for number in numbers}) == sum(map(len, begun)), "a trial was two workers'"
    for numbers in begun:
        for number in numbers[:-1]:
            assert trials[number].state == TrialState.COMPLETE and len(trials[number].intermediate_values) == 4, trials[number]
    return len(begun), len(trials)


def odd(program, journal):
    """Parameters that only Optuna has: wane goes on with its own study in the same journal, and reads what they were."""
    storage = JournalStorage(JournalFileBackend(str(journal)))
    other = optuna.create_study(study_name="odd", storage=storage, sampler=optuna.samplers.RandomSampler(seed=1))

    def of(trial):
        trial.suggest_categorical("layers", [[64, 64], [128], {"a": [1.5, None]}])
        trial.suggest_int("seed", 0, 2**63 - 1)
        trial.set_user_attr("text", "\ud800")
        trial.set_user_attr("large", 10**400)
        return trial.suggest_float("x", 0.0, 1.0)

    other.optimize(of, n_trials=3)
    optuna.create_study(study_name="shared", storage=storage)
    subprocess.run(work(program, journal, 2, 0.0), stdout=subprocess.DEVNULL, timeout=60, check=True)
    study(journal).optimize(objective(0), n_trials=1)
    done = subprocess.run([program, "read", journal], capture_output=True, text=True, timeout=60, check=True)
    ours = json.loads(done.stdout)
    theirs = other.trials + study(journal).trials
    assert [(trial.params, trial.values) for trial in theirs] == [(trial["params"], trial["values"]) for trial in ours]
    return len(other.trials)


def build():
    """Path of wane's worker."""
    command = ["cargo", "build", "--release", "-p", "wane-search", "--example", "journal", "--message-format=json"]
    root = pathlib.Path(__file__).resolve().parent.parent
    built = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    made = [json.loads(line) for line in built.stdout.splitlines()]
    return next(one["executable"] for one in made if one.get("executable") and one["target"]["name"] == "journal")


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        journal = folder / "shared.journal"
        trials = shared(program, journal)
        workers = [trial.user_attrs.get("worker") for trial in trials]
        print(f"{len(trials)} trials, {workers.count('wane')} by wane and {workers.count('optuna')} by Optuna;",
              "one worker killed, its trial run again; nothing lost")
        print(f"{torn(program, journal, folder)} journals that were cut off go on")
        print("{} workers killed at any moment of {} trials; nothing lost".format(*killed(program, folder / "killed.journal")))
        print(f"{odd(program, folder / 'odd.journal')} trials with what only Optuna has")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if sys.argv[1:2] == ["--worker"]:
        study(sys.argv[2]).optimize(objective(float(sys.argv[4])), n_trials=int(sys.argv[3]))
    else:
        main(build())
