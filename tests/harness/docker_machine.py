"""A `docker-machine` for tests: frozen since 2019, it is in no distribution, and needs a hypervisor."""

from pathlib import Path


def fake_docker_machine(folder: Path, script: str) -> Path:
    """Write a program of that name whose arguments the script has in $1 and $2; return the file they are noted in."""
    folder.mkdir(parents=True, exist_ok=True)
    program, calls = folder / "docker-machine", folder / "calls"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{calls}"\n{script}\n', encoding="utf-8")
    program.chmod(0o755)
    return calls
