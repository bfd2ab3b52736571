"""The languages: no text that is shown misses a translation, and none breaks what is filled in."""

import ast
import re
import string
from pathlib import Path

import pytest

from scripts import translations
from tests.core.scene import LAB, OFFICE, Scene
from trayd import language
from trayd.core import messages as m
from trayd.core import report, words
from trayd.core.diagnosis import diagnose
from trayd.core.menu import view
from trayd.core.profile import parse_host
from trayd.core.sentences import SENTENCES
from trayd.core.value import replace

TRAYD = Path(translations.ROOT, "trayd")
PO = translations.files()


@pytest.fixture(autouse=True)
def english():
    yield
    words.speak(None)


# --- the catalogues


@pytest.mark.parametrize("path", PO, ids=lambda path: path.parent.parent.name)
def test_every_text_has_a_translation(path):
    """The catalogue has exactly the texts of the source, each translated: scripts/translations.py was run."""
    catalogue = translations.read(path)
    known = {message.id for message in catalogue if message.id}
    assert known == {message.id for message in translations.template() if message.id}
    assert translations.lacking(catalogue) == []


@pytest.mark.parametrize("path", PO, ids=lambda path: path.parent.parent.name)
def test_the_compiled_catalogue_is_that_of_the_texts(path):
    """What is read at run time says what stands in the .po file."""
    assert language.speak(path.parent.parent.name, {}) == path.parent.parent.name
    for message in translations.read(path):
        if not message.id:
            continue
        if isinstance(message.id, tuple):
            assert words.many(*message.id, 7) == message.string[-1]
        else:
            assert words._(message.id) == message.string


def fields(text: str) -> list[str]:
    return sorted(f"{name}:{spec}" for _, name, spec, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("path", PO, ids=lambda path: path.parent.parent.name)
def test_no_translation_breaks_a_placeholder(path):
    """What is filled into the English text is filled into the translation, under the same names."""
    for message in translations.read(path):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        if ids[0] and is_template(ids[0]):
            for text in strings:
                assert fields(text) == fields(ids[-1]), message.id
        # argparse fills its own in by %.
        assert {*re.findall(r"%\(\w+\)s", ids[0])} == {*re.findall(r"%\(\w+\)s", strings[0])}, message.id


def is_template(text: str) -> bool:
    """Whether a text goes through str.format; examples of YAML and shell do not."""
    try:
        return all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(text))
    except ValueError:
        return False


# What a person is to type, inside of a sentence.
TYPED = re.compile(r"(?:sudo|docker-machine|openssl|ssh-add|journalctl|pipx|ssh-copy-id)(?: [a-z0-9./=_${}-]+)*")


@pytest.mark.parametrize("path", PO, ids=lambda path: path.parent.parent.name)
def test_commands_stay_as_they_are_in_every_language(path):
    """What a person is told to type is not translated away."""
    sentences = {text for pair in SENTENCES.values() for text in pair}
    for message in translations.read(path):
        if message.id in sentences:
            typed = [command.split()[:3] for command in TYPED.findall(message.id) if command.startswith("sudo ")]
            assert all(" ".join(words) in message.string for words in typed), message.id


# --- the source


# Prose that no person is shown, or that stays English, and why.
LEFT_ENGLISH = {
    "trayd/journal.py": "the log: it goes into bug reports",
    "trayd/core/journal.py": "the log",
    "trayd/logfile.py": "the log",
    "trayd/crash.py": "the report of a bug",
    "trayd/core/sentences.py": "a table; see scripts/translations.py",
    "trayd/cli_parser.py": "a table and the options' help, held by tests/cli/test_language.py",
    "trayd/core/ssh_words.py": "what ssh says, and shell code",
    "trayd/core/packages.py": "commands",
    "trayd/completing.py": "shell code",
    "trayd/caller.py": "commands",
    "trayd/tray/bus.py": "errors between us and the bus, for the log",
    "trayd/tray/sni.py": "the log",
    "trayd/tray/sni_answers.py": "errors that a panel is answered",
    "trayd/tray/sni_interfaces.py": "XML",
    "trayd/tray/xembed.py": "the log",
}
MARKS = {"_", "N_", "many"}
COLLECTED = {text for m in translations.template() for text in (m.id if isinstance(m.id, tuple) else (m.id,)) if m.id}
PROSE = re.compile(r"[A-Za-z’'-]{2,},? [a-z]{2,}")


