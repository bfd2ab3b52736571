"""What is on disk: profiles and the stores they are found in, the person's choice, the known engines.

Read at the start and when it changes, written when something is to be remembered; what comes of it is posted. What can
block runs as a task of the loop's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from trayd import tasks
from trayd.config import discovery, identities, memory, paths
from trayd.config.docker_machine import DockerMachine
from trayd.core import messages as m
from trayd.core.value import replace
from trayd.core.words import _
from trayd.files import mark_of

if TYPE_CHECKING:
    from trayd.config.watch import FileWatch
    from trayd.core.identity import Identities

# An editor writes a file in several steps; they are taken for one.
SETTLE = 0.1

Post = Callable[[object], None]
Work = Callable[..., None]


class Stored:
    """All that one running trayd reads and writes.

    `remembers`: it keeps what a person chooses; `only`: no other profile is used; `undecided`: a choice that nobody
    made is not written down before `keep_choice`. `work` runs a task that can block on a thread of its own.
    """

    def __init__(self, post: Post, work: Work, remembers: bool, only: Sequence[str], undecided: bool) -> None:
        self.folder = paths.profiles_folder()
        self._post = post
        self._work = work
        self._computer = paths.computer()
        self._machines = DockerMachine(os.environ, self._computer.home)
        self._remembers = remembers
        self._only = frozenset(only)
        self._undecided = undecided
        self._held_back: memory.Memory | None = None
        self._unsaved = False
        # What the loop begins with was read from this one: what a person chooses before we watch is not undone by it.
        self._own_file = mark_of(memory.memory_file())
        self._files: FileWatch | None = None
        self._reading = False
        self._looking = False
        self._sockets: frozenset[str] = frozenset()

    def identities(self) -> Identities:
        """Return which engine each profile had."""
        return identities.recall_identities() if self._remembers else {}

    def loaded(self) -> m.Loaded:
        """Read all profiles."""
        loaded = discovery.load(self.folder, self._computer, os.environ, self._sockets, self._machines.current)
        loaded = replace(loaded, docker_machine=self._machines.installed())
        here = (p.endpoint.path for p in loaded.profiles if p.source == "local")
        self._sockets |= {path for path in here if os.path.exists(path)}
        if self._only:
            hidden = frozenset(p.name for p in loaded.profiles) - self._only
            loaded = replace(loaded, profiles=tuple(p for p in loaded.profiles if p.name in self._only), hidden=hidden)
        return loaded

    def watch(self, files: FileWatch) -> None:
        """Begin to post what changes."""
        self._files = files
        files.watch("profiles", self.folder, self.read)
        # Both once more: what changed since we read them, before anybody told us of changes.
        self.read()
        if self._remembers:
            files.watch("memory", memory.memory_file(), self._recall)
            self._recall()
            files.watch("engines", identities.identities_file(), self._recall_engines)
            self._work(tasks.autostart_state)
            self._watch_cli(files)

    def read(self) -> None:
        """Read the profiles again, soon."""
        if not self._reading:
            self._reading = True
            self._work(self._load)

    def remember(self, what: memory.Memory, quiet: bool = False) -> bool:
        """Write the choice and the settings down, or keep them for `keep_choice`; return whether they are written."""
        if not self._remembers:
            return False
        if self._undecided:
            self._held_back = what
            return False
        try:
            self._own_file = memory.remember(what)
        except OSError as error:
            if quiet:
                return False
            if not self._unsaved:  # told once: a disk stays full for longer than a choice lasts
                text = _("{path} cannot be written ({reason}). Once it can be, the next choice is saved again.")
                text = text.format(path=memory.memory_file(), reason=error.strerror)
                self._post(m.Said(_("Your choice is kept only until trayd ends"), text))
            self._unsaved = True
            return False
        self._unsaved = False
        return True

    def keep_choice(self) -> None:
        """A person chose: write down what was held back, and from now on everything."""
        self._undecided = False
        if self._held_back is not None:
            self.remember(self._held_back)

    def remember_engines(self, known: Identities) -> None:
        """Write down which engine each profile has."""
        if self._remembers:
            self._work(tasks.remember_engines, known)

    def start_machine(self, name: str, machine: str) -> None:
        """Start a profile's machine with docker-machine; blocks."""
        self._post(m.MachineStarted(name, machine, self._machines.start(machine)))

    def renew_address(self, machine: str) -> None:
        """Ask docker-machine for a machine's address; blocks."""
        if self._machines.renew(machine):
            self.read()

    def _load(self) -> None:
        time.sleep(SETTLE)
        self._reading = False  # a change from here on is read again
        if self._files is not None:
            # Before they are read: a context's folder that has just come is watched from now on.
            self._files.watch("found", discovery.watched(self._computer, os.environ), self.read)
        self._post(self.loaded())
        if self._remembers:
            self._cli_may_differ()  # a context may lead elsewhere, too

    def _watch_cli(self, files: FileWatch) -> None:
        from trayd.config.contexts import docker_folder

        if folder := docker_folder(os.environ, self._computer.home):
            files.watch("docker cli", os.path.join(folder, "config.json"), self._cli_may_differ)

    def _cli_may_differ(self) -> None:
        if not self._looking:
            self._looking = True
            self._work(self._look_at_cli)

    def _look_at_cli(self) -> None:
        from trayd.config.dockercli import cli_goes_to

        time.sleep(SETTLE)
        self._looking = False
        if found := cli_goes_to(os.environ, self._computer):
            self._post(found)

    def _recall(self) -> None:
        # The news of our own file may come late, when a newer choice is made that could not be saved.
        if self._own_file is not None and mark_of(memory.memory_file()) == self._own_file:
            return
        recalled = memory.recall()
        if recalled.active:
            self._post(m.Use(recalled.active, save=False))
            self._post(m.SettingsAre(recalled.notifications, recalled.theme, recalled.language))

    def _recall_engines(self) -> None:
        self._post(m.EnginesKnown(identities.recall_identities()))
