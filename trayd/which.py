"""`trayd which`: where the next docker command of this terminal goes, which setting says so, and whether it answers."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping

from trayd.config import paths, profiles
from trayd.config.dockercli import read_cli_config
from trayd.core import report
from trayd.core.cells import aligned
from trayd.core.engine import Engine
from trayd.core.errors import TraydError
from trayd.core.health import GOOD
from trayd.core.precedence import Destination, destination, same_place
from trayd.core.profile import LOCAL_HEALTH, REMOTE_HEALTH, Profile, ProfileError, parse_host
from trayd.core.text import clean, human_latency
from trayd.core.words import N_, _
from trayd.output import put


def which(options: argparse.Namespace) -> int:
    """Tell it; return 0 if the engine answers, else 1."""
    found = look(os.environ, options.context, options.host)
    known = profiles.load(paths.profiles_folder(), paths.computer()).profiles
    profile, cannot = _profile(found, known)
    engine = None
    if profile is not None:
        from trayd.engine.survey import survey  # imports docker

        engine = survey([profile])[0]
    answers = engine is not None and engine.health.state in GOOD
    name = profile.name if profile in known and profile is not None else None
    if options.json:
        put(json.dumps(_as_json(found, name, engine, cannot), indent=2))
        return 0 if answers else 1
    put(_as_text(found, name, engine, cannot))
    if found.error:
        raise TraydError(found.error, found.hint)
    return 0 if answers else 1


def look(environ: Mapping[str, str], context: str | None = None, host: str | None = None) -> Destination:
    """Return where docker goes from here, with these options."""
    # As the CLI has it: a relative folder begins at the folder of this terminal.
    folder = os.path.abspath(environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker"))
    config = read_cli_config(folder, environ, sys.platform == "win32", context)
    return destination(environ, config, context, host)


def _profile(found: Destination, known: Iterable[Profile]) -> tuple[Profile | None, str]:
    """Return the profile to ask, trayd's own if there is one for this place, or why it cannot be asked."""
    if found.error:
        return None, ""
    try:
        endpoint = parse_host(found.url, found.tls)
    except ProfileError as error:
        return None, _("trayd cannot ask there: {reason}").format(reason=error.message)
    for profile in known:
        if same_place(profile.endpoint, endpoint):
            return profile, ""
    return Profile("docker", endpoint, "cli", health=LOCAL_HEALTH if endpoint.socket else REMOTE_HEALTH), ""


_SETTINGS = {
    "currentContext": N_("currentContext in docker's config.json (docker context use)"),
    "default": N_("nothing is set: the default"),
    "--context and --host": N_("--context and --host"),
}
_SECURITY = {
    "none": "{url}",
    "verified": N_("{url}  TLS, verified"),
    "unverified": N_("{url}  TLS, not verified"),
}


def _as_text(found: Destination, name: str | None, engine: Engine | None, cannot: str) -> str:
    setting = _SETTINGS.get(found.setting)
    rows = [(_("setting"), _(setting) if setting else found.setting)]
    if found.context != "default":
        rows.append((_("context"), clean(found.context, 60)))
    if found.url:
        rows.append((_("endpoint"), _(_SECURITY[found.security]).format(url=clean(found.url, 200))))
        if found.tls is not None and found.tls.cert_path:
            rows.append((_("certificates"), clean(found.tls.cert_path, 200)))
        rows.append((_("profile"), name or _("none")))
    if engine is not None:
        rows.append((_("state"), _state(engine)))
    if cannot:
        rows.append((_("state"), cannot))
    text = aligned(rows)
    if engine is not None and (diagnosis := engine.health.diagnosis):
        text += f"\n\n{diagnosis.cause}\n  → {diagnosis.next}"
    if found.notes:
        text += "\n\n" + "\n".join(f"! {note}" for note in found.notes)
    return text


def _state(engine: Engine) -> str:
    parts = [f"{report.DOTS[engine.health.state]} {report.words(engine.health)}"]
    if engine.info is not None and engine.info.version:
        parts.append(_("Engine {version}").format(version=engine.info.version))
    if engine.health.latency is not None:
        parts.append(human_latency(engine.health.latency))
    return " · ".join(parts)


def _as_json(found: Destination, name: str | None, engine: Engine | None, cannot: str) -> dict[str, object]:
    asked = report.as_json(engine, lambda _: "") if engine is not None else {}
    return {
        "setting": found.setting,
        "context": found.context,
        "host": found.url or None,
        "tls": found.security,
        "cert_path": (found.tls.cert_path or None) if found.tls else None,
        "profile": name,
        "state": asked.get("state"),
        "engine": asked.get("engine"),
        "diagnosis": asked.get("diagnosis"),
        "error": {"message": found.error or cannot, "next": found.hint} if found.error or cannot else None,
        "notes": list(found.notes),
    }
