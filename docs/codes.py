"""The reference of all codes that trayd gives to a failure, for docs/diagnosis.md.

The words come from `SENTENCES`. What leads to a code is found by showing the diagnosis failures of every kind and
writing down what it makes of them; only what is seen by a second look, which no exception tells, is said here.
"""

from __future__ import annotations

import errno
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence

from trayd.core import diagnosis, ladder, ssh_words
from trayd.core.diagnosis import Answer, Diagnosis, diagnose, from_answer, from_exception
from trayd.core.health import Health, State
from trayd.core.profile import Endpoint, Tls
from trayd.core.report import words
from trayd.core.sentences import SENTENCES
from trayd.engine.client import NEWEST_API, OLDEST_API

# What stands for the fields of a sentence, and is filled in on the screen.
FIELDS = {
    "address": "its address",
    "host": "its host",
    "port": "its port",
    "certs": "your folder of TLS files",
    "group": "the socket's group",
    "status": "a number",
    "engine_api": "the engine's version",
    "our_api": "trayd's version",
    "login": "ssh its-host",
    "socket": "the path of its socket there",
}
TRANSPORTS = {"unix": "unix://", "npipe": "npipe://", "tcp": "tcp://", "tls": "tcp:// with TLS", "ssh": "ssh://"}
ENDPOINTS = {
    "unix": Endpoint("unix", path="/var/run/docker.sock"),
    "npipe": Endpoint("npipe", path="//./pipe/docker_engine"),
    "tcp": Endpoint("tcp", host="build.example", port=2375),
    "tls": Endpoint("tcp", host="build.example", port=2376, tls=Tls("/home/ann/.docker/build")),
    "ssh": Endpoint("ssh", host="build.example"),
}

# Where a variant of the sentences is meant, beside the transports.
VARIANTS = {
    "socket_permission.root_only": "Over unix://, where the socket is open to root alone",
    "socket_permission.closed_folder": "Over unix://, where already its folder is closed",
    "tls_files": "For everything else",
    "tls_files.no_ca": "Where there is no ca.pem",
    "tls_files.half": "Where cert.pem or key.pem is missing",
    "tls_files.mismatch": "Where the two do not belong together",
    "tls_files.locked": "Where the key has a password",
    "tls_files.unreadable": "Where a file is closed to you",
    "tls_files.damaged": "Where a file is not what it should be",
}
# Over which transports a code comes that has other sentences for some of them; all where it is not here.
POSSIBLE = {
    "socket_missing": ("unix", "npipe"),
    "socket_permission": ("unix", "npipe"),
    "busy": ("unix", "npipe"),
    "refused": ("unix", "tcp", "tls", "ssh"),
    "connect_timeout": ("tcp", "tls", "ssh"),
    "connection_lost": ("tcp", "tls", "ssh"),
    "unsupported": ("npipe", "ssh"),
}
RUNGS = {
    "name": "The name",
    "address": "The address",
    "tls files": "The TLS files",
    "connection": "The connection",
    "ssh": "ssh",
    "tls": "TLS",
    "http": "HTTP",
    "docker": "Is it Docker?",
    "api": "The version of the API",
    "permission": "The permission",
    "engine": "The engine itself",
    "": "On any rung",
}

