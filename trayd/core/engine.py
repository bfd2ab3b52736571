"""What is known and shown about one engine."""

from __future__ import annotations

from trayd.core.certificates import Certificate
from trayd.core.health import Health
from trayd.core.messages import EngineInfo, Image
from trayd.core.profile import Profile
from trayd.core.value import Value


class Engine(Value):
    """One profile's engine: its health, what it says about itself, its images, its TLS connection's certificates.

    `stranger` is the ID of an engine that answers here and is not the one this profile had before.
    """

    profile: Profile
    health: Health = Health()
    info: EngineInfo | None = None
    images: tuple[Image, ...] | None = None
    stranger: str = ""
    certificates: tuple[Certificate, ...] = ()
