"""What is known and shown about one engine."""

from __future__ import annotations

from trayd.core.certificates import Certificate
from trayd.core.health import GOOD, Health, State
from trayd.core.messages import EngineInfo, Image
from trayd.core.profile import Profile
from trayd.core.value import Value

# Docker Desktop by its sockets, pipes and contexts; docker_engine is also the pipe of engines that do not sleep.
_DESKTOP_SOCKETS = ("/.docker/desktop/docker.sock", "/.docker/run/docker.sock")
_DESKTOP_PIPES = ("//./pipe/dockerdesktoplinuxengine", "//./pipe/dockerdesktopwindowsengine")
_DESKTOP_CONTEXTS = ("desktop-linux", "desktop-windows")


class Engine(Value):
    """One profile's engine: its health, what it says about itself, its images, its TLS connection's certificates.

    `stranger` is the ID or fingerprint of an engine that answers here and is not the one this profile had before.
    """

    profile: Profile
    health: Health = Health()
    info: EngineInfo | None = None
    images: tuple[Image, ...] | None = None
    stranger: str = ""
    certificates: tuple[Certificate, ...] = ()

    @property
    def sleeper(self) -> bool:
        """Whether it is Docker Desktop, which event streams and lists wake from its pause (docker/for-mac#6908)."""
        if self.info is not None and self.info.platform:
            return self.info.platform.startswith("Docker Desktop")
        profile, path = self.profile, self.profile.endpoint.path
        return (
            path.endswith(_DESKTOP_SOCKETS)
            or path.lower() in _DESKTOP_PIPES
            or (profile.source == "context" and profile.name in _DESKTOP_CONTEXTS)
        )

    @property
    def lost_machine(self) -> str:
        """The docker-machine machine it is on, while it is known not to be reachable; else ""."""
        return "" if self.health.state in GOOD | {State.CONNECTING} else self.profile.machine

    @property
    def only_pings(self) -> bool:
        """Whether nothing but pings is sent to it while nobody looks."""
        events = self.profile.health.events
        return self.sleeper if events is None else not events
