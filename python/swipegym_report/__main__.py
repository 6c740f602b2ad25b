"""python -m swipegym_report DIR [--out PAGE]"""

import sys

from .command import main

sys.exit(main(sys.argv[1:]))
