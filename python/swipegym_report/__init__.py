"""One page of a run: reads what the commands of swipegym left in a folder, and draws it.

    from swipegym_report import write_report

    write_report("out/quickstart")  # out/quickstart/report.html

The page is one file that needs no other, and no network. Charts are Vega-Lite's, by altair and vl-convert
(`pip install 'swipegym[report]'`). Nothing here needs the compiled part of swipegym.
"""

from .errors import ReportError

__all__ = ["ReportError", "write_report"]


def __getattr__(name: str):
    if name != "write_report":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .page import write_report  # draws by packages that --help does without

    return write_report
