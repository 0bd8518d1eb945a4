"""Writes what Optuna makes of distributions, for crates/search/tests/data/distributions.json.

usage: optuna_distributions.py OUT_FILE SEED      (written with Optuna 5.0)
"""
import json, pathlib, random, sys, warnings
from optuna.distributions import FloatDistribution, IntDistribution

warnings.simplefilter("ignore")
rnd = random.Random(int(sys.argv[2]))
floats, ints = [], []
for decimals in range(8):
    for _ in range(12):
        draw = lambda low, high: round(rnd.uniform(low, high), decimals)
        low, step = draw(-20, 20), max(draw(0, 3), 10.0**-decimals)
        high = rnd.choice([low, draw(low, low + 40), low + step * rnd.randrange(40), low + rnd.uniform(0, step)])
        if high >= low:
            d = FloatDistribution(low, high, step=step)
            near = [low, d.high, low + step, low + step * (1 + 5e-9), low + step * 1.0001, d.high + step, low + 0.5 * step]
            floats.append({"low": low, "high": high, "step": step, "adjusted": d.high, "single": d.single(),
                           "values": near, "contained": [d._contains(v) for v in near]})
for extreme in [(0.0, 1e300, 1e299), (1e-300, 1.0, 0.1), (0.0, 1e22, 3.0), (0.1, 0.9, 0.1), (1e-5, 1.0, 1e-5), (-1.0, 2.0, 0.7)]:
    try:
        d = FloatDistribution(*extreme[:2], step=extreme[2])
    except Exception:
        continue
    near = [extreme[0], d.high]
    floats.append({"low": extreme[0], "high": extreme[1], "step": extreme[2], "adjusted": d.high, "single": d.single(),
                   "values": near, "contained": [d._contains(v) for v in near]})
for _ in range(40):
    low, step = rnd.randrange(-30, 30), rnd.randrange(1, 9)
    high = low + rnd.randrange(0, 40)
    d = IntDistribution(low, high, step=step)
    near = [low, d.high, high, low + 1, low + step, low - step, low + 0.5]
    ints.append({"low": low, "high": high, "step": step, "adjusted": d.high, "single": d.single(),
                 "values": near, "contained": [d._contains(v) for v in near]})
pathlib.Path(sys.argv[1]).write_text(json.dumps({"float": floats, "int": ints}))
