"""What logs promise: the schema, pandas, Arrow, Parquet, KuaiRand's files and the store."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

import swipegym
from swipegym import commands
from swipegym.log_schema import COLUMNS

DEFAULT = os.path.join(swipegym.__path__[0], "default.h5")


@pytest.fixture(scope="module")
def log():
    """Some users watch a while, chosen for with known chances among known candidates."""
    return swipegym.generate("item-mean", sessions=300, epsilon=0.5, keep_candidates=True)


def some_unknown(log):
    columns = dict(log)
    columns["propensity"] = np.where(np.arange(log.rows) % 7 == 0, np.nan, columns["propensity"])
    return swipegym.Log(columns)


def assert_same(a, b):
    assert list(a) == list(b)
    for name in a:
        assert a[name].dtype == b[name].dtype == COLUMNS[name].dtype, name
        assert np.array_equal(a[name], b[name], equal_nan=name == "propensity"), name
    assert a == b


def kuairand_part(log, candidates=False):
    """What KuaiRand's files keep, in the order of reading."""
    dropped = {"session"} if candidates else {"session", "candidate"}
    return swipegym.Log({name: array for name, array in log.by_user().items() if name not in dropped})


def test_logs_are_equal_when_all_values_are(log):
    assert log == swipegym.generate("item-mean", sessions=300, epsilon=0.5, keep_candidates=True)
    changed = {name: array.copy() for name, array in log.items()}
    changed["tab"][5] += 1
    assert log != swipegym.Log(changed)
    assert some_unknown(log) == some_unknown(log) != log
    assert log.take(log["user"] == log["user"][0]).rows < log.rows


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.pop("play_time_ms"), "'play_time_ms' is missing"),
        (lambda c: c.update(is_like=c["is_like"][:-1]), "'is_like' has .* rows"),
        (lambda c: c.update(smiles=c["tab"]), "'smiles'"),
        (lambda c: c.update(tab=c["tab"].astype(int) + 1000), "'tab' holds 100. in row 0, expected uint8"),
        (lambda c: c.update(play_time_ms=c["play_time_ms"] + 0.5), "'play_time_ms' holds .* in row 0"),
        (lambda c: c.update(user_id=c["user_id"].astype(str)), "'user_id' has dtype"),
        (lambda c: c.update(propensity=c["propensity"] * 0), "'propensity' holds 0.0 in row 0"),
        (lambda c: c.update(is_like=c["is_like"] + 2), "'is_like' holds [23] in row 0, expected 0 or 1"),
        (lambda c: c.update(candidate=c["candidate"][:, 0]), "'candidate' has shape"),
        (lambda c: c.update(candidate=c["candidate"] * 0 - 1), "'video' holds .* one of the row's candidates"),
        (lambda c: c.update(candidate=c["candidate"] - 400), "'candidate' holds .* in row 0, expected video indices"),
        (lambda c: c.update(signals=np.zeros(3, np.uint8)), "'signals' and 'is_click' both"),
        (lambda c: c.update(date=np.ma.masked_equal(c["date"], c["date"][0])), "'date' is masked in places"),
        (lambda c: c.update(date=c["date"].astype(object)), "'date' has dtype object"),
        (lambda c: c.update(date=c["date"].astype("datetime64[s]")), "'date' has dtype datetime64"),
        (lambda c: c.update(tab=c["tab"].astype(complex)), "'tab' has dtype complex"),
        (lambda c: c.update(user_id=c["user_id"].astype(np.uint64) + 2**63), "'user_id' holds .* in row 0"),
        (
            lambda c: c.update(user_id=np.full(len(c["tab"]), 2.0**53 + 2)),
            "'user_id' holds .* in row 0, expected int64",
        ),
        (lambda c: c.update(video=c["video"].astype(np.float16) + 3000), "'video' holds .* in row 0, expected int32"),
        (lambda c: c.update(tab=np.float64(1.0)), "'tab' has shape"),
        (lambda c: c.update({name: c[name][:0] for name in ("tab",)}), "'tab' has 0 rows"),
    ],
)
def test_columns_that_make_no_log_are_refused_by_name(log, change, words):
    columns = dict(log)
    change(columns)
    with pytest.raises(swipegym.InputError, match=words):
        swipegym.Log(columns)


