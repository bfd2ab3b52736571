"""A private dockerd that a test may stop, kill, freeze and start again (the manner of moby's testutil/daemon)."""

import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.harness.ask import Answer, ask, free_port
from tests.harness.need import find, need
from tests.harness.poll import wait_until
from tests.harness.processes import Process, descendants, processes, thread_states

if TYPE_CHECKING:
    from tests.harness.tls import ServerTls

INSTALL = "sudo apt-get install docker.io busybox-static"
APPLETS = ("sh", "sleep", "echo", "true", "false", "cat", "ls", "ps", "kill", "top", "httpd", "nc", "yes")


class Dockerd:
    """One engine with its own data, sockets and containerd; `close()` leaves nothing of it behind."""

    def __init__(
        self,
        *extra: str,
        unix: bool = True,
        tcp: bool | int = False,
        tls: "ServerTls | None" = None,
    ) -> None:
        if not unix and not tcp:
            raise ValueError("an engine needs a unix socket or a tcp port")
        if tls and not tcp:
            raise ValueError("TLS is spoken on the tcp port: give tcp=True too")
        # Directly below /tmp: a unix socket's path must fit into 107 bytes. The random name is also how we know
        # our processes again, so nothing else may bear it.
        self.directory = Path(tempfile.mkdtemp(prefix="td", dir="/tmp"))
        self.socket = self.directory / "d.sock" if unix else None
        self.port = (free_port() if tcp is True else int(tcp)) if tcp else None
        self.tls = tls
        self._extra = extra
        self._process: subprocess.Popen[bytes] | None = None
        (self.directory / "daemon.json").write_text("{}")

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether the process lives (a frozen one does)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of dockerd itself."""
        return self._living().pid

    @property
    def unix_url(self) -> str:
        """`unix:///tmp/td…/d.sock`."""
        assert self.socket is not None, "this engine has no unix socket"
        return f"unix://{self.socket}"

    @property
    def tcp_url(self) -> str:
        """`tcp://127.0.0.1:PORT`, with or without TLS."""
        assert self.port is not None, "this engine has no tcp port"
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The file with everything dockerd and its containerd said, over all starts."""
        return self.directory / "log"

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def start(self, seconds: float = 30.0) -> Self:
        """Start it and come back when every socket of it answers; a failure shows the end of its log."""
        assert not self.running, "it runs already"
        need("dockerd", INSTALL)
        need(os.geteuid() == 0, "dockerd wants root: sudo -E pytest …")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,  # a Ctrl-C in the terminal is for pytest, which then closes us in order
            )
        try:
            wait_until(lambda: not self.running or self._answers(), seconds, "the engine's first answer")
            assert self.running, f"dockerd ended with {self._process.returncode}"
        except BaseException as failure:
            # The log of the failed start is what a person needs; the process is what nobody needs.
            tail = self.log_tail()
            self.kill()
            if isinstance(failure, AssertionError):
                raise AssertionError(f"{failure}; the end of its log:\n{tail}") from None
            raise
        return self

    def stop(self, seconds: float = 30.0) -> None:
        """End it in order (SIGTERM), containers and containerd too."""
        process = self._living()
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)  # a frozen process would not see the other signal
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"dockerd did not stop in {seconds:g} s:\n{self.log_tail()}") from None
        self._clear()

    def kill(self) -> float:
        """SIGKILL dockerd, then clear away what it left running; gives time.monotonic() just before the signal."""
        assert self._process is not None, "it was never started"
        killed = time.monotonic()
        self._process.kill()
        self._process.wait()
        self._clear()
        return killed

    def freeze(self) -> None:
        """SIGSTOP: the kernel still accepts connections for it, nobody answers them."""
        process = self._living()
        process.send_signal(signal.SIGSTOP)
        # The signal returns before the last thread has stopped, and that one may still answer a request.
        wait_until(lambda: thread_states(process.pid) == {"T"}, what="every thread of dockerd to stand still")

    def thaw(self) -> None:
        """Undo freeze()."""
        self._living().send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop in order and start again on the same sockets."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End everything and leave no process, mount, cgroup or file; may be called twice."""
        if self._process is not None:
            self.kill()
        for mount in reversed(self._mounts()):
            subprocess.run(["umount", "-l", mount], check=True)
        # Looked at again: rmtree through a mount that is still there would delete what is not ours.
        assert not self._mounts(), f"still mounted: {self._mounts()}"
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, timeout: float = 30.0) -> Answer:
        """One question to the API, over the unix socket if there is one, else over plain tcp."""
        headers = {"Content-Type": "application/x-tar" if body and path.startswith("/images") else "application/json"}
        return ask(self.unix_url if self.socket else self.tcp_url, path, method, body, headers, timeout)

    def load_busybox(self, tag: str = "busybox:test") -> str:
        """Import an image made of the static /bin/busybox, without any registry; gives the image's id."""
        need("busybox", INSTALL)
        repository, _, version = tag.partition(":")
        query = {"fromSrc": "-", "repo": repository, "tag": version or "latest", "changes": 'CMD ["sh"]'}
        answer = self.ask(f"/images/create?{urllib.parse.urlencode(query)}", "POST", _busybox_tar())
        last = json.loads(answer.body.splitlines()[-1])
        assert answer.status == 200 and "status" in last, f"import failed: {answer.status} {answer.body!r}"
        return str(last["status"])

    def _living(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None and self.running, f"the engine does not run:\n{self.log_tail()}"
        return self._process

    def _command(self) -> list[str]:
        here = self.directory
        command = [find("dockerd") or "dockerd", "--config-file", f"{here}/daemon.json", "--data-root", f"{here}/data"]
        command += ["--exec-root", f"{here}/exec", "--pidfile", f"{here}/pid"]
        # Where a system containerd runs (CI machines), dockerd uses that one: keep apart from its other guests.
        name = here.name.replace("_", "x")  # a namespace's name may not end with what mkdtemp likes too
        command += ["--containerd-namespace", name, "--containerd-plugins-namespace", f"{name}p"]
        command += ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]
        if self.socket:
            command += ["--host", self.unix_url]
        if self.port:
            command += ["--host", self.tcp_url]
        if self.tls:
            command += ["--tlsverify", f"--tlscacert={self.tls.ca}"]
            command += [f"--tlscert={self.tls.cert}", f"--tlskey={self.tls.key}"]
        elif self.port:
            # Said outright, dockerd does not slow its start down to warn about it (and newer ones start at all).
            command += ["--tls=false"]
        return [*command, *self._extra]

    def _environment(self) -> dict[str, str]:
        # dockerd takes flags from DOCKER_TLS_VERIFY & co. and writes into HOME: it gets neither from us.
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "TRAYD_TEST_SESSION"}}
        return {**kept, "HOME": str(self.directory), "TMPDIR": "/tmp"}

    def _answers(self) -> bool:
        try:
            if self.socket and ask(self.unix_url, timeout=2).body != b"OK":
                return False
            if self.port:
                # A TLS port is asked in plain: it serves when it complains, and no certificate is needed for that.
                wanted = b"HTTP request to an HTTPS server" if self.tls else b"OK"
                return wanted in ask(self.tcp_url, timeout=2).body
            return True
        except (OSError, http.client.HTTPException):
            return False

    def _mine(self) -> list[Process]:
        """Our dockerd, containerd and shims, by our directory's name in their arguments, and what runs below them."""
        # Only Docker's own programs: the program under test also has our socket in its arguments.
        ours = {"dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2", "runc", "docker-proxy"}
        roots = {p.pid for p in processes() if p.program in ours and any(self.directory.name in a for a in p.argv)}
        return descendants(roots)

    def _clear(self) -> None:
        """After dockerd's end: end its other processes, and remove what would make the next start wait or fail."""
        groups = {group for process in self._mine() for group in _cgroups(process.pid)} - _cgroups(os.getpid())
        for process in self._mine():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not self._mine(), what="the end of the engine's other processes")
        # A control group stays busy for a moment after its last process.
        wait_until(lambda: not _left(groups), what="the end of the containers' control groups")
        # A stale containerd.pid whose number lives again makes dockerd wait for a containerd that is not there.
        shutil.rmtree(self.directory / "exec" / "containerd", ignore_errors=True)
        (self.directory / "pid").unlink(missing_ok=True)

    def _mounts(self) -> list[str]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
        return [point for point in points if point.startswith(f"{self.directory}/")]


def _cgroups(pid: int) -> set[Path]:
    """The control groups of a container's process, which outlive it when nobody removes them.

    Only those: a process that is just ending is seen in the root group, which nobody can remove.
    """
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return set()
    found = set()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "/docker/" not in path:
            continue
        # Version 2 has no controllers here and is mounted at either place.
        places = [controllers.removeprefix("name=")] if controllers else ["", "unified"]
        found |= {Path("/sys/fs/cgroup") / place / path.lstrip("/") for place in places}
    return {group for group in found if group.exists()}


def _left(groups: set[Path]) -> list[Path]:
    """Try to remove the control groups; gives those that are still there."""
    for group in groups:
        with contextlib.suppress(OSError):
            group.rmdir()
    return [group for group in groups if group.exists()]


def _busybox_tar() -> bytes:
    content = Path("/bin/busybox").read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        program = tarfile.TarInfo("bin/busybox")
        program.size, program.mode = len(content), 0o755
        tar.addfile(program, io.BytesIO(content))
        for name in APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return buffer.getvalue()
