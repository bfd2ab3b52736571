"""The command line: one function a command, each returning an exit code.

Data goes to stdout, words to stderr. 0 good, 1 a known failure said in one sentence, 2 usage, 3 a bug, 130 interrupted.
Everything heavy is imported by the command that needs it: `trayd env` starts in every prompt and script.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from trayd import choosing, language, output
from trayd.cli_parser import parse
from trayd.config import memory
from trayd.core.errors import TraydError
from trayd.core.words import _, many
from trayd.output import put, say


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    output.prepare()
    language.speak(memory.recall().language)
    try:
        code = _obey(arguments)
        if sys.stdout is not None:
            output.write(sys.stdout, "")
    except TraydError as error:
        say(f"trayd: {error.message}")
        if error.hint:
            say(f"  → {error.hint}")
        return 1
    except BrokenPipeError:
        output.discard()  # `trayd status | head`: nobody reads on
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception:
        from trayd.crash import report

        told = _("this is a bug in trayd. The report is in {path}").format(path=report(arguments))
        say(f"trayd: {told}")
        say("  → " + _("Please report it, with that file"))
        return 3
    return code


def _obey(arguments: Sequence[str]) -> int:
    try:
        # `trayd -v` is `trayd run -v`, as `trayd` is `trayd run`.
        implied = ["run"] if set(arguments) <= {"-v", "--verbose"} else []
        options = parse([*implied, *arguments], COMMANDS)
    except SystemExit as end:  # --help, --version, or a mistake that argparse has already explained
        return end.code if isinstance(end.code, int) else 0
    code: int = options.command(options)
    return code


def _run(options: argparse.Namespace) -> int:
    from trayd.running import run

    return run(options.profile, options.verbose)


def _status(options: argparse.Namespace) -> int:
    loaded = choosing.load()
    chosen = choosing.chosen(loaded, options.profiles)
    if options.watch:
        from trayd.running import watch

        if options.json or not output.is_terminal():
            choosing.tell_problems(loaded)
        return watch(options.json, options.profiles)  # none chosen: also those that are still to come
    import json

    from trayd.config.identities import recall_identities
    from trayd.core import report
    from trayd.core.health import GOOD
    from trayd.core.identity import recognise
    from trayd.core.snapshot import Snapshot
    from trayd.engine.survey import survey
    from trayd.surfaces import status_json

    active = choosing.active_name(loaded)
    known = recall_identities()
    engines = [recognise(known, engine)[1] for engine in survey(chosen)]
    snapshot = Snapshot(engines={engine.profile.name: engine for engine in engines}, wanted=active)
    if options.json:
        put(json.dumps({**status_json(snapshot), "active": active}, indent=2))
    else:
        put(report.table(engines, active))
        for told in filter(None, (report.reasons(engines), "\n".join(report.expiring(engines)))):
            put(f"\n{told}")
    choosing.tell_problems(loaded)
    return 0 if all(engine.health.state in GOOD for engine in engines) else 1


def _wait(options: argparse.Namespace) -> int:
    profile = choosing.one(choosing.load(), options.profile)  # before everything heavy: it may be mistyped
    from trayd.waiting import wait

    return wait(profile, not options.down, options.timeout)


def _check(options: argparse.Namespace) -> int:
    from trayd.checking import check

    loaded = choosing.load()
    return check(choosing.one(loaded, options.profile or choosing.wanted_name(loaded)), options.json)


def _env(options: argparse.Namespace) -> int:
    from trayd.caller import calling_shell, eval_line
    from trayd.core.profile import cleared, variables
    from trayd.core.shells import ALIASES, SHELLS, UnquotableError, find_shell, script

    loaded = choosing.load()
    name = options.shell or calling_shell()
    shell = find_shell(name)
    if shell is None:
        from trayd.core.text import clean, did_you_mean

        known = [*SHELLS, *ALIASES]
        told = _("there is no shell '{name}' that trayd knows{suggestion}")
        raise TraydError(
            told.format(name=clean(name, 40), suggestion=did_you_mean(name, known)),
            _("Say --shell with one of: {names}").format(names=_(", ").join(known)),
        )
    profile = choosing.one(loaded, options.profile or choosing.wanted_name(loaded))
    try:
        text = script(shell, cleared(profile) if options.unset else variables(profile), shell.evaluated)
    except UnquotableError as error:
        hint = _("Change the value in {path}").format(path=profile.path)
        raise TraydError(f"{profile.name}: {error.message}", hint) from None
    if not options.unset:
        choosing.tell_stranger(profile)
    output.put_exactly(text)
    if output.is_terminal():
        told = _("This only shows it. To take it in: {command}")
        say(f"\n# {told.format(command=eval_line(name, options.profile, options.unset))}")
    return 0


def _use(options: argparse.Namespace) -> int:
    from trayd.caller import calling_shell, eval_line
    from trayd.core.value import replace

    loaded, recalled = choosing.load(), memory.recall()
    active = choosing.active_name(loaded)
    name = options.profile
    if name == "-":
        name = recalled.previous
        if not name:
            raise TraydError(_("there is no previous profile to go back to"), _("Say which one: trayd use PROFILE"))
    profile = choosing.one(loaded, name)
    name = profile.name
    if profile.protected and name != active and not options.yes:
        choosing.confirm(profile)
    previous = active if name != active else recalled.previous
    try:
        memory.remember(replace(recalled, active=name, previous=previous))
    except OSError as error:
        raise TraydError(
            _("the choice cannot be saved ({reason})").format(reason=error.strerror),
            _("It is kept in {path}: make that writable").format(path=memory.memory_file()),
        ) from None
    choosing.tell_stranger(profile, accepted=options.accept)
    told = _("{name} is the active profile. For this terminal: {command}")
    say(told.format(name=name, command=eval_line(calling_shell())))
    return 0


def _which(options: argparse.Namespace) -> int:
    from trayd.which import which

    return which(options)


def _profiles(options: argparse.Namespace) -> int:
    import json

    from trayd.core import report
    from trayd.core.cells import aligned

    loaded = choosing.load()
    active = choosing.active_name(loaded)
    profiles = choosing.in_order(loaded)
    if options.names:
        put("\n".join(profile.name for profile in profiles))
        return 0
    if options.json:
        rows = [
            {
                "name": p.name,
                "host": p.endpoint.url,
                "source": p.source,
                "path": p.path or None,
                "active": p.name == active,
            }
            for p in profiles
        ]
        put(json.dumps({"active": active, "profiles": rows}, indent=2))
    else:
        cells = [(report.marked(p.name, active), p.endpoint.url, report.source(p) or p.path) for p in profiles]
        put(aligned([("  " + _("PROFILE"), _("ENDPOINT"), _("FROM")), *cells]))
    choosing.tell_problems(loaded)
    return 0


def _config_path(options: argparse.Namespace) -> int:
    from trayd.config.paths import profiles_folder

    put(profiles_folder())
    return 0


def _config_check(options: argparse.Namespace) -> int:
    from trayd.config.paths import profiles_folder

    loaded = choosing.load()
    for problem in loaded.problems:
        put(str(problem))
    files = [profile for profile in loaded.profiles if profile.source == "file"]
    good = many("{n} profile in {folder}", "{n} profiles in {folder}", len(files))
    good = good.format(n=len(files), folder=profiles_folder())
    if loaded.problems:
        bad = many("{n} problem to mend", "{n} problems to mend", len(loaded.problems)).format(n=len(loaded.problems))
        say(_("{profiles}; {problems}").format(profiles=good, problems=bad))
        return 1
    if files:
        told = _("{profiles}, no problems")
    elif loaded.alone:
        told = _("{profiles}, no problems: the local engine is used")
    else:
        told = _("{profiles}, no problems: trayd shows what it finds by itself")
    say(told.format(profiles=good))
    if not files:
        say("  → " + _("Samples to begin with: {command}").format(command="trayd config sample"))
    return 0


def _config_schema(options: argparse.Namespace) -> int:
    from trayd.config.profiles import schema_text

    put(schema_text().rstrip())
    return 0


def _config_sample(options: argparse.Namespace) -> int:
    from trayd.config import samples

    put(samples.text(options.name).rstrip() if options.name else samples.listed())
    return 0


def _autostart(options: argparse.Namespace) -> int:
    from trayd.desktop import autostart

    command = autostart.command()
    if options.what == "enable":
        put(autostart.enable(command, unit=options.systemd))
        if options.systemd and not os.path.isdir("/run/systemd/system"):  # sd_booted(3)
            told = _("This system does not run systemd, so nothing reads that unit. Better: {command}")
            say(f"  → {told.format(command='trayd autostart enable')}")
            return 1
        say(_("trayd starts at your next login."))
        return 0
    if options.what == "disable":
        did = autostart.disable()
        say(_("trayd does not start at login any more.") if did else _("trayd did not start at login."))
        return 0
    status = autostart.status(command)
    put("enabled" if status.enabled else "disabled")  # for scripts, and the same in every language
    if status.command:
        say(f"{' '.join(status.command)}  ({status.location})")
    if status.problem:
        say(f"  ! {status.problem}")
        say("  → " + _("To write it anew, for this trayd: {command}").format(command="trayd autostart enable"))
    elif not status.enabled:
        say("  → " + _("To start trayd at login: {command}").format(command="trayd autostart enable"))
    return 0 if status.enabled and not status.problem else 1


def _doctor(options: argparse.Namespace) -> int:
    from trayd.doctor import doctor

    return doctor(options.json)


def _log(options: argparse.Namespace) -> int:
    from trayd.log import log

    return log(options.path, options.lines, options.follow)


def _menu(options: argparse.Namespace) -> int:
    from trayd.textmenu import menu

    return menu(options.program, options.plain)


def _completion(options: argparse.Namespace) -> int:
    from trayd.cli_parser import build
    from trayd.completing import text

    put(text(options.shell, build(COMMANDS)[0]))
    return 0


COMMANDS = {
    "run": _run,
    "status": _status,
    "wait": _wait,
    "check": _check,
    "env": _env,
    "use": _use,
    "which": _which,
    "profiles": _profiles,
    "menu": _menu,
    "completion": _completion,
    "config path": _config_path,
    "config check": _config_check,
    "config schema": _config_schema,
    "config sample": _config_sample,
    "autostart": _autostart,
    "doctor": _doctor,
    "log": _log,
}
