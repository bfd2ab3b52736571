"""Writes what is generated in docs/: `python docs/make.py`; `scripts/docs` does it before it builds the site.

A generated part stands between two marks in a page, what is around it is written by hand. The keys of a profile come
from trayd/config/profile.schema.json, the codes from trayd/core/sentences.py, the commands from the command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from docs import codes  # noqa: E402
from docs.examples import EXAMPLES  # noqa: E402
from trayd import cli_parser  # noqa: E402
from trayd.config.profiles import schema  # noqa: E402
from trayd.core.profile import HEALTH_LIMITS, LOCAL_HEALTH, REMOTE_HEALTH  # noqa: E402
from trayd.core.text import human_duration  # noqa: E402

BEGIN, END = "<!-- docs/make.py: begin -->\n", "<!-- docs/make.py: end -->\n"
FORMS = {"string": "a text", "boolean": "true or false", "object": "a group of keys", "array": "a list"}
DURATION = "a duration: `500ms`, `10s`, `2m`, or a number of seconds"


def keys(part: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Give every key of a profile in the schema's order: its path, its entry, whether it is needed."""
    for name, entry in part.get("properties", {}).items():
        path = f"{above}{name}"
        yield path, entry, name in part.get("required", ())
        yield from keys(entry, f"{path}.")


def configuration() -> str:
    """Return the reference of a profile's keys."""
    return "\n".join(_key(path, entry, needed) for path, entry, needed in keys(schema()))


def _key(path: str, entry: Mapping[str, Any], needed: bool) -> str:
    facts = {"Form": _form(entry), "Default": _default(path, entry), "Limits": _limits(path)}
    lines = [f"- {title}: {text}" for title, text in facts.items() if text]
    if len(shown := entry.get("examples", ())) > 1:
        lines.append(f"- Such as: {', '.join(f'`{one}`' for one in shown)}")
    if needed:
        lines.append(f"- Needed where `{path.rpartition('.')[0]}` is there.")
    example = f"```yaml\n{EXAMPLES[path]}```"
    return f"### {path}\n\n{entry['description']}\n\n" + "\n".join(lines) + f"\n\n{example}\n"


def _form(entry: Mapping[str, Any]) -> str:
    if "pattern" in entry and "number" in entry["type"]:
        return DURATION
    form = FORMS[entry["type"]]
    if "enum" in (items := entry.get("items", {})):
        return f"{form} of {', '.join(f'`{one}`' for one in items['enum'])}"
    if entry["type"] == "array":
        return f"{form} of texts"
    if "additionalProperties" in entry and "properties" not in entry:
        return (
            "a group of names, each with a text: numbers and words like `yes` in quotes; not the variables that `host` "
            "and `tls` set themselves, `DOCKER_HOST` and its like"
        )
    return form


def _default(path: str, entry: Mapping[str, Any]) -> str:
    if path.startswith("health.") and (name := path.partition(".")[2]) in HEALTH_LIMITS:
        local, remote = (human_duration(getattr(which, name)) for which in (LOCAL_HEALTH, REMOTE_HEALTH))
        if local == remote:
            return f"`{local}`"
        return f"`{local}` for unix:// and npipe://, `{remote}` for tcp:// and ssh://"
    return f"`{str(entry['default']).lower()}`" if "default" in entry else ""


def _limits(path: str) -> str:
    limits = HEALTH_LIMITS.get(path.removeprefix("health."), ())
    return " to ".join(f"`{human_duration(limit)}`" for limit in limits)


def commands() -> str:
    """Return what `--help` says of every command, without the line breaks and columns of a terminal."""
    parser, _ = cli_parser.build({})
    return "\n".join(_command(name, sub) for name, sub in _parsers(parser))


def _parsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield f"{parser.prog} {name}", sub
                yield from _parsers(sub)


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    told = [action for action in parser._actions if action.dest != "help" and action.help != argparse.SUPPRESS]
    description = (parser.description or "").partition("\n\ncommands:")[0]
    examples = (parser.epilog or "").partition("\n")[2]
    lines = [f"## {name}\n", f"{_escaped(description)}\n"]
    if told:
        lines += [f"`{name} {' '.join(_usage(told))}`\n", "| argument | what it does |", "| --- | --- |"]
        lines += [f"| `{_words(action)}` | {_escaped(action.help or '')} |" for action in told]
        lines.append("")
    return "\n".join([*lines, f"```text\n{_dedented(examples)}\n```\n"])


def _words(action: argparse.Action) -> str:
    value = f" {action.metavar}" if action.option_strings and action.nargs != 0 else ""
    return ", ".join(action.option_strings) + value if action.option_strings else str(action.metavar)


def _usage(told: Iterable[argparse.Action]) -> Iterator[str]:
    """Write it ourselves: argparse's own line differs from Python to Python."""
    for action in told:
        word = action.option_strings[-1] if action.option_strings else str(action.metavar)
        if action.option_strings and action.nargs != 0:
            word += f" {action.metavar}"
        word += "…" if action.nargs == "*" else ""
        yield f"[{word}]" if action.option_strings or action.nargs in ("?", "*") else word


def _escaped(text: str) -> str:
    return codes.escaped(text.replace("\n", " "))


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("  ") for line in text.rstrip().splitlines())


PAGES = {"configuration.md": configuration, "diagnosis.md": codes.text, "commands.md": commands}


def made(name: str) -> str:
    """Return a page as it should be: what is written by hand as it stands, and the generated part anew."""
    text = (HERE / name).read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"docs/{name} has lost its marks: {BEGIN.strip()} and {END.strip()}")
    return f"{before}{begin}\n{PAGES[name]()}\n{end}{after}"


def main() -> None:
    """Write all pages that differ."""
    for name in PAGES:
        page, text = HERE / name, made(name)
        if text != page.read_text(encoding="utf-8"):
            page.write_text(text, encoding="utf-8", newline="\n")
            print(f"docs/{name} is new", file=sys.stderr)


if __name__ == "__main__":
    main()
