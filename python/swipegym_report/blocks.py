"""What a section of the page is made of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Chart:
    key: str  # a name for its data in the page
    title: str
    spec: dict
    note: str = ""


@dataclass
class Charts:
    """Side by side where there is room. wide: two in a row at most."""

    charts: list[Chart]
    title: str = ""
    text: str = ""
    wide: bool = False
    key: list[tuple[str, str]] = field(default_factory=list)  # a legend for all: names and colours
    kind = "charts"


@dataclass
class Table:
    head: list[str]
    rows: list[list[str]]
    title: str = ""
    note: str = ""
    folded: bool = False  # behind a line to click on
    kind = "table"


@dataclass
class Beside:
    """Two blocks, side by side where there is room."""

    blocks: list
    kind = "beside"


@dataclass
class Text:
    text: str
    kind = "text"


@dataclass
class ShownVideo:
    place: int
    video: str
    length: str
    watched: str
    share: str  # "30 %", "×1.8"
    width: float  # of the bar, percent
    signals: list[str]
    stays: bool  # not the last one of a session that the user left


@dataclass
class ShownSession:
    number: int  # of the users
    policy: str
    title: str
    end: str
    videos: list[ShownVideo]
    hidden: int = 0  # further videos


@dataclass
class Sessions:
    policies: list[str]
    count: int
    sessions: list[ShownSession]
    kind = "sessions"


@dataclass
class Section:
    key: str
    title: str
    lead: str = ""
    headline: str = ""  # what one takes away
    blocks: list = field(default_factory=list)
    sources: list[str] = field(default_factory=list)  # file names


@dataclass
class Missing:
    """A section that has no input, and the commands that would make it."""

    title: str
    commands: list[str]
