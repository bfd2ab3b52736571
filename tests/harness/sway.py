"""A real Wayland compositor: sway without a screen, or as a window that fills an X screen, with a mouse that clicks."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.desktop import Screen
from tests.harness.need import need
from tests.harness.poll import wait_until

NOBODY = 65534  # sway refuses to run as root


class Sway:
    """A running compositor; `environment` is what a program needs to reach it.

    On an X screen it is drawn there and takes that screen's mouse and keys, else it has neither (wlroots' headless
    back end). `xwayland` lets X programs in: an X server that sway starts when the first of them comes. `config` is
    what else is to stand in sway's configuration.
    """

    def __init__(self, screen: Screen | None = None, xwayland: bool = False, config: str = "") -> None:
        self._screen = screen
        self._config = config
        self._xwayland = xwayland

    def __enter__(self) -> Self:
        need("sway", "apt-get install --no-install-recommends sway")
        if self._xwayland:
            need("Xwayland", "apt-get install --no-install-recommends xwayland")
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
        x11 = "xwayland enable\nexec echo $DISPLAY >$XDG_RUNTIME_DIR/display\n"
        config.write_text((x11 if self._xwayland else "xwayland disable\n") + self._config)
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
            "WLR_BACKENDS": "x11" if self._screen else "headless",
            "WLR_RENDERER": "pixman",
            "WLR_LIBINPUT_NO_DEVICES": "1",
        }
        if self._screen:
            environment["DISPLAY"] = self._screen.display
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
        ready = any(self.runtime.glob("sway-ipc.*.sock")) and any(self.runtime.glob("wayland-*.lock"))
        return ready and (not self._xwayland or self._display() != "")

    def _display(self) -> str:
        told = self.runtime / "display"
        return told.read_text().strip() if told.exists() else ""

    @property
    def socket(self) -> Path:
        """Where the compositor listens."""
        return next(path for path in self.runtime.glob("wayland-*") if path.suffix != ".lock")

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a program here."""
        wayland = {"XDG_RUNTIME_DIR": str(self.runtime), "WAYLAND_DISPLAY": self.socket.name}
        return wayland | ({"DISPLAY": self._display()} if self._xwayland else {})

    def screenshot(self, path: Path, box: tuple[int, int, int, int] | None = None) -> None:
        """Take a picture, as people on Wayland do: of all, or of a box of x, y, width and height."""
        need("grim", "apt-get install grim")
        where = ["-g", "{},{} {}x{}".format(*box)] if box else []
        environ = os.environ | self.environment
        subprocess.run(["grim", *where, str(path)], env=environ, check=True, capture_output=True, timeout=20)

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
