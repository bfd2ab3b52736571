"""Opening a folder in the desktop's file manager."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from trayd.core.errors import TraydError
from trayd.core.words import _


def open_folder(folder: str) -> None:
    """Open a folder in the file manager, making it first. Raises TraydError with the path, so it can be opened by hand.

    The file manager gets no pipe of ours and is not our child's child: it lives on after us.
    """
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if sys.platform == "win32":
            os.startfile(folder)  # noqa: S606 - a folder of our own
            return
        opener = "open" if sys.platform == "darwin" else shutil.which("xdg-open") or shutil.which("gio")
        if opener is None:
            raise FileNotFoundError
        command = [opener, "open", folder] if opener.endswith("gio") else [opener, folder]
        null = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True)
        if process.wait(timeout=10) != 0:
            raise FileNotFoundError
    except subprocess.TimeoutExpired:
        return  # the file manager itself, which stays
    except OSError as error:
        step = _("It is {folder}").format(folder=folder)
        raise TraydError(_("The profiles folder could not be opened."), step) from error
