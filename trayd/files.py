"""Folders that only their person can enter, and files that are either the old or the new, never half."""

from __future__ import annotations

import contextlib
import os


def make_private_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder and the missing ones above it, each 0700 (XDG Base Directory specification). Raises OSError."""
    if os.path.isdir(path):
        return
    make_private_folder(os.path.dirname(os.path.abspath(path)))
    # Another trayd may be making it at the same moment.
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, mode=0o700)


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a 0600 file under a temporary name and rename it, so that nobody ever reads half of it. Raises OSError."""
    import tempfile  # 10 ms, which reading needs not

    folder, name = os.path.split(os.path.abspath(path))
    make_private_folder(folder)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
