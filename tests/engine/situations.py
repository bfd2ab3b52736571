"""The situations in which an engine cannot be reached, each made with the real thing: they yield whom to ask."""

import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.engine.asking import endpoint
from tests.harness import responder, standin
from tests.harness.ask import free_port
from tests.harness.dockerd import Dockerd
from tests.harness.responder import Reply, Responder, always
from tests.harness.standin import SSH_BANNER, StandIn
from tests.harness.tls import DAY, LOCAL, Authority, ServerTls, now
from trayd.core.profile import Endpoint


@dataclass
class Here:
    """What a situation is made of."""

    folder: Path
    authority: Authority
    stranger: Authority
    certs: Path
    request: pytest.FixtureRequest

    @property
    def plain(self) -> Dockerd:
        """A real engine on a unix socket and a plain port."""
        engine: Dockerd = self.request.getfixturevalue("engine")
        return engine

    @property
    def tls(self) -> Dockerd:
        """A real engine with TLS."""
        engine: Dockerd = self.request.getfixturevalue("tls_engine")
        return engine

    def copy(self) -> Path:
        """A folder of certificates to spoil."""
        return Path(shutil.copytree(self.certs, self.folder / "certs"))

    def chain_without_authority(self) -> ServerTls:
        """A server certificate that was signed with the certificate of another server."""
        between = self.authority.server("between")
        issuer = x509.load_pem_x509_certificate(between.cert.read_bytes())
        signing = serialization.load_pem_private_key(between.key.read_bytes(), None)
        key = serialization.load_pem_private_key((self.certs / "key.pem").read_bytes(), None)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer.subject).public_key(key.public_key())
        builder = builder.serial_number(7).not_valid_before(now() - DAY / 24).not_valid_after(now() + DAY)
        leaf = builder.sign(signing, hashes.SHA256())  # type: ignore[arg-type]
        chain = self.folder / "chain.pem"
        chain.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + between.cert.read_bytes())
        return ServerTls(self.authority.ca, chain, self.certs / "key.pem")


Situation = Callable[[Here], Iterator[Endpoint]]
SITUATIONS: dict[str, Situation] = {}
NEEDS_ENGINE: set[str] = set()


def situation(made: Situation) -> Situation:
    """Note a situation under its name; it yields the endpoint to ask while it lasts."""
    SITUATIONS[made.__name__] = made
    return made


def with_engine(made: Situation) -> Situation:
    """Note a situation that starts a real engine."""
    NEEDS_ENGINE.add(made.__name__)
    return situation(made)


def server(behave: Callable[[], StandIn], tls: bool = False) -> Situation:
    """A situation in which a stand-in is asked, with TLS or without."""

    def made(here: Here) -> Iterator[Endpoint]:
        with behave() as standing:
            yield endpoint(standing.url, here.certs if tls else None)

    return made


def reply(answer: Reply | tuple[int, dict[str, str], bytes]) -> Situation:
    """A situation in which a web server always gives the same answer."""
    return server(lambda: Responder(always(answer)))


def engine_with(make: Callable[[Here], ServerTls]) -> Situation:
    """A situation in which a real engine has a certificate of its own kind."""

    def made(here: Here) -> Iterator[Endpoint]:
        with Dockerd(unix=False, tcp=True, tls=make(here)) as running:
            yield endpoint(running.tcp_url, here.certs)

    return made


def files(spoil: Callable[[Path, Here], object]) -> Situation:
    """A situation in which something is wrong with our own TLS files, so that nobody is even asked."""

    def made(here: Here) -> Iterator[Endpoint]:
        folder = here.copy()
        spoil(folder, here)
        yield endpoint(f"tcp://127.0.0.1:{free_port()}", folder)

    return made


@situation
def no_socket(here: Here) -> Iterator[Endpoint]:
    yield endpoint(f"unix://{here.folder}/docker.sock")


@situation
def file_on_the_way(here: Here) -> Iterator[Endpoint]:
    (here.folder / "file").touch()
    yield endpoint(f"unix://{here.folder}/file/docker.sock")


@situation
def stale_socket(here: Here) -> Iterator[Endpoint]:
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(f"{here.folder}/d.sock")
    yield endpoint(f"unix://{here.folder}/d.sock")