BAD_CELLS = {
    "user_id": [-1, 10**18],
    "video_id": [-1, 10**18],
    "video": [-1],
    "session": [-1],
    "date": [-1, 0, 20230231, 20231301, 19691231, 21000101, 2023, 20230100],
    "hourmin": [-5, -1, 60, 2400, 1299, 9999],
    "time_ms": [-1, 2**62, 4102444800000],
    "tab": [255],
    "play_time_ms": [-1, 10**9 + 1],
    "duration_ms": [-1, 10**9 + 1],
    "propensity": [0.0, -0.1, 1.0001, np.inf, -np.inf, 1e-60],
    "candidate": [-2],
    **{name: [-1, 2, 127] for name in swipegym.SIGNAL_NAMES},
}


@pytest.mark.parametrize("column", BAD_CELLS)
def test_a_cell_that_no_file_holds_is_refused_with_its_column_and_row(log, column):
    for value in BAD_CELLS[column]:
        columns = dict(log)
        columns[column] = log[column].astype(float if column == "propensity" else log[column].dtype)
        columns[column][7] = value
        with pytest.raises(swipegym.InputError, match=f"a log: column '{column}' holds .* in row 7, expected"):
            swipegym.Log(columns)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, 0.5])
def test_a_float_that_is_no_whole_number_is_refused_not_cut(log, value):
    for name in COLUMNS:
        if name == "propensity":
            continue
        columns = {**log, name: log[name].astype(np.float64)}
        assert swipegym.Log(columns) == log  # whole numbers as floats, as pandas makes them beside nulls
        columns[name][7] = value
        with pytest.raises(swipegym.InputError, match=f"(?s)a log: column '{name}' holds .* in row 7, expected"):
            swipegym.Log(columns)


@pytest.mark.parametrize("columns", [None, 3, [1, 2], "user", {}, {"user": [1]}, {3: [1]}])
def test_what_is_no_log_at_all_is_refused(columns):
    with pytest.raises(swipegym.InputError):
        swipegym.Log(columns)


def random_log(rng, rows):
    """Any log that may be: every column over all of its range, its ends included."""
    simulator = swipegym.default_simulator()

    def between(low, high, dtype):
        values = rng.integers(low, high, rows, dtype=np.int64, endpoint=True)
        values[rng.random(rows) < 0.1] = low
        values[rng.random(rows) < 0.1] = high
        return values.astype(dtype)

    days = np.datetime64("1970-01-01") + between(0, 47481, int)  # to the end of 2099
    user, video = between(0, simulator.num_users - 1, np.uint32), between(0, simulator.num_videos - 1, np.int32)
    candidate = np.stack([rng.permutation(simulator.num_videos)[:6] for _ in range(rows)]).astype(np.int32)
    candidate[rng.random((rows, 6)) < 0.2] = -1
    candidate[(candidate == video[:, None])] = -1
    candidate[np.arange(rows), rng.integers(6, size=rows)] = video
    chance = np.exp(-between(0, 80, np.float32)).astype(np.float32)
    log = swipegym.Log(
        {
            "user_id": simulator.user_id[user],
            "video_id": simulator.video_id[video],
            "user": user,
            "video": video,
            "session": between(0, 2**63 - 1, np.int64),
            "date": np.char.replace(days.astype(str), "-", "").astype(np.int32),
            "hourmin": between(0, 23, np.int16) * 100 + between(0, 59, np.int16),
            "time_ms": between(0, 4102415999999, np.int64),
            "tab": between(0, 254, np.uint8),
            "play_time_ms": between(0, 10**9, np.int32),
            "duration_ms": between(0, 10**9, np.int32),
            "is_rand": rng.random(rows) < 0.4,
            "propensity": chance,
            "candidate": candidate,
            **{name: between(0, 1, np.int8) for name in swipegym.SIGNAL_NAMES},
        }
    )
    keys = np.stack([log["user"], log["video"], log["time_ms"]])
    return log.take(np.unique(keys, axis=1, return_index=True)[1])


