"""The engines that the profiles had, on disk; written by the running trayd, read by the commands too."""

from __future__ import annotations

import json
import os

from trayd.config.paths import state_folder
from trayd.core.identity import Identities, Identity
from trayd.files import write_whole

_MOST_BYTES = 1024 * 1024


def identities_file() -> str:
    """Return the file of the identities."""
    return os.path.join(state_folder(), "engines.json")


def recall_identities() -> dict[str, Identity]:
    """Return what is known; a missing or damaged file means that every engine is seen for the first time."""
    try:
        with open(identities_file(), "rb") as file:
            read = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    found = {}
    for name, entry in read.items() if isinstance(read, dict) else ():
        given = entry if isinstance(entry, dict) else {}
        # Files from before there were fingerprints have none.
        texts = [text for field in Identity.__match_args__ if isinstance(text := given.get(field, ""), str)]
        if len(texts) == len(Identity.__match_args__):
            one = Identity(*texts)
            if one.url and (one.id or one.fingerprint):
                found[name] = one
    return found


def remember_identities(known: Identities) -> None:
    """Write what is known, private and in one step. Raises OSError."""
    content = {name: {field: getattr(one, field) for field in one.__match_args__} for name, one in known.items()}
    write_whole(identities_file(), json.dumps(content, indent=1).encode())
