"""What becomes of a bug: a report with the traceback in a file, ready to be pasted, and its path for the person."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence

from trayd import __version__
from trayd.config.paths import state_folder
from trayd.core.privacy import without_secrets
from trayd.files import write_whole
from trayd.logfile import LogFile, log_path, stamped

NAME = "crash.log"


def report(arguments: Sequence[str]) -> str:
    """Write the exception being handled into a private file; return its path, or "stderr" if nothing can be written.

    A traceback shows lines of trayd, not values; what an exception's own text may hold (a password in an address, the
    person's home folder) is taken out, and no variable of the environment is written.
    """
    text = (
        f"trayd {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{time.strftime('%Y-%m-%d %H:%M:%S %z')}  trayd {' '.join(arguments)}\n\n{traceback.format_exc()}"
    )
    data = without_secrets(text, os.path.expanduser("~")).encode("utf-8", "backslashreplace")
    path = os.path.join(state_folder(), NAME)
    words = " ".join(word for word in arguments[:1] if word.isalpha())
    LogFile(log_path()).write(stamped(time.time(), f"trayd {words}: a bug, its report is in {NAME}"), rotates=False)
    try:
        write_whole(path, data)
    except OSError:
        return _elsewhere(data)
    return path


def _elsewhere(data: bytes) -> str:
    try:
        # A name that nobody can have put there before.
        descriptor, path = tempfile.mkstemp(prefix="trayd-crash-", suffix=".log")
        with open(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        if sys.stderr is not None:
            sys.stderr.write(data.decode("utf-8", "replace"))
        return "stderr"
    return path
