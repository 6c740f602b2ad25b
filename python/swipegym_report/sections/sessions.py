"""Sessions to page through: the same users under every policy."""

from __future__ import annotations

from pathlib import Path

from ..blocks import Missing, Section, Sessions, ShownSession, ShownVideo
from ..fields import Fields
from ..figures import SIGNALS, duration, fixed, plural
from ..inputs import Inputs
from ..names import command, source

MOST_SESSIONS = 240
MOST_VIDEOS = 60  # of a session
SHOWN = {**SIGNALS, "is_profile_enter": "profile"}


def section(inputs: Inputs) -> Section | None:
    given: list[Fields] = []
    results = inputs.of("session")
    for result in results:
        one = Fields(result.path, result.content)
        given += one.objects("sessions") if "sessions" in one else [one]
    if not given:
        return None
    out = Section("sessions", "Sessions", sources=[source(inputs, one.path) for one in results])
    users: dict[tuple, int] = {}
    shown, policies = [], []
    for session in given[:MOST_SESSIONS]:
        user = users.setdefault((session.count("user_id"), session.count("start_time_ms")), len(users) + 1)
        shown.append(_shown(session, user))
        if shown[-1].policy not in policies:
            policies.append(shown[-1].policy)
    out.headline = f"{plural(len(users), 'user')} under {plural(len(policies), 'policy', 'policies')}"
    out.lead = "What users were shown, and what they did with it. A bar is the share of a video that was watched."
    if len(given) > len(shown):
        out.lead += f" The first {MOST_SESSIONS} of {len(given)} sessions."
    out.blocks.append(Sessions(policies, len(users), shown))
    return out


def missing(folder: Path) -> Missing:
    return Missing(
        "Sessions",
        [command("session --simulator sim.h5 --policy dqn.h5 --sessions 8 --json", folder / "sessions-dqn.json")],
    )


def _shown(session: Fields, user: int) -> ShownSession:
    videos = session.objects("videos")
    left = session.flag("left")
    lines = []
    for place, video in enumerate(videos[:MOST_VIDEOS], start=1):
        ratio, tag = video.figure("watch_ratio"), video.number("tag")
        lines.append(
            ShownVideo(
                place=place,
                video=f"video {video.count('video_id')}" + ("" if tag is None else f", tag {fixed(tag, 0)}"),
                length=duration(video.figure("duration_s")),
                watched=f"{fixed(video.figure('watch_s'), 1)} s",
                share=f"×{fixed(ratio, 1)}" if ratio > 1.005 else f"{fixed(100 * ratio, 0)} %",
                width=max(0.0, min(100.0, 100.0 * ratio)),
                signals=[title for key, title in SHOWN.items() if key in video and video.count(key)],
                stays=not left or place < len(videos),
            )
        )
    watched = sum(video.figure("watch_s") for video in videos)
    return ShownSession(
        number=user,
        policy=session.text("policy"),
        title=f"User {session.count('user_id')} in tab {session.count('tab')}",
        end=f"{'left' if left else 'still there at the step limit,'} after {plural(len(videos), 'video')}, "
        f"{duration(watched)} watched; return {fixed(session.figure('reward'), 1)}",
        videos=lines,
        hidden=max(0, len(videos) - MOST_VIDEOS),
    )
