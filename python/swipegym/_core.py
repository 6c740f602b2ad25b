"""In a wheel: takes the build of the engine that suits this processor as this module.

A build of the tree makes one for its own machine, `_core.*.so` beside this file, which Python prefers to this file.
"""

import importlib.util
import sys
from pathlib import Path

from .instruction_set import engine_file

_spec = importlib.util.spec_from_file_location(__name__, engine_file(Path(__file__).parent))
_module = importlib.util.module_from_spec(_spec)
sys.modules[__name__] = _module
_spec.loader.exec_module(_module)