@with_engine
def killed_engine(here: Here) -> Iterator[Endpoint]:
    with Dockerd() as running:
        running.kill()
        yield endpoint(running.unix_url)


@situation
def file_in_its_place(here: Here) -> Iterator[Endpoint]:
    (here.folder / "docker.sock").touch()
    yield endpoint(f"unix://{here.folder}/docker.sock")


@situation
def folder_in_its_place(here: Here) -> Iterator[Endpoint]:
    (here.folder / "docker.sock").mkdir()
    yield endpoint(f"unix://{here.folder}/docker.sock")


@situation
def long_path(here: Here) -> Iterator[Endpoint]:
    yield endpoint(f"unix:///tmp/{'x' * 105}")


@situation
def full_queue(here: Here) -> Iterator[Endpoint]:
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as waiting:
        listening.bind(f"{here.folder}/d.sock")
        listening.listen(0)
        waiting.connect(f"{here.folder}/d.sock")
        yield endpoint(f"unix://{here.folder}/d.sock")


@with_engine
def frozen_engine(here: Here) -> Iterator[Endpoint]:
    with Dockerd() as running:
        running.freeze()
        yield endpoint(running.unix_url)


@situation
def other_system(here: Here) -> Iterator[Endpoint]:
    yield endpoint("npipe://")


@situation
def closed_port(here: Here) -> Iterator[Endpoint]:
    yield endpoint(f"tcp://127.0.0.1:{free_port()}")


@situation
def unanswered_port(here: Here) -> Iterator[Endpoint]:
    with standin.unanswered() as (host, port):
        yield endpoint(f"tcp://{host}:{port}")


@situation
def redirect(here: Here) -> Iterator[Endpoint]:
    with (
        Responder(responder.engine()) as target,
        Responder(always(responder.redirect(f"http://127.0.0.1:{target.port}/_ping"))) as portal,
    ):
        yield endpoint(portal.url)
        assert target.connections == 0, "the redirect was followed"


SITUATIONS |= {
    "closing_socket": server(lambda: standin.closing(unix=True)),
    "resetting_socket": server(lambda: standin.resetting(unix=True)),
    "silent_port": server(standin.silent),
    "closing_port": server(standin.closing),
    "resetting_port": server(standin.resetting),
    "cut_answer": reply(responder.truncated()),
    "ssh_port": server(standin.garbage),
    "web_page": reply(responder.web_page()),
    "missing_web_page": reply(responder.web_page(404)),
    "endless_body": reply(responder.endless()),
    "refusing_plugin": reply(responder.forbidden()),
    "refusing_proxy": reply(responder.forbidden(by_engine=False)),
    "ill_engine": reply(responder.daemon_error()),
    "starting_desktop": reply(responder.unavailable()),
    "unexpected_refusal": reply(responder.daemon_error("slow down", 429)),
    "old_engine": server(lambda: Responder(responder.engine(api="1.18"))),
    "future_engine": server(lambda: Responder(responder.engine(min_api="9.9"))),
}


@with_engine
def tls_engine_asked_in_plain(here: Here) -> Iterator[Endpoint]:
    yield endpoint(here.tls.tcp_url)


@situation
def other_tls_server_asked_in_plain(here: Here) -> Iterator[Endpoint]:
    with Responder(responder.engine(), tls=here.authority.server()) as other:
        yield endpoint(other.url)


@with_engine
def plain_engine_asked_with_tls(here: Here) -> Iterator[Endpoint]:
    yield endpoint(here.plain.tcp_url, here.certs)


class OutdatedTls(ServerTls):
    """A server that knows TLS 1.0 and 1.1 only."""

    def context(self, verify_clients: bool = True) -> ssl.SSLContext:
        context = super().context(verify_clients)
        context.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
        return context


@situation
@pytest.mark.filterwarnings("ignore:ssl.OP_NO:DeprecationWarning")
def outdated_tls(here: Here) -> Iterator[Endpoint]:
    ours = here.authority.server()
    with Responder(responder.engine(), tls=OutdatedTls(ours.ca, ours.cert, ours.key)) as old:
        yield endpoint(old.url, here.certs)


