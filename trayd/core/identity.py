"""Which engine a profile is: an address may lead to another engine than yesterday, and nobody would notice.

The engine's own ID (`/info`) tells them apart; it survives restarts and upgrades. A new certificate alone is no other
engine, so it is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from trayd.core.engine import Engine
from trayd.core.value import Value, replace


class Identity(Value):
    """The engine that a profile had at an address, and the ID of another one that answers there and is not accepted."""

    url: str
    id: str
    stranger: str = ""


Identities = Mapping[str, Identity]


def recognise(known: Identities, engine: Engine) -> tuple[Identities, Engine]:
    """Return the identities and the engine after it told its ID; a profile's first engine is taken as its own."""
    name, url = engine.profile.name, engine.profile.endpoint.url
    told = engine.info.id if engine.info else ""
    if not told:
        return known, engine
    before = known.get(name)
    if before is None or before.url != url:
        before = Identity(url, told)
    after = replace(before, stranger="" if told == before.id else told)
    return {**known, name: after}, replace(engine, stranger=after.stranger)


def seen_again(known: Identities, engine: Engine) -> Engine:
    """Return the engine as the identities on disk have it now."""
    one = known.get(engine.profile.name)
    mine = one is not None and one.url == engine.profile.endpoint.url
    return replace(engine, stranger=one.stranger if one and mine else "")


def accept(known: Identities, engine: Engine) -> tuple[Identities, Engine]:
    """Return both after a person said that the stranger is the right one."""
    if not engine.stranger:
        return known, engine
    after = Identity(engine.profile.endpoint.url, engine.stranger)
    return {**known, engine.profile.name: after}, replace(engine, stranger="")
