#!/usr/bin/env python3
"""Writes the list of keys at the end of docs/reference/json.md: runs every command on a small synthetic log and notes what
`--json` holds. Takes a minute or two.

    scripts/json_reference.py [PROGRAM]     # build/release/swipegym
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "json.md"
MARKER = "<!-- keys: scripts/json_reference.py writes them anew -->\n"
ENVELOPE = ("config", "seed", "data_fingerprint", "build")  # of every file, described above the list
SETTINGS = {
    "fit": {"max_updates": 20},
    "dqn": {"env_steps": 20000, "learning_starts": 2000},
    "epochs": {"epochs": 1},
    "ppo": {"env_steps": 20000, "constraints": [{"signal": "like", "at_least": 0.005}], "evaluation_sessions": 64},
    "actor": {"env_steps": 2000},
    "constrain": {"behaviour_epochs": 1, "critic_epochs": 1, "advantage_epochs": 1, "actor_epochs": 1},
    "converge": {"evaluations": 2, "sessions": 16, "oracle_sessions": 16, "dqn": {"env_steps": 4000, "learning_starts": 1000}},
    "tabular": {"sweeps": 200},
}
DAYS = "--until 20220502 --validate-until 20220504 --test-until 20220506"
COMMANDS = [  # name of the section, words
    ("data synth", "data synth --preset tiny --seed 1 --out tiny"),
    ("data import", "data import tiny --out tiny.h5"),
    ("data stats", "data stats tiny"),
    ("fit", "fit --data tiny --until 20220504 --config fit.json --out sim.h5"),
    ("fidelity", "fidelity --simulator sim.h5 --data tiny --from 20220505"),
    ("respond", "respond --simulator sim.h5 --data tiny --from 20220505 --out respond.csv"),
    ("session", "session --simulator sim.h5"),
    ("generate", "generate --simulator sim.h5 --policy item-mean --epsilon 0.5 --sessions 400 --out logged --keep-candidates sets.h5"),
    ("train dqn", "train dqn --simulator sim.h5 --config dqn.json --out dqn.h5"),
    ("train ranker", "train ranker --data tiny --until 20220504 --config epochs.json --out ranker.h5"),
    ("train ppo and its kin", "train ppo --simulator sim.h5 --config ppo.json --out ppo.h5"),
    ("supervised", f"supervised mf --data tiny {DAYS} --config epochs.json --out mf.h5"),
    ("tables", f"tables --data tiny --policies popularity,mf.h5 {DAYS} --reference mf"),
    ("constrain", f"constrain --data tiny {DAYS} --seeds 1 --config constrain.json"),
    ("score", "score --policy mf.h5 --data tiny --from 20220505 --out scores.csv"),
    ("compare", "compare --simulator sim.h5 --judge truth --policies random,dqn.h5,oracle --versus random --sessions 50 --seeds 2"),
    ("evaluate", "evaluate --policy popularity --data logged --logged-candidates sets.h5 --simulator sim.h5 --from 20220101 --sessions"),
    ("converge", "converge --simulator sim.h5 --sizes 10,20 --seeds 1 --agents dqn --config converge.json --out study"),
    ("tabular", "tabular --simulator sim.h5 --seeds 2 --dqn-seeds 0 --config tabular.json"),
    ("bench", "bench --envs 64 --seconds 0.1"),
]
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null here"}


def kind(value):
    return "an interval" if isinstance(value, dict) and set(value) == {"mean", "low", "high"} else KINDS.get(type(value), "")


def is_names(value):
    """True for an object whose keys are names of policies, metrics and the like: all values alike, several of them."""
    shapes = {json.dumps(sorted(v)) if isinstance(v, dict) else kind(v) for v in value.values()}
    return len(value) > 1 and len(shapes) == 1 and any(isinstance(v, dict) for v in value.values())


def paths(value, at=""):
    """(path, kind) of every leaf; NAME stands for one of several keys that hold the same, [] for a list."""
    if kind(value):
        yield at, kind(value)
    elif isinstance(value, list):
        if not value or kind(value[0]):
            yield at, "a list" + (f" of {kind(value[0])}".replace(" of a ", " of ") if value else "")
        for found in {p: k for item in value if not kind(item) for p, k in paths(item, at + "[]")}.items():
            yield found
    elif is_names(value):
        found = {p: k for item in value.values() for p, k in paths(item, at + ".NAME" if at else "NAME")}
        for n, (p, k) in enumerate(found.items()):
            yield p, k + (f"; NAME: {', '.join(list(value)[:10])}" + (", ..." if len(value) > 10 else "") if n == 0 else "")
    else:
        for key, item in value.items():
            yield from paths(item, f"{at}.{key}" if at else key)


def main():
    program = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/swipegym").resolve()
    text = ""
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in SETTINGS.items():
            (Path(folder) / f"{name}.json").write_text(json.dumps(settings))
        for name, words in COMMANDS:
            out = Path(folder) / "out.json"
            out.unlink(missing_ok=True)
            done = subprocess.run([program, *words.split(), "--quiet", "--json", out], cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"swipegym {words}\n{done.stderr}")
            figures = {key: value for key, value in json.loads(out.read_text()).items() if key not in ENVELOPE}
            text += f"\n### {name}\n\n| key | holds |\n| --- | --- |\n"
            text += "".join(f"| `{path}` | {what} |\n" for path, what in dict(paths(figures)).items())
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page[: page.index(MARKER)] + MARKER + text, encoding="utf-8")


if __name__ == "__main__":
    main()