def prose(path: Path) -> list[str]:
    """The texts of a module that look like a sentence and are not marked for translation."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = set[ast.AST]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            # Babel does not look into f-strings before Python 3.12: what is marked there must be collected elsewhere.
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            assert {*texts} <= COLLECTED, f"line {node.lineno}: {texts}"
            skipped |= {*ast.walk(node)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)  # a docstring
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PROGRAMMER:
            skipped |= {*ast.walk(node)}
        if isinstance(node, ast.Assert):
            skipped |= {*ast.walk(node)}
    texts = (
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and n not in skipped
    )
    return [text for text in texts if shown(text)]


# Exceptions that only a programmer sees.
PROGRAMMER = {"TypeError", "AssertionError", "RuntimeError"}
# What a person types, and regular expressions.
CODE = re.compile(r"\s*(?:trayd|sudo|docker|config|--\w+|import|on run|display|end run|\[Unit\]|\(info)(?!\w)")
# Names, keys, the raw text of a failure (it is for a bug report), and what only a programmer reads.
NOT_SHOWN = {
    *("about copy", "problem more", "images more", "cli changed", "separator unset", "docker cli", "expired silent"),
    *("tls files", "nesting depth", "a place of your own", "sh, bash, zsh", "csh, tcsh", " is frozen", "next step: "),
    *(" (not verified)", "AppIndicator and KStatusNotifierItem Support", "a menu has no property of type "),
    *("cut short", " instead of ", "no end after ", "no address", "timed out", "not done: ", "open failed"),
    *("not ready after ", "docker.service is stopped, docker.socket listens", "the bus refuses "),
    "no tray",  # what a notification is about
    "Comment=Shows which Docker engine you are talking to and whether it answers",  # beside its translations
    "cannot draw on a screen with %d colour bits",
}


CODES = {code.partition(".")[0] for code in SENTENCES}


def shown(text: str) -> bool:
    """Whether a text looks like something for a person."""
    codes = all(word.partition(".")[0] in CODES for word in text.split())
    return bool(PROSE.search(text)) and not CODE.match(text) and text not in NOT_SHOWN and not codes


@pytest.mark.parametrize("path", sorted(TRAYD.rglob("*.py")), ids=lambda path: str(path.relative_to(TRAYD)))
def test_every_sentence_of_the_source_is_marked(path):
    """A text that a person may be shown goes through `_`; what stays English is in a list, with the reason."""
    if str(path.relative_to(TRAYD.parent)) not in LEFT_ENGLISH:
        assert prose(path) == []


# --- what is shown


class Marked:
    """A language in which every text stands in brackets: what stands outside of them was not translated."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return f"⟦{singular if n == 1 else plural}⟧"


DATA = (
    "office",
    "lab",
    "trayd",
    "tcp://",
    "unix://",
    "docker",
    "img:",
    "kB",
    "MB",
    "GB",
    " ms",
    "lab.example",
    "English",
)
SHELLS = {"sh, bash, zsh", "fish", "PowerShell", "cmd", "csh, tcsh"}


def english_outside(text: str) -> str:
    """What is left of a text without the brackets and the data."""
    while (inner := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = inner
    return text


def labels(items):
    for item in items:
        yield item.label
        yield from labels(item.children)


@pytest.mark.parametrize("code", sorted({code.partition(".")[0] for code in SENTENCES}))
def test_menu_tooltip_and_notifications_are_translated_whole(code):
    """Whatever is wrong with an engine, no word of the view is English when the language is another."""
    words.speak(Marked())
    scene = Scene(OFFICE, replace(LAB, protected=True), docker_machine=True)
    scene.say(m.AutostartIs(True))
    scene.answer("lab")
    facts = {"status": 500, "engine_api": "1.12", "our_api": "1.44"}
    endpoint = parse_host("unix:///run/office.sock")
    scene.probed("office", m.Failed(diagnose(code, endpoint, "", **facts)))
    scene.wait(10)
    shown = view(scene.snapshot, lambda _: "14:02", ("trayd 1",))
    texts = [*labels(shown.menu), *shown.tooltip.splitlines()]
    texts += [text for note in scene.notes() for text in (note.title, note.text, *(b.label for b in note.buttons))]
    # Sentences are broken into lines before they are looked at here.
    left = english_outside(" ".join(text for text in texts if text not in SHELLS))
    left = re.sub(r"\S*(?:office|lab)\S*|trayd \d|English|Language|unix://\S+|tcp://\S+", "", left)
    assert re.findall(r"[A-Za-z]{3,}", left) == []
    assert report.words(scene.snapshot.engines["office"].health).startswith("⟦")


# --- which language


@pytest.mark.parametrize(
    ("chosen", "environ", "spoken"),
    [
        ("", {}, "en"),
        ("", {"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ("", {"LANG": "zh_SG.UTF-8"}, "zh_CN"),
        ("", {"LANG": "zh_TW.UTF-8"}, "en"),
        ("", {"LANG": "de_DE.UTF-8"}, "en"),
        ("", {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ("", {"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ("", {"LANG": "de_DE.UTF-8", "LANGUAGE": "fr:zh_CN:en"}, "zh_CN"),
        ("", {"LANGUAGE": "zh_CN", "LANG": "C.UTF-8"}, "en"),
        ("zh_CN", {"LANG": "en_US.UTF-8"}, "zh_CN"),
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        ("zh_CN", {"TRAYD_LANG": "en"}, "en"),
        ("", {"TRAYD_LANG": "zh"}, "zh_CN"),
        ("", {"TRAYD_LANG": "tlh", "LANG": "zh_CN"}, "zh_CN"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_session_s(chosen, environ, spoken):
    """TRAYD_LANG, then the choice of the menu, then the session by gettext's own rules; else English."""
    assert language.speak(chosen, environ) == spoken
    assert words._("Quit") == ("Quit" if spoken == "en" else "退出")


def test_without_its_file_a_language_is_english(monkeypatch, tmp_path):
    """A broken installation still talks."""
    monkeypatch.setattr(language, "FOLDER", str(tmp_path))
    language.speak("zh_CN", {})
    assert words._("Quit") == "Quit"
    Path(tmp_path, "zh_CN", "LC_MESSAGES").mkdir(parents=True)
    Path(tmp_path, "zh_CN", "LC_MESSAGES", "trayd.mo").write_bytes(b"\xde\x12\x04\x95 not a catalogue")
    language.speak("zh_CN", {})
    assert words._("Quit") == "Quit"
