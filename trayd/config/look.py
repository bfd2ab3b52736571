"""Looks at profiles and Docker's own settings for `trayd doctor`: numbers, and no name of anything of the person's."""

from __future__ import annotations

from collections.abc import Mapping

from trayd.config import discovery, paths
from trayd.config.contexts import current_context, docker_folder
from trayd.core.doctor import Profiles
from trayd.core.privacy import place
from trayd.files import can_be_written


def profiles(environ: Mapping[str, str]) -> Profiles:
    """Count the profile files, what is found besides, and what is wrong with them."""
    folder, computer = paths.profiles_folder(), paths.computer()
    loaded = discovery.load(folder, computer, environ)
    known = [] if loaded.alone else list(loaded.profiles)
    files = sum(profile.source == "file" for profile in known)
    over_ssh = sum(profile.endpoint.scheme == "ssh" for profile in known)
    return Profiles(place(folder, computer.home), files, len(known) - files, len(loaded.problems), over_ssh)


def context(environ: Mapping[str, str]) -> str:
    """Return the context that docker's settings choose."""
    folder = docker_folder(environ, paths.computer().home)
    return (current_context(folder) if folder else "") or "default"


def state_folder() -> bool:
    """Whether the choice and the log can be kept."""
    return can_be_written(paths.state_folder())
