"""Our reading of the profile's schema agrees with the reference implementation's."""

import json

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from trayd.config.profiles import schema, schema_text
from trayd.core.schema import problems

REFERENCE = jsonschema.Draft202012Validator(json.loads(schema_text()))

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(-1, 1),
    st.sampled_from(["unix:///x", "10s", "5x", "linux", "plan9", "", "no"]),
    st.text(max_size=5),
)
keys = st.sampled_from(
    [
        "host",
        "context",
        "machine",
        "tls",
        "env",
        "health",
        "when",
        "cert_path",
        "verify",
        "interval",
        "timeout",
        "slow",
        "grace",
        "events",
        "wake",
        "os",
        "hostname",
        "A",
        "9x",
        "DOCKER_HOST",
        "DOCKER_HOSTS",
        "nonsense",
    ]
)
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4))
)
profiles = st.fixed_dictionaries(
    {},
    optional={
        "host": st.one_of(st.just("unix:///x"), scalars),
        "context": st.one_of(st.just("lab"), scalars),
        "machine": st.one_of(st.just("lab"), scalars),
        "tls": st.one_of(st.fixed_dictionaries({"cert_path": st.just("~/x")}, optional={"verify": scalars}), values),
        "env": st.one_of(st.dictionaries(keys, scalars, max_size=3), values),
        "health": st.one_of(st.dictionaries(keys, scalars, max_size=3), values),
        "when": st.one_of(st.dictionaries(keys, st.lists(scalars, max_size=2), max_size=2), values),
        "notifications": scalars,
        "protected": scalars,
        "hots": scalars,
    },
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(profiles, values))
def test_we_and_jsonschema_give_the_same_verdict(value):
    """A profile that an editor marks as wrong by the schema is wrong for trayd, and the other way round."""
    assert bool(list(problems(value, schema(), {}))) == (not REFERENCE.is_valid(value))


def test_the_schema_is_one():
    """The file that editors use is a valid JSON Schema, and says what every key is for."""
    read = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(read)

    def described(part):
        for key, entry in part.get("properties", {}).items():
            assert entry.get("description"), key
            described(entry)

    described(read)
