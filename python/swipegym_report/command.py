"""`swipegym report` as one types it."""

from __future__ import annotations

import argparse
import sys

from .errors import ReportError


def main(words: list[str]) -> int:
    """0, or 2 with one line on stderr for what was wrong with the input, 1 for what the machine did not do."""
    parser = argparse.ArgumentParser(
        prog="swipegym report",
        description="One page of a run, with charts: the log, fidelity, learning curves, policies with intervals, "
        "sessions, convergence, a season of the platform. It reads the JSON files and training logs in a folder and "
        "the folders in it, such as 'swipegym quickstart' leaves, and says which commands would add what is missing.",
    )
    parser.add_argument("folder", metavar="DIR", help="the folder of a run: --json files, --log folders")
    parser.add_argument("--out", metavar="PAGE", help="the page; DIR/report.html when absent")
    arguments = parser.parse_args(words)
    try:
        from .page import write_report  # what it takes need not be there for --help
    except ImportError as error:
        return _failed(2, ReportError(f"the page of a run is drawn by Altair ({error}): pip install 'swipegym[report]'"))
    try:
        print(write_report(arguments.folder, arguments.out))
    except ReportError as error:
        return _failed(2, error)
    except OSError as error:
        return _failed(1, error)
    return 0


def _failed(code: int, error: Exception) -> int:
    line = " ".join(str(error).split())
    print("swipegym: " + line.encode("utf-8", "replace").decode("utf-8"), file=sys.stderr)
    return code
