"""The command line: one function a command, each returning an exit code.

Data goes to stdout, words to stderr. 0 good, 1 a known failure said in one sentence, 2 usage, 3 a bug, 130 interrupted.
Everything heavy is imported by the command that needs it: `trayd env` starts in every prompt and script.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trayd import __version__
from trayd.core.errors import TraydError

if TYPE_CHECKING:
    from trayd.core.messages import Loaded
    from trayd.core.profile import Profile


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        options = _parser().parse_args(arguments or ["run"])
        code: int = options.command(options)
        sys.stdout.flush()
    except TraydError as error:
        say(f"trayd: {error.message}")
        if error.hint:
            say(f"  → {error.hint}")
        return 1
    except BrokenPipeError:
        # `trayd status | head`: nobody reads on. Python would complain about it once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception:
        from trayd.crash import report

        say(f"trayd: this is a bug in trayd. The report is in {report(arguments)}")
        return 3
    return code


def say(text: str) -> None:
    """Write words for a person, on stderr; without one (a windowless start) there is nobody to read them."""
    if sys.stderr is not None:
        print(text, file=sys.stderr)


def _run(options: argparse.Namespace) -> int:
    from trayd.running import run

    return run(options.profile)


def _status(options: argparse.Namespace) -> int:
    import json

    from trayd.core import report
    from trayd.core.health import GOOD
    from trayd.core.state import Snapshot
    from trayd.engine.survey import survey
    from trayd.surfaces import status_json

    loaded = _load()
    if options.watch:
        from trayd.running import watch

        return watch(options.json, [profile.name for profile in _chosen(loaded, options.profiles)])
    active = _active(loaded)
    engines = survey(_chosen(loaded, options.profiles))
    snapshot = Snapshot(engines={engine.profile.name: engine for engine in engines}, wanted=active)
    if options.json:
        print(json.dumps({**status_json(snapshot), "active": active}, indent=2))
    else:
        print(report.table(engines, active))
        if told := report.reasons(engines):
            print(f"\n{told}")
    _tell_problems(loaded)
    return 0 if all(engine.health.state in GOOD for engine in engines) else 1


def _env(options: argparse.Namespace) -> int:
    from trayd.core.profile import cleared, variables
    from trayd.core.shells import ALIASES, SHELLS, UnquotableError, find_shell, script

    loaded = _load()
    name = options.shell or _parent_shell()
    shell = find_shell(name)
    if shell is None:
        known = ", ".join([*SHELLS, *ALIASES])
        raise TraydError(f"there is no shell '{name}' that trayd knows", f"Say --shell with one of: {known}")
    profile = _one(loaded, options.profile or _active(loaded))
    try:
        print(script(shell, cleared(profile) if options.unset else variables(profile)))
    except UnquotableError as error:
        raise TraydError(f"{profile.name}: {error.message}", f"Change the value in {profile.path}") from None
    if sys.stdout.isatty():
        say(_how_to_use(shell.name, options.profile))
    return 0


def _use(options: argparse.Namespace) -> int:
    from trayd.config import memory

    loaded, recalled = _load(), memory.recall()
    active = _active(loaded)
    name = options.profile
    if name == "-":
        name = recalled.previous
        if not name:
            raise TraydError("there is no previous profile to go back to", "Say which one: trayd use PROFILE")
    name = _one(loaded, name).name
    if name != active:
        recalled = memory.Memory(name, active, recalled.notifications)
    else:
        recalled = memory.Memory(name, recalled.previous, recalled.notifications)
    try:
        memory.remember(recalled)
    except OSError as error:
        raise TraydError(
            f"the choice cannot be saved ({error.strerror})", f"Free some space, or mend {memory.memory_file()}"
        ) from None
    say(f"{name} is the active profile. For this terminal: {_eval(_parent_shell(), '')}")
    return 0


def _profiles(options: argparse.Namespace) -> int:
    import json

    loaded = _load()
    active = _active(loaded)
    rows = [
        {
            "name": p.name,
            "host": p.endpoint.url,
            "source": p.source,
            "path": p.path or None,
            "active": p.name == active,
        }
        for p in _sorted(loaded)
    ]
    if options.json:
        print(json.dumps({"active": active, "profiles": rows}, indent=2))
    else:
        width = max((len(str(row["name"])) for row in rows), default=0)
        for row in rows:
            mark = "*" if row["active"] else " "
            print(f"{mark} {row['name']!s:{width}}  {row['host']}  ({row['path'] or row['source']})")
    _tell_problems(loaded)
    return 0


def _config_path(options: argparse.Namespace) -> int:
    from trayd.config.paths import profiles_folder

    print(profiles_folder())
    return 0


def _config_check(options: argparse.Namespace) -> int:
    from trayd.config.paths import profiles_folder

    loaded = _load()
    for problem in loaded.problems:
        print(problem)
    files = [profile for profile in loaded.profiles if profile.source == "file"]
    good = f"{len(files)} profile{'s' if len(files) != 1 else ''} in {profiles_folder()}"
    if loaded.problems:
        say(f"{good}; {len(loaded.problems)} problem{'s' if len(loaded.problems) != 1 else ''} to mend")
        return 1
    say(f"{good}, no problems" + ("" if files else ": the local engine is used"))
    return 0


def _config_schema(options: argparse.Namespace) -> int:
    from trayd.config.profiles import schema_text

    print(schema_text().rstrip())
    return 0


def _autostart(options: argparse.Namespace) -> int:
    from trayd.desktop import autostart

    command = autostart.command()
    if options.what == "enable":
        print(autostart.enable(command))
        say("trayd starts at your next login.")
        return 0
    if options.what == "disable":
        say("trayd does not start at login any more." if autostart.disable() else "trayd did not start at login.")
        return 0
    status = autostart.status(command)
    print("enabled" if status.enabled else "disabled")
    say(f"{status.location}: {' '.join(status.command) or 'nothing'}")
    if status.problem:
        say(f"  → {status.problem}")
    return 0 if status.enabled and not status.problem else 1


# --- what several commands need --------------------------------------------------------------------------------------


def _load() -> Loaded:
    from trayd.config import paths, profiles

    return profiles.load(paths.profiles_folder(), paths.computer())


def _sorted(loaded: Loaded) -> list[Profile]:
    return sorted(loaded.profiles, key=lambda profile: profile.name.casefold())


def _active(loaded: Loaded) -> str:
    from trayd.config import memory

    names = [profile.name for profile in _sorted(loaded)]
    wanted = memory.recall().active
    return wanted if wanted in names else names[0]


def _one(loaded: Loaded, name: str) -> Profile:
    for profile in loaded.profiles:
        if profile.name == name:
            return profile
    from trayd.core.text import clean, did_you_mean

    for problem in loaded.problems:
        if os.path.splitext(os.path.basename(problem.path))[0] == name:
            raise TraydError(f"the profile '{name}' cannot be used", str(problem))
    names = [profile.name for profile in _sorted(loaded)]
    raise TraydError(
        f"there is no profile '{clean(name, 60)}'{did_you_mean(name, names)}", f"These exist: {', '.join(names)}"
    )


def _chosen(loaded: Loaded, names: list[str]) -> list[Profile]:
    return [_one(loaded, name) for name in dict.fromkeys(names)] if names else _sorted(loaded)


def _tell_problems(loaded: Loaded) -> None:
    for problem in loaded.problems:
        say(f"⚠ {problem}")


def _parent_shell() -> str:
    """Return the shell that called us, for the syntax to write: our parent if that is one, else the person's own."""
    from trayd.core.shells import find_shell

    if sys.platform == "win32":
        # PowerShell adds a folder of the user's to this variable; cmd inherits only the system's.
        return "powershell" if "\\Documents\\" in os.environ.get("PSMODULEPATH", "") else "cmd"
    try:
        with open(f"/proc/{os.getppid()}/comm", encoding="utf-8", errors="replace") as file:
            parent = file.read().strip()
    except OSError:
        parent = ""
    own = os.environ.get("SHELL", "")
    return next((name for name in (parent, own) if find_shell(name)), "sh")


