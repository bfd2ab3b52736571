"""Which engine a profile is: an address may lead to another engine than yesterday, and nobody would notice.

The engine's own ID (`/info`) tells them apart; it survives restarts and upgrades, and a renewed certificate. An engine
that has never told one is known by the certificate it shows. One that told it before is not judged while it tells none:
its certificate may have been renewed. Behind ssh the host key is another sign, and ssh itself guards it: a changed one
is no connection at all (`ssh_hostkey_changed`).
"""

from __future__ import annotations

from collections.abc import Mapping

from trayd.core.engine import Engine
from trayd.core.value import Value, replace

# What a fingerprint begins with, in front of SHA-256 in hex; no engine's ID looks like that.
FINGERPRINT = "sha256:"


class Identity(Value):
    """The engine that a profile had at an address, by its ID, its certificate or both.

    `stranger` is the ID, or else the fingerprint, of another one that answers there and is not accepted.
    """

    url: str
    id: str = ""
    stranger: str = ""
    fingerprint: str = ""


Identities = Mapping[str, Identity]


def recognise(known: Identities, engine: Engine) -> tuple[Identities, Engine]:
    """Return the identities and the engine after it told a sign of itself; a profile's first one is its own."""
    name, url, told = engine.profile.name, engine.profile.endpoint.url, engine.info
    if told is None or not (told.id or told.fingerprint):
        return known, engine
    before = known.get(name)
    if before is None or before.url != url:
        before = Identity(url, told.id, fingerprint=told.fingerprint)
    if told.id and before.id:
        stranger = "" if told.id == before.id else told.id
    elif told.fingerprint and before.fingerprint and not before.id:
        stranger = "" if told.fingerprint == before.fingerprint else told.fingerprint
    else:
        return known, engine  # they have no sign in common
    after = replace(before, stranger=stranger)
    if not stranger:
        after = replace(after, id=told.id or before.id, fingerprint=told.fingerprint or before.fingerprint)
    return {**known, name: after}, replace(engine, stranger=stranger)


def seen_again(known: Identities, engine: Engine) -> Engine:
    """Return the engine as the identities on disk have it now."""
    one = known.get(engine.profile.name)
    mine = one is not None and one.url == engine.profile.endpoint.url
    return replace(engine, stranger=one.stranger if one and mine else "")


def accept(known: Identities, engine: Engine) -> tuple[Identities, Engine]:
    """Return both after a person said that the stranger is the right one."""
    if not engine.stranger:
        return known, engine
    url, sign = engine.profile.endpoint.url, engine.stranger
    # Its other sign comes with its next answer.
    after = Identity(url, fingerprint=sign) if sign.startswith(FINGERPRINT) else Identity(url, sign)
    return {**known, engine.profile.name: after}, replace(engine, stranger="")
