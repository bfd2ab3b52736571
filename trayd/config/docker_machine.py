"""docker-machine itself, where it is installed: it starts a machine, and knows an address that is not stored yet.

Everything else about machines is read from its store (machines.py): it is slow, and asks with an API of 2014.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

from trayd.config.machines import Machine, allowed_name, machine_endpoint, machine_folder, read_machines
from trayd.core.profile import ProfileError
from trayd.core.text import clean
from trayd.core.value import Value, replace
from trayd.core.words import _

if TYPE_CHECKING:
    import subprocess

# A virtual machine boots, gets its address and, the first time, its certificates.
START_TIMEOUT = 300.0
URL_TIMEOUT = 15.0
_MOST_OUTPUT = 16384
# After its end: a driver's server that it left running may hold the pipe for ever.
_LAST_WORDS = 1.0
# Not compiled here, nor ipaddress imported: every start would pay for it.
_URL = r"tcp://(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):[0-9]{1,5}"
# Drivers pass on what their own tools print; colours never do any good in a notification.
_COLOUR = r"\x1b\[[0-9;]*m"


class _Told(Value):
    """The address that docker-machine told of a machine, and the state of its config.json then."""

    url: str
    stamp: tuple[int, int, int]


class DockerMachine:
    """The installed program, and the addresses it told since trayd runs."""

    def __init__(self, environ: Mapping[str, str], home: str) -> None:
        self._environ = environ
        self._folder = machine_folder(environ, home)
        self._told: dict[str, _Told] = {}
        self._asking: set[str] = set()
        self._lock = threading.Lock()

    def installed(self) -> bool:
        """Whether there is such a program on PATH."""
        return bool(self._program())

    def start(self, name: str) -> str:
        """Start a machine and wait for it; return "" or why it failed, in docker-machine's words."""
        code, _output, errors = self._run("start", name, START_TIMEOUT, heard=False)
        if code == 0:
            return ""
        if code is None:
            return errors
        lines = [line for line in map(clean, re.sub(_COLOUR, "", errors).splitlines()) if line]
        return lines[-1] if lines else _("docker-machine ended with code {code}.").format(code=code)

    def renew(self, name: str) -> bool:
        """Ask for a machine's address; return whether it is another one than the one in use."""
        with self._lock:
            if name in self._asking:
                return False
            self._asking.add(name)
        try:
            return self._renew(name)
        finally:
            with self._lock:
                self._asking.discard(name)

    def current(self, machine: Machine) -> Machine:
        """Return the machine with the address that was told, unless its config.json was written since."""
        told = self._told.get(machine.name)
        if told is None or told.stamp != _stamp(machine.path):
            return machine
        return replace(machine, url=told.url)

    def _renew(self, name: str) -> bool:
        stored = next((machine for machine in read_machines(self._folder)[0] if machine.name == name), None)
        if stored is None:
            return False
        # Before it is asked: what is stored meanwhile counts.
        stamp = _stamp(stored.path)
        code, output, _errors = self._run("url", name, URL_TIMEOUT)
        url = output.strip()
        if code != 0 or stamp is None or url == self.current(stored).url or not _same_but_for_address(stored, url):
            return False
        if url == stored.url:
            self._told.pop(name, None)
        else:
            self._told[name] = _Told(url, stamp)
        return True

    def _program(self) -> str:
        return shutil.which("docker-machine", path=self._environ.get("PATH", os.defpath)) or ""

    def _run(self, command: str, name: str, timeout: float, heard: bool = True) -> tuple[int | None, str, str]:
        """Return exit code, output (if `heard`) and errors; without a code, why it did not end by itself."""
        import subprocess

        program = self._program()
        if not program or not allowed_name(name):
            return None, "", _("This name is not allowed.") if program else _("docker-machine is not installed.")
        try:
            process = subprocess.Popen(
                [program, command, name],
                stdin=subprocess.DEVNULL,
                # Its progress goes nowhere: through a pipe the end of trayd would end it, half started.
                stdout=subprocess.PIPE if heard else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                # The store that is read here; docker-machine itself would take a relative path, too.
                env={**self._environ, **({"MACHINE_STORAGE_PATH": self._folder} if self._folder else {})},
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            return None, "", _("docker-machine cannot be run ({why}).").format(why=error.strerror)
        output, errors = _Reader(process.stdout), _Reader(process.stderr)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            return None, "", _("docker-machine did not end within {seconds} s.").format(seconds=f"{timeout:.0f}")
        return code, output.text(), errors.text()


class _Reader:
    """Reads a pipe to its end, so that its writer never waits, and keeps the last of it."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._kept = b""
        self._thread = threading.Thread(target=self._read, args=(pipe,), name="docker-machine", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return the last that was written."""
        self._thread.join(_LAST_WORDS)
        return self._kept.decode(errors="replace")

    def _read(self, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            return
        with pipe:
            while read := os.read(pipe.fileno(), _MOST_OUTPUT):
                self._kept = (self._kept + read)[-_MOST_OUTPUT:]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it with the drivers that it started."""
    import signal
    import sys

    if sys.platform == "win32":
        process.kill()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    process.wait()


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _same_but_for_address(stored: Machine, url: str) -> bool:
    """Whether this is an IP address and port, reached with the same TLS: an answer must not turn it off."""
    import ipaddress

    match = re.fullmatch(_URL, url)
    if match is None:
        return False
    try:
        ipaddress.ip_address(match[1] or match[2])
        return machine_endpoint(replace(stored, url=url)).tls == machine_endpoint(stored).tls
    except (ValueError, ProfileError):
        return False