# What is seen by a second look, or told by the program ssh without words that could be shown here.
LOOKS = {
    "not_a_socket": "the connection is refused, and what stands at the path is no socket",
    "stopped_activatable": "systemd says that docker.service is stopped and docker.socket listens; nothing was sent",
    "socket_permission": "the socket's group and mode, and whether its folder can be entered, say which sentence it is",
    "dns": "the name cannot be looked up, or not in time",
    "no_answer": "no answer within `health.timeout`",
    "connection_lost": "ssh ended after it had logged in",
    "connect_timeout": "over ssh: not even connected within `health.timeout`",
    "tls_needed": "there is no answer, or none of Docker's, and the port answers a greeting in TLS",
    "tls_files": "the files are loaded before anything is sent: what fails there says which sentence it is",
    "client_cert_missing": "the server refuses us during or after the handshake, and there is no cert.pem",
    "api_too_old": f"the engine's `Api-Version` is below {OLDEST_API}",
    "api_client_too_old": f"the engine's `MinAPIVersion` is above {NEWEST_API}",
    "ssh_missing": "there is no program `ssh` on PATH",
    "ssh_key_passphrase": "as for [ssh_auth](#ssh_auth), but the host knew the key that was offered",
    "ssh_login_slow": "the host greeted, and the login was not done within `health.timeout`",
    "ssh_protocol": "connected, and no greeting within `health.timeout`",
    "ssh_forward_refused": "sshd refuses to pass a connection on, and somebody listens at the socket there",
    "ssh_remote_gone": "sshd refuses to pass a connection on to an engine that answered a moment ago",
    "ssh_remote_stopped": "sshd refuses to pass a connection on; a look there finds the socket, and nobody who listens",
    "ssh_remote_permission": "sshd refuses to pass a connection on; a look there finds the socket or its folder closed",
    "ssh_remote_socket_missing": "sshd refuses to pass a connection on; a look there finds Docker, and no socket",
    "ssh_remote_docker_missing": "sshd refuses to pass a connection on; a look there finds neither socket nor Docker",
    "unsupported": "ssh:// on Windows, npipe:// elsewhere",
    "unknown": "nothing of all the others",
}


def text() -> str:
    """Return the list of all codes, then each with its sentences and its signs, along the rungs of the ladder."""
    seen = signs()
    parts = ["All codes: " + " · ".join(f"[{code}](#{code})" for code in sorted(codes())) + "\n"]
    for rung in RUNGS:
        if found := [code for code in codes() if ladder.RUNG_OF.get(code, "") == rung]:
            parts += [f"## {RUNGS[rung]}\n", *(_code(code, seen.get(code, [])) for code in found)]
    return "\n".join(parts)


def codes() -> list[str]:
    """Return all codes without their variants, in the order of `SENTENCES`."""
    return list(dict.fromkeys(name.partition(".")[0] for name in SENTENCES))


def _code(code: str, seen: Iterable[str]) -> str:
    short = words(Health(State.UNREACHABLE, 0.0, diagnosis=Diagnosis(code, "", "")))
    lines = [f"### {code}\n", f"In the menu: {short}.\n"]
    for name in (name for name in SENTENCES if name.partition(".")[0] == code):
        where = _where(name)
        lines += [f"#### {name}\n"] if name != code else []
        lines += [f"{where}:\n"] if where else []
        cause, step = (sentence(part) for part in SENTENCES[name])
        lines += [f"> {cause}\n>\n> → {step}\n"]
    looked = [LOOKS[code]] if code in LOOKS else []
    lines += ["What is seen: " + "; ".join([*seen, *looked]) + ".\n"]
    return "\n".join(lines)


def _where(name: str) -> str:
    """Return for what a sentence is, where its code has more than one."""
    code = name.partition(".")[0]
    if name in VARIANTS or not any(other.startswith(f"{code}.") for other in SENTENCES):
        return VARIANTS.get(name, "")
    over = [kind for kind in POSSIBLE.get(code, tuple(TRANSPORTS)) if _chosen(code, kind) == name]
    return f"Over {_either([TRANSPORTS[kind] for kind in over])}"


def _chosen(code: str, kind: str) -> str:
    """Return which sentences `diagnose` takes for an endpoint of this kind: those that it also takes when told to."""
    found = diagnose(code, ENDPOINTS[kind])
    names = [name for name in SENTENCES if name.startswith(f"{code}.")]
    return next((name for name in names if diagnose(code, ENDPOINTS[kind], "", name.partition(".")[2]) == found), code)


def sentence(text: str) -> str:
    """Return one of trayd's sentences as Markdown, its fields as words in italics."""
    marked = escaped(text.format_map({name: f"\0{word}\1" for name, word in FIELDS.items()}))
    return marked.replace("\0", "*").replace("\1", "*")


def escaped(text: str) -> str:
    """Return a text so that Markdown shows it as it stands."""
    return re.sub(r"([\\*<>~|\[\]`])", r"\\\1", text)


# --- what the diagnosis makes of failures of every kind


