"""trayd's loop in a process of its own, as another user: `python -m tests.engine.matrix.elsewhere UID`.

What it shows and tells comes as lines of JSON; it ends when its standard input does.
"""

import encodings.utf_8_sig  # noqa: F401 (as all that the new user may not be able to read)
import json
import os
import sys
import threading
import time

import trayd.config.contexts
import trayd.config.dockercli
import trayd.config.watch
import trayd.engine.watcher  # noqa: F401
from trayd.app import App
from trayd.core import messages as m
from trayd.core.snapshot import Snapshot


class Lines:
    """A surface that writes."""

    def draw(self, snapshot: Snapshot) -> None:
        health = snapshot.engines["unix"].health
        _say(state=str(health.state), code=health.diagnosis.code if health.diagnosis else "")

    def notify(self, *told: object) -> None:
        _say(told="unix")  # there is no other engine

    def stop(self) -> None:
        _say(stopped=True)


def _say(**facts: object) -> None:
    print(json.dumps({"at": time.monotonic(), **facts}), flush=True)


def _main(user: int) -> None:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    app = App()
    app.surfaces.append(Lines())

    def listen() -> None:
        sys.stdin.read()
        app.post(m.Quit())

    threading.Thread(target=listen, daemon=True).start()
    app.run()
    app.end()


if __name__ == "__main__":
    _main(int(sys.argv[1]))
