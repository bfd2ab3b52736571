"""`trayd check`: the ladder in the terminal, rung by rung, or as JSON."""

from __future__ import annotations

import json

from trayd.core import ladder
from trayd.core.profile import Profile
from trayd.engine.ladder import climb
from trayd.output import put


def check(profile: Profile, as_json: bool) -> int:
    """Climb to the engine of a profile and tell each rung as soon as it is known; return the exit code."""
    if as_json:
        rungs = climb(profile)
        put(json.dumps(ladder.as_json(profile, rungs), indent=2))
    else:
        put(ladder.head(profile))
        rungs = climb(profile, lambda rung: put(ladder.line(rung)))
    return 0 if ladder.good(rungs) else 1
