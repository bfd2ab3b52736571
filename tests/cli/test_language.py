"""The command line in Chinese, as whoever reads no English meets it; what scripts read stays as it is."""

import json
import re
import subprocess

import pytest

from tests.cli.program import TRAYD, Result, environment, profile, trayd
from tests.cli.test_commands import COMMANDS, DEAD
from trayd.core.cells import width

HAN = re.compile("[\u4e00-\u9fff]")
# What may stand in a Chinese sentence as it is: options, the words that the help itself explains, values, commands.
CODE = re.compile(r"(?<!\w)--?[a-z]+|[A-Z]+\b|[0-9]+ms")
NAMES = {"trayd", "extra", "enable", "disable", "int", *" ".join(COMMANDS).split()}


def chinese(*arguments: str, **more: str | None) -> Result:
    """Run one command for a person who reads Chinese."""
    return trayd(*arguments, TRAYD_LANG="zh_CN", **more)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_is_chinese(command: str) -> None:
    """No line of any help is English prose: it has Chinese in it, or is a command that is an example."""
    told, english = chinese(*command.split(), "--help"), trayd(*command.split(), "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert re.match(f"用法：? *trayd {command}", told.stdout), told.stdout
    above, _, examples = told.stdout.partition("示例：\n")
    for line in filter(None, above.splitlines()):
        assert HAN.search(line) or re.fullmatch(r" +[-A-Z\[].*", line), f"not Chinese: {line}"
        assert not re.search(r"[a-z]{2,}( [a-z]{2,}){2}", line.replace(f"trayd {command}", "")), f"English: {line}"
    same = set(english.stdout.partition("examples:\n")[2].splitlines())
    for line in examples.splitlines():
        assert HAN.search(line) or line in same, f"neither an example nor Chinese: {line}"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_columns_of_the_help_stand_below_each_other(command: str) -> None:
    """A Chinese character takes two cells: no line is wider than 80 of them, and all texts begin in one column."""
    told = chinese(*command.split(), "--help")
    assert max(map(width, told.stdout.splitlines())) <= 80
    options = told.stdout.partition("选项：\n")[2].partition("\n\n")[0].splitlines()
    found = [re.match(r"( +-\S.*?  +| {4,})(?=\S)", line) for line in options]
    begins = {each.end() for each in found if each}
    assert len(begins) == 1, told.stdout


@pytest.mark.parametrize("columns", ["50", "80"])
def test_long_help_is_broken_between_characters(columns: str) -> None:
    """Chinese has no blanks to break a line at: it is broken between characters, not left to run out of the window."""
    told = chinese("env", "--help", COLUMNS=columns)
    above = told.stdout.partition("选项：\n")[2].partition("\n\n")[0]
    assert max(map(width, above.splitlines())) <= int(columns)
    assert not re.search(r"^ *[，。：；、）]", above, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--nope",
        "status --nope",
        "wait",
        "wait one two",
        "wait one --up --down",
        "wait one --timeout",
        "wait one --timeout soon",
        "status --json=3",
        "autostart",
        "autostart maybe",
        "log --lines many",
        "config",
        "config nonsense",
        "nonsense",
        "stauts",
    ],
)
def test_a_mistake_is_explained_in_chinese(arguments: str) -> None:
    """A wrong option, a missing argument, a mistyped word: argparse's own sentences and ours hold no English."""
    words = arguments.split()
    told = chinese(*(words or ["which", "extra"]))
    assert told.returncode == 2
    assert "查看帮助和示例：trayd" in told.stderr
    left = re.findall(r"[A-Za-z-]{2,}", CODE.sub("", told.stderr))
    assert not set(left) - {*words, *NAMES}, told.stderr


