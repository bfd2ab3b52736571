"""How long `GetLayout(0, -1)` takes: asked by a process that does nothing else, until the last byte is there.

    python -m bench.layouts CALLS PAUSE ADDRESS NAME PATH [ADDRESS NAME PATH ...]

asks each icon in turn and prints the milliseconds as JSON, a list for each. What came is taken apart afterwards, and
only once: a panel's C does in microseconds what takes Python three milliseconds, which are not trayd's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence

from jeepney import DBusAddress, Parser, new_method_call
from jeepney.io.blocking import open_dbus_connection

from bench.pythons import ROOT
from bench.rig import Program
from tests.harness.host import MENU

_RETURN, _ERROR = 2, 3  # the type of a message, its second byte


def layout_times(programs: Sequence[Program], calls: int, pause: float = 0.02) -> list[list[float]]:
    """Ask so often for the whole menu of each program in turn; milliseconds, a list for each.

    The pause lets the calls meet the probes at all their phases.
    """
    command = [sys.executable, "-m", "bench.layouts", str(calls), str(pause)]
    for program in programs:
        panel = program.panel
        command += [panel.address, panel.item, str(panel.get("Menu"))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60 + 2 * calls)
    assert done.returncode == 0, done.stderr
    times: list[list[float]] = json.loads(done.stdout)
    return times


class _Asking:
    """Reads the whole menu of one program."""

    def __init__(self, address: str, name: str, path: str) -> None:
        self._socket = open_dbus_connection(bus=address).sock
        self._socket.settimeout(10)
        self._call = new_method_call(DBusAddress(path, name, MENU), "GetLayout", "iias", (0, -1, []))
        self._serial = 100
        self.answer = b""

    def __call__(self) -> float:
        self._serial += 1
        question = self._call.serialise(serial=self._serial)
        begun = time.perf_counter()
        self._socket.sendall(question)
        while True:
            self.answer = self._message()
            if self.answer[1] in (_RETURN, _ERROR):
                break
        return 1000 * (time.perf_counter() - begun)

    def _message(self) -> bytes:
        """The next whole message; little endian, as all are here (D-Bus specification, "Message Format")."""
        head = self._read(16)
        body, fields = int.from_bytes(head[4:8], "little"), int.from_bytes(head[12:16], "little")
        return head + self._read(fields + -fields % 8 + body)

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            assert more, "the bus closed the connection"
            data += more
        return bytes(data)


def _main(calls: int, pause: float, *places: str) -> None:
    asks = [_Asking(*places[start : start + 3]) for start in range(0, len(places), 3)]
    times: list[list[float]] = [[] for _ in asks]
    for _ in range(calls):
        for kept, ask in zip(times, asks, strict=True):
            kept.append(ask())
        time.sleep(pause)
    for ask in asks:
        (message,) = Parser().feed(ask.answer)
        assert ask.answer[1] == _RETURN, f"GetLayout is refused: {message.body}"
        assert message.body[1][2], "the menu is empty"
    json.dump(times, sys.stdout)


if __name__ == "__main__":
    _main(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
