"""Which profile a command means, and what has to be said about it first."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trayd.core.errors import TraydError
from trayd.core.words import _
from trayd.output import ask, say

if TYPE_CHECKING:
    from trayd.core.messages import Loaded
    from trayd.core.profile import Profile


def load() -> Loaded:
    """Return everything that can be reached: files, contexts, machines, sockets."""
    from trayd.config import discovery, paths

    return discovery.load(paths.profiles_folder(), paths.computer(), os.environ)


def in_order(loaded: Loaded) -> list[Profile]:
    """Return the profiles in the order of the menu."""
    return sorted(loaded.profiles, key=lambda profile: profile.name.casefold())


def active_name(loaded: Loaded) -> str:
    """Return the name of the active profile."""
    from trayd.config import memory
    from trayd.core.profile import unchosen

    wanted = memory.recall().active
    return wanted if wanted in [p.name for p in loaded.profiles] else unchosen(loaded.profiles, loaded.current)


def wanted_name(loaded: Loaded) -> str:
    """Return the active profile for `trayd env`, which must never lead to another engine without a word."""
    from trayd.config import memory

    wanted, active = memory.recall().active, active_name(loaded)
    if wanted in loaded.broken:
        return wanted  # and `one` says what is wrong with it
    if wanted and wanted != active:
        gone = _("the active profile '{name}' does not exist any more; this is '{other}'")
        say(f"trayd: {gone.format(name=wanted, other=active)}")
    return active


def one(loaded: Loaded, name: str) -> Profile:
    """Return the profile of that name. Raises TraydError with what is wrong with it, or what else there is."""
    for profile in loaded.profiles:
        if profile.name == name:
            return profile
    from trayd.core.profile import origin
    from trayd.core.text import clean, did_you_mean

    subjects = (origin("context", name), origin("machine", name))
    file_names = {p: os.path.splitext(os.path.basename(p.path))[0] for p in loaded.problems if not p.subject}
    if problems := [str(p) for p in loaded.problems if p.subject in subjects or file_names.get(p) == name]:
        raise TraydError(_("the profile '{name}' cannot be used").format(name=clean(name, 60)), "\n  → ".join(problems))
    names = [profile.name for profile in in_order(loaded)]
    near = did_you_mean(name, [*names, *sorted(loaded.broken)])
    raise TraydError(
        _("there is no profile '{name}'{suggestion}").format(name=clean(name, 60), suggestion=near),
        _("These exist: {names}").format(names=_(", ").join(names)),
    )


def chosen(loaded: Loaded, names: list[str]) -> list[Profile]:
    """Return the profiles of these names, all of them for none. Raises TraydError."""
    return [one(loaded, name) for name in dict.fromkeys(names)] if names else in_order(loaded)


def confirm(profile: Profile) -> None:
    """Ask whether a switch to a protected profile is meant. Raises TraydError without a yes."""
    name, hint = profile.name, _("Say --yes if you mean it, and nothing is asked")
    question = _("{name} is protected ({url}). Switch to it? [y/N]")
    answer = ask(question.format(name=name, url=profile.endpoint.url))
    if answer is None:
        told = _("{name} is protected, and nobody can be asked here: nothing was changed")
        raise TraydError(told.format(name=name), hint)
    if answer.strip().lower() not in ("y", "yes"):
        raise TraydError(_("nothing was changed"), hint)


def tell_stranger(profile: Profile, accepted: bool = False) -> None:
    """Say so if another engine answers than this profile had before, or take it as the right one."""
    from trayd.config.identities import recall_identities, remember_identities
    from trayd.core.engine import Engine
    from trayd.core.identity import accept, seen_again
    from trayd.core.report import stranger

    known = recall_identities()
    engine = seen_again(known, Engine(profile))
    if not engine.stranger:
        return
    if not accepted:
        say(f"⚠ {stranger(engine)[1]}")
        return
    try:
        remember_identities(accept(known, engine)[0])
    except OSError as error:
        raise TraydError(
            _("that cannot be saved ({reason})").format(reason=error.strerror), _("Make room, and try again")
        ) from None


def tell_problems(loaded: Loaded) -> None:
    """Say what is wrong with the files, on stderr."""
    for problem in loaded.problems:
        say(f"⚠ {problem}")
