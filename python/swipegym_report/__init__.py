"""One page of a run: reads what the commands of swipegym left in a folder, and draws it.

    from swipegym_report import write_report

    write_report("out/quickstart")  # out/quickstart/report.html

The page is one file that needs no other, and no network. Charts are Vega-Lite's, by altair and vl-convert
(`pip install 'swipegym[report]'`). Nothing here needs the compiled part of swipegym.
"""

from .errors import ReportError
from .page import write_report

__all__ = ["ReportError", "write_report"]
