"""A session as a person would read it: a text, a line of a terminal, a picture."""

from __future__ import annotations

import functools
import shutil
import sys
import time

import numpy as np

from . import _core

_BAR = 20  # characters of a whole video
WIDTH, HEIGHT = 480, 640  # pixels of a picture; even, as films want them
_ROWS, _TOP, _STEP = 12, 92, 40  # videos in a picture, where they begin, pixels of each
_INK, _DIM, _LINE, _PAPER, _TRACK = (27, 31, 36), (102, 112, 120), (223, 227, 232), (255, 255, 255), (232, 235, 239)
_BLUE, _GOLD, _RED = (31, 120, 180), (178, 107, 0), (179, 38, 30)
_WORDS = ("click", "like", "follow", "comment", "forward", "hate", "long view", "profile")


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
        return "\n".join([self.title(), *self.lines()])

    def title(self) -> str:
        watched = sum(video["watch_s"] for video in self._videos)
        return f"user {self._simulator.user_id[self._user]}: {len(self._videos)} videos, {watched:.1f} s watched"

    def lines(self) -> list[str]:
        """What stands below the title: a line a video, and how the session ended."""
        lines = []
        for place, video in enumerate(self._videos, start=1):
            index, ratio = video["video"], video["watch_ratio"]
            bar = ("#" * round(_BAR * min(ratio, 1.0))).ljust(_BAR, ".")
            more = "+" * min(5, int(ratio)) if ratio > 1.0 else ""
            names = [name for i, name in enumerate(_core.SIGNAL_NAMES) if video["signals"] >> i & 1]
            lines.append(
                f"{place:4}. video {self._simulator.video_id[index]:<10} {self._seconds(index):6.1f} s  [{bar}]{more:5} "
                f"{video['watch_s']:6.1f} s  {' '.join(names)}".rstrip()
            )
        if self._end:
            lines.append(f"      {self._end}")
        return lines

    def image(self) -> np.ndarray:
        """[640, 480, 3] uint8: whose session it is, and the last 12 videos. Each has a bar as long as the video was
        watched, with the seconds, the length and the signals; below, how the session ended. Needs Pillow."""
        picture, draw = _canvas()
        videos = len(self._videos)
        watched = sum(video["watch_s"] for video in self._videos)
        draw.text((24, 18), f"User {self._simulator.user_id[self._user]}", _INK, _font(24), anchor="la")
        draw.text(
            (24, 52), f"{videos} video{'s' * (videos != 1)}, {_clock(watched)} watched", _DIM, _font(15), anchor="la"
        )
        hidden = max(0, videos - _ROWS)
        if hidden:
            draw.text((WIDTH - 24, 54), f"the last {_ROWS}", _DIM, _font(13), anchor="ra")
        for row, video in enumerate(self._videos[hidden:]):
            self._draw_video(draw, _TOP + row * _STEP, hidden + row + 1, video)
        if self._end:
            colour = _DIM if self._end.startswith("cut") else _RED
            y = _TOP + min(videos, _ROWS) * _STEP + 6
            draw.line((24, y, WIDTH - 24, y), colour, 3)
            draw.text((24, y + 10), self._end[0].upper() + self._end[1:], colour, _font(16), anchor="la")
        return np.asarray(picture).copy()

    def _draw_video(self, draw, y: int, place: int, video: dict):
        index, ratio = video["video"], video["watch_ratio"]
        draw.text((44, y), f"{place}", _DIM, _font(14), anchor="ra")
        name = f"video {self._simulator.video_id[index]}"
        draw.text((54, y), name, _INK, _font(14), anchor="la")
        beyond = f"   x{ratio:.1f}" if ratio > 1.005 else ""
        seconds = f"{video['watch_s']:.1f} s of {_clock(self._seconds(index))}{beyond}"
        draw.text((WIDTH - 24, y), seconds, _INK, _font(14), anchor="ra")
        x = max(150, 64 + int(draw.textlength(name, _font(14))))
        for i, word in enumerate(_WORDS):
            if video["signals"] >> i & 1:
                colour, ends = _RED if word == "hate" else _GOLD, x + int(draw.textlength(word, _font(12))) + 12
                if ends > WIDTH - 150:
                    draw.text((x, y), "...", colour, _font(12), anchor="la")
                    break
                draw.rounded_rectangle((x, y, ends, y + 17), 8, None, colour)
                draw.text((x + 6, y + 1), word, colour, _font(12), anchor="la")
                x = ends + 4
        left, right, top = 54, WIDTH - 24, y + 21
        draw.rounded_rectangle((left, top, right, top + 8), 4, _TRACK)
        end = left + round((right - left) * min(ratio, 1.0))
        if end > left:
            draw.rounded_rectangle((left, top, max(end, left + 3), top + 8), 4, _BLUE)
        if ratio > 1.005:
            draw.rounded_rectangle((right - 10, top, right, top + 8), 4, _GOLD)

    def _seconds(self, video: int) -> float:
        return self._simulator.duration_ms[video] / 1000


def require_pictures():
    """InputError where Pillow, which draws, is not there or too old."""
    try:
        from PIL import ImageFont

        ImageFont.load_default(12)
    except (ImportError, TypeError) as error:
        raise _core.InputError(
            "render_mode 'rgb_array' draws with Pillow 10.1 or later: pip install 'pillow>=10.1'"
        ) from error


def _canvas():
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.line((24, 80, WIDTH - 24, 80), _LINE, 1)
    return picture, draw


@functools.lru_cache(maxsize=None)
def _font(size: int):
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


class TerminalView:
    """A session on standard output: drawn in place on a terminal, as slowly as `fps` says; elsewhere what is new."""

    def __init__(self, fps: float):
        self._fps = fps
        self._drawn = 0  # lines of this session on the terminal
        self._written = 0  # lines of this session in a file

    def begin(self):
        self._drawn = self._written = 0

    def show(self, page: SessionPage):
        if sys.stdout.isatty():
            self._draw(page)
        else:
            self._write(page)

    def _draw(self, page: SessionPage):
        columns, rows = shutil.get_terminal_size()
        lines = page.lines()
        room = max(1, rows - 2)
        lines = [page.title(), *lines[-room:]]
        back = f"\x1b[{self._drawn}A" if self._drawn else ""
        print(back + "".join(f"\x1b[2K{line[: columns - 1]}\n" for line in lines), end="", flush=True)
        self._drawn = len(lines)
        time.sleep(1 / self._fps)

    def _write(self, page: SessionPage):
        lines = page.lines()
        if not self._written:
            print(page.title().split(":")[0])
        for line in lines[max(0, self._written - 1) :]:
            print(line)
        self._written = 1 + len(lines)


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
