"""A real Wayland compositor without a screen: sway on wlroots' headless back end."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.need import need
from tests.harness.poll import wait_until

NOBODY = 65534  # sway refuses to run as root


class Sway:
    """A running compositor; `environment` is what a program needs to reach it."""

    def __enter__(self) -> Self:
        need("sway", "apt-get install --no-install-recommends sway")
        # Not below tmp_path: only its owner may enter that, and sway is somebody else when we are root.
        self.runtime = Path(tempfile.mkdtemp(prefix="sw", dir="/tmp"))
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start(self) -> None:
        config = self.runtime / "config"
        config.write_text("xwayland disable\n")
        as_nobody: dict[str, object] = {}
        if os.geteuid() == 0:
            os.chown(self.runtime, NOBODY, NOBODY)
            as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        environment = {
            name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY", "SWAYSOCK"}
        }
        environment |= {
            "HOME": str(self.runtime),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "XDG_CONFIG_HOME": str(self.runtime),
            "WLR_BACKENDS": "headless",
            "WLR_RENDERER": "pixman",
            "WLR_LIBINPUT_NO_DEVICES": "1",
        }
        self.log = self.runtime / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["sway", "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.runtime,
                **as_nobody,  # type: ignore[call-overload]
            )
        wait_until(self._listens, what="sway's socket")

    def _listens(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"sway ended with {self.process.returncode}:\n{self.log.read_text()[-2000:]}")
        # Its own control socket comes after the compositor's.
        return any(self.runtime.glob("sway-ipc.*.sock")) and any(self.runtime.glob("wayland-*.lock"))

    @property
    def socket(self) -> Path:
        """Where the compositor listens."""
        return next(path for path in self.runtime.glob("wayland-*") if path.suffix != ".lock")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a program here."""
        return {"XDG_RUNTIME_DIR": str(self.runtime), "WAYLAND_DISPLAY": self.socket.name}

    def kill(self) -> None:
        """End the compositor as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.runtime, ignore_errors=True)
