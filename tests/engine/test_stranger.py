"""Another engine at an old address, known by its certificate: the watch of one that does not tell its ID."""

from pathlib import Path

from tests.engine.running import QUICK, profile, trayd
from tests.harness import responder
from tests.harness.responder import Reply, Responder
from tests.harness.tls import Authority
from trayd.config.identities import recall_identities
from trayd.core import messages as m
from trayd.core.health import State

TITLE = "office: another engine answers"


def _silent(method: str, path: str) -> Reply:
    """An engine that refuses to say who it is."""
    return responder.forbidden() if path.endswith("/info") else Reply(*responder.engine()(method, path))


def test_another_certificate_is_another_engine_until_a_person_accepts_it(authority: Authority, certs: Path) -> None:
    """Without an ID a new certificate at the same address is said once, kept on disk, and gone after a click."""
    first, second = authority.server("first"), authority.server("second")
    with trayd() as shown:
        with Responder(_silent, tls=first) as old:
            profile("office", old.url, f"{QUICK}\ntls: {{cert_path: {certs}}}")
            shown.wait(State.REACHABLE)
            shown.until(lambda: any(r.path.endswith("/info") for r in old.requests), "the question for its ID")
            shown.until(lambda: "office" in recall_identities(), "its identity on disk")
            assert not shown.engine().stranger
        shown.wait(State.RECONNECTING)
        with Responder(_silent, tls=second, port=old.port) as new:
            shown.until(lambda: shown.state() == State.REACHABLE and shown.engine().stranger, "the stranger")
            assert [note[0] for note in shown.shown.notes if note[0] == TITLE] == [TITLE]
            before = recall_identities()["office"].fingerprint
            shown.until(lambda: recall_identities()["office"].stranger == shown.info().fingerprint, "it on disk")
            assert before and before != shown.info().fingerprint
            shown.app.post(m.Accept("office"))
            shown.until(lambda: not shown.engine().stranger, "the end of the warning")
            shown.until(lambda: recall_identities()["office"].fingerprint == shown.info().fingerprint, "it on disk")
            assert new.requests
    after = recall_identities()["office"]
    assert (after.id, after.stranger) == ("", "")