def test_data_is_the_same_in_every_language() -> None:
    """JSON's names and codes, names for scripts, and the variables for a shell do not change with the language."""
    profile("lab", DEAD)
    for command in ("profiles --json", "profiles --names", "env lab --shell sh", "autostart status", "config path"):
        assert chinese(*command.split()).stdout == trayd(*command.split()).stdout, command
    ours, theirs = (
        json.loads(run("check", "lab", "--json").stdout)["rungs"]
        for run in (chinese, trayd)
    )  # fmt: skip
    for key in ("name", "state"):
        assert [rung[key] for rung in ours] == [rung[key] for rung in theirs]
    host = ("which", "--host", "tcp://127.0.0.1:9", "--json")
    which, english = (json.loads(run(*host).stdout) for run in (chinese, trayd))
    assert {key for key in english if which[key] != english[key]} <= {"diagnosis"}


def test_the_ladder_stands_in_columns() -> None:
    """The rungs' Chinese names are of other widths, and the times stand below each other."""
    profile("lab", DEAD)
    told = chinese("check", "lab")
    assert told.returncode == 1
    lines = told.stdout.splitlines()
    assert [line.split()[1] for line in lines if line[0] in "✓✗–"][:3] == ["名称", "地址", "TLS"]
    times = {width(line[: line.index(" ms") + 3]) for line in lines if line[0] in "✓✗" and " ms" in line}
    assert times == {1 + 1 + 10 + 1 + 8}, told.stdout


def test_tables_stand_in_columns() -> None:
    """The headers are Chinese, and the columns below them begin where they do."""
    profile("lab", DEAD)
    head, row = chinese("profiles").stdout.splitlines()
    assert head.split() == ["配置", "端点", "来源"]
    assert width(head[: head.index("端点")]) == width(row[: row.index("tcp://")])


def test_what_cannot_be_done_is_said_in_chinese() -> None:
    """An unknown profile, a protected one, an engine that does not come: what is, and what to do next."""
    profile("lab", DEAD)
    profile("office", DEAD + "protected: true\n")
    for command, words in {
        "use nobody": ["没有名为“nobody”的配置", "现有的配置：lab、office"],
        "use office": ["office 受保护", "--yes"],
        "wait office --timeout 0": ["office 现在无法连接："],
        "which --context a --host b": ["docker 不允许同时使用 --context 和 --host"],
        "log": ["尚无日志"],
    }.items():
        told = chinese(*command.split())
        assert told.returncode == 1, command
        assert all(word in told.stderr for word in words), told.stderr


def test_the_menu_as_a_list_speaks_chinese() -> None:
    """The numbered list, its question and what it answers are Chinese, and its way back is found again."""
    profile("lab", DEAD)
    told = subprocess.run(
        [*TRAYD, "menu", "--plain"],
        env=environment(TRAYD_LANG="zh_CN"),
        input="99\n",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert "输入编号，或按 Enter 键退出：" in told.stderr
    assert "没有“99”这一行" in told.stderr
    inner = next(line for line in told.stdout.splitlines() if line.endswith("▸")).split()[0]
    told = subprocess.run(
        [*TRAYD, "menu", "--plain"],
        env=environment(TRAYD_LANG="zh_CN"),
        input=f"{inner}\n0\n",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert "0  ‹ 返回" in told.stdout.splitlines()
    assert told.stdout.count("lab ✖") == 2, "the first list is shown again"


# A description in a completion: fish's -d '…'; zsh's […], :'…' and what stands before the second colon of an argument.
QUOTED = r"""'(?:[^']|'"'"')*'"""
DESCRIPTIONS = re.compile(rf""" -d {QUOTED}|\[[^]]*\]|(?<=:){QUOTED}|(?<="):[^:"]*(?=:)|(?<=\(\*\)::)[^:"]*(?=:)""")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_completions_are_the_same_in_every_language(shell: str) -> None:
    """What a Tab completes does not change with the language; what a shell tells about it may."""
    ours, english = (run("completion", shell).stdout for run in (chinese, trayd))
    assert bool(HAN.search(ours)) == (shell in ("zsh", "fish"))
    assert DESCRIPTIONS.sub("", ours) == DESCRIPTIONS.sub("", english)
    assert len(DESCRIPTIONS.sub("", english)) > 1000
