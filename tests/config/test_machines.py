"""docker-machine's store: addresses by driver, certificates, secrets, and everything that may be wrong with it."""

import base64
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trayd.config.machines import machine_endpoint, machine_folder, read_machines
from trayd.core.profile import ProfileError, Tls
from trayd.core.text import hidden_character

SECRET = "wJalrXUtnFEMI-K7MDENG"


@pytest.fixture
def store(tmp_path):
    """docker-machine's folder; `put` writes one machine's config.json as docker-machine does."""

    class Store:
        path = tmp_path / "machine"

        def put(self, name, driver="virtualbox", values=None, auth=None, version=3, **more):
            folder = self.path / "machines" / name
            folder.mkdir(parents=True, exist_ok=True)
            content = {
                "ConfigVersion": version,
                "Driver": {"IPAddress": "192.168.99.100", "MachineName": name, "SecretKey": SECRET, **(values or {})},
                "DriverName": driver,
                "HostOptions": {"AuthOptions": auth or {}},
                "Name": name,
            }
            (folder / "config.json").write_text(json.dumps(content | more))
            return folder

        def certs(self, folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("ca.pem", "cert.pem", "key.pem"):
                (folder / name).touch()
            return str(folder)

        def read(self):
            machines, problems = read_machines(str(self.path))
            return machines, [str(problem) for problem in problems]

    return Store()


def test_the_folder_is_where_docker_machine_looks():
    """$MACHINE_STORAGE_PATH or ~/.docker/machine, never a folder relative to the current one."""
    assert machine_folder({"MACHINE_STORAGE_PATH": "/m/"}, "/home/ann") == "/m"
    assert machine_folder({"MACHINE_STORAGE_PATH": "m"}, "/home/ann") == "/home/ann/.docker/machine"
    assert machine_folder({}, "") == ""
    assert read_machines("") == ((), ())


@pytest.mark.parametrize(
    ("driver", "values", "url"),
    [
        ("virtualbox", {}, "tcp://192.168.99.100:2376"),
        ("amazonec2", {"EnginePort": 1}, "tcp://192.168.99.100:2376"),
        ("generic", {"EnginePort": 2377}, "tcp://192.168.99.100:2377"),
        ("generic", {}, "tcp://192.168.99.100:2376"),
        ("azure", {"DockerPort": 2380}, "tcp://192.168.99.100:2380"),
        ("vmwarevcloudair", {"PublicIP": "10.0.0.7", "DockerPort": 2381}, "tcp://10.0.0.7:2381"),
        ("none", {"URL": "tcp://build:2376", "IPAddress": "build:2376"}, "tcp://build:2376"),
        ("none", {"URL": "unix:///var/run/docker.sock"}, "unix:///var/run/docker.sock"),
        ("virtualbox", {"IPAddress": "fe80::1"}, "tcp://[fe80::1]:2376"),
    ],
)
def test_the_address_depends_on_the_driver(store, driver, values, url):
    """Each driver keeps its engine's address in its own way."""
    store.put("box", driver, values)
    ((machine,), problems) = store.read()
    assert (machine.name, machine.url, problems) == ("box", url, [])
    assert machine_endpoint(machine).url == url


def test_an_address_that_changes_is_read_anew(store):
    """After docker-machine stored another address, that is the machine's."""
    store.put("box")
    store.put("box", values={"IPAddress": "192.168.99.107"})
    assert store.read()[0][0].url == "tcp://192.168.99.107:2376"


def test_certificates_beside_the_machine_come_first(store, tmp_path):
    """The three files beside the machine, else where the file says, else the store's own; nothing half."""
    there = tmp_path / "there"
    auth = {
        "CertDir": str(tmp_path / "given"),
        "CaCertPath": str(there / "ca.pem"),
        "ClientCertPath": str(there / "cert.pem"),
        "ClientKeyPath": str(there / "key.pem"),
        "StorePath": "relative",
    }
    folder = store.put("box", auth=auth)

    def found():
        return store.read()[0][0].cert_path

    assert found() == str(folder)
    assert found() == str(folder)
    own = store.certs(store.path / "certs")
    assert found() == own
    given_folder = store.certs(tmp_path / "given")
    assert found() == given_folder
    named = store.certs(there)
    assert found() == named
    (folder / "ca.pem").touch()
    assert found() == named
    store.certs(folder)
    assert found() == str(folder)


def test_tls_where_docker_machine_uses_it(store):
    """Every machine is reached over TLS; only driver "none" may say a socket or the port without TLS."""
    folder = store.put("box")
    store.put("plain", "none", {"URL": "tcp://h:2375"})
    store.put("socket", "none", {"URL": "unix:///x"})
    tls = {machine.name: machine_endpoint(machine).tls for machine in store.read()[0]}
    assert tls == {"box": Tls(str(folder)), "plain": None, "socket": None}


def test_secrets_are_in_no_value_and_no_message(store):
    """Keys and passwords of cloud machines leave no trace in what is read, whether it is good or broken."""
    store.put("good", "amazonec2", {"SecretKey": SECRET})
    store.put("typed", "amazonec2", {"IPAddress": {"SecretKey": SECRET}})
    store.put("raw", Driver=None, RawDriver=base64.b64encode(b'["' + SECRET.encode() + b'"]').decode())
    store.put("user", "none", {"URL": f"https://ann:{SECRET}@h"})
    broken = store.put("broken") / "config.json"
    broken.write_text(broken.read_text()[:-1] + "]")
    machines, problems = read_machines(str(store.path))
    assert [machine.name for machine in machines] == ["good", "user"]
    assert len(problems) == 3
    with pytest.raises(ProfileError) as refused:
        machine_endpoint(machines[1])
    assert SECRET not in repr((machines[0], problems, refused.value.message))


def test_an_old_file_is_read(store):
    """A store of an old docker-machine carries the driver's part in base64."""
    raw = base64.b64encode(json.dumps({"IPAddress": "10.1.2.3"}).encode()).decode()
    store.put("old", version=1, Driver=None, RawDriver=raw)
    ((machine,), problems) = store.read()
    assert (machine.url, problems) == ("tcp://10.1.2.3:2376", [])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": 4}, "a newer docker-machine wrote this (version 4; trayd knows 3)"),
        ({"values": {"IPAddress": ""}}, "docker-machine has stored no address for it yet: docker-machine start bad"),
        ({"values": {"IPAddress": 7}}, "'IPAddress' has the wrong type"),
        ({"driver": "generic", "values": {"EnginePort": "x"}}, "'EnginePort' has the wrong type"),
        ({"driver": "none"}, "the file says no URL"),
        ({"version": "3"}, "'ConfigVersion' has the wrong type"),
        ({"HostOptions": []}, "'HostOptions' has the wrong type"),
        ({"Driver": None, "RawDriver": "?"}, "'RawDriver' cannot be read"),
    ],
)
def test_one_broken_machine_harms_only_itself(store, changes, told):
    """A config.json that cannot be used costs one sentence, and the other machines are there."""
    store.put("good")
    store.put("bad", **changes)
    machines, problems = store.read()
    assert [machine.name for machine in machines] == ["good"]
    assert problems == [f"machine bad: {told}"]


