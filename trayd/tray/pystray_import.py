"""The one place that imports pystray.

pystray chooses a back end while it is imported, and on Linux that choice fails: without a display it raises, and
without PyGObject it takes an icon that has no menu (pystray issues 121, 151). trayd brings its own back ends, so
pystray gets its `dummy` one, which imports nothing. A `PYSTRAY_BACKEND` that the user set is respected.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "PYSTRAY_BACKEND"

wished_backend = os.environ.get(VARIABLE) or None
"""The back end the user asked for by `PYSTRAY_BACKEND`, or nothing."""

_ours = wished_backend is None and sys.platform not in ("win32", "darwin")
if _ours:
    os.environ[VARIABLE] = "dummy"
try:
    import pystray
finally:
    # Programs that we start (a terminal, say) must not inherit our choice.
    if _ours:
        del os.environ[VARIABLE]

__all__ = ["pystray", "wished_backend"]
