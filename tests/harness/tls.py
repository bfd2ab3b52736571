"""Throw-away certificates, right ones and wrong ones, in the styles that engines are really set up with."""

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Style = Literal["clean", "docker-machine", "docs"]
Purpose = Literal["server", "client"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

LOCAL = ("127.0.0.1", "localhost")
DAY = datetime.timedelta(days=1)
USAGES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]


def now() -> datetime.datetime:
    """This moment, as certificates count it."""
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class ServerTls:
    """The three files of a server: whose clients it trusts, and who it is."""

    ca: Path
    cert: Path
    key: Path

    def context(self, verify_clients: bool = True) -> ssl.SSLContext:
        """A server's TLS context, with `--tlsverify` unless told otherwise.

        One difference to dockerd: when it verifies clients, OpenSSL also sends the CA along, so a client that trusts
        another CA sees verify code 19 where dockerd gives it 20.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT@SECLEVEL=0")  # or OpenSSL would not even load the weak certificates
        context.load_cert_chain(self.cert, self.key)
        if verify_clients:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class Authority:
    """A certificate authority of its own.

    Styles: `clean` follows RFC 5280; `docker-machine` writes no key identifiers, names an organization instead of a
    common name and uses RSA; `docs` is the recipe of docs.docker.com, whose CA has no key usage. Python 3.13 refuses
    the latter two.
    """

    def __init__(self, directory: Path, style: Style = "clean", name: str = "trayd test CA") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.style = style
        self.ca = directory / "ca.pem"
        self._key = _new_key(self._bits(None))
        self._name = self._subject(name, "root.box")
        self.certificate = self._self_signed()
        self.ca.write_bytes(_pem(self.certificate))

    def server(
        self,
        name: str = "server",
        san: Sequence[str] = LOCAL,
        *,
        common_name: str = "trayd test server",
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
        purpose: Purpose = "server",
        bits: int | None = None,
    ) -> ServerTls:
        """A server certificate; an empty `san` leaves only the common name, `bits=1024` makes a weak RSA key."""
        key = _new_key(self._bits(bits))
        subject = self._subject(common_name, f"root.{name}")
        certificate = self._sign(subject, key, purpose, san, not_before, not_after)
        folder = self.directory / name
        self._write(folder, certificate, key, self, None)
        return ServerTls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")

    def client(
        self,
        name: str = "client",
        *,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
        trusts: "Authority | None" = None,
        passphrase: str | None = None,
    ) -> Path:
        """A directory as DOCKER_CERT_PATH wants it: ca.pem (of `trusts`, by default ours), cert.pem and key.pem."""
        key = _new_key(self._bits(None))
        subject = self._subject("trayd test client", "root.<bootstrap>")
        certificate = self._sign(subject, key, "client", (), not_before, not_after)
        folder = self.directory / name
        self._write(folder, certificate, key, trusts or self, passphrase)
        return folder

    def expired(self, name: str = "expired-server", san: Sequence[str] = LOCAL) -> ServerTls:
        """A server certificate that ended yesterday."""
        return self.server(name, san, not_before=now() - 30 * DAY, not_after=now() - DAY)

    def not_yet_valid(self, name: str = "early-server", san: Sequence[str] = LOCAL) -> ServerTls:
        """A server certificate that begins tomorrow."""
        return self.server(name, san, not_before=now() + DAY, not_after=now() + 30 * DAY)

    def _bits(self, wanted: int | None) -> int | None:
        return wanted or (2048 if self.style == "docker-machine" else None)

    def _subject(self, common_name: str, organization: str) -> x509.Name:
        if self.style == "docker-machine":
            return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)])
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])

    def _self_signed(self) -> x509.Certificate:
        builder = _builder(self._name, self._name, self._key, now() - 60 * DAY, now() + 365 * DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if self.style == "docker-machine":
            usages = {"key_cert_sign", "digital_signature", "key_encipherment", "key_agreement"}
            builder = builder.add_extension(_key_usage(usages), critical=True)
        else:
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), False)
        if self.style == "clean":
            builder = builder.add_extension(_key_usage({"key_cert_sign", "crl_sign"}), critical=True)
        return builder.sign(self._key, hashes.SHA256())

    def _sign(
        self,
        subject: x509.Name,
        key: PrivateKey,
        purpose: Purpose,
        san: Sequence[str],
        not_before: datetime.datetime | None,
        not_after: datetime.datetime | None,
    ) -> x509.Certificate:
        usage = ExtendedKeyUsageOID.SERVER_AUTH if purpose == "server" else ExtendedKeyUsageOID.CLIENT_AUTH
        # An hour back: the machines of a test may disagree a little about the time.
        start, end = not_before or now() - DAY / 24, not_after or now() + 365 * DAY
        builder = _builder(subject, self._name, key, start, end)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if san:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(a) for a in san]), critical=False)
        if self.style != "docker-machine":
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
            builder = builder.add_extension(issuer, critical=False)
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        if self.style != "docs":
            builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            usages = {"digital_signature"} | ({"key_encipherment"} if isinstance(key, rsa.RSAPrivateKey) else set())
            builder = builder.add_extension(_key_usage(usages), critical=True)
        return builder.sign(self._key, hashes.SHA256())

    def _write(
        self, folder: Path, certificate: x509.Certificate, key: PrivateKey, trusts: "Authority", passphrase: str | None
    ) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "ca.pem").write_bytes(_pem(trusts.certificate))
        (folder / "cert.pem").write_bytes(_pem(certificate))
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase.encode())
        private = folder / "key.pem"
        private.touch(mode=0o600)
        private.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        )


def client_context(folder: Path) -> ssl.SSLContext:
    """The standard library's strict reading of a DOCKER_CERT_PATH directory; cert.pem and key.pem may be missing."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if (folder / "cert.pem").exists():
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def _new_key(bits: int | None) -> PrivateKey:
    # Elliptic by default: an RSA key takes about a tenth of a second, these take none.
    if bits is None:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, bits)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, start: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)


def _key_usage(wanted: set[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in wanted for usage in USAGES})


def _alternative(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