@pytest.mark.parametrize("seed", range(4))
def test_any_log_comes_back_from_every_format(seed, tmp_path):
    rng = np.random.default_rng(seed)
    log = random_log(rng, [1, 40, 700, 3000][seed])
    as_read = log.take(np.argsort(~log["is_rand"], kind="stable")).by_user()
    for name in ("folder", "log.h5"):
        log.save(tmp_path / name, candidates=tmp_path / "sets.h5")
        back = swipegym.read_log(tmp_path / name, candidates=tmp_path / "sets.h5")
        assert_same(back, swipegym.Log({name: array for name, array in as_read.items() if name != "session"}))
    unknown = swipegym.Log({**log, "propensity": np.where(rng.random(log.rows) < 0.5, np.nan, log["propensity"])})
    for one in (log, unknown):
        one.save(tmp_path / "log.inter")
        assert_same(swipegym.read_log(tmp_path / "log.inter"), one)
        if pytest.importorskip("pyarrow"):
            one.save(tmp_path / "log.parquet")
            assert_same(swipegym.read_log(tmp_path / "log.parquet"), one)
            assert_same(swipegym.Log.from_arrow(one.to_arrow()), one)
        if pytest.importorskip("pandas"):
            assert_same(swipegym.Log.from_pandas(one.to_pandas()), one)


def test_the_page_has_every_column_with_its_type_unit_and_null_rule():
    page = (Path(__file__).parents[2] / "docs" / "guide" / "logs.md").read_text()
    table = page.split("## Columns")[1].split("The same columns")[0]
    for name, column in COLUMNS.items():
        line = next((line for line in table.splitlines() if line.startswith("|") and f"`{name}`" in line), None)
        if name in swipegym.SIGNAL_NAMES:
            assert f"`{name}`" in table
            line = next(line for line in table.splitlines() if line.startswith("| each signal"))
        for word in (np.dtype(column.dtype).name, column.unit.split("[m] ")[-1], column.null):
            assert word in line, (name, word)


def test_suffixes_that_are_no_format_are_refused(log, tmp_path):
    for path in (tmp_path / "log.csv", tmp_path / "log.feather"):
        with pytest.raises(swipegym.InputError, match=path.suffix):
            log.save(path)
        with pytest.raises(swipegym.InputError, match=path.suffix):
            swipegym.read_log(path)
    assert not list(tmp_path.iterdir())


def test_pandas_frames_come_back(log):
    pytest.importorskip("pandas")
    frame = some_unknown(log).to_pandas()
    assert len(frame) == log.rows and frame["play_time_ms"].dtype == np.int32
    assert_same(swipegym.Log.from_pandas(frame), some_unknown(log))
    with pytest.raises(swipegym.InputError, match="'duration_ms' is missing"):
        swipegym.Log.from_pandas(frame.drop(columns="duration_ms"))


def test_parquet_comes_back_and_says_what_its_columns_are(log, tmp_path):
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "log.parquet"
    for one in (log, some_unknown(log), kuairand_part(log), log.take(slice(0, 0))):
        one.save(path)
        assert_same(swipegym.read_log(path), one)
    some_unknown(log).save(path)
    table = pa.parquet.read_table(path)
    assert table.column("propensity").null_count == np.isnan(some_unknown(log)["propensity"]).sum() > 0
    assert pa.types.is_fixed_size_list(table.schema.field("candidate").type)
    for field in table.schema:
        assert field.metadata[b"unit"].decode() == COLUMNS[field.name].unit
        assert field.metadata[b"null"].decode() == COLUMNS[field.name].null
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_that_pandas_wrote_comes_back_too(log, tmp_path):
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    log.to_pandas().to_parquet(tmp_path / "log.parquet")
    assert_same(swipegym.read_log(tmp_path / "log.parquet"), log)


