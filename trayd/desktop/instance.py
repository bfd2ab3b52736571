"""One trayd per person: a lock that the kernel drops when its process ends, however it ends.

Why not `filelock`: importing it costs about 40 ms and 9 MB here (it brings asyncio), more than our start may cost.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from types import TracebackType
from typing import Self

from trayd.core.errors import TraydError
from trayd.core.value import Value
from trayd.core.words import _
from trayd.files import make_private_folder, platform_folder

NAME = "trayd.lock"

# `holder()` takes the lock for some microseconds to see whether it is free; `acquire()` must not fall for that.
ATTEMPTS = 5
PAUSE_SECONDS = 0.01


class InstanceError(TraydError):
    """It cannot be told whether another trayd runs; `message` says why in plain words, `hint` what to do next."""


class Lock(Value):
    """The right to be the one trayd; it ends with `release()`, the `with` block, or the process."""

    path: str
    descriptor: int

    def release(self) -> None:
        """Let the next one start. The file stays: removing it could remove the one another trayd just locked."""
        with contextlib.suppress(OSError):
            os.ftruncate(self.descriptor, 0)
        with contextlib.suppress(OSError):
            os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire(path: str | os.PathLike[str] | None = None) -> Lock | None:
    """Become the one trayd of this person, or None if another one is; `InstanceError` if that cannot be told."""
    path = os.fspath(path or lock_path())
    try:
        make_private_folder(os.path.dirname(path))
        descriptor = _locked(path)
    except OSError as error:
        raise _unusable(path, error.strerror or _("it cannot be opened")) from error
    if descriptor is None:
        return None
    with contextlib.suppress(OSError):  # a full disk: the lock counts, the number is a courtesy
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())
    return Lock(path, descriptor)


def holder(path: str | os.PathLike[str] | None = None) -> int | None:
    """The process number of the trayd that runs, or None if none does or its number cannot be read."""
    path = os.fspath(path or lock_path())
    try:
        descriptor = _open(path, os.O_RDWR)
    except (OSError, InstanceError):
        return None
    try:
        if _try_lock(descriptor):
            return None  # free: whatever number stands there is of one that ended
        return int(os.read(descriptor, 32))
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)


def lock_path() -> str:
    """Where the lock is: the folder that belongs to this person's session here, else the state folder.

    The first is better: a home on a network drive would make two computers exclude each other.
    """
    runtime = _runtime_folder()
    if runtime is not None and _is_ours(runtime):
        return os.path.join(runtime, "trayd", NAME)
    return os.path.join(platform_folder("state"), NAME)


def _runtime_folder() -> str | None:
    if sys.platform in ("win32", "darwin"):
        import platformdirs  # 3 ms, and Linux needs none of it

        return os.path.dirname(platformdirs.user_runtime_dir("trayd", appauthor=False))
    # /tmp/runtime-1000, where others look last, is made by whichever program comes first: it might appear between two
    # starts, and each would then lock another file.
    folder = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    return folder if os.path.isabs(folder) else None


def _locked(path: str) -> int | None:
    """An open, locked descriptor of the file that stands at `path` now, or None if somebody else has the lock."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        descriptor = _open(path, os.O_RDWR | os.O_CREAT)
        try:
            if _try_lock(descriptor) and os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                return descriptor
        except FileNotFoundError:
            pass  # somebody cleans up: the lock of a file that no longer stands there keeps nobody out
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    return None


def _unusable(path: str, why: str) -> InstanceError:
    text = _("trayd cannot tell whether it already runs: {path}: {problem}.")
    step = _("Look at {folder}: it must be a folder of yours that you can write to; then remove {file} there.")
    return InstanceError(
        text.format(path=path, problem=why),
        step.format(folder=os.path.dirname(path), file=os.path.basename(path)),
    )


if sys.platform == "win32":
    import msvcrt

    # Windows keeps others from reading what is locked, so the locked byte is far behind the number.
    LOCKED_BYTE = 1 << 30

    def _is_ours(folder: str) -> bool:
        """Always: it is below the person's own profile."""
        return True

    def _open(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_BINARY | os.O_NOINHERIT, 0o600)

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _is_ours(folder: str) -> bool:
        """Whether a runtime folder exists and nobody else can put a lock there."""
        if sys.platform == "darwin":
            return True  # below ~/Library, and perhaps not made yet
        try:
            about = os.lstat(folder)
        except OSError:
            return False
        return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o022

    def _open(path: str, flags: int) -> int:
        """Open the file if it is a plain one of ours: with any other kind somebody could trick us or lock us out."""
        if os.path.islink(path):
            raise _unusable(path, _("it is a link to somewhere else"))
        # O_NOFOLLOW for a link that comes in between; O_NONBLOCK lest a pipe keeps us waiting.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        about = os.fstat(descriptor)
        if stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid() and about.st_nlink <= 1:
            return descriptor
        os.close(descriptor)
        raise _unusable(path, _("it is not an ordinary file of yours"))

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
