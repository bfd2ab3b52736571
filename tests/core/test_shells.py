"""The text that gives a shell its variables: pure rules here, the real shells in tests/desktops."""

import pytest

from trayd.core.shells import SHELLS, UnquotableError, find_shell, script

SET = {"DOCKER_HOST": "unix:///a'b c", "DOCKER_CONTEXT": None, "DOCKER_TLS": None}


@pytest.mark.parametrize(
    ("shell", "text"),
    [
        ("sh", r"""export DOCKER_HOST='unix:///a'\''b c'; unset DOCKER_CONTEXT DOCKER_TLS"""),
        ("fish", r"""set -gx DOCKER_HOST 'unix:///a\'b c'; set -e DOCKER_CONTEXT; set -e DOCKER_TLS"""),
        ("csh", r"""setenv DOCKER_HOST 'unix:///a'\''b c'; unsetenv DOCKER_CONTEXT; unsetenv DOCKER_TLS"""),
        (
            "powershell",
            "$Env:DOCKER_HOST = 'unix:///a''b c'; "
            "Remove-Item Env:DOCKER_CONTEXT,Env:DOCKER_TLS -ErrorAction SilentlyContinue",
        ),
        ("cmd", """SET "DOCKER_HOST=unix:///a'b c" & SET "DOCKER_CONTEXT=" & SET "DOCKER_TLS=\""""),
    ],
)
def test_each_shell_gets_its_own_syntax_on_one_line(shell, text):
    """What is pasted fits the shell, and nothing runs before Enter."""
    assert script(SHELLS[shell], SET) == text


@pytest.mark.parametrize("shell", list(SHELLS))
def test_nothing_that_a_shell_would_execute_or_hide_is_ever_copied(shell):
    """A control, bidi or line-ending character in a value is refused, with its name."""
    for character in ("\n", "\r", "\x1b", "\x00", "\x7f", "\x9b", "\u2028", "\u202e", "\u2066"):
        with pytest.raises(UnquotableError, match="DOCKER_HOST contains an invisible character"):
            script(SHELLS[shell], {"DOCKER_HOST": f"a{character}b"})


def test_powershell_takes_typographic_quotes_for_quotes():
    """A path with a typographic quote does not end the text early."""
    assert script(SHELLS["powershell"], {"A": "it’s ‘x‚ ‛y"}) == "$Env:A = 'it’’s ‘‘x‚‚ ‛‛y'"


@pytest.mark.parametrize("bad", ['"', "%"])
def test_cmd_refuses_what_it_cannot_quote(bad):
    """cmd has no way to write a quote or a percent sign, so nothing is copied, and it is said why."""
    with pytest.raises(UnquotableError, match="which cmd cannot quote"):
        script(SHELLS["cmd"], {"DOCKER_CERT_PATH": f"C:/{bad}x"})


def test_history_does_not_expand_in_csh():
    """An exclamation mark is protected where single quotes do not protect it."""
    assert script(SHELLS["csh"], {"A": "a!b"}) == "setenv A 'a\\!b'"


@pytest.mark.parametrize(
    ("name", "shell"),
    [("/bin/zsh", "sh"), ("-bash", "sh"), ("C:\\x\\pwsh.exe", "powershell"), ("tcsh", "csh"), ("FISH", "fish")],
)
def test_a_shell_is_found_by_any_of_its_names(name, shell):
    """$SHELL, a login shell's name and a Windows program all lead to the right syntax."""
    found = find_shell(name)
    assert found is not None
    assert found.name == shell


def test_an_unknown_shell_is_not_guessed():
    """A shell that trayd does not know gets no text at all."""
    assert find_shell("xyzsh") is None
    assert find_shell("") is None
