"""Trainings that are looked at while they go: their logs, callbacks and TensorBoard's event files."""

import json
import struct

import numpy as np
import pytest
import swipegym
from swipegym import commands, training_log
from swipegym.simulators import DEFAULT_SIMULATOR as DEFAULT

SETTINGS = {"env_steps": 4096, "round_steps": 1024, "learning_starts": 1024, "num_envs": 64, "history_length": 10}


def train(folder, **more):
    config = folder / "dqn.json"
    config.write_text(json.dumps(SETTINGS))
    return commands.train_dqn(simulator=DEFAULT, config=config, out=folder / "dqn.h5", quiet=True, **more)


def test_a_callback_is_given_the_rounds_of_the_json_as_the_log_has_them(tmp_path):
    heard = []
    found = train(tmp_path, log=tmp_path / "log", on_round=heard.append)
    assert len(heard) == 4 and all(line["elapsed_s"] > 0 for line in heard)
    log = training_log.read(tmp_path / "log")
    assert log.lines == heard and log.step == "env_steps" and log.head["config"]["env_steps"] == 4096
    assert [{k: v for k, v in line.items() if k != "elapsed_s"} for line in heard] == found["rounds"]
    assert np.array_equal(log.column("env_steps"), [1024, 2048, 3072, 4096])
    with pytest.raises(swipegym.InputError, match="column is 'reward'"):
        log.column("reward")
    with pytest.raises(swipegym.InputError, match="an earlier training"):
        train(tmp_path, log=tmp_path / "log")


def test_a_callback_that_raises_ends_the_training_which_goes_on_from_there(tmp_path):
    class Enough(Exception):
        pass

    def stop(line):
        heard.append(line["env_steps"])
        if line["env_steps"] >= at:
            raise Enough

    heard, at = [], 1024
    with pytest.raises(Enough):
        train(tmp_path, on_round=stop)
    assert not (tmp_path / "dqn.h5").exists()
    at = 1 << 60
    train(tmp_path, resume=True, on_round=stop)
    assert heard == [1024, 2048, 3072, 4096]
    assert (tmp_path / "dqn.h5").exists()


def test_what_trains_nothing_has_nothing_to_listen_to():
    with pytest.raises(swipegym.InputError, match="'compare' trains nothing"):
        commands.compare(simulator=DEFAULT, policies="random", on_round=print)
    with pytest.raises(swipegym.InputError, match="on_round is 3, expected a function"):
        commands.train_dqn(simulator=DEFAULT, out="x.h5", on_round=3)


def test_what_is_no_log_is_refused(tmp_path):
    path = tmp_path / "progress.jsonl"
    for text, said in (
        ("", "has no line"),
        ("{}\n", "the log of no training"),
        ("[1]\n", ":1: is no JSON object"),
        ('{"progress":1,"step":"x","columns":{}}\n', "is damaged"),
        ('{"progress":1,"step":"x","columns":{"x":""}}\nwatch\n', ":2: is no JSON"),
    ):
        path.write_text(text)
        with pytest.raises(swipegym.InputError, match=said):
            training_log.read(tmp_path)
    with pytest.raises(swipegym.InputError, match="No such file"):
        training_log.read(tmp_path / "nothing")


def head(**more):
    columns = {"epoch": "", "train_loss": "", "validation_loss": "", "elapsed_s": ""}
    return json.dumps({"progress": 1, "step": "epoch", "columns": columns, "started": "2026-01-01T00:00:00Z", **more}) + "\n"


def line(epoch, loss):
    return json.dumps({"epoch": epoch, "train_loss": loss, "validation_loss": None, "elapsed_s": 1.5 * epoch}) + "\n"


def test_a_reader_follows_a_log_and_sees_that_it_was_replaced(tmp_path):
    path = tmp_path / "progress.jsonl"
    path.write_text(head() + line(1, 3.0) + line(2, 2.0)[:5])
    reader = training_log.Reader(tmp_path)
    assert [(begins, one["epoch"]) for begins, one in reader.new_lines()] == [(True, 1)]
    with path.open("a") as file:
        file.write(line(2, 2.0)[5:])
    assert [(begins, one["epoch"]) for begins, one in reader.new_lines()] == [(False, 2)]
    other = tmp_path / "other"
    other.write_text(head() + line(1, 3.0) + line(2, 1.0))
    other.rename(path)
    assert [(begins, one["train_loss"]) for begins, one in reader.new_lines()] == [(True, 3.0), (False, 1.0)]


def scalars(folder):
    """[(tag, step, value, time)] of the event files of a folder, by the format of TFRecord."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (size,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + size])
            at += 12 + size + 4
            found += [(v.tag, event.step, v.simple_value, event.wall_time) for v in event.summary.value if v.HasField("simple_value")]
    return sorted(found)


def test_event_files_hold_what_a_log_does_once(tmp_path, capsys):
    pytest.importorskip("tensorboardX", reason="pip install tensorboardX")
    from swipegym import tensorboard

    folder = tmp_path / "runs" / "mf"
    folder.mkdir(parents=True)
    (folder / "progress.jsonl").write_text(head() + line(1, 3.0) + line(2, 2.5))
    expected = [
        *(("elapsed_s", epoch, 1.5 * epoch, 1767225600 + 1.5 * epoch) for epoch in (1, 2)),
        *(("train_loss", epoch, loss, 1767225600 + 1.5 * epoch) for epoch, loss in ((1, 3.0), (2, 2.5))),
    ]
    for _ in range(2):  # the second file replaces the first
        assert tensorboard.main([str(tmp_path / "runs")]) == 0
        assert scalars(folder) == expected
    assert "2 lines" in capsys.readouterr().out
    assert tensorboard.main([str(tmp_path / "runs" / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert tensorboard.main([str(tmp_path / "empty")]) == 2
    assert "no progress.jsonl there" in capsys.readouterr().err


def test_event_files_follow_a_log(tmp_path, monkeypatch):
    pytest.importorskip("tensorboardX", reason="pip install tensorboardX")
    from swipegym import tensorboard

    path = tmp_path / "progress.jsonl"

    def write_more(_):  # in place of a wait
        if not path.exists():
            path.write_text(head() + line(1, 3.0))
        elif path.read_text().count("\n") < 4:
            with path.open("a") as file:
                file.write(line(path.read_text().count("\n"), 1.0))
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr(tensorboard.time, "sleep", write_more)
    with pytest.raises(KeyboardInterrupt):
        tensorboard.mirror([tmp_path], follow=True)
    assert [(step, value) for tag, step, value, _ in scalars(tmp_path) if tag == "train_loss"] == [(1, 3.0), (2, 1.0), (3, 1.0)]


def test_a_training_writes_event_files_as_it_goes(tmp_path):
    pytest.importorskip("tensorboardX", reason="pip install tensorboardX")
    from swipegym import tensorboard

    with tensorboard.Writer(tmp_path / "run") as writer:
        found = train(tmp_path, on_round=writer)
    written = [(step, value) for tag, step, value, _ in scalars(tmp_path / "run") if tag == "mean_return"]
    assert written == [(r["env_steps"], pytest.approx(r["mean_return"])) for r in found["rounds"]]
