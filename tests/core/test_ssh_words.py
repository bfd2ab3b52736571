"""What the words of the program ssh are taken for; that it says them is tested in tests/engine."""

import subprocess

import pytest

from trayd.core.sentences import SENTENCES
from trayd.core.ssh_words import ended, look, looked, sign, unfinished

NONE = frozenset()
CHANGED = [
    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
    "Offending ED25519 key in /home/me/.ssh/known_hosts:1",
    "Host key verification failed.",
]
BEHIND_A_JUMP_HOST = ["me@gate: Permission denied (publickey).", "Connection closed by UNKNOWN port 65535"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["Host key verification failed."], "ssh_hostkey_unknown"),
        (CHANGED, "ssh_hostkey_changed"),
        (["me@h: Permission denied (publickey,password)."], "ssh_auth"),
        (["Received disconnect from 1.2.3.4 port 22:2: Too many authentication failures"], "ssh_auth"),
        (BEHIND_A_JUMP_HOST, "ssh_auth"),
        (["ssh: Could not resolve hostname h: Name or service not known"], "dns"),
        (["ssh: connect to host h port 22: Connection refused"], "refused"),
        (["ssh: connect to host h port 22: Connection timed out"], "connect_timeout"),
        (["ssh: connect to host h port 22: Operation timed out"], "connect_timeout"),
        (["ssh: connect to host h port 22: No route to host"], "no_route"),
        (["ssh: connect to host h port 22: Network is unreachable"], "no_route"),
        (["kex_exchange_identification: Connection closed by remote host"], "ssh_protocol"),
        (["Unable to negotiate with h port 22: no matching host key type found."], "ssh_protocol"),
        (["/home/me/.ssh/config: line 3: Bad configuration option: nosuch"], "ssh_config"),
        (["Bad owner or permissions on /home/me/.ssh/config"], "ssh_config"),
        (["something new"], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_end_of_ssh_has_its_cause(lines, code):
    """The last words of ssh are read, those of a jump host first; what nobody knows is not guessed."""
    assert ended(["Welcome to this machine", *lines], NONE) == code
    assert code in SENTENCES


def test_how_far_it_came_tells_what_words_do_not():
    """A key that is known there and yet refused was locked; after the login every end is a lost connection."""
    assert ended(["me@h: Permission denied (publickey)."], frozenset({"key known"})) == "ssh_key_passphrase"
    assert ended(["me@h: Permission denied (publickey)."], frozenset({"logged in"})) == "connection_lost"
    assert unfinished(NONE) == "connect_timeout"
    assert unfinished(frozenset({"connected"})) == "ssh_protocol"
    assert unfinished(frozenset({"connected", "greeted"})) == "ssh_login_slow"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("debug1: Connection established.", "connected"),
        ("debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1", "greeted"),
        ("debug1: Server accepts key: /home/me/.ssh/id_ed25519 ED25519 SHA256:x agent", "key known"),
        ('debug1: Authenticated to h ([1.2.3.4]:22) using "publickey".', "logged in"),
        ('Authenticated to h ([1.2.3.4]:22) using "publickey".', "logged in"),
        ("debug1: Reading configuration data /etc/ssh/ssh_config", ""),
        ("Connection established, says a banner", ""),
    ],
)
def test_ssh_tells_how_far_it_is(line, found):
    """Only ssh's own chatter counts; a banner cannot say it."""
    assert sign(line) == found


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("trayd:permission\n", "ssh_remote_permission"),
        ("welcome\r\ntrayd:stopped\r\n", "ssh_remote_stopped"),
        ("/usr/bin/docker\ntrayd:missing\n", "ssh_remote_socket_missing"),
        ("This account is currently not available.\n", "ssh_forward_refused"),
        ("trayd:nonsense\n", "ssh_forward_refused"),
        ("", "ssh_forward_refused"),
    ],
)
def test_what_was_found_there_is_taken_from_the_noise(output, code):
    """A talkative login does not hide it, and without a shell there is nothing to find."""
    assert looked(output) == code
    assert code in SENTENCES


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish", "tcsh"])
def test_the_look_is_the_same_in_every_login_shell(shell, tmp_path):
    """Whatever shell somebody logs in with, the command does what it does in sh."""
    if subprocess.run(["which", shell], capture_output=True).returncode:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "file").touch()
    command = look(f"{tmp_path}/none/d.sock")
    done = subprocess.run([shell, "-c", command], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert done.stdout.splitlines()[-1] in ("trayd:missing", "trayd:nothing"), done