def test_parquet_that_is_not_ours_to_read_is_refused(log, tmp_path):
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    from swipegym.formats import arrow

    path = tmp_path / "log.parquet"
    with pytest.raises(swipegym.InputError, match="log.parquet"):
        swipegym.read_log(path)
    path.write_bytes(b"PAR1 or so")
    with pytest.raises(swipegym.InputError, match="log.parquet"):
        swipegym.read_log(path)
    newer = log.to_arrow().replace_schema_metadata({arrow.VERSION_KEY: b"2"})
    pa.parquet.write_table(newer, path)
    with pytest.raises(swipegym.InputError, match="log.parquet: its schema version is 2, this swipegym reads up to 1"):
        swipegym.read_log(path)
    holes = log.to_arrow().set_column(0, "user_id", pa.array([None] * log.rows, pa.int64()))
    pa.parquet.write_table(holes, path)
    with pytest.raises(swipegym.InputError, match="'user_id' has .* nulls"):
        swipegym.read_log(path)


@pytest.mark.parametrize("name", ["generated", "log.h5"])
def test_kuairand_files_and_the_store_come_back(log, name, tmp_path):
    logs = [log, swipegym.generate("random", sessions=50, keep_candidates=True)]
    if name == "log.h5":
        logs.append(some_unknown(log))
    else:
        with pytest.raises(swipegym.InputError, match="row 0 has no propensity while others"):
            some_unknown(log).save(tmp_path / name)
    for one in logs:
        one.save(tmp_path / name, candidates=tmp_path / "sets.h5")
        assert_same(swipegym.read_log(tmp_path / name), kuairand_part(one))
        assert_same(swipegym.read_log(tmp_path / name, candidates=tmp_path / "sets.h5"), kuairand_part(one, True))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "sets.h5"])


def test_a_log_of_both_kinds_of_rows_keeps_its_candidates(log, tmp_path):
    uniform = np.arange(log.rows) % 3 == 0
    mixed = swipegym.Log(dict(log, is_rand=uniform, propensity=np.where(uniform, log["propensity"], np.nan)))
    mixed.save(tmp_path / "mixed", candidates=tmp_path / "sets.h5")
    assert len(list((tmp_path / "mixed").glob("log_*.csv"))) == 2
    assert_same(swipegym.read_log(tmp_path / "mixed", candidates=tmp_path / "sets.h5"), kuairand_part(mixed, True))


def test_commands_take_what_python_wrote(log, tmp_path):
    log.save(tmp_path / "generated")
    described = commands.data_stats(tmp_path / "generated")
    assert f"{log.rows:,}" in str(described)
    commands.fit(data=tmp_path / "generated", out=tmp_path / "sim.h5", quiet=True)
    again = swipegym.load_simulator(tmp_path / "sim.h5")
    built_in = swipegym.default_simulator()
    assert np.array_equal(again.user_id, built_in.user_id) and np.array_equal(again.video_id, built_in.video_id)
    of_the_tables = slice(0, 13)  # the others are means of the log
    assert np.allclose(again.user_features[:, of_the_tables], built_in.user_features[:, of_the_tables], atol=1e-6)
    assert np.array_equal(again.duration_ms, built_in.duration_ms)
    assert np.array_equal(again.video_features[:, 5], built_in.video_features[:, 5])


