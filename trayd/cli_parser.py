"""The grammar of the command line and the help that teaches it, an example in each."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence

from trayd import __version__
from trayd.cli_help import Formatter, Parser, take_over
from trayd.core.words import N_, _

Command = Callable[[argparse.Namespace], int]

# name -> (in the list of commands, description, examples); lines of at most 78 cells, in every language. All of it is
# translated where it is shown.
TEXTS: dict[str, tuple[str, str, str]] = {
    "run": (
        "put the icon into the tray (what trayd does without a command)",
        "Put the icon into the tray, and stay until told to quit.\n"
        "Where there is no tray, a terminal shows the live view of 'status --watch',\n"
        "and the icon appears when a tray does. A second trayd says so and exits with 1.",
        "  trayd run                      the icon, for the profile you used last\n"
        "  trayd run --profile office     the icon, for the profile office",
    ),
    "status": (
        "ask all engines at the same time and tell what they say",
        "Ask all engines at the same time and tell what they say.\n"
        "Exit code 0 if all are reachable, 1 if not.",
        "  trayd status                   all engines, and why one cannot be reached\n"
        "  trayd status office lab        only these two\n"
        "  trayd status --watch           stay, and show every change as it happens\n"
        "  trayd status --json | jq -r '.profiles[] | select(.engine == null) | .name'",
    ),
    "wait": (
        "wait until an engine answers, or until it does not",
        "Wait until an engine answers (--up, also without saying so), or until it does\n"
        "not (--down). It is told by what happens there, so a script goes on at once.\n"
        "--down means the first question that is not answered: a short restart counts\n"
        "too, since the grace of a profile is about alarms. --up asks as docker would:\n"
        "an engine that systemd starts on use is started.\n"
        "Exit code 0 if it is so, 1 if the time was over; then one sentence says why.",
        "  trayd wait office && docker ps\n"
        "  trayd wait office --up --timeout 2m\n"
        "  trayd wait office --down       after a shutdown was ordered\n"
        "  trayd wait office --timeout 0  one look: is it up now?",
    ),
    "check": (
        "climb to one engine, rung by rung: where it breaks and what to do",
        "Climb the ladder to one engine, from its name to its clock: the first rung\n"
        "that breaks says why, and what to do. Nothing in the output is secret.\n"
        "Exit code 0 if the engine can be used, warnings or not, 1 if a rung breaks.",
        "  trayd check                    the active profile\n"
        "  trayd check office             this one\n"
        "  trayd check --json | jq -r '.rungs[] | select(.state == \"failed\") | .name'",
    ),
    "env": (
        "print the DOCKER_* variables of a profile, for your shell",
        "Print the DOCKER_* variables of a profile as text for your shell, and unset\n"
        "those that the profile does not need, so that nothing stale is left.",
        '  eval "$(trayd env office)"     sh, bash, zsh: this terminal talks to office\n'
        "  trayd env office | source      fish\n"
        '  eval "`trayd env office`"      csh, tcsh\n'
        "  trayd env office | Invoke-Expression                     PowerShell\n"
        "  for /f \"delims=\" %i in ('trayd env office') do @%i       cmd\n"
        '  eval "$(trayd env --unset)"    forget the engine again',
    ),
    "use": (
        "make a profile the active one; a running tray follows at once",
        "Make a profile the active one: it is the icon, and what 'trayd env' means\n"
        "without a name. A running tray follows at once, open terminals do not.\n"
        "A protected profile is asked about first: y switches, all else changes nothing.",
        "  trayd use office\n"
        "  trayd use -                    back to the previous one",
    ),
    "which": (
        "tell where your next docker command goes, and which setting says so",
        "Tell where your next docker command goes: the setting that wins, the endpoint,\n"
        "the profile that it is, whether it answers, and what has no effect.\n"
        "Exit code 0 if it answers, 1 if not.",
        "  trayd which                    for docker in this terminal\n"
        "  trayd which --context lab      for docker --context lab\n"
        "  trayd which --json | jq -r .host",
    ),
    "profiles": (
        "list the profiles, where each comes from, and which is active",
        "List the profiles, where each comes from, and which is active (*).\n"
        "No engine is asked.",
        "  trayd profiles\n"
        "  trayd profiles --json | jq -r .active",
    ),
    "menu": (
        "the tray's menu as a list, in rofi, dmenu, fuzzel, fzf or here",
        "The tray's menu as a list, for window managers without a tray. In a terminal it\n"
        "is shown by fzf, or with numbers; elsewhere by fuzzel, wofi, tofi or bemenu\n"
        "(Wayland), rofi, dmenu or bemenu (X11), whichever is there first. A running\n"
        "tray follows. Leaving without a choice is exit code 0; 1 if it did not work.",
        "  trayd menu\n"
        "  trayd menu --plain             a list with numbers, in this terminal\n"
        "  trayd menu --with rofi\n"
        "  trayd menu --with 'rofi -dmenu -theme mine'       run as it stands\n"
        "  bindsym $mod+d exec trayd menu                    in i3's or sway's config",
    ),
    "config": (
        "find, check and describe the profile files",
        "Find, check and describe the profile files: one YAML file is one profile,\n"
        "and its name is the file's name.",
        '  cd "$(trayd config path)"\n'
        "  trayd config check             every problem, with its file and line",
    ),
    "config path": (
        "print the profiles folder",
        "Print the profiles folder. TRAYD_CONFIG_DIR puts it elsewhere.",
        '  mkdir -p "$(trayd config path)"\n'
        "  echo 'host: tcp://build.example:2375' > \"$(trayd config path)/office.yaml\"",
    ),
    "config check": (
        "check all profiles: every problem with file, line and a suggestion",
        "Check all profiles and print every problem with file, line and a suggestion.\n"
        "Exit code 0 if there is none, 1 if there is one.",
        "  trayd config check && trayd status",
    ),
    "config schema": (
        "print the JSON Schema of a profile, for your editor",
        "Print the JSON Schema of a profile. Editors with a YAML language server\n"
        "complete and check profiles with it.",
        "  trayd config schema > profile.schema.json\n"
        "  and as the first line of office.yaml:\n"
        "  # yaml-language-server: $schema=profile.schema.json",
    ),
    "config sample": (
        "print a sample of a profile; without a name, which there are",
        "Print a sample of a profile, to begin your own with. Without a name it lists\n"
        "which samples there are.",
        "  trayd config sample\n"
        '  trayd config sample remote-tls > "$(trayd config path)/office.yaml"',
    ),
    "completion": (
        "print what makes bash, zsh, fish or tcsh complete trayd's words",
        "Print what makes a shell complete trayd's commands, options and profiles.\n"
        "In a shell's own file (~/.bashrc and so on) it costs some start-up time;\n"
        "written into a file once, it does not.",
        '  eval "$(trayd completion bash)"          in ~/.bashrc\n'
        '  eval "$(trayd completion zsh)"           in ~/.zshrc, behind compinit\n'
        "  trayd completion fish | source           in ~/.config/fish/config.fish\n"
        "  trayd completion tcsh > ~/.trayd.tcsh    and in ~/.tcshrc: source that file",
    ),
    "autostart": (
        "start trayd at login, or not, or tell whether it does",
        "Start trayd at login, or not, or tell whether it does.\n"
        "Exit code of status: 0 if it does, 1 if not.",
        "  trayd autostart enable         from the next login on\n"
        "  trayd autostart enable --systemd    by a user unit: sway and others that read\n"
        "                                 no autostart folder, in a session of systemd's\n"
        "  trayd autostart status",
    ),
    "doctor": (
        "look at everything the tray stands on; made for a bug report",
        "Look at everything the tray stands on: panel, bus, clipboard, programs,\n"
        "autostart, versions; what is missing, and what to do. Nothing in it is secret.\n"
        "Exit code 0 if everything is there that the tray needs, 1 if not.",
        "  trayd doctor\n"
        "  trayd doctor --json | jq -r '.findings[] | select(.state == \"bad\") | .next'",
    ),
    "log": (
        "print the last lines of the running tray's log",
        "Print the last lines of the running tray's log: what it saw change, and when.\n"
        "It names profiles and states, no host, no path, no variable.",
        "  trayd log                      the last 40 lines, and the path on stderr\n"
        "  trayd log --follow             stay, and print what comes\n"
        '  less "$(trayd log --path)"',
    ),
}  # fmt: skip

_DESCRIPTION = N_(
    "Which Docker engine am I talking to, does it answer, and if not, why?\n"
    "Without a command, trayd puts its icon into the tray."
)
_EXAMPLES = N_(
    "  trayd status                   is everything up? and if not, what to do\n"
    "  trayd use office               choose an engine\n"
    '  eval "$(trayd env)"            and let this terminal talk to it'
)
_CODES = N_("exit codes: 0 good, 1 not reachable, 2 wrong usage, 3 a bug, 130 Ctrl-C")


def build(commands: Mapping[str, Command]) -> tuple[Parser, dict[str, Parser]]:
    """Return the grammar, and that of each command, in the person's language."""
    take_over()
    parser = Parser(
        prog="trayd",
        usage="trayd [-h] [--version] COMMAND ...",
        description="\n\n".join((_(_DESCRIPTION), _listed(""))),
        epilog="\n".join((_("examples:"), _(_EXAMPLES), "", _(_CODES))),
        formatter_class=Formatter,
    )
    parser.add_argument("--version", action="version", version=f"trayd {__version__}", help=_("print the version"))
    known = parser.add_subparsers(prog="trayd", help=argparse.SUPPRESS, metavar="COMMAND", required=True)
    subs = {name: _add(known, name, name, commands) for name in TEXTS if " " not in name}
    run, status, env = subs["run"], subs["status"], subs["env"]
    run.add_argument("--profile", metavar="P", default="", help=_("make this the active profile"))
    status.add_argument("profiles", metavar="P", nargs="*", help=_("only these profiles"))
    status.add_argument("--json", action="store_true", help=_("as JSON; with --watch one object a line"))
    status.add_argument("--watch", action="store_true", help=_("stay, and show every change as it happens"))
    subs["wait"].add_argument("profile", metavar="P", help=_("a profile"))
    goal = subs["wait"].add_mutually_exclusive_group()
    goal.add_argument("--up", action="store_true", help=_("until it answers (this is what is meant without either)"))
    goal.add_argument("--down", action="store_true", help=_("until it does not answer"))
    subs["wait"].add_argument(
        "--timeout",
        metavar="T",
        type=_duration,
        default=60.0,
        help=_("how long at most, like 500ms, 60s or 2m; 0 is one look; without it 60s"),
    )
    subs["check"].add_argument("profile", metavar="P", nargs="?", default="", help=_("without it the active one"))
    subs["check"].add_argument("--json", action="store_true", help=_("as JSON, when all is known"))
    env.add_argument("profile", metavar="P", nargs="?", default="", help=_("a profile; without it the active one"))
    env.add_argument(
        "--shell",
        metavar="S",
        default="",
        help=_("sh, bash, zsh, fish, powershell, cmd, csh or tcsh; without it the one that calls"),
    )
    env.add_argument("--unset", action="store_true", help=_("forget the engine instead: unset all variables"))
    subs["use"].add_argument("profile", metavar="P", help=_("a profile, or - for the previous one"))
    subs["use"].add_argument("--accept", action="store_true", help=_("the engine that answers now is the right one"))
    subs["use"].add_argument("--yes", action="store_true", help=_("switch to a protected profile without being asked"))
    which = subs["which"]
    which.add_argument("-c", "--context", metavar="C", help=_("as docker --context C"))
    which.add_argument("-H", "--host", metavar="H", help=_("as docker --host H"))
    which.add_argument("--json", action="store_true", help=_("as JSON"))
    subs["profiles"].add_argument("--json", action="store_true", help=_("as JSON"))
    subs["profiles"].add_argument("--names", action="store_true", help=_("only the names, one on each line"))
    how = subs["menu"].add_mutually_exclusive_group()
    how.add_argument("--with", metavar="CMD", dest="program", default="", help=_("show it with this program"))
    how.add_argument("--plain", action="store_true", help=_("a list with numbers, whatever is installed"))
    what = subs["autostart"].add_argument("what", metavar="WHAT", choices=("enable", "disable", "status"))
    what.help = _("enable, disable or status")
    subs["autostart"].add_argument("--systemd", action="store_true", help=_("with enable: by a systemd user unit"))
    run.add_argument("-v", "--verbose", action="store_true", help=_("write the log to stderr as well, in more detail"))
    log = subs["log"]
    log.add_argument("-n", "--lines", metavar="N", type=int, default=40, help=_("how many lines, 40 without it"))
    log.add_argument("-f", "--follow", action="store_true", help=_("stay, and print what comes"))
    log.add_argument("--path", action="store_true", help=_("print only where the log is"))
    subs["doctor"].add_argument("--json", action="store_true", help=_("as JSON"))
    shell = subs["completion"].add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish", "tcsh"))
    shell.help = _("bash, zsh, fish or tcsh")
    parts = subs["config"].add_subparsers(prog="trayd config", help=argparse.SUPPRESS, metavar="COMMAND", required=True)
    for name in ("path", "check", "schema", "sample"):
        part = _add(parts, name, f"config {name}", commands)
    part.add_argument("name", metavar="NAME", nargs="?", default="", help=_("a sample; without it they are listed"))
    return parser, subs


