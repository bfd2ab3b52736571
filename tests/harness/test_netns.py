"""The two hosts on a cable: apart from this machine's network, and gone afterwards."""

import os
import socket
from pathlib import Path

import pytest

from tests.harness.netns import Cable


def _names() -> set[str]:
    return set(os.listdir("/run/netns")) if Path("/run/netns").exists() else set()


def _interfaces() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def test_a_cable_is_seen_from_its_ends_only_and_leaves_nothing_after_a_failure() -> None:
    """Whatever goes wrong at the far end, this thread is home again and no namespace or interface is left."""
    here, names = os.readlink("/proc/thread-self/ns/net"), _names()
    before = _interfaces()
    with pytest.raises(RuntimeError, match="on purpose"), Cable() as cable, cable.at(cable.far):
        assert os.readlink("/proc/thread-self/ns/net") != here
        assert _interfaces() >= {"lo", "cable"}
        with cable.rule("-j", "DROP"), cable.pulled(cable.near):
            raise RuntimeError("on purpose")
    assert os.readlink("/proc/thread-self/ns/net") == here
    assert _names() == names
    assert _interfaces() == before
    cable.close()


def test_a_network_that_cannot_be_made_leaves_nothing() -> None:
    """When the second namespace cannot be made, the first one goes too."""
    names = _names()
    cable = Cable()
    cable.far = "no/name"
    with pytest.raises(Exception, match="netns"):
        cable.__enter__()
    assert _names() == names
