"""A private sshd with host keys, users and settings of its own, and an `ssh` that knows nothing but it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from shutil import rmtree
from typing import Self

from tests.harness.ask import free_port
from tests.harness.need import find, need
from tests.harness.poll import wait_until
from tests.harness.processes import Process, descendants, processes

INSTALL = "sudo apt-get install openssh-server openssh-client"
BUILDER = 64999  # the user id of `builder`, who is not root


class Sshd:
    """sshd on a port of 127.0.0.1; root and `builder` log in by key. `close()` ends it and every session.

    It runs in a mount namespace of its own, where /etc/passwd has a `builder` and another root: no user is made on this
    machine. ssh takes a person's settings from the home that passwd names, whatever HOME says, so the tests' home is
    given to it by a program `ssh` that comes first on PATH and does nothing but add `-F settings`.
    """

    def __init__(self, **settings: str) -> None:
        # Directly below /tmp: every folder above an authorized_keys must be enterable by its user.
        self.directory = Path(tempfile.mkdtemp(prefix="ts", dir="/tmp"))
        self.directory.chmod(0o755)
        self.port = free_port()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            need("sshd", INSTALL)
            need("ssh", INSTALL)
            need(os.geteuid() == 0, "sshd wants root: sudo -E pytest …")
            for name in ("host", "mine"):
                self.make_key(name)
            self.authorize("mine")
            (self.directory / "home").mkdir()
            users = Path("/etc/passwd").read_text()
            here = self.directory
            # root too has a shell and a home that nobody has set up: a person's .bashrc takes its time, and one that is
            # killed with its session leaves behind whatever it was just doing (seen: pyenv's lock).
            users = re.sub(r"^root:.*\n", f"root:*:0:0::{here}/home:/bin/sh\n", users, flags=re.MULTILINE)
            (here / "passwd").write_text(f"{users}builder:*:{BUILDER}:{BUILDER}::{here}/home:/bin/sh\n")
            self.trust()
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, path: Path | str = "", user: str = "root", port: int | None = None) -> str:
        """`ssh://root@127.0.0.1:PORT/path`."""
        return f"ssh://{user}@127.0.0.1:{port or self.port}{path}"

    def make_key(self, name: str, passphrase: str = "") -> Path:
        """Make a pair of keys, in place of an older one of that name."""
        file = self.directory / name
        file.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", file], check=True)
        return file

    def authorize(self, *names: str, options: str = "") -> None:
        """Let exactly these keys log in, as anybody."""
        lines = [f"{options} {(self.directory / name).with_suffix('.pub').read_text()}".strip() for name in names]
        (self.directory / "authorized").write_text("\n".join(lines) + "\n")

    def trust(self) -> None:
        """Make the host's key known, as if the person had connected before."""
        key = (self.directory / "host.pub").read_text()
        (self.directory / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {key}127.0.0.1 {key}")

    def client(self, key: str = "mine", more: str = "") -> Path:
        """Write the person's settings, and give the folder with an `ssh` that follows them."""
        here = self.directory
        (here / "settings").write_text(
            f"{more}\nHost *\n  UserKnownHostsFile {here}/known_hosts\n  GlobalKnownHostsFile none\n"
            f"  IdentityFile {here}/{key}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        )
        folder = here / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "ssh"
        program.write_text(f'#!/bin/sh\nexec {find("ssh")} -F {here}/settings "$@"\n')
        program.chmod(0o755)
        return folder

    def start(self) -> Self:
        """Start it and come back when it listens."""
        here = self.directory
        settings = {
            "Port": str(self.port),
            "ListenAddress": "127.0.0.1",
            "HostKey": f"{here}/host",
            "AuthorizedKeysFile": f"{here}/authorized",
            "PidFile": "none",
            "UsePAM": "no",
            "StrictModes": "no",
            "PermitRootLogin": "yes",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
        } | self._settings
        (here / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd wants it, and only a service makes it
        script = f"mount --bind {here}/passwd /etc/passwd && exec {find('sshd')} -D -e -f {here}/sshd_config"
        with (here / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self._listens() or self._process.poll() is not None, 10, "sshd to listen")
        assert self._process.poll() is None, (here / "log").read_text()
        return self

    def kill(self) -> None:
        """SIGKILL it and every session of it, as a power cut does."""
        assert self._process is not None
        self._signal(signal.SIGKILL)
        self._process.wait()
        wait_until(lambda: not self.sessions(), what="the end of the sessions")

    def sessions(self) -> list[Process]:
        """The processes of sshd and below it."""
        mine = f"{self.directory}/sshd_config"
        return descendants({p.pid for p in processes() if mine in " ".join(p.argv)})

    def freeze(self) -> None:
        """SIGSTOP it and its sessions: the kernel still takes connections and bytes for it, nobody answers them."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo freeze()."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self.sessions():
            with contextlib.suppress(ProcessLookupError):  # one that was just ending
                os.kill(process.pid, number)

    def close(self) -> None:
        """End everything; may be called twice."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        """What it said so far."""
        return (self.directory / "log").read_text(errors="replace")

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


def clients(sshd: Sshd) -> list[Process]:
    """The processes of trayd's tunnels to this sshd: each an ssh and its guard."""
    return [p for p in processes() if str(sshd.port) in p.argv and p.program in ("ssh", "sh")]
