"""YAML's traps, each closed with a sentence."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trayd.config.yamlfile import MOST_BYTES, YamlFileError, read


@pytest.mark.parametrize(
    ("text", "line", "advice"),
    [
        (b"a: &x 1\nb: *x\n", 1, "anchors (&) and aliases (*) are not allowed"),
        (b"a: 1\nb: *x\n", 2, "anchors (&) and aliases (*) are not allowed"),
        (b"a: !!python/object/apply:os.system [id]\n", 1, "tags are not allowed"),
        (b"a: 1\n---\nb: 2\n", 2, "one profile"),
        (b'host: "C:\\Users"\n', 1, "a backslash has a meaning in double quotes"),
        (b"a:\n\tb: 1\n", 2, "indent with blanks"),
        (b"\xff\xfe", 1, "not UTF-8"),
        (b"a: 1\nb: \xe9\n", 2, "not UTF-8"),
        (b"[" * 3000, 1, "nested more than 20 levels deep"),
        (b"a: [1\n", 2, "this is not YAML"),
        (b"a: \x07\n", 0, "this is not YAML"),
        (b"? [a]\n: 1\n", 1, "a key must be a plain word"),
        (b"a" * (MOST_BYTES + 1), 0, "too large"),
    ],
)
def test_what_a_profile_has_no_use_for_is_refused_in_words(text, line, advice):
    """A bomb, a tag, a second document or a wrong character set is a sentence with its line, never a traceback."""
    with pytest.raises(YamlFileError) as caught:
        read(text)
    assert advice in caught.value.message
    assert caught.value.line == line


def test_keys_are_taken_as_they_are_written():
    """YAML's habit of turning on, no and 1.40 into something else does not touch keys."""
    assert read(b"on: x\nno: y\n1.40: z\n").value == {"on": "x", "no": "y", "1.40": "z"}


def test_what_yaml_makes_of_a_value_is_known_with_its_text():
    """A value that YAML reads in its own way can be explained by what stands in the file."""
    document = read(b"a: no\nb: 1.40\nc: 22:30\nd: '1.40'\ne: 2026-13-40\n")
    assert document.value == {"a": False, "b": 1.4, "c": 1350, "d": "1.40", "e": "2026-13-40"}
    assert document.raw[("b",)] == "1.40"
    assert ("d",) not in document.raw


def test_a_key_that_stands_twice_is_found():
    """The second of two equal keys does not silently win."""
    assert read(b"a: 1\nb: 2\na: 3\n").duplicates == [(3, "the key 'a' stands here a second time")]


def test_every_place_knows_its_line():
    """A problem deep inside a profile is shown with the right line."""
    document = read(b"host: x\ntls:\n  cert_path: y\nlist:\n  - a\n  - b\n")
    assert document.line(("tls", "cert_path")) == 3
    assert document.line(("list", 1)) == 6
    assert document.line(("tls", "missing")) == 2
    assert document.line(()) == 1


plain = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(st.characters(codec="ascii", categories=["L", "N", "P"]))
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), plain, max_size=4))
def test_ordinary_files_read_as_with_pyyaml(value):
    """For a file without traps we read what PyYAML reads."""
    text = yaml.safe_dump(value)
    assert read(text.encode()).value == yaml.safe_load(text)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_file_causes_a_traceback(data):
    """Whatever bytes a file holds, it is a document or a sentence."""
    try:
        read(data)
    except YamlFileError as error:
        assert error.message
