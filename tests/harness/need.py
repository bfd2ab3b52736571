"""One rule for real parts that are missing: the CI fails, a person's machine skips and says what to install."""

import os
import shutil

import pytest

# Debian keeps daemons in sbin, which is not on every person's PATH.
SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def need(program_or_condition: str | bool, install_line: str) -> None:
    """Go on only if the program is installed (or the condition holds); else fail when CI=true, skip elsewhere."""
    if isinstance(program_or_condition, str):
        if find(program_or_condition):
            return
        reason = f"{program_or_condition} is not installed: {install_line}"
    else:
        if program_or_condition:
            return
        reason = f"not possible here: {install_line}"
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(f"{reason} (missing parts fail because CI={os.environ['CI']})", pytrace=False)
    pytest.skip(reason)


def find(program: str) -> str | None:
    """The path of a program, looking into the sbin directories too."""
    return shutil.which(program, path=SEARCHED)
