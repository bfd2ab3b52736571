"""Being told when a file or a folder changes: profiles, the choice of the active one, an engine's socket.

watchdog does it with the system's own means and without waking up in between (measured: no wake-up in 10 s on Linux);
where those have run out, it looks once a second.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
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
_LOOKS = 5
_GONE = (events.DirDeletedEvent, events.DirMovedEvent)


class FileWatch(events.FileSystemEventHandler):
    """Calls back, on a thread of its own, when a watched path changes; a path may not exist yet.

    A folder's callback also comes for every change of an entry in it.
    """

    def __init__(self) -> None:
        # Without a handler of anybody's, logging writes watchdog's remarks (at its own end) to a person's terminal.
        logging.getLogger("watchdog").addHandler(logging.NullHandler())
        self._observer = _observer()
        # watchdog reports while it holds a lock that it also wants for a new folder: so a report is only put here,
        # and taken up by a thread that holds nothing of watchdog's.
        self._reports: SimpleQueue[events.FileSystemEvent | None] = SimpleQueue()
        # Calls come from the loop and from that thread; this is the edge, so a lock may stand here.
        self._lock = threading.Lock()
        self._wanted: dict[object, tuple[tuple[str, ...], Callback]] = {}
        self._places: dict[object, tuple[_Place, ...]] = {}
        self._folders: dict[str, Any] = {}
        threading.Thread(target=self._tell, name="files", daemon=True).start()

    def watch(self, key: object, path: str | tuple[str, ...], callback: Callback) -> None:
        """Call back when `path`, or one of several, changes, under `key`, in place of what that key watched before."""
        paths = (path,) if isinstance(path, str) else path
        with self._lock:
            self._wanted[key] = (tuple(os.path.abspath(one) for one in paths), callback)
            self._settle({key})

    def unwatch(self, key: object) -> None:
        """Forget what is watched under `key`."""
        with self._lock:
            self._wanted.pop(key, None)
            self._places.pop(key, None)
            self._settle(set())

    def stop(self) -> None:
        """End watching."""
        with self._lock:
            self._wanted.clear()
            self._places.clear()
            self._observer.stop()
        self._reports.put(None)

    def on_any_event(self, event: events.FileSystemEvent) -> None:
        """Take a report (watchdog's own method)."""
        self._reports.put(event)

    def _tell(self) -> None:
        while (event := self._reports.get()) is not None:
            for callback in self._touched(event):
                callback()

    def _touched(self, event: events.FileSystemEvent) -> list[Callback]:
        """Return the callbacks of the paths that an event is about."""
        touched = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        with self._lock:
            about = {
                key
                for key, places in self._places.items()
                if any(place.has(path) for place in places for path in touched)
            }
            called = [self._wanted[key][1] for key in about]
            if isinstance(event, _GONE) and touched[0] in self._folders:
                self._drop(touched[0])  # a folder that has come back under its name is another one
            if event.is_directory:
                self._settle(set(self._wanted))
            elif about:
                self._settle(about)
        return called

    def _settle(self, changed: set[object]) -> None:
        """Watch exactly the folders that are needed now: of each path its own, or the nearest that exists.

        Only what is watched under the keys that `changed` is looked for anew: a hundred profiles start at once.
        """
        # Looked at again after every change: a folder may come or go just before the one above it is watched.
        for _ in range(_LOOKS):
            for key in changed:
                self._places[key] = tuple(map(_place, self._wanted[key][0]))
            needed = {folder for places in self._places.values() for place in places for folder in place.watched}
            if needed == self._folders.keys():
                return
            for folder in self._folders.keys() - needed:
                self._drop(folder)
            for folder in needed - self._folders.keys():
                self._add(folder)

    def _add(self, folder: str) -> None:
        try:
            self._folders[folder] = self._observer.schedule(self, folder, event_filter=_CHANGES)
        except (FileNotFoundError, NotADirectoryError):
            return  # gone meanwhile
        except PermissionError:
            self._folders[folder] = None  # what may not be read cannot be watched; nothing better can be done
        except OSError:
            if isinstance(self._observer, PollingObserver):
                self._folders[folder] = None
            else:
                self._fall_back()
                self._add(folder)

    def _drop(self, folder: str) -> None:
        watch = self._folders.pop(folder)
        with contextlib.suppress(KeyError, OSError):  # the folder was removed, and its watch with it
            if watch is not None:
                self._observer.unschedule(watch)

    def _fall_back(self) -> None:
        """Look once a second where the system's own means have run out (fs.inotify.max_user_watches)."""
        self._observer.stop()
        self._observer = _started(PollingObserver(timeout=1))
        folders, self._folders = list(self._folders), {}
        for folder in folders:
            self._add(folder)


def _observer() -> Any:
    try:
        return _started(Observer())
    except OSError:  # fs.inotify.max_user_instances
        return _started(PollingObserver(timeout=1))


def _started(observer: Any) -> Any:
    observer.daemon = True
    observer.start()
    return observer


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