def test_what_is_no_machine_is_left_out(store):
    """Hidden folders, files and folders without config.json are nothing; a hostile name is a sentence."""
    store.put("good")
    store.put(".hidden")
    (store.path / "machines" / "file").touch()
    (store.path / "machines" / "empty").mkdir()
    store.put("-rf")
    store.put("x" * 65)
    store.put("e\x1bvil")
    store.put("big").joinpath("config.json").write_bytes(b" " * 10_000_000)
    machines, problems = store.read()
    assert [machine.name for machine in machines] == ["good"]
    assert len(problems) == 4
    assert "".join(problems).isprintable()
    assert "machine big: the file is too large (256 KiB at most)" in problems


def test_a_machine_of_another_user_is_refused(store):
    """Whoever can write a machine's file decides where docker goes."""
    (store.put("open") / "config.json").chmod(0o666)
    others = store.put("others") / "config.json"
    if os.getuid() == 0:
        os.chown(others, 12345, 12345)
        assert "this file belongs to another user" in str(store.read()[1])
    assert "everybody may write this file" in str(store.read()[1])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["none", "e30=", "/\0", "::"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Driver", "driverName", "RawDriver", "IPAddress", "URL", "HostOptions", "AuthOptions"]),
            inner,
            max_size=4,
        )
    ),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_are_a_traceback(store, content):
    """Whatever stands in a config.json, it is a machine or a sentence that can be shown."""
    (store.put("bad") / "config.json").write_bytes(content)
    machines, problems = read_machines(str(store.path))
    assert len(machines) + len(problems) == 1
    for problem in problems:
        assert hidden_character(str(problem)) is None
    for machine in machines:
        try:
            machine_endpoint(machine)
        except ProfileError as error:
            assert error.message