def parse(arguments: Sequence[str], commands: Mapping[str, Command]) -> argparse.Namespace:
    """Return the options, `command` among them. Raises SystemExit after --help, --version and a mistake."""
    parser, subs = build(commands)
    _check_word(parser, arguments, "")
    if arguments and arguments[0] == "config":
        _check_word(subs["config"], arguments[1:], "config ")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        options.parser.error(_("unknown: {words}").format(words=" ".join(unknown)))
    return options


def _add(known: argparse._SubParsersAction[Parser], word: str, name: str, commands: Mapping[str, Command]) -> Parser:
    in_list, description, examples = map(_, TEXTS[name])
    if listed := _listed(f"{name} "):
        description += f"\n\n{listed}"
    parser = known.add_parser(
        word,
        help=in_list,
        description=description,
        epilog="\n".join((_("examples:"), examples)),
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    if name in commands:
        parser.set_defaults(command=commands[name], parser=parser)
    else:
        parser.usage = f"trayd {name} [-h] COMMAND ..."
    return parser


def _duration(text: str) -> float:
    from trayd.core.profile import ProfileError, parse_duration
    from trayd.core.text import clean

    try:
        return float(text) if text.isascii() and text.isdecimal() else parse_duration(text)
    except ProfileError:
        shown = clean(text, 40)
        wrong = _("'{text}' is not a duration: write it like 500ms, 60s or 2m")
        raise argparse.ArgumentTypeError(wrong.format(text=shown)) from None


def _words(prefix: str) -> dict[str, str]:
    names = [name for name in TEXTS if name.startswith(prefix) and " " not in name.removeprefix(prefix)]
    return {name.removeprefix(prefix): _(TEXTS[name][0]) for name in names}


def _listed(prefix: str) -> str:
    words = _words(prefix)
    return "\n".join([_("commands:"), *(f"  {word:10} {text}" for word, text in words.items())]) if words else ""


def _check_word(parser: Parser, arguments: Sequence[str], prefix: str) -> None:
    """End with a suggestion if the first word is no command; argparse would list them all and suggest none."""
    words = list(_words(prefix))
    if not arguments:
        parser.error(_("say what: {words}").format(words=_(", ").join(words)))
    first = arguments[0]
    if first.startswith("-") or first in words:
        return
    from trayd.core.text import clean, did_you_mean

    wrong = _("there is no command '{word}'{suggestion}")
    parser.error(wrong.format(word=clean(first, 60), suggestion=did_you_mean(first, words)))
