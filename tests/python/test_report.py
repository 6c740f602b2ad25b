"""The page of a run: what it shows is what the files say, and nothing in them can harm it."""

import html
import json
import os
import re
import sys
from html.parser import HTMLParser

import pytest

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

import swipegym  # noqa: E402
from swipegym import commands  # noqa: E402
from swipegym_report import ReportError, write_report  # noqa: E402

EVIL = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with everything a page can show."""
    folder = tmp_path_factory.mktemp("run")
    simulator = str(swipegym.default_simulator().path)
    data = folder / "log"
    commands.data_synth(preset="tiny", seed=1, out=data)
    commands.data_stats(data, json=folder / "data.json")
    commands.fidelity(simulator=simulator, data=data, from_=20220501, rows_only=True, json=folder / "fidelity.json")
    commands.compare(
        simulator=simulator, policies=["random", "longest"], sessions=20, seeds=2, json=folder / "compare.json"
    )
    commands.session(simulator=simulator, policy="random", sessions=3, json=folder / "sessions.json")
    compared = json.loads((folder / "compare.json").read_text())
    for name in (compared["policies"][1], compared["simulators"][0]["policies"][1]):
        name["name"] = EVIL
    (folder / "compare.json").write_text(json.dumps(compared))
    (folder / "dqn").mkdir()
    header = {
        "progress": 1,
        "command": "train dqn",
        "step": "env_steps",
        "columns": {"env_steps": "steps", "mean_return": "s"},
    }
    lines = [header] + [
        {"env_steps": 1000 * i, "mean_return": 10 + i / 7, "loss": None, "elapsed_s": i / 3} for i in range(1, 1200)
    ]
    (folder / "dqn" / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"env_st')
    rounds = [{name: value for name, value in line.items() if name != "elapsed_s"} for line in lines[1:]]
    (folder / "dqn.json").write_text(json.dumps({"command": "train dqn", "rounds": rounds}))  # the same curve
    (folder / "fit.json").write_text(json.dumps({"command": "fit", "curve": [{"update": 5, "loss": 1}]}))
    interval = {"mean": 0.5, "low": 0.25, "high": 0.75}
    row = {
        "size": 10,
        "agent": "dqn",
        "reward": interval,
        "normalised": interval,
        "steps_to_80": 100.5,
        "reached_80": 1,
        "converged": True,
        "diverged": 0,
        "tried": 0.5,
        "steps_per_s": 1e5,
    }
    study = {
        "command": "converge",
        "rows": [row, {**row, "size": 300}],
        "baselines": [{"size": 10, "policy": "popularity", "reward": interval, "normalised": interval}],
        "slopes": [{"agent": "dqn", "figure": "steps_to_80", "slope": interval, "sizes": 2}],
    }
    (folder / "converge.json").write_text(json.dumps(study))
    (folder / "season").mkdir()
    season = {
        "command": "platform",
        "policies": [
            {"policy": "uniform", "videos": 9, "measures": {"seconds": {"figure": interval, "worlds": [0.5]}}}
        ],
    }
    (folder / "season" / "season.json").write_text(json.dumps(season))
    (folder / "season" / "season.csv").write_text(
        "policy,seed,day,seconds\nuniform,1,0,2\nuniform,2,0,4\nuniform,1,1,5\nuniform,2,1,\n"
    )
    (folder / "settings.json").write_text('{"env_steps": 5}')  # no result
    return folder


@pytest.fixture(scope="module")
def page(run):
    return write_report(run).read_text("utf-8")


def charts(page):
    """The data of every chart: the rows of its layers, as the page holds them."""
    out = {}
    for key, text in re.findall(r'<script type="application/json" data-chart="([^"]+)">(.*?)</script>', page, re.S):
        spec = json.loads(text)
        rows = list(spec.get("datasets", {}).values()) + [
            part["data"]["values"] for part in [spec, *spec.get("layer", [])] if "values" in part.get("data", {})
        ]
        assert key not in out
        out[key] = max(rows, key=len)
    return out


def copied(run, target, *names):
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes((run / name).read_bytes())
    return target


def test_every_figure_of_a_chart_is_that_of_its_file(run, page):
    shown = charts(page)
    judged = json.loads((run / "fidelity.json").read_text())
    assert [[row[k] for k in ("mean", "low", "high")] for row in shown["pit"]] == [
        [b["share"][k] for k in ("mean", "low", "high")] for b in judged["pit_histogram"]
    ]
    assert [(row["expected"], row["mean"], row["rows"]) for row in shown["reliability-is_click"]] == [
        (b["expected"], b["rate"]["mean"], b["rows"]) for b in judged["reliability"]["is_click"]
    ]
    groups = judged["ratio_by_duration"]
    assert len(groups) == len([key for key in shown if key.startswith("ratio-")]) > 1
    for i, group in enumerate(groups, start=1):
        assert [(row["mean"], row["drawn"]) for row in shown[f"ratio-{i}"]] == [
            (b["real"]["mean"], b["drawn"]) for b in group["bins"]
        ]
    compared = json.loads((run / "compare.json").read_text())["policies"]
    for metric in ("reward", "depth", "is_click"):
        assert {row["name"]: row["low"] for row in shown[f"compare-{metric}"]} == {
            p["name"]: p["metrics"][metric]["low"] for p in compared
        }
    stats = json.loads((run / "data.json").read_text())
    rates = {(row["log"], row["signal"]): row["rate"] for row in shown["rates"]}
    assert rates["drawn at random", "click"] == stats["random"]["signal"]["is_click"]
    curve = shown["curve-env_steps-mean_return"]
    assert len(curve) <= 301 and curve[-1] == {"name": "dqn (dqn)", "x": 1199000, "y": 10 + 1199 / 7}
    assert "curve-env_steps-loss" not in shown  # never defined
    assert shown["curve-update-loss"] == [{"name": "fit (fit.json)", "x": 5, "y": 1}]
    assert [row["mean"] for row in shown["converge-normalised"]] == [0.5, 0.5, 0.5]
    assert [(row["x"], row["y"]) for row in shown["days-seconds"]] == [(0, 3), (1, 5)]


def test_tables_and_sessions_say_what_the_files_say(run, page):
    text = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<script.*?</script>", "", page, flags=re.S)))
    judged = json.loads((run / "fidelity.json").read_text())
    stats = json.loads((run / "data.json").read_text())
    assert f"{judged['crps']:.4f}" in text and f"{judged['references']['marginal']['crps']:.4f}" in text
    assert f"{stats['rows']:,} views" in text
    sessions = json.loads((run / "sessions.json").read_text())["sessions"]
    assert len(sessions) == 3 == page.count("<article")
    for session in sessions:
        for video in session["videos"]:
            assert f"video {video['video_id']}" in text and f"{video['watch_s']:,.1f} s" in text
    assert page.count("<li>") == sum(len(session["videos"]) for session in sessions)


def test_a_page_is_one_small_file_that_asks_for_nothing(page):
    assert len(page.encode()) <= 3_000_000

    class Links(HTMLParser):
        def __init__(self):
            super().__init__()
            self.scripts, self.asked = 0, []

        def handle_starttag(self, tag, attributes):
            self.scripts += tag == "script"
            self.asked += [
                value
                for name, value in attributes
                if name in ("src", "href", "srcset", "data") and not value.startswith("#")
            ]

    links = Links()
    links.feed(page)
    assert links.asked == []
    assert "default-src 'none'" in page
    assert links.scripts == len(charts(page)) + 2  # their data, the library and what draws: none from a name
    assert EVIL not in page and html.escape(EVIL) in page


def test_the_same_files_give_the_same_page(run, page):
    before = (run / "report.html").stat().st_ino
    assert write_report(str(run)).read_text("utf-8") == page
    assert (run / "report.html").stat().st_ino != before  # replaced, not written into
    assert not [name for name in os.listdir(run) if name.endswith(".part")]


def test_what_is_missing_is_left_out_and_the_page_says_how_to_make_it(run, tmp_path):
    folder = copied(run, tmp_path / "one run", "data.json")
    page = write_report(folder).read_text("utf-8")
    assert '<section id="data">' in page and '<section id="fidelity">' not in page and "sessions" not in charts(page)
    text = html.unescape(page)
    for word in (
        "fidelity --simulator",
        "train dqn",
        "compare --simulator",
        "session --simulator",
        "converge --simulator",
        "platform --simulator",
    ):
        assert f"<pre>swipegym {word}" in text
    assert f"'{folder}/fidelity.json'" in text  # as a shell reads a name with a space
    with pytest.raises(ReportError, match="no file here holds figures"):
        write_report(copied(run, tmp_path / "none", "settings.json"))
    with pytest.raises(ReportError, match="no such folder"):
        write_report(tmp_path / "nowhere")


DAMAGE = {
    "fidelity.json": [
        (b"", "damaged JSON"),
        (b'{"command": "fidelity", "rows": NaN}', "NaN"),
        (b'{"command": "fidelity", "rows": 1e999}', "1e999"),
        (b'{"command": "fidelity"}', "'from' is missing"),
        (b'{"command": "fidelity", "from": "may"}', "'from' is 'may', expected a whole number"),
        (b'{"command": "fidelity", "from": true}', "'from' is True"),
        (b"\xff\xfe", "UTF-8"),
        (b"[" * 100000, "nested"),
    ],
    "compare.json": [(b'{"command": "compare", "simulators": {}}', "'simulators' is {}, expected a list")],
    "sessions.json": [(b'{"command": "session", "sessions": [3]}', "'sessions[0]' is 3, expected an object")],
    "dqn/progress.jsonl": [
        (b"", "empty"),
        (b'{"a": 1}\n', "header"),
        (
            b'{"progress": 1, "command": "train dqn", "step": "env_steps", "columns": {}}\n{"env_steps": "x"}\n',
            "line 2",
        ),
        (
            b'{"progress": 1, "command": "train dqn", "step": "env_steps", "columns": {}}\n{"env_steps"}\n',
            "line 2: damaged JSON",
        ),
    ],
    "season/season.csv": [
        (b"policy,day\nuniform,soon\n", "not the table of a season"),
        (b"a,b\n1,2\n", "not the table of a season"),
    ],
}


@pytest.mark.parametrize("name,content,words", [(name, *case) for name, cases in DAMAGE.items() for case in cases])
def test_a_damaged_file_is_one_line_that_names_it(run, tmp_path, name, content, words):
    folder = copied(run, tmp_path, "data.json", "season/season.json")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    with pytest.raises(ReportError) as error:
        write_report(folder)
    assert str(folder / name) in str(error.value) and words in str(error.value)
    assert not (folder / "report.html").exists() and not [one for one in os.listdir(folder) if one.endswith(".part")]


def test_a_page_never_replaces_what_it_is_made_of(run, tmp_path):
    folder = copied(run, tmp_path, "data.json", "season/season.json", "season/season.csv")
    os.link(folder / "data.json", folder / "twin.html")
    (folder / "mine.html").write_text("<!doctype html><p>mine")
    (folder / "link.html").symlink_to(folder / "season" / "season.csv")
    (folder / "sim.h5").write_bytes(b"\x89HDF")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name, words in (
        ("data.json", "is read"),
        ("twin.html", "is read"),
        ("link.html", "is read"),
        ("season/season.csv", "is read"),
        ("sim.h5", "is no page"),
        ("mine.html", "is no page"),
        ("season", "a folder"),
        ("away/page.html", "does not exist"),
    ):
        with pytest.raises(ReportError, match=words):
            write_report(folder, folder / name)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert write_report(folder, folder / "page.htm") == folder / "page.htm"


def test_names_that_are_no_text_do_not_stop_a_page(run, tmp_path):
    folder = copied(run, tmp_path, "sessions.json")
    sessions = json.loads((folder / "sessions.json").read_text())
    sessions["sessions"][0]["policy"] = "\ud800 é" + "x" * 5000
    (folder / "sessions.json").write_text(json.dumps(sessions))
    page = write_report(folder).read_text("utf-8")
    assert "? é" in page and len(page) < 1_500_000


def test_it_is_a_command(run, tmp_path, monkeypatch, capsys):
    folder = copied(run, tmp_path, "data.json")

    def typed(*words):
        monkeypatch.setattr(sys, "argv", ["swipegym", *words])
        return commands.main(), *capsys.readouterr()

    page = str(folder / "p.html")
    assert typed("report", str(folder), "--out", page) == (0, page + "\n", "")
    assert commands.report(folder) == folder / "report.html"
    (folder / "bad.json").write_text("{")
    code, out, error = typed("report", str(folder))
    assert (code, out) == (2, "") and error.startswith(f"swipegym: {folder}/bad.json: ") and error.count("\n") == 1
    with pytest.raises(swipegym.InputError, match="bad.json"):
        commands.report(folder)
    monkeypatch.setitem(sys.modules, "swipegym_report.page", None)
    code, _, error = typed("report", str(folder))
    assert code == 2 and "pip install 'swipegym[report]'" in error
    with pytest.raises(SystemExit, match="0"):
        typed("report", "--help")
    assert "usage: swipegym report" in capsys.readouterr().out
