"""A session as a person would read it."""

from __future__ import annotations

import numpy as np

from . import _core

_BAR = 20  # characters, or pixels of a tenth of that, of a whole video
_EDGE, _GREY, _BLUE, _GOLD, _RED = (250, 250, 250), (222, 222, 222), (66, 133, 244), (244, 180, 0), (219, 68, 55)


class SessionPage:
    """The videos of one session so far."""

    def __init__(self, simulator: _core.Simulator, user: int):
        self._simulator = simulator
        self._user = user
        self._videos: list[dict] = []
        self._end = ""

    def add(self, information: dict, terminated: bool, truncated: bool):
        """A step: what was shown, one video or a slate of which the user saw the first ones."""
        videos = {name: np.atleast_1d(information[name]) for name in ("video", "watch_s", "watch_ratio", "signals")}
        for place in np.flatnonzero(videos["video"] >= 0):
            self._videos.append({name: values[place].item() for name, values in videos.items()})
        if terminated:
            hours = information["gap_h"]
            self._end = f"the user left, and is back in {hours:.1f} h" if hours >= 0 else "the user left"
        elif truncated:
            self._end = "cut after max_steps"

    def text(self) -> str:
        """One line a video: id, length, a bar of how much was watched (# once, + beyond the end), and the signals."""
        watched = sum(video["watch_s"] for video in self._videos)
        lines = [f"user {self._simulator.user_id[self._user]}: {len(self._videos)} videos, {watched:.1f} s watched"]
        for place, video in enumerate(self._videos, start=1):
            index, ratio = video["video"], video["watch_ratio"]
            seconds = self._simulator.duration_ms[index] / 1000
            bar = ("#" * round(_BAR * min(ratio, 1.0))).ljust(_BAR, ".")
            more = "+" * min(5, int(ratio)) if ratio > 1.0 else ""
            names = [name for i, name in enumerate(_core.SIGNAL_NAMES) if video["signals"] >> i & 1]
            lines.append(
                f"{place:4}. video {self._simulator.video_id[index]:<10} {seconds:6.1f} s  [{bar}]{more:5} "
                f"{video['watch_s']:6.1f} s  {' '.join(names)}".rstrip()
            )
        if self._end:
            lines.append(f"      {self._end}")
        return "\n".join(lines)

    def image(self) -> np.ndarray:
        """[height, 320, 3] uint8: a bar a video of the last 24, grey for its length (a minute is the width), blue for
        what was watched, with a gold mark where a signal was given and a red line where the user left."""
        rows, height, width = 24, 10, 320
        out = np.full((rows * height, width, 3), _EDGE, np.uint8)
        for row, video in enumerate(self._videos[-rows:]):
            top = slice(row * height + 1, (row + 1) * height - 1)
            seconds = self._simulator.duration_ms[video["video"]] / 1000
            length = max(4, min(width - 16, round((width - 16) * seconds / 60)))
            out[top, :length] = _GREY
            out[top, : round(length * min(video["watch_ratio"], 1.0))] = _BLUE
            if video["signals"]:
                out[top, width - 12 : width - 4] = _GOLD
        if self._end:
            row = min(len(self._videos), rows) * height
            out[row - 2 : row] = _RED
        return out


class VectorPages:
    """The pages of sessions side by side."""

    def __init__(self, simulator: _core.Simulator, rows: int):
        self._simulator = simulator
        self._pages: list[SessionPage | None] = [None] * rows

    def begin(self, users: np.ndarray, rows: np.ndarray):
        """Sessions of these users begin in the rows that are true."""
        for row in np.flatnonzero(rows):
            self._pages[row] = SessionPage(self._simulator, int(users[row]))

    def add(self, arrays: dict, ends_begin: bool):
        """A step's arrays. ends_begin: where a session ended the next one has begun in the same step."""
        shown, users, began = arrays["shown"], arrays["information"]["user"], arrays["autoreset"]
        ended = arrays["terminated"] | arrays["truncated"]
        self.begin(users, began)
        for row in np.flatnonzero(~began):
            step = {name: array[row] for name, array in shown.items()}
            self._pages[row].add(step, bool(arrays["terminated"][row]), bool(arrays["truncated"][row]))
        if ends_begin:
            self.begin(users, ended)

    def texts(self) -> tuple[str, ...]:
        return tuple(page.text() for page in self._pages)

    def images(self) -> tuple[np.ndarray, ...]:
        return tuple(page.image() for page in self._pages)
