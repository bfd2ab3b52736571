"""The samples of profiles that come with trayd: `config/` in a clone, a folder of the package where it is installed."""

from __future__ import annotations

import re
from pathlib import Path

from trayd.core.cells import aligned
from trayd.core.errors import TraydError
from trayd.core.text import clean, did_you_mean
from trayd.core.words import _
from trayd.files import shipped


def names() -> list[str]:
    """Return the names of all samples."""
    return sorted(_files())


def listed() -> str:
    """Return the names of all samples, each with what it is for: the first sentence of its comment."""
    return aligned([(name, _purpose(path.read_text(encoding="utf-8"))) for name, path in sorted(_files().items())])


def text(name: str) -> str:
    """Return one sample as it can stand in the profiles folder, beside the schema that README tells to put there."""
    files = _files()
    if name not in files:
        raise TraydError(
            _("there is no sample '{name}'{suggestion}").format(
                name=clean(name, 60), suggestion=did_you_mean(name, files)
            ),
            _("All of them: trayd config sample"),
        )
    return re.sub(r"(?m)^(# yaml-language-server: \$schema=).*/", r"\1", files[name].read_text(encoding="utf-8"))


def _files() -> dict[str, Path]:
    return {path.stem: path for path in Path(shipped("samples", "config")).glob("*.yaml")}


def _purpose(sample: str) -> str:
    comments = [line[1:].strip() for line in sample.splitlines() if line.startswith("#")]
    return re.split(r"(?<=\.) ", comments[1])[0]
