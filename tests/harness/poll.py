"""Waiting in tests: ask again and again, and say what was waited for when it does not come."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONGEST = 400  # characters of the last answer that a failure shows


def wait_until(question: Callable[[], T], seconds: float = 10.0, what: str = "it", every: float = 0.01) -> T:
    """Ask until the answer is truthy and give it back; an AssertionError says what was waited for and seen last."""
    end = time.monotonic() + seconds
    while True:
        asked = time.monotonic()
        answer = question()
        if answer:
            return answer
        # Compared with the time of asking: a question that blocks past the end still gets one fresh try after it.
        if asked >= end:
            raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {_bounded(answer)}")
        time.sleep(every)


def _bounded(answer: object) -> str:
    text = repr(answer)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
