"""Lets wane's workers and Optuna's work on one study in one journal file, and kills one of wane's in the middle of a trial.

    python scripts/two_workers.py

Builds wane's worker (crates/search/examples/journal.rs), and installs Optuna into the Python that runs it, best one of a
virtual environment, where it is not there yet.
"""

import json
import math
import pathlib
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

    victim = subprocess.Popen([program, "work", journal, "1", "60000"], stdout=subprocess.PIPE, text=True)
    killed = int(victim.stdout.readline())
    # Slow, and without a heartbeat: it must not be taken for dead.
    python = [sys.executable, __file__, "--worker", journal]
    slow = subprocess.Popen([*python, "1", "6.0"])
    until(lambda: any(trial.user_attrs.get("worker") == "optuna" for trial in mine.trials))
    wane = [subprocess.Popen([program, "work", journal, "40", "200"], stdout=subprocess.DEVNULL) for _ in range(2)]
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
        subprocess.run([program, "work", cut, "1", "0"], stdout=subprocess.DEVNULL, timeout=60, check=True)
        study(cut).optimize(objective(0), n_trials=1)
        assert len(check_same(program, cut)) == before + 2, size
    return len(sizes)


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


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if sys.argv[1:2] == ["--worker"]:
        study(sys.argv[2]).optimize(objective(float(sys.argv[4])), n_trials=int(sys.argv[3]))
    else:
        main(build())
