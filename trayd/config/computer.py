"""What a profile, and what is found by itself, may depend on."""

from __future__ import annotations

from trayd.core.value import Value


class Computer(Value):
    """What a profile may depend on: the system ("linux", "macos", "windows"), host name and home folder."""

    system: str
    hostname: str
    home: str
