"""What becomes of a bug: a report with the traceback in a file, ready to be pasted, and its path for the person."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from trayd import __version__
from trayd.config.paths import state_folder


def report(arguments: Sequence[str]) -> Path:
    """Write the exception being handled into a file; return its path, or the folder's if nothing can be written.

    Tracebacks hold no values, and the command line is the only text of the person in it.
    """
    text = (
        f"trayd {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{time.strftime('%Y-%m-%d %H:%M:%S')}  trayd {' '.join(arguments)}\n\n{traceback.format_exc()}"
    )
    for folder in (Path(state_folder()), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = folder / "crash.log"
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    sys.stderr.write(text)
    return Path(state_folder())
