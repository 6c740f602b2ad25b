#!/usr/bin/env python3
"""Writes the list of keys at the end of docs/reference/json.md: runs every command on a small synthetic log and notes
what `--json` holds. Takes a minute or two.

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
ENVELOPE = ("command", "config", "seed", "data_fingerprint", "build")  # of every file, described above the list
SETTINGS = {
    "fit": {"max_updates": 20},
    "dqn": {"env_steps": 20000, "learning_starts": 2000},
    "epochs": {"epochs": 1},
    "ppo": {"env_steps": 20000, "constraints": [{"signal": "like", "at_least": 0.005}], "evaluation_sessions": 64},
    "actor": {"env_steps": 2000},
    "constrain": {"behaviour_epochs": 1, "critic_epochs": 1, "advantage_epochs": 1, "actor_epochs": 1},
    "converge": {
        "evaluations": 2,
        "sessions": 16,
        "oracle_sessions": 16,
        "dqn": {"env_steps": 4000, "learning_starts": 1000},
    },
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
    (
        "generate",
        "generate --simulator sim.h5 --policy item-mean --epsilon 0.5 --sessions 400 --out logged "
        "--keep-candidates sets.h5",
    ),
    ("train dqn and full-output", "train dqn --simulator sim.h5 --config dqn.json --out dqn.h5"),
    ("train ranker", "train ranker --data tiny --until 20220504 --config epochs.json --out ranker.h5"),
    ("train ppo and its kin", "train ppo --simulator sim.h5 --config ppo.json --out ppo.h5"),
    ("supervised", f"supervised mf --data tiny {DAYS} --config epochs.json --out mf.h5"),
    ("tables", f"tables --data tiny --policies popularity,mf.h5 {DAYS} --reference mf"),
    ("constrain", f"constrain --data tiny {DAYS} --seeds 1 --config constrain.json"),
    ("score", "score --policy mf.h5 --data tiny --from 20220505 --out scores.csv"),
    (
        "compare",
        "compare --simulator sim.h5 --judge truth --policies random,dqn.h5,oracle --versus random --sessions 50 --seeds 2",
    ),
    (
        "evaluate",
        "evaluate --policy popularity --data logged --logged-candidates sets.h5 --simulator sim.h5 --from 20220101 "
        "--sessions",
    ),
    ("converge", "converge --simulator sim.h5 --sizes 10,20 --seeds 1 --agents dqn --config converge.json --out study"),
    ("tabular", "tabular --simulator sim.h5 --seeds 2 --dqn-seeds 0 --config tabular.json"),
    ("bandits", "bandits --impressions 5,10 --seeds 2 --policies greedy,buckets"),
    ("bench", "bench --envs 64 --seconds 0.1"),
]
KINDS = {bool: "bool", int: "number", float: "number", str: "text", type(None): "null here"}


SIGNALS = "is_click is_like is_follow is_comment is_forward is_hate long_view is_profile_enter".split()


def kind(value):
    return "interval" if isinstance(value, dict) and set(value) == {"mean", "low", "high"} else KINDS.get(type(value), "")


def is_names(value):
    """True for an object whose keys are names of policies, metrics and the like: all values alike, several of them."""
    shapes = {json.dumps(sorted(v)) if isinstance(v, dict) else kind(v) for v in value.values()}
    return len(value) > 1 and len(shapes) == 1 and any(isinstance(v, dict) for v in value.values())


def leaves(value, at, names):
    """(object, key, kind) of every leaf; in an object's path NAME is any of names[path], [] a list's entries."""
    if is_names(value):
        names.setdefault(f"{at}.NAME" if at else "NAME", {}).update(dict.fromkeys(value))
        items = [("NAME", item) for item in value.values()]
    else:
        items = list(value.items())
    for key, item in items:
        path = f"{at}.{key}" if at else key
        if kind(item):
            yield at, key, kind(item)
        elif isinstance(item, list) and not (item and isinstance(item[0], dict) and not kind(item[0])):
            yield at, key, f"list of {kind(item[0]) or 'lists'}" if item else "list"
        elif isinstance(item, list):
            for entry in item:
                yield from leaves(entry, path + "[]", names)
        else:
            yield from leaves(item, path, names)


def shown(keys):
    """The keys of one object; KuaiRand's eight signals as one, kinds but numbers behind them."""
    if all(signal in keys for signal in SIGNALS):
        keys = {"SIGNAL" if key == SIGNALS[0] else key: what for key, what in keys.items() if key not in SIGNALS[1:]}
    return ", ".join(f"`{key}`" + (f" ({what})" if what != "number" else "") for key, what in keys.items())


def table(figures):
    names, objects = {}, {}
    for at, key, what in leaves(figures, "", names):
        objects.setdefault(at, {}).setdefault(key, what)
    text = "| object | keys |\n| --- | --- |\n"
    for at, keys in objects.items():
        text += f"| `{at}` | {shown(keys)} |\n" if at else f"| the file | {shown(keys)} |\n"
    for at, values in names.items():
        text += f"| `{at}` is one of | {shown(dict.fromkeys(values, 'number'))} |\n"
    return text


def main():
    program = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/swipegym").resolve()
    text = ""
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in SETTINGS.items():
            (Path(folder) / f"{name}.json").write_text(json.dumps(settings))
        for name, words in COMMANDS:
            out = Path(folder) / "out.json"
            out.unlink(missing_ok=True)
            call = [program, *words.split(), "--quiet", "--json", out]
            done = subprocess.run(call, cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"swipegym {words}\n{done.stderr}")
            figures = {key: value for key, value in json.loads(out.read_text()).items() if key not in ENVELOPE}
            text += f"\n### {name}\n\n{table(figures)}"
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page[: page.index(MARKER)] + MARKER + text, encoding="utf-8")


if __name__ == "__main__":
    main()
