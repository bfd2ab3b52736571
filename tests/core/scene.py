"""A loop without threads: messages in, effects out, a clock that tests move by hand."""

from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.diagnosis import diagnose
from trayd.core.health import Now
from trayd.core.profile import REMOTE_HEALTH, Profile, parse_host
from trayd.core.snapshot import Snapshot
from trayd.core.state import next_deadline, update

OFFICE = Profile("office", parse_host("unix:///run/office.sock"))
LAB = Profile("lab", parse_host("tcp://lab.example:2375"), health=REMOTE_HEALTH)


class Scene:
    """Feeds messages to `update` and keeps snapshot, clock and effects."""

    def __init__(self, *profiles, **snapshot):
        self.now = 1000.0
        self.snapshot = Snapshot(**snapshot)
        self.effects = []
        self.say(m.Loaded(profiles))

    def say(self, message):
        """Handle one message; return its effects."""
        now = Now(self.now, 1_700_000_000 + self.now, 0.5)
        self.snapshot, effects = update(self.snapshot, message, now)
        self.effects += effects
        return effects

    def wait(self, seconds):
        """Let time pass as the loop does: a Tick at every deadline."""
        end, effects = self.now + seconds, []
        for _ in range(10_000):
            deadline = next_deadline(self.snapshot)
            if deadline is None or deadline > end:
                break
            self.now = max(self.now, deadline)
            effects += self.say(m.Tick())
        else:
            raise AssertionError(f"the loop spins at {self.now}")
        self.now = end
        return effects

    def probed(self, name, outcome):
        """The outstanding probe of an engine comes back."""
        return self.say(m.Probed(name, self.snapshot.watches[name].generation, outcome))

    def answer(self, name="office", latency=0.002, engine=None):
        return self.probed(name, m.Answered(latency, engine))

    def fail(self, name="office", code="refused"):
        return self.probed(name, m.Failed(diagnose(code, self.snapshot.engines[name].profile.endpoint)))

    def state(self, name="office"):
        return str(self.snapshot.engines[name].health.state)

    def notes(self):
        return [effect for effect in self.effects if isinstance(effect, do.Notify)]


def of(kind, effects):
    """The effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]
