"""The module ``__main__`` of a function's process, in the place of Lambda's own bootstrap.

Agents find the runtime client in it, as ``__main__.awslambdaricmain``, and ``multiprocessing``
runs it again in the children that it spawns.
"""

from __future__ import annotations

import contextlib
import importlib

with contextlib.suppress(ImportError):
    awslambdaricmain = importlib.import_module("awslambdaric.__main__")
