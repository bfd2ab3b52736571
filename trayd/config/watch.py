"""Being told when a file or a folder changes: profiles, the choice of the active one, an engine's socket.

watchdog does it with the system's own means and without waking up in between (measured: no wake-up in 10 s on Linux);
where those have run out, it looks once a second.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any

from watchdog import events
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from trayd.core.value import Value

Callback = Callable[[], None]

# Opening and reading are no changes; the kernel is not even asked to report them.
_CHANGES: list[type[events.FileSystemEvent]] = [
    events.FileCreatedEvent,
    events.FileDeletedEvent,
    events.FileMovedEvent,
    events.FileModifiedEvent,
    events.FileAttribEvent,
    events.FileClosedEvent,
    events.DirCreatedEvent,
    events.DirDeletedEvent,
    events.DirMovedEvent,
    events.DirAttribEvent,
]


class FileWatch(events.FileSystemEventHandler):
    """Calls back, on a thread of its own, when a watched path changes; a path may not exist yet.

    A folder's callback also comes for every change of an entry in it.
    """

    def __init__(self) -> None:
        self._observer: Any = Observer()
        self._observer.daemon = True
        self._started = False
        # Calls come from the loop and from watchdog's threads; this is the edge, so a lock may stand here.
        self._lock = threading.Lock()
        self._wanted: dict[object, tuple[str, Callback]] = {}
        self._places: dict[object, _Place] = {}
        self._folders: dict[str, Any] = {}

    def watch(self, key: object, path: str, callback: Callback) -> None:
        """Call back when `path` changes, under `key`, in place of what that key watched before."""
        with self._lock:
            self._wanted[key] = (os.path.abspath(path), callback)
            self._settle()

    def unwatch(self, key: object) -> None:
        """Forget what is watched under `key`."""
        with self._lock:
            self._wanted.pop(key, None)
            self._settle()

    def stop(self) -> None:
        """End watching."""
        with self._lock:
            self._wanted.clear()
            if self._started:
                self._observer.stop()

    def on_any_event(self, event: events.FileSystemEvent) -> None:
        """Call back for the paths that the event is about (watchdog's own method)."""
        touched = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        with self._lock:
            called = [
                self._wanted[key][1] for key, place in self._places.items() if any(place.has(path) for path in touched)
            ]
            if called or event.is_directory:
                self._settle()
        for callback in called:
            callback()

    def _settle(self) -> None:
        """Watch exactly the folders that are needed now: of each path its own, or the nearest that exists."""
        self._places = {key: _place(path) for key, (path, _) in self._wanted.items()}
        needed = {folder for place in self._places.values() for folder in place.watched}
        for folder in self._folders.keys() - needed:
            self._drop(folder)
        for folder in needed - self._folders.keys():
            self._add(folder)

    def _add(self, folder: str) -> None:
        try:
            watch = self._observer.schedule(self, folder, event_filter=_CHANGES)
            if not self._started:
                self._observer.start()
                self._started = True
        except OSError:
            if isinstance(self._observer, PollingObserver):
                return  # gone meanwhile: the folder above it tells when it comes back
            self._fall_back()
            return
        self._folders[folder] = watch

    def _drop(self, folder: str) -> None:
        watch = self._folders.pop(folder)
        try:
            self._observer.unschedule(watch)
        except (KeyError, OSError):
            return  # the folder was removed, and its watch with it

    def _fall_back(self) -> None:
        """Look once a second where the system's own means have run out (fs.inotify.max_user_watches)."""
        if self._started:
            self._observer.stop()
        self._observer = PollingObserver(timeout=1)
        self._observer.daemon = True
        self._observer.start()
        self._started = True
        folders, self._folders = list(self._folders), {}
        for folder in folders:
            self._add(folder)


class _Place(Value):
    """Where a path really is, all names free of links, as watchdog reports them."""

    files: frozenset[str]
    folders: frozenset[str]
    watched: frozenset[str]

    def has(self, touched: str) -> bool:
        """Whether a change of `touched` is one of this path, of an entry in it, or of a folder above it."""
        if touched in self.files or os.path.dirname(touched) in self.folders:
            return True
        return any(file.startswith(touched + os.sep) for file in self.files)


def _place(path: str) -> _Place:
    parent, name = os.path.split(path)
    real = os.path.realpath(path)
    files = {os.path.join(os.path.realpath(parent), name), real}
    folders = {real} if os.path.isdir(real) else set()
    if folders:
        # Profiles that are links into another folder (a repository of dotfiles) change there.
        with contextlib.suppress(OSError), os.scandir(real) as entries:
            files |= {os.path.realpath(entry.path) for entry in entries if entry.is_symlink()}
    watched = folders | {_nearest(os.path.dirname(file)) for file in files}
    return _Place(frozenset(files), frozenset(folders), frozenset(watched))


def _nearest(folder: str) -> str:
    """Return the folder, or the nearest above it that exists: there its coming is told."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder
