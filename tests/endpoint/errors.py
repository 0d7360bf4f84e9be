"""How the endpoint refuses a call."""

from __future__ import annotations


class Refusal(Exception):
    """An error answer: ``code`` as in ``__type``, a message, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> Refusal:
    return Refusal("InvalidParameterException", message)


def no_such_group() -> Refusal:
    return Refusal("ResourceNotFoundException", "The specified log group does not exist.")


def no_such_stream() -> Refusal:
    return Refusal("ResourceNotFoundException", "The specified log stream does not exist.")