def _how_to_use(shell: str, profile: str) -> str:
    return f"# to run it in this terminal: {_eval(shell, profile)}"


def _eval(shell: str, profile: str) -> str:
    call = f"trayd env {profile}".rstrip()
    return {
        "fish": f"{call} | source",
        "powershell": f"{call} --shell powershell | Invoke-Expression",
        "cmd": f"for /f \"delims=\" %i in ('{call} --shell cmd') do @%i",
        "csh": f"eval `{call} --shell csh`",
        "tcsh": f"eval `{call} --shell csh`",
    }.get(shell, f'eval "$({call})"')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trayd",
        description="Which Docker engine am I talking to, does it answer, and if not, why? "
        "Without a command, trayd puts its icon into the tray.",
        epilog='Try:  trayd status     trayd use office     eval "$(trayd env office)"',
    )
    parser.add_argument("--version", action="version", version=f"trayd {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, function: object, text: str, more: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}. {more}".strip())
        sub.set_defaults(command=function)
        return sub

    run = command(
        "run",
        _run,
        "put the icon into the tray (the default)",
        "Where there is no tray, a terminal shows the live view of 'status --watch', and the icon appears when a tray "
        "does. A second trayd says so and exits with 1.",
    )
    run.add_argument("--profile", metavar="P", default="", help="make this the active profile")
    status = command(
        "status",
        _status,
        "ask all engines at the same time and tell what they say",
        "Exit code 0 if all are reachable, 1 if not.",
    )
    status.add_argument("profiles", metavar="P", nargs="*", help="only these profiles")
    status.add_argument("--json", action="store_true", help="as JSON; with --watch one object a line")
    status.add_argument("--watch", action="store_true", help="stay, and show every change as it happens")
    env = command(
        "env",
        _env,
        "print the DOCKER_* variables of a profile for your shell",
        'Use it as  eval "$(trayd env office)"  in sh, bash and zsh,  trayd env office | source  in fish. '
        "Variables that the profile does not need are unset.",
    )
    env.add_argument("profile", metavar="P", nargs="?", default="", help="a profile; the active one without it")
    env.add_argument(
        "--shell",
        metavar="S",
        default="",
        help="sh, bash, zsh, fish, powershell, cmd, csh or tcsh; without it the shell that calls",
    )
    env.add_argument("--unset", action="store_true", help="print what forgets the variables instead")
    use = command("use", _use, "make a profile the active one; a running tray follows at once")
    use.add_argument("profile", metavar="P", help="a profile, or - for the previous one")
    profiles = command("profiles", _profiles, "list the profiles, where each comes from, and which is active")
    profiles.add_argument("--json", action="store_true", help="as JSON")
    config = commands.add_parser(
        "config",
        help="find, check and describe the profile files",
        description="Find, check and describe the profile files.",
    )
    parts = config.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, function, text in (
        ("path", _config_path, "print the profiles folder"),
        ("check", _config_check, "check all profiles; every problem with file, line and a suggestion"),
        ("schema", _config_schema, "print the JSON Schema of a profile, for your editor"),
    ):
        sub = parts.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        sub.set_defaults(command=function)
    autostart = command("autostart", _autostart, "start trayd at login, or not, or tell whether it does")
    autostart.add_argument("what", choices=("enable", "disable", "status"))
    return parser
