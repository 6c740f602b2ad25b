"""Files that were sent to a cluster's machine, where several workers unpack them at once; no Ray is needed for that."""

import shutil
import threading

from swipegym.ray import sent_files


class Store:
    def get(self, contents):
        return contents


def test_workers_that_unpack_one_folder_at_once_all_read_it_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(sent_files, "_folder", lambda: tmp_path)
    contents = {"data/log.csv": b"1" * 500_000, "truth.json": b"2" * 1_000}
    given = sent_files.SentFolder("W", "", sent_files._digest(contents), contents)
    place = tmp_path / f"{given.digest}-W"
    for broken in (False, True, False, True, False):
        shutil.rmtree(place, ignore_errors=True)
        sent_files._holds.cache_clear()
        if broken:  # as a worker that was killed may leave it
            place.mkdir()
            (place / "truth.json").write_bytes(b"2")
        found = []

        def work():
            for _ in range(5):
                path = sent_files.unpacked(Store(), given)
                with open(f"{path}/data/log.csv", "rb") as file:
                    found.append(file.read() == contents["data/log.csv"])

        workers = [threading.Thread(target=work) for _ in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert found == [True] * 30
        assert list(tmp_path.iterdir()) == [place]
