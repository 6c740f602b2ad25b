"""Logs as RecBole's atomic files. What needs RecBole itself is skipped where it is not installed."""

import numpy as np
import pytest

import swipegym


@pytest.fixture(scope="module")
def log():
    made = swipegym.generate("item-mean", sessions=200, epsilon=0.5, keep_candidates=True)
    return swipegym.Log(dict(made, propensity=np.where(np.arange(made.rows) % 9 == 0, np.nan, made["propensity"])))


def test_atomic_files_come_back(log, tmp_path):
    path = tmp_path / "generated" / "generated.inter"
    log.save(path)
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "generated.inter",
        "generated.item",
        "generated.user",
    ]
    again = swipegym.read_log(path)
    assert again == log and all(again[name].dtype == log[name].dtype for name in log)
    bare = swipegym.Log({name: log[name] for name in log if name not in ("candidate", "propensity", "session")})
    bare.save(path)
    assert swipegym.read_log(path) == bare
    masked = swipegym.generate("random", sessions=30, source="top", candidates=20, keep_candidates=True)
    assert (masked["candidate"] < 0).any()
    masked.save(path)
    assert swipegym.read_log(path) == masked


def test_damaged_atomic_files_are_refused_by_place(log, tmp_path):
    path = tmp_path / "generated.inter"
    with pytest.raises(swipegym.InputError, match="generated.inter: no such file"):
        swipegym.read_log(path)
    log.save(path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:5], lines[5].replace("\t", " ", 1), *lines[6:]]))
    with pytest.raises(swipegym.InputError, match="generated.inter:6: .* cells, the header has"):
        swipegym.read_log(path)
    path.write_text("".join([lines[0].replace(":token", ""), *lines[1:]]))
    with pytest.raises(swipegym.InputError, match="generated.inter:1: .* NAME:TYPE"):
        swipegym.read_log(path)
    path.write_text("".join([lines[0].replace("play_time_ms", "play"), *lines[1:]]))
    with pytest.raises(swipegym.InputError, match="'play_time_ms' is missing"):
        swipegym.read_log(path)
    path.write_text("".join([lines[0], "x" + lines[1], *lines[2:]]))
    with pytest.raises(swipegym.InputError, match="field 'user_id'"):
        swipegym.read_log(path)
    path.write_text("".join(lines))
    path.with_suffix(".item").unlink()
    with pytest.raises(swipegym.InputError, match="generated.item"):
        swipegym.read_log(path)


def test_recbole_reads_every_row(log, tmp_path):
    if int(np.__version__.split(".")[0]) > 1:
        pytest.skip("RecBole 1.2.1 needs numpy < 2 and pandas < 3")
    config = pytest.importorskip("recbole.config", reason="recbole is not installed")
    data = pytest.importorskip("recbole.data")
    log.save(tmp_path / "generated" / "generated.inter")
    columns = ["user_id", "item_id", "timestamp", "play_time_ms", "is_like", "propensity", "candidate"]
    settings = {
        "data_path": str(tmp_path),
        "load_col": {"inter": columns, "item": ["item_id", "duration_ms", "video_features"], "user": ["user_id"]},
        "TIME_FIELD": "timestamp",
        "checkpoint_dir": str(tmp_path / "saved"),
        "show_progress": False,
    }
    made = data.create_dataset(config.Config(model="BPR", dataset="generated", config_dict=settings))
    inter = made.inter_feat
    assert len(inter) == log.rows
    assert np.array_equal(made.id2token("user_id", inter["user_id"]).astype(int), log["user_id"])
    assert np.array_equal(made.id2token("item_id", inter["item_id"]).astype(int), log["video_id"])
    assert np.array_equal(np.asarray(inter["play_time_ms"]), log["play_time_ms"])
    assert np.array_equal(np.asarray(inter["is_like"]), log["is_like"])
    late = np.abs(np.asarray(inter["timestamp"], float) - log["time_ms"] / 1000)
    assert late.max() <= 64.001  # RecBole's floats have 24 bits
