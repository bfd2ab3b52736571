"""The docker CLI's precedence as a pure function; tests/cli/test_which.py holds it to the real CLI."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.core.precedence import CliConfig, CliContext, destination, parse_docker_host, same_place
from trayd.core.profile import Tls, parse_host
from trayd.core.text import hidden_character

LAB = {"lab": CliContext("tcp://lab:2375"), "broken": CliContext("", problem="the context 'broken' cannot be used")}
CONFIG = CliConfig("/home/me/.docker", contexts=LAB)


def notes(config=CONFIG, context=None, host=None, **variables):
    return destination({f"DOCKER_{name}": value for name, value in variables.items()}, config, context, host).notes


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (notes(HOST="tcp://h:1", CONTEXT="lab"), "DOCKER_CONTEXT=lab has no effect: DOCKER_HOST wins"),
        (notes(context="lab", HOST="tcp://h:1"), "DOCKER_HOST=tcp://h:1 has no effect: --context wins"),
        (notes(host="tcp://h:1", CONTEXT="lab"), "DOCKER_CONTEXT=lab has no effect: --host wins"),
        (
            notes(CliConfig("", "lab", LAB), HOST="tcp://h:1"),
            "'docker context use lab' has no effect while DOCKER_HOST",
        ),
        (notes(CliConfig("", "x", LAB), CONTEXT="lab"), "'docker context use x' has no effect while DOCKER_CONTEXT"),
        (notes(HOST="tcp://h:1", TLS_VERIFY="0"), "DOCKER_TLS_VERIFY=0 turns TLS on, not off"),
        (notes(HOST="tcp://h:1", TLS="false"), "DOCKER_TLS=false turns TLS on, not off"),
        (notes(HOST="tcp://h:1", TLS="1", TLS_VERIFY="1"), "DOCKER_TLS_VERIFY wins over DOCKER_TLS"),
        (notes(HOST="tcp://h:1", CERT_PATH="/c"), "DOCKER_CERT_PATH alone does nothing"),
        (notes(HOST="tcp://h:1", TLS="1", CERT_PATH="~/c"), "docker does not read the ~"),
        (notes(HOST="tcp://h", TLS="1"), "docker takes 2375, even with TLS"),
        (notes(TLS_VERIFY="1"), "docker goes to tcp://localhost:2376"),
        (notes(HOST="tcp://h:2376"), "Port 2376 is the one for TLS, and TLS is not on"),
        (notes(HOST="unix:///x", TLS="1"), "The TLS variables mean nothing here"),
        (
            notes(CONTEXT="lab", TLS="1", CERT_PATH="/c"),
            "DOCKER_TLS and DOCKER_CERT_PATH have no effect on the context 'lab'",
        ),
        (notes(HOST="tcp://h:1", API_VERSION="1.40"), "DOCKER_API_VERSION=1.40 fixes the API version"),
        (notes(HOST=""), "DOCKER_HOST is set but empty"),
        (notes(CONTEXT=""), "DOCKER_CONTEXT is set but empty"),
        (notes(TLS_VERIFY=""), "DOCKER_TLS_VERIFY is set but empty"),
        (notes(HOST="  "), "DOCKER_HOST is only blanks"),
        (notes(CliConfig("", problem="it is broken")), "it is broken"),
    ],
)
def test_every_conflict_is_said_in_words(told, words):
    """What has no effect, or another one than it seems, is one sentence, and nothing else is said."""
    assert len(told) == 1
    assert words in told[0]


@pytest.mark.parametrize(
    "told",
    [
        notes(),
        notes(HOST="tcp://h:2375"),
        notes(CONTEXT="lab"),
        notes(CONTEXT="default"),
        notes(CliConfig("", "lab", LAB)),
        notes(HOST="tcp://h:2376", TLS_VERIFY="1", CERT_PATH="/c"),
        notes(CliConfig("", "default"), HOST="unix:///x"),
    ],
)
def test_nothing_is_said_where_nothing_is_wrong(told):
    """A plain setting has no notes."""
    assert told == ()


def test_missing_certificates_are_an_error_with_a_way_out():
    """Where a variable turns TLS on without a ca.pem, docker refuses, and so do we: with what to type."""
    config = CliConfig("/home/me/.docker", missing=frozenset({"/home/me/.docker/ca.pem"}))
    found = destination({"DOCKER_TLS": "1"}, config)
    assert (found.url, found.hint) == ("", "Set DOCKER_CERT_PATH to the folder with ca.pem, or: unset DOCKER_TLS")
    assert destination({"DOCKER_TLS": "1", "DOCKER_CERT_PATH": "/c"}, config).error == ""


def test_the_default_engine_of_windows_is_a_pipe():
    """Without any setting docker goes to the pipe docker_engine there."""
    assert destination({}, CliConfig("", windows=True)).url == "npipe:////./pipe/docker_engine"


def test_broken_and_missing_contexts_are_told_apart():
    """A context that cannot be read is said to be so, one that is missing is compared with those that exist."""
    assert destination({}, CONFIG, "broken").error == "the context 'broken' cannot be used"
    missing = destination({}, CliConfig("", "lob", LAB))
    assert missing.error == "the context 'lob' does not exist (did you mean 'lab'?)"
    assert missing.hint.endswith("Or: docker context use default")


def test_one_place_has_many_spellings():
    """The same socket and the same machine are one place; other certificates, paths and ports are not."""
    assert same_place(parse_host("unix:///var/run/docker.sock"), parse_host("unix:///run/docker.sock"))
    assert same_place(parse_host("tcp://LocalHost:2375"), parse_host("tcp://127.0.0.1")) is False
    assert same_place(parse_host("tcp://localhost:2375"), parse_host("tcp://127.0.0.1"))
    assert same_place(parse_host("tcp://Build:2376", Tls("/c/")), parse_host("tcp://build:2376", Tls("/c")))
    assert not same_place(parse_host("tcp://build:2376", Tls("/c")), parse_host("tcp://build:2376", Tls("/d")))
    assert not same_place(parse_host("tcp://build:2376"), parse_host("tcp://build:2375"))
    assert not same_place(parse_host("unix:///a"), parse_host("unix:///b"))


texts = st.one_of(
    st.text(max_size=30), st.sampled_from(["tcp://[", "tcp://[::1]:", "://", "unix://://", "ssh://", "@:/"])
)


@given(texts, st.booleans(), st.booleans())
def test_any_text_is_an_address_or_an_error(text, tls, windows):
    """Whatever stands in DOCKER_HOST, there is either an address or a sentence, and never both."""
    url, error = parse_docker_host(text, tls, windows)
    assert bool(url) != bool(error)
    assert hidden_character(error) is None


@given(
    st.dictionaries(st.sampled_from(["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_CERT_PATH"]), texts), texts
)
def test_any_environment_has_one_destination(environ, current):
    """Any environment and any context lead to one address or one error; the notes are lines that can be shown."""
    found = destination(environ, CliConfig("/d", current, LAB))
    assert bool(found.url) != bool(found.error)
    assert all(hidden_character(note) is None for note in found.notes)
