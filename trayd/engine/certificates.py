"""When certificates end, and whether others may use a key: the files of a TLS folder, and what a server shows.

The standard library tells the end of a certificate only after a successful verification, or if it is an authority's;
those that interest most (a client's, one that has expired) are neither. The reader below knows the one path through
the fixed form of RFC 5280 4.1 to the end: 40 lines, where asn1crypto takes 1.1 MB and 31 ms to import for one date, and
cryptography 16 MB. What it does not understand has no end, which is shown nowhere.
"""

from __future__ import annotations

import calendar
import os
import re
import ssl
import stat
import time

from trayd.core.certificates import Certificate
from trayd.core.profile import Tls
from trayd.core.words import _

_SEQUENCE, _VERSION, _UTC_TIME = 0x30, 0xA0, 0x17
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
# A bundle of all public authorities has 200 KB.
_LIMIT = 1024 * 1024


def end_of(der: bytes) -> float | None:
    """Return when a certificate ends, in seconds of the wall clock; None if it cannot be read."""
    try:
        body = _inside(der, _SEQUENCE)  # Certificate
        body = _inside(body, _SEQUENCE)  # TBSCertificate
        if body[0] == _VERSION:
            body = _after(body)
        for _part in ("serialNumber", "signature", "issuer"):
            body = _after(body)
        end = _after(_inside(body, _SEQUENCE))  # validity: behind notBefore
        kind, value, _rest = _element(end)
        text = value.decode("ascii")
        if kind == _UTC_TIME:
            text = ("19" if text >= "50" else "20") + text  # RFC 5280 4.1.2.5.1
        return float(calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ")))
    except (ValueError, IndexError, OverflowError):
        return None


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Return tag, content and what follows of the first element of DER."""
    length, start = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[2 : 2 + count]), 2 + count
    if len(data) < start + length:
        raise ValueError("cut short")
    return data[0], data[start : start + length], data[start + length :]


def _inside(data: bytes, wanted: int) -> bytes:
    tag, content, _rest = _element(data)
    if tag != wanted:
        raise ValueError(f"tag {tag:#x} instead of {wanted:#x}")
    return content


def _after(data: bytes) -> bytes:
    return _element(data)[2]


def own_certificates(tls: Tls) -> tuple[Certificate, ...]:
    """Return the ends of cert.pem, and of ca.pem where it is used."""
    found = []
    if ends := _ends(os.path.join(tls.cert_path, "cert.pem")):
        found.append(Certificate("client", ends[0]))  # behind it may stand those that signed it
    if tls.verify and (ends := _ends(os.path.join(tls.cert_path, "ca.pem"))):
        found.append(Certificate("ca", max(ends)))  # of several, each is enough
    return tuple(found)


def _ends(path: str) -> list[float]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            blocks = _PEM.findall(file.read(_LIMIT))
        ends = [end_of(ssl.PEM_cert_to_DER_cert(block)) for block in blocks]
    except (OSError, ValueError):
        return []
    return [end for end in ends if end is not None]


def loose_modes(tls: Tls) -> list[str]:
    """Return who else may read the key or replace the files, in words; neither docker nor docker-py looks."""
    found: list[str] = []
    if os.name != "posix":
        return found
    for path, bits, words, mode in (
        (
            os.path.join(tls.cert_path, "key.pem"),
            stat.S_IRGRP | stat.S_IROTH,
            _("others may read key.pem: {command}"),
            "600",
        ),
        (tls.cert_path, stat.S_IWGRP | stat.S_IWOTH, _("others may write into its folder: {command}"), "700"),
    ):
        try:
            if os.stat(path).st_mode & bits:
                found.append(words.format(command=f"chmod {mode} {path}"))
        except OSError:
            continue
    return found
