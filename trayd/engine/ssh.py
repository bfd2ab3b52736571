"""One long-lived tunnel to an engine's socket on another host, through the system's own program `ssh`.

So ~/.ssh/config, agents, jump hosts, ports and keys all work as in a terminal. The connection is a control master of
our own: what is forwarded is asked of it afterwards, by `ssh -O forward`. With -L on its command line, the forwardings
of the person's own settings would be opened as well, and take the ports from their sessions; and a master of theirs
(ControlPath) would keep our forwarding when we are gone. Never is a TCP port opened here: every user could use it.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import re
import shutil
import socket
import subprocess
import threading
import time

from trayd.core import ssh_words
from trayd.core.diagnosis import Diagnosis, diagnose
from trayd.core.profile import Endpoint
from trayd.engine.ssh_folder import NAME, TO_MASTER, Folder, make_folder

# Runs ssh and outlives it by a moment. It reads from a pipe that only trayd holds open: when that closes, however
# trayd ends, or when trayd closes it because ssh is gone, everything in this process group ends (a jump host's ssh is
# in it too) and the folder goes. ssh does not get the pipe, and this does not keep ssh's standard error open, so the
# end of that is the end of ssh.
_GUARD = """
exec 3<&0
"$@" </dev/null 3<&- &
ssh=$!
exec 2>/dev/null
read -r _ <&3
trap '' TERM
kill -TERM 0
kill -CONT 0
for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 $ssh || break
    sleep 0.05
done
rm -f ./s ./c ./c.*
rmdir "$PWD"
kill -KILL 0
"""

# What comes first is in force: these stand before the person's settings. Never a prompt, never a key trusted by us:
# StrictHostKeyChecking is not ours to set. A dead link is noticed after 30 s.
_OPTIONS = {
    "BatchMode": "yes",
    "LogLevel": "DEBUG1",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "2",
    "ControlMaster": "yes",
    "ControlPath": "./c",
    "ControlPersist": "no",
    "ClearAllForwardings": "yes",
    "StreamLocalBindMask": "0177",
    "StreamLocalBindUnlink": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "Tunnel": "no",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "UpdateHostKeys": "no",
}
# Variables by which ssh would find somebody to ask.
_ASKING = frozenset({"DISPLAY", "WAYLAND_DISPLAY", "SSH_ASKPASS"})
_UNFINISHED = "not done: "  # what ssh was asked for had no time, or could not be started
_KEPT = 60  # lines of ssh's own words


# The engine is gone and the way to it is not: no new login is needed to see it come back. What a person may do on the
# host is settled at the login, so that is not among them.
ENGINE_GONE = frozenset(
    {"ssh_remote_gone", "ssh_remote_stopped", "ssh_remote_socket_missing", "ssh_remote_docker_missing"}
)


class TunnelError(Exception):
    """There is no way through the tunnel; the diagnosis says why."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.cause)
        self.diagnosis = diagnosis