@with_engine
def machine_made_anew(here: Here) -> Iterator[Endpoint]:
    before, after = (Authority(here.folder / name, "docker-machine") for name in ("before", "after"))
    with Dockerd(unix=False, tcp=True, tls=after.server()) as running:
        yield endpoint(running.tcp_url, before.client())


@with_engine
def frozen_tls_engine(here: Here) -> Iterator[Endpoint]:
    with Dockerd(unix=False, tcp=True, tls=here.authority.server()) as running:
        running.freeze()
        yield endpoint(running.tcp_url, here.certs)


@situation
def closing_tls(here: Here) -> Iterator[Endpoint]:
    with standin.closing(tls=here.authority.server()) as closing:
        yield endpoint(closing.url, here.certs)


SITUATIONS |= {
    "ssh_port_asked_with_tls": server(lambda: standin.garbage(SSH_BANNER), tls=True),
    # TLS 1.2's record for "fatal: internal_error".
    "ill_tls_server": server(lambda: standin.garbage(bytes([21, 3, 3, 0, 2, 2, 80])), tls=True),
    "silent_handshake": server(standin.silent, tls=True),
    "unknown_authority": engine_with(lambda here: here.stranger.server()),
    "expired_certificate": engine_with(lambda here: here.authority.expired()),
    "early_certificate": engine_with(lambda here: here.authority.not_yet_valid()),
    "certificate_for_another_address": engine_with(lambda here: here.authority.server("far", ["203.0.113.7"])),
    "certificate_for_another_name": engine_with(lambda here: here.authority.server("name", ["docker.example"])),
    "weak_certificate": engine_with(lambda here: here.authority.server("weak", bits=1024)),
    "certificate_of_a_client": engine_with(lambda here: here.authority.server("odd", LOCAL, purpose="client")),
    "certificate_signed_by_no_authority": engine_with(Here.chain_without_authority),
    "no_ca_file": files(lambda folder, here: (folder / "ca.pem").unlink()),
    "no_folder": files(lambda folder, here: shutil.rmtree(folder)),
    "no_key_file": files(lambda folder, here: (folder / "key.pem").unlink()),
    "no_cert_file": files(lambda folder, here: (folder / "cert.pem").unlink()),
    "key_of_another_certificate": files(
        lambda folder, here: shutil.copy(here.authority.client("other") / "key.pem", folder)
    ),
    "encrypted_key": files(
        lambda folder, here: [shutil.copy(file, folder) for file in locked_files(here)],
    ),
    "damaged_ca": files(lambda folder, here: (folder / "ca.pem").write_text("not PEM")),
    "damaged_key": files(lambda folder, here: (folder / "key.pem").write_bytes(b"\xff\x00")),
}
NEEDS_ENGINE |= {name for name in SITUATIONS if "certificate" in name or name == "unknown_authority"}
NEEDS_ENGINE -= {"key_of_another_certificate"}


def locked_files(here: Here) -> Iterator[Path]:
    """cert.pem and a key.pem that wants a password."""
    return here.authority.client("locked", passphrase="secret").glob("[ck]e[ry]*.pem")


def without_client_certificate(here: Here) -> Path:
    folder = here.copy()
    (folder / "cert.pem").unlink()
    (folder / "key.pem").unlink()
    return folder


def old_client(here: Here) -> Path:
    return here.authority.client("old", not_before=now() - 9 * DAY, not_after=now() - DAY)


def foreign_client(here: Here) -> Path:
    return here.stranger.client("foreign", trusts=here.authority)


CLIENTS = {
    "no_client_certificate": without_client_certificate,
    "foreign_client_certificate": foreign_client,
    "expired_client_certificate": old_client,
}


def client_with(make: Callable[[Here], Path]) -> Situation:
    """A situation in which a real engine does not like the certificate we have."""

    def made(here: Here) -> Iterator[Endpoint]:
        yield endpoint(here.tls.tcp_url, make(here))

    return made


SITUATIONS |= {name: client_with(make) for name, make in CLIENTS.items()}
NEEDS_ENGINE |= CLIENTS.keys()