def test_a_release_from_python_has_the_program_s_bytes(tmp_path):
    commands.data_synth(preset="tiny", out=tmp_path / "data", quiet=True)
    how = {"simulator": DEFAULT, "policy": "longest", "epsilon": 0.3, "sessions": 100, "seed": 3}
    commands.generate(
        **how, data=tmp_path / "data", out=tmp_path / "program", keep_candidates=tmp_path / "program.h5", quiet=True
    )
    log = swipegym.generate(**how, keep_candidates=True)
    log.save(tmp_path / "python", tables=tmp_path / "data", candidates=tmp_path / "python.h5")
    names = sorted(path.name for path in (tmp_path / "program").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "python").iterdir()) and len(names) == 4
    for name in names:
        assert (tmp_path / "program" / name).read_bytes() == (tmp_path / "python" / name).read_bytes(), name
    assert (tmp_path / "program.h5").read_bytes() == (tmp_path / "python.h5").read_bytes()


def test_logs_that_kuairand_s_files_cannot_hold_are_refused(log, tmp_path):
    timeless = swipegym.Log({name: log[name] for name in log if name not in ("date", "time_ms")})
    with pytest.raises(swipegym.InputError, match="date, time_ms"):
        timeless.save(tmp_path / "generated")
    with pytest.raises(swipegym.InputError, match="no rows"):
        log.take(slice(0, 0)).save(tmp_path / "generated")
    with pytest.raises(swipegym.InputError, match="kept no candidates"):
        kuairand_part(log).save(tmp_path / "generated", candidates=tmp_path / "sets.h5")
    twice = log.take(np.array([0, 1, 2, 1]))
    for name in ("generated", "log.h5"):
        with pytest.raises(swipegym.InputError, match="rows 1 and 3 are of one user, video and time"):
            twice.save(tmp_path / name)
    with pytest.raises(swipegym.InputError, match="other users"):
        swipegym.Log(dict(log, user_id=log["user_id"] + 1)).save(tmp_path / "generated")
    log.save(tmp_path / "generated", candidates=tmp_path / "sets.h5")
    log.take(slice(0, 10)).save(tmp_path / "less", candidates=tmp_path / "less.h5")
    with pytest.raises(swipegym.InputError, match="has no candidates"):
        swipegym.read_log(tmp_path / "generated", candidates=tmp_path / "less.h5")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    with pytest.raises(swipegym.InputError, match="thesis.txt"):
        log.save(tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.txt"]


def test_observations_are_those_of_earlier_rows(log):
    observation, info = log.observations(history_length=20)
    simulator = swipegym.default_simulator()
    for row in np.random.default_rng(0).choice(log.rows, 50, replace=False):
        mine = (log["user"] == log["user"][row]) & (log["time_ms"] < log["time_ms"][row])
        earlier = np.flatnonzero(mine)[np.argsort(log["time_ms"][mine], kind="stable")][-20:]
        history = observation["history_video"][row]
        assert (
            np.array_equal(history[20 - len(earlier) :], log["video"][earlier])
            and (history[: 20 - len(earlier)] == -1).all()
        )
        ratio = np.clip(log["play_time_ms"][earlier] / log["duration_ms"][earlier], 0, 5)
        assert np.allclose(observation["history_ratio"][row, 20 - len(earlier) :], ratio)
        assert np.array_equal(observation["user_features"][row], simulator.user_features[log["user"][row]])
    assert np.array_equal(observation["candidate"], log["candidate"])
    assert info["action_mask"].all() and np.array_equal(info["user"], log["user"])


def test_a_generated_log_has_the_chances_its_policy_gives(log):
    chance = swipegym.Policy("item-mean").probabilities(*log.observations(), epsilon=0.5)
    slot = np.argmax(log["candidate"] == log["video"][:, None], axis=1)
    assert np.allclose(chance.sum(axis=1), 1)
    assert np.allclose(chance[np.arange(log.rows), slot], log["propensity"], rtol=1e-6)


def test_a_package_that_is_missing_is_named(log, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="an Arrow table needs pyarrow: pip install pyarrow"):
        log.to_arrow()
