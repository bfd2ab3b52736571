"""The one kind of error that reaches a person: what is, and what to do next."""

from __future__ import annotations


class TraydError(Exception):
    """A known failure of our own work; `message` says what is, `hint` what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