class Tunnel:
    """A tunnel to one endpoint, opened once; after its end, however that came, a new one is made."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._folder = Folder("", None)
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._open = self._closed = False
        self.answered = False  # whether the engine at the other end did, last time
        self._lines: list[str] = []
        self._signs: set[str] = set()

    @property
    def socket(self) -> str:
        """The path of the local end; it exists while the tunnel is open."""
        return os.path.join(self._folder.path or "/nonexistent", "s")

    def open(self, timeout: float) -> None:
        """Wait until the tunnel is open, at most so many seconds. Raises TunnelError."""
        if self._open and not self._ended.is_set():
            self._lines = []  # of an earlier question
            return
        if self._ended.is_set():
            raise TunnelError(self._why_ended())
        deadline = time.monotonic() + timeout
        self._start(timeout)
        master = os.path.join(self._folder.path, "c")
        # ssh binds it when the login is done. Its folder is empty until then, there is nothing else to wait for.
        while not os.path.exists(master):
            if self._ended.wait(0.01):
                raise TunnelError(self._why_ended())
            if time.monotonic() > deadline:
                code = ssh_words.unfinished(frozenset(self._signs))
                raise TunnelError(self._diagnosis(code, f"not ready after {timeout:g} s"))
        self._forward(deadline)
        self._open = True

    def close(self) -> None:
        """End the tunnel; returns at once, the processes follow within a moment."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is not None:
            self._let_go(process)

    def explain(self, found: Diagnosis, deadline: float) -> Diagnosis:
        """Return why a question through the tunnel failed: the tunnel itself, or what is at its other end."""
        if found.code == "no_answer":
            return found
        # Its last words may still be under way when the connection through it is already closed.
        if self._ended.is_set() or (not self._refused and self._ended.wait(0.05)) or not self._open:
            return self._why_ended()
        if not self._refused:
            return found
        if self.answered:
            # The loss is to be seen at once; looking takes a tenth of a second, and seconds on a busy host.
            self.answered = False
            return self._diagnosis("ssh_remote_gone")
        return self._look(deadline)

    @property
    def _refused(self) -> bool:
        """Whether the far end refused a connection: these two words are all that sshd says, whatever the reason."""
        return any("open failed" in line for line in self._lines)

    def _start(self, timeout: float) -> None:
        if os.name != "posix":
            raise TunnelError(diagnose("unsupported", self._endpoint))
        program = shutil.which("ssh")
        if not program:
            raise TunnelError(diagnose("ssh_missing", self._endpoint))
        line = [*_tied(), *command(self._endpoint, timeout, _can_fork(program))]
        with self._lock:
            if self._closed:
                raise TunnelError(diagnose("closed", self._endpoint))
            self._folder = make_folder()
            try:
                self._process = process = subprocess.Popen(
                    ["/bin/sh", "-c", _GUARD, "trayd-ssh", *line],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    cwd=self._folder.path,
                    env=_environment(),
                    start_new_session=True,  # no terminal to ask on, and a process group to end
                )
            except OSError:
                self._folder.remove()
                raise
        for what, target in (("ssh", self._read), ("guard", self._await)):
            name = f"{what} {self._endpoint.host}"
            threading.Thread(target=target, args=(process,), name=name, daemon=True).start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Listen to ssh until it ends, then let its guard go."""
        assert process.stderr is not None
        with contextlib.suppress(OSError, ValueError), process.stderr as stderr:
            while line := stderr.readline(2000):
                text = line.decode("utf-8", "replace").rstrip()
                if sign := ssh_words.sign(text):
                    self._signs.add(sign)
                elif text and not text.startswith(ssh_words.DEBUG):
                    self._lines = [*self._lines[1 - _KEPT :], text]
        self._ended.set()
        self._let_go(process)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the guard's end; if somebody killed it, do its work: an ssh without a guard would outlive us."""
        process.wait()
        if not self._ended.wait(0.2):
            with contextlib.suppress(OSError):
                os.killpg(process.pid, 9)  # ssh is in it and lives, so the number is still its own
        self._folder.remove()

    def _let_go(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()

    def _forward(self, deadline: float) -> None:
        done = self._ask(["-O", "forward", "-L", f"./s:{self._endpoint.remote_socket}"], [], deadline)
        if not os.path.exists(self.socket):
            if self._ended.wait(0.05):
                raise TunnelError(self._why_ended())
            raise TunnelError(self._diagnosis("unknown", done))

    def _look(self, deadline: float) -> Diagnosis:
        """Ask the host, through the same connection, why it does not let us through to the socket."""
        # A little more than what is left of the probe's time, when it failed just at its end.
        deadline = max(deadline, time.monotonic() + 0.3)
        output = self._ask(["-T"], [ssh_words.look(self._endpoint.remote_socket)], deadline)
        code = ssh_words.looked(output)
        # A busy host had no time to look, or the engine came back before it did: no reason to blame sshd.
        if code == "ssh_forward_refused" and (output.startswith(_UNFINISHED) or self._passes(deadline)):
            code = "ssh_remote_gone"
        return self._diagnosis(code, output)

    def _passes(self, deadline: float) -> bool:
        """Whether the far end lets a connection through now; it closes those that it refuses."""
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.settimeout(max(0.1, deadline - time.monotonic()))
                sock.connect(self.socket)
                sock.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return bool(sock.recv(1))
            except TimeoutError:
                return True
            except OSError:
                return False

    def _ask(self, options: list[str], words: list[str], deadline: float) -> str:
        """Run ssh on our own connection, and return what it says."""
        try:
            done = subprocess.run(
                [*TO_MASTER, *options, "--", NAME, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._folder.path,
                env=_environment(),
                start_new_session=True,
                timeout=max(0.1, deadline - time.monotonic()),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{_UNFINISHED}{type(error).__name__}: {error}"
        return done.stdout[:2000].decode("utf-8", "replace")

    def _why_ended(self) -> Diagnosis:
        if self._closed and not self._lines:
            return diagnose("closed", self._endpoint)
        return self._diagnosis(ssh_words.ended(self._lines, frozenset(self._signs)))

    def _diagnosis(self, code: str, more: str = "") -> Diagnosis:
        return diagnose(code, self._endpoint, " ".join([*self._lines[-6:], more]).strip())


def command(endpoint: Endpoint, timeout: float, can_fork: bool) -> list[str]:
    """Return the command line of the connection; user and host were checked to be no options."""
    options = _OPTIONS | {"ConnectTimeout": str(math.ceil(timeout) + 1)}
    if can_fork:
        options["ForkAfterAuthentication"] = "no"
    line = ["ssh", "-N", "-T", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]
    if endpoint.user:
        line += ["-l", endpoint.user]
    if endpoint.port:
        line += ["-p", str(endpoint.port)]
    return [*line, "--", endpoint.host]


@functools.cache
def _tied() -> tuple[str, ...]:
    """The command that has the kernel end ssh when its guard ends, for both us and the guard being killed at once.

    Where there is none, the next tunnel ends such an ssh (`ssh_folder`).
    """
    program = shutil.which("setpriv")  # util-linux; the one of busybox lacks the option
    if program:
        tie = (program, "--pdeathsig", "TERM")
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            if subprocess.run([*tie, "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=2).returncode == 0:
                return tie
    return ()


@functools.cache
def _can_fork(program: str) -> bool:
    """Whether this ssh knows the setting by which a person makes it a process in the background, out of our reach.

    It came with OpenSSH 8.7, and an older one refuses to start when it is mentioned.
    """
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([program, "-V"], stdin=subprocess.DEVNULL, capture_output=True, timeout=2)
        if found := re.match(rb"OpenSSH_(\d+)\.(\d+)", done.stderr):
            return (int(found[1]), int(found[2])) >= (8, 7)
    return False


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _ASKING}
    return {**kept, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
