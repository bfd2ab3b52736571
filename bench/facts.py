"""What the figures hold for: this machine, these versions, and how it was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path

from bench.pythons import SYSTEM, Pythons, version
from tests.harness.need import find

PACKAGES = ("docker", "requests", "urllib3", "pystray", "Pillow", "PyYAML", "watchdog", "jeepney")
METHOD = (
    "Everything is measured from outside the process: by a private dbus-daemon's host, by /proc, by the kernel's CPU "
    "clock of the process, by the wall clock around it. Nothing is loaded into trayd.",
    "trayd runs in a fresh venv of the same /usr/bin/python3 that runs the reference icon, with the same pystray and "
    "Pillow; warm page cache and .pyc, first run dropped.",
    "trayd and what it is compared with take turns, or run at the same time, so that noise hits both; the ratio is "
    "that of the medians of one run.",
    "The reference icon is a bare pystray icon on AppIndicator with one menu item, with GDK_GL=disable (in its favour: "
    "with Mesa installed it would take 44 MiB more), on an Xvfb screen.",
    "Engines are private dockerds without containers (vfs, no bridge); the network is loopback.",
)


def machine(pythons: Pythons) -> dict[str, object]:
    """The machine and the versions."""
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "") if os.path.exists("/etc/os-release") else ""
    cpus = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "system": release,
        "kernel": platform.release(),
        "cpu": f"{os.cpu_count()} × {cpus[0].partition(':')[2].strip() if cpus else platform.machine()}",
        "memory": f"{int(memory.split()[1]) // 1024} MiB",
        "python of trayd": version(pythons.python),
        "python of the reference": version(SYSTEM) if pythons.reference else f"no reference: {pythons.why}",
        "packages": {name: package_version(name) for name in PACKAGES},
        "dockerd": _first_line(find("dockerd") or "dockerd", "--version"),
        "docker": _first_line("docker", "--version"),
    }


def moment(tree: Path) -> dict[str, object]:
    """Which state of trayd, when, and how busy the machine is with other things."""
    commit = _first_line("git", "-C", str(tree), "describe", "--always", "--dirty")
    return {"commit": commit, "at": datetime.now(UTC).isoformat(timespec="seconds"), "load": os.getloadavg()}


def _first_line(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.partition("\n")[0]
    except OSError:
        return "not installed"
