"""Every engine there is: the profile files, and what is found without any.

A file wins over a Docker context, that over a docker-machine machine, that over a known socket: one engine appears
once, under the name that says most about it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping

from trayd.config import profiles
from trayd.config.computer import Computer
from trayd.config.contexts import context_endpoint, current_context, docker_folder, meta_folder, read_contexts
from trayd.config.machines import Machine, machine_endpoint, machine_folder, machines_folder, read_machines
from trayd.config.profiles import Stores
from trayd.config.reading import entries
from trayd.config.sockets import known_sockets, places
from trayd.core.messages import Loaded, Problem
from trayd.core.profile import (
    DEFAULT_PIPE,
    DEFAULT_SOCKET,
    LOCAL_HEALTH,
    REMOTE_HEALTH,
    Endpoint,
    Profile,
    ProfileError,
    origin,
)
from trayd.core.value import replace

SOURCES = ("contexts", "machines", "sockets")
_MOST_FOLDERS = 256  # of each store, that are watched


def load(
    folder: str,
    computer: Computer,
    environ: Mapping[str, str],
    seen: Collection[str] = frozenset(),
    current: Callable[[Machine], Machine] | None = None,
) -> Loaded:
    """Return all profiles: the folder's files, and what is found; the local engine stands in when there is nothing.

    `seen` are sockets that were there before: a stopped engine takes its socket away, and stays listed.
    `current` gives a machine the address that docker-machine told since it was stored.
    """
    stores = _stores(computer, environ)
    if current is not None:
        stores = replace(stores, machines=tuple(map(current, stores.machines)))
    loaded = profiles.load(folder, computer, stores)
    listed, problems = list(loaded.profiles), [*loaded.problems, *stores.problems]
    names, engines = {p.name for p in listed} | loaded.broken, {_engine(p.endpoint) for p in listed}
    for found in _found(stores, computer, environ, seen, problems):
        if (engine := _engine(found.endpoint)) not in engines:
            name = _free(found, names)
            engines.add(engine)
            names.add(name)
            listed.append(replace(found, name=name))
    return Loaded(
        tuple(listed) or (_local(computer, environ),),
        tuple(problems),
        loaded.broken,
        current=_current(listed, stores, computer),
        alone=not listed,
    )


def watched(computer: Computer, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what to watch besides the profiles folder; of each folder its entries too, but nothing deeper."""
    wanted, found = _wanted(environ), list[str]()
    docker, machine = docker_folder(environ, computer.home), machine_folder(environ, computer.home)
    if docker:
        meta = meta_folder(docker)
        found += [os.path.join(docker, "config.json"), meta]
        for name in _names(meta):
            found += [os.path.join(meta, name), os.path.join(docker, "contexts", "tls", name, "docker")]
    if machine:
        found.append(machines_folder(machine))
        found += [os.path.join(machines_folder(machine), name) for name in _names(machines_folder(machine))]
    if "sockets" in wanted:
        found += places(computer, environ)
    return tuple(dict.fromkeys(found))


def _names(folder: str) -> list[str]:
    try:
        return [name for name in entries(folder) if not name.startswith(".")][:_MOST_FOLDERS]
    except OSError:
        return []


def _wanted(environ: Mapping[str, str]) -> frozenset[str]:
    """Return what is to be found: all, or what TRAYD_DISCOVER names ("contexts,machines", "none")."""
    words = environ.get("TRAYD_DISCOVER", "").replace(",", " ").lower().split()
    return frozenset(words or SOURCES)


def _stores(computer: Computer, environ: Mapping[str, str]) -> Stores:
    wanted = _wanted(environ)
    docker = docker_folder(environ, computer.home)
    contexts, of_contexts = read_contexts(docker)
    machines, of_machines = read_machines(machine_folder(environ, computer.home))
    # A profile file may name one that is not to be listed by itself.
    told = (*(of_contexts if "contexts" in wanted else ()), *(of_machines if "machines" in wanted else ()))
    return Stores(contexts, machines, told, current_context(docker))


def _found(
    stores: Stores,
    computer: Computer,
    environ: Mapping[str, str],
    seen: Collection[str],
    problems: list[Problem],
) -> Iterator[Profile]:
    wanted = _wanted(environ)
    for context in stores.contexts if "contexts" in wanted else ():
        try:
            endpoint = context_endpoint(context, computer.system)
        except ProfileError as error:
            problems.append(Problem(context.path, 0, error.message, origin("context", context.name)))
            continue
        yield _profile(context.name, endpoint, "context", path=context.path, context=context.name)
    for machine in stores.machines if "machines" in wanted else ():
        try:
            endpoint = machine_endpoint(machine)
        except ProfileError as error:
            problems.append(Problem(machine.path, 0, error.message, origin("machine", machine.name)))
            continue
        yield _profile(machine.name, endpoint, "machine", path=machine.path, machine=machine.name)
    for known in known_sockets(computer, environ, seen) if "sockets" in wanted else ():
        yield _profile(known.name, known.endpoint, "local")


def _profile(
    name: str, endpoint: Endpoint, source: str, path: str = "", context: str = "", machine: str = ""
) -> Profile:
    health = LOCAL_HEALTH if endpoint.socket else REMOTE_HEALTH
    return Profile(name, endpoint, source, (), health, path, context, machine)


def _free(found: Profile, names: Collection[str]) -> str:
    """Return the profile's name, or one that says its source if another engine has that name."""
    name, number = found.name, 1
    while name in names:
        number += 1
        name = f"{found.name}-{found.source}" + (f"-{number - 1}" if number > 2 else "")
    return name


def _engine(endpoint: Endpoint) -> tuple[str, str, int]:
    """Return what two ways to the same engine have in common: the real socket, or host and port."""
    if endpoint.scheme == "unix":
        return "unix", os.path.realpath(endpoint.path), 0
    if endpoint.path:
        return endpoint.scheme, endpoint.path.lower(), 0
    host = endpoint.host.lower().rstrip(".")
    return endpoint.scheme, "127.0.0.1" if host == "localhost" else host, endpoint.port


def _current(listed: list[Profile], stores: Stores, computer: Computer) -> str:
    """Return the name of the profile whose engine the docker CLI's chosen context leads to, "" if none is chosen."""
    for context in stores.contexts:
        if context.name == stores.current:
            try:
                engine = _engine(context_endpoint(context, computer.system))
            except ProfileError:
                return ""
            same = [p for p in listed if _engine(p.endpoint) == engine]
            return next((p.name for p in same if p.context == context.name), same[0].name if same else "")
    return ""


def _local(computer: Computer, environ: Mapping[str, str]) -> Profile:
    """Return the profile of the engine on this computer: its default socket or pipe, or a rootless engine's socket."""
    if computer.system == "windows":
        return Profile("local", Endpoint("npipe", path=DEFAULT_PIPE), "local")
    path = DEFAULT_SOCKET
    rootless = os.path.join(environ.get("XDG_RUNTIME_DIR") or "", "docker.sock")
    if not os.path.exists(path) and os.path.isabs(rootless) and os.path.exists(rootless):
        path = rootless
    return Profile("local", Endpoint("unix", path=path), "local")
