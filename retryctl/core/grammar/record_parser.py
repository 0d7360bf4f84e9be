"""The grammar: one log event in, one record out.

Lambda writes its own records in two formats, text (``platform_text``) and JSON
(``json_records``), and each runtime has its own marker of a function that raised
(``runtime_text``). Above each expression is a sample of the line that it reads;
``⇥`` is a tab, ``⏎`` a newline. Sources: AWS's documentation of log formats and of the
Telemetry API, the runtimes' published clients, and captured logs.

A line in the form of a record that cannot be read is ``Unrecognised``, never dropped. A line that
Lambda did not write is an ``AppLine``. The grammar knows neither streams nor order: a line that an
application forged is read like a real one, and ``history`` compares it with the state of its
stream. Messages may be hostile: every expression runs in linear time.
"""

from __future__ import annotations

from retryctl.core.grammar.json_records import json_record
from retryctl.core.grammar.platform_text import TERMINAL_CODE, platform_text
from retryctl.core.grammar.runtime_text import lambda_warning, plain_text, python_line, timed_line
from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import AppLine, Record


def parse_record(event: LogEvent) -> Record:
    """Return the record that ``event`` contains. Never raises, whatever the message."""
    message = event.message
    if "\x1b[" in message:
        message = _TERMINAL_CODES.sub("", message)
    return _read(message) or AppLine(text=message)


# [␛[31mERROR␛[0m] NameError: …, as viewers colour it; [␛[01;31m␛[KERROR␛[m␛[K], as grep does
_TERMINAL_CODES = late_regex(TERMINAL_CODE)


def _read(message: str) -> Record | None:
    if message.startswith("{"):
        return json_record(message)
    if message.startswith("["):
        return python_line(message)
    if message[:1].isdigit():
        return timed_line(message)
    if message.startswith("LAMBDA_WARNING: "):
        return lambda_warning(message)
    return platform_text(message) or plain_text(message)
