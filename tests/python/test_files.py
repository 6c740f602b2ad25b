"""What Python writes follows the rules of the program's outputs: nothing is lost, nothing half-written appears."""

import ast
import os
import pathlib
import stat
import threading

import pytest

import swipegym
from swipegym.formats import open_bandit
from swipegym.formats.files import alone_in, whole_file


@pytest.fixture(scope="module")
def log():
    return swipegym.generate("item-mean", sessions=30, epsilon=0.5, keep_candidates=True)


def save_feedback(log, path):
    open_bandit.save(open_bandit.bandit_feedback(log), path)


def save_parquet(log, path):
    pytest.importorskip("pyarrow")
    log.save(path)


WRITERS = {
    "log.parquet": save_parquet,
    "log.h5": lambda log, path: log.save(path),
    "log.inter": lambda log, path: log.save(path),
    "feedback.npz": save_feedback,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_link_stays_and_what_it_leads_to_is_replaced(log, name, tmp_path):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / name
    target.write_text("an earlier one")
    (tmp_path / name).symlink_to(target)
    WRITERS[name](log, tmp_path / name)
    assert (tmp_path / name).is_symlink() and (tmp_path / name).resolve() == target
    assert target.stat().st_size > 1000
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask
    assert [path.name for path in (tmp_path / "there").iterdir()] == [name]


@pytest.mark.parametrize("name", ["log.parquet", "feedback.npz"])
def test_a_pipe_is_written_into(log, name, tmp_path):
    pipe = tmp_path / name
    os.mkfifo(pipe)
    got = []
    # A reader of a pipe that nobody writes into, since pyarrow is not there, must not outlive the tests.
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    WRITERS[name](log, pipe)
    reader.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    (tmp_path / "file").mkdir()
    whole = tmp_path / "file" / name
    whole.write_bytes(got[0])
    again = swipegym.read_log(whole) if name.endswith("parquet") else open_bandit.to_log(open_bandit.load(whole))
    assert again == log


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes devices")
@pytest.mark.parametrize("name", WRITERS)
def test_a_device_stays_a_device(log, name, tmp_path):
    device = tmp_path / name
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        device.write_bytes(b"nothing")
    except OSError:
        pytest.skip("no devices can be made here")
    try:
        WRITERS[name](log, device)
    except swipegym.InputError as error:
        assert "device" in str(error)
    assert stat.S_ISCHR(device.stat().st_mode)


@pytest.mark.parametrize("name", WRITERS)
def test_what_cannot_be_written_is_refused_by_name_and_leaves_nothing(log, name, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(swipegym.InputError, match="file"):
        WRITERS[name](log, tmp_path / "file" / name)
    assert (tmp_path / "file").read_text() == "mine"
    if not name.startswith("log"):  # a folder is a log's
        (tmp_path / name).mkdir()
        with pytest.raises(swipegym.InputError, match=name):
            WRITERS[name](log, tmp_path / name)
        assert not list((tmp_path / name).iterdir())


def test_an_error_leaves_the_earlier_file_and_no_other(tmp_path):
    path = tmp_path / "file"
    path.write_text("earlier")
    with pytest.raises(KeyError), whole_file(path) as place:
        place.write_text("half")
        raise KeyError
    assert path.read_text() == "earlier" and list(tmp_path.iterdir()) == [path]
    with whole_file(path) as place:
        place.write_text("whole")
    assert path.read_text() == "whole" and list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_goes_with_the_next_run(tmp_path):
    path = tmp_path / "file"
    pid = os.fork()
    if pid == 0:
        with whole_file(path) as place:
            place.write_text("half")
            os._exit(0)
    os.waitpid(pid, 0)
    assert len(list(tmp_path.iterdir())) == 1 and not path.exists()
    with whole_file(path) as place:
        place.write_text("whole")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_others_wrote_or_added_to_is_not_replaced(log, tmp_path):
    folder = tmp_path / "generated"
    log.save(folder)
    log.take(slice(0, 20)).save(folder)  # our own, as it was written
    assert swipegym.read_log(folder).rows == 20
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(swipegym.InputError, match="thesis.txt"):
        log.save(folder)
    assert (folder / "thesis.txt").read_text() == "years of work" and swipegym.read_log(folder).rows == 20


def test_the_data_a_simulator_was_fitted_on_is_not_written_over(tmp_path):
    swipegym.commands.data_synth(preset="tiny", out=tmp_path / "data", quiet=True)
    before = {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    log = swipegym.generate(sessions=20)
    with pytest.raises(swipegym.InputError, match="data"):
        log.save(tmp_path / "data", tables=tmp_path / "data")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()}


def test_a_folder_without_a_manifest_is_replaced_where_that_is_asked_for(log, tmp_path):
    path = tmp_path / "release"
    log.save(path)
    (path / "swipegym-manifest.json").unlink()
    with pytest.raises(swipegym.InputError):
        log.save(path)
    log.save(path, replace=True)
    assert swipegym.read_log(path).rows == log.rows
    (path / "mine.txt").write_text("kept")
    with pytest.raises(swipegym.InputError):
        log.save(path, replace=True)
    with pytest.raises(swipegym.InputError, match="replace is 1"):
        log.save(path, replace=1)


def imports_of(path, package):
    """The modules of the package that a module names anywhere, in functions too."""
    found = set()
    own = ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            parts = own.split(".") if path.name == "__init__.py" else own.split(".")[:-1]
            base = parts[: len(parts) - node.level + 1] + (node.module.split(".") if node.module else [])
            found |= {".".join([*base, alias.name]) for alias in node.names} | {".".join(base)}
    return own, found - {own}


def test_no_module_imports_itself_by_way_of_others():
    package = pathlib.Path(swipegym.__file__).parent
    graph = dict(imports_of(path, package) for path in package.rglob("*.py"))
    graph.pop("swipegym")  # which imports them all, and none of which imports it but for its submodules
    graph = {name: {other for other in found if other in graph} for name, found in graph.items()}
    done, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return
        path.append(name)
        for other in sorted(graph[name]):
            visit(other)
        path.pop()
        done.add(name)

    for name in graph:
        visit(name)


def test_a_folder_has_one_who_works_in_it(tmp_path):
    with alone_in(tmp_path, wait=False):
        with pytest.raises(swipegym.InputError, match="another command is at work there"):
            with alone_in(tmp_path, wait=False):
                pass
    with alone_in(tmp_path, wait=False):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(swipegym.InputError, match="name a folder"):
        with alone_in(tmp_path / "file", wait=True):
            pass
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
