"""What the things are called that a Linux distribution has to install, and the command that installs them."""

from __future__ import annotations

from collections.abc import Mapping

from trayd.core.words import N_, _

_COMMANDS = {
    "debian": "sudo apt install",
    "fedora": "sudo dnf install",
    "arch": "sudo pacman -S",
    "suse": "sudo zypper install",
    "alpine": "sudo apk add",
}
# What a family calls it; "" is for all the others, and only what is called the same everywhere has one.
_NAMES: dict[str, Mapping[str, str]] = {
    "ssh": {
        "debian": "openssh-client",
        "fedora": "openssh-clients",
        "arch": "openssh",
        "suse": "openssh-clients",
        "alpine": "openssh-client",
    },
    "wl-clipboard": {"": "wl-clipboard"},
    "notifications": {"": "dunst"},
    "font": {
        "debian": "fonts-wqy-microhei",
        "fedora": "google-noto-sans-cjk-fonts",
        "arch": "noto-fonts-cjk",
        "alpine": "font-noto-cjk",
    },
    "appindicator": dict.fromkeys(("debian", "fedora", "arch"), "gnome-shell-extension-appindicator"),
}
_WORDS = {
    "ssh": N_("Install OpenSSH's client"),
    "wl-clipboard": N_("Install wl-clipboard"),
    "notifications": N_("Install a notification server, such as dunst or mako"),
    "font": N_("Install a font with Chinese characters, such as Noto Sans CJK"),
    "appindicator": "",
}


def family(release: Mapping[str, str]) -> str:
    """Return the family of a distribution by its /etc/os-release: debian, fedora, arch, suse, alpine, or ""."""
    words = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".lower().split()
    known = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora", "opensuse": "suse"}
    for word in words:
        word = known.get(word, word)
        if word in _COMMANDS:
            return word
    return ""


def install(family: str, what: str) -> str:
    """Return how to install one of the known things: a command, or words where the family's name is not known."""
    name = _NAMES[what].get(family) or _NAMES[what].get("")
    command = _COMMANDS.get(family)
    return f"{command} {name}" if command and name else _(_WORDS[what])