def signs() -> Mapping[str, list[str]]:
    """Return, for each code, what trayd sees that leads to it."""
    found: dict[str, list[str]] = {}
    for told in (_system, _pipes, _certificates, _tls, _library, _answers, _ssh):
        grouped: dict[str, list[str]] = {}
        form = ""
        for form, code, sign in told():
            if sign not in (known := grouped.setdefault(f"{code}\0{form}", [])):
                known.append(sign)
        for key, names in grouped.items():
            code, _, form = key.partition("\0")
            found.setdefault(code, []).append(form.format(_either(names)))
    return found


def _system() -> Iterator[tuple[str, str, str]]:
    for kind in ("unix", "tcp"):
        for name, number in sorted((name, number) for number, name in errno.errorcode.items()):
            code = from_exception(OSError(number, "of the system"), ENDPOINTS[kind]).code
            if code != "unknown" and (kind == "unix") == (code in POSSIBLE and "tcp" not in POSSIBLE[code]):
                yield "the system says {}", code, f"`{name}`"
    yield (
        "{}",
        from_exception(OSError("AF_UNIX path too long"), ENDPOINTS["unix"]).code,
        "the system takes no such path",
    )


def _pipes() -> Iterator[tuple[str, str, str]]:
    for number in range(1, 1000):
        error = type("error", (Exception,), {"winerror": number})()
        if (code := from_exception(error, ENDPOINTS["npipe"]).code) != "unknown":
            yield "Windows says error {} of a pipe", code, str(number)


def _certificates() -> Iterator[tuple[str, str, str]]:
    form = "OpenSSL does not verify the certificate, for the reason {} (X509_V_ERR)"
    for number in range(1, 100):
        error = ssl.SSLCertVerificationError(1, "")
        error.verify_code = number
        code = from_exception(error, ENDPOINTS["tls"]).code
        yield form, code, "of any other number" if code == "cert_invalid" else str(number)


def _tls() -> Iterator[tuple[str, str, str]]:
    alerts = [f"TLSV1_ALERT_{name}" for name in diagnosis._CERTIFICATE_ALERTS]
    for reason in sorted({*diagnosis._FILE_REASONS, *diagnosis._NOT_TLS_REASONS, *diagnosis._OLD_TLS_REASONS, *alerts}):
        error = ssl.SSLError(1, "")
        error.reason = reason
        yield "OpenSSL says {}", from_exception(error, ENDPOINTS["tls"]).code, f"`{reason}`"


def _library() -> Iterator[tuple[str, str, str]]:
    for names, code in diagnosis._LIBRARY_CODES:
        for name in names:
            yield "docker-py or what is below it raises {}", code, f"`{name}`"


def _answers() -> Iterator[tuple[str, str, str]]:
    docker = {"api-version": NEWEST_API}
    for headers, whose in ((docker, "from Docker, by its headers"), ({}, "not from Docker, by its headers")):
        for status in (200, 301, 302, 400, 401, 403, 404, 407, 500, 502, 503):
            if found := from_answer(Answer(status, headers), ENDPOINTS["tcp"]):
                number = f"{status} without the text OK" if status == 200 and headers else str(status)
                yield f"the answer is HTTP {{}}, {whose}", found.code, number


def _ssh() -> Iterator[tuple[str, str, str]]:
    for pattern, code in ssh_words._MEANINGS:
        for said in _said(pattern):
            yield "ssh says {}", code, f"`{said}`"


def _said(pattern: str) -> list[str]:
    """Return what a pattern matches, each alternative as a person reads it, with … for what differs."""
    shown = re.sub(r"\\S\+|\\d\+", "…", pattern.replace("(host )?", "").replace("[Cc]", "c").replace("^", ""))
    texts = [shown.replace("\\(", "\0").replace("\\", "")]
    while group := next((found for text in texts if (found := re.search(r"\(([^()]*)\)", text))), None):
        texts = [text.replace(group[0], one, 1) for text in texts for one in group[1].split("|")]
    alternatives = dict.fromkeys(one for text in texts for one in text.split("|"))
    return [one.replace("\0", "(").strip() for one in alternatives]


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
