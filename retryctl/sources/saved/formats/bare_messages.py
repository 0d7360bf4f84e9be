"""Messages alone, without times: what jq and the console's test tab print, and Lambda's answer.

The place of a message among the lines is its only order. A message of several lines is put
together again: a traceback, a report with its line of X-Ray, an exit with its type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from io import BufferedReader
from itertools import repeat
from typing import ClassVar, Self

from retryctl.core.timestamps import iso_ms, iso_text
from retryctl.core.value_classes import state_class, value_class
from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.canonical_lines import canonical_block, json_escaped, line_start
from retryctl.sources.saved.formats.event_times import first_place, untimed
from retryctl.sources.saved.formats.record_line import (
    ID,
    RECORD,
    TERMINAL_CODES,
    bare_record,
    note_cut_end,
    with_cut_mark,
)
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head, SavedFormat

# ⏎Traceback (most recent call last):  ⏎    x  ⏎Runtime.ExitError  ⏎XRAY TraceId: …
# A branch has one line: what is indented behind it is another message.
_CONTINUED = re.compile(
    rb"(?<!\nprocess [A-Z])\n"
    rb"(?=[ \t}\])]|\xc2\xa0|Traceback \(most recent|XRAY TraceId: |Runtime\.\w+\n|Caused by: |"
    rb"(?:(?:[\w$]+\.)+[\w$]+(?:: [^\n]*)?\n[ \t]*)?at [\w$./<>@-]{3,300}\([^\n()]*\))"  # Java
)
# [ERROR] ValueError: two⏎lines⏎Traceback (most recent call last):
_ERROR = re.compile(
    rb"\[ERROR\] [^\n]*(?:\n(?!START |END |REPORT |\[ERROR\])[^\n]*){0,20}?\n(?=Traceback \(most)"
)
# …    xEND RequestId: 8f507cfc-…⏎  … MB⇥START RequestId: …⏎  process A[ERROR] KeyError: 'x'⏎…
_GLUED = re.compile(
    rb"(?:(?<=[^\s\"'])|(?<= MB\t))(?=(?:END RequestId: "
    + ID
    + rb"|START RequestId: "
    + ID
    + rb" Version: \S+)[ \t]*\n|REPORT RequestId: "
    + ID
    + rb"\tDuration: |INIT_START Runtime V"
    rb"|\[ERROR\] [^\n\0]*\0Traceback )|(?<= Version: \$LATEST)(?=[^\s.])"
)
# REPORT RequestId: 8f507cfc-…⏎Duration: 1.00 ms⏎Billed Duration: 2 ms⏎Memory Size: 128 MB⏎…
# START RequestId: 8f507cfc-…⏎Version: $LATEST
_FIGURE = (
    rb"(?:(?:Billed |Init |Restore |Billed Restore )?Duration: [\d.]+ ms"
    rb"|(?:Memory Size|Max Memory Used): \d+ MB|(?:Status|Error Type): [\w.]+)"
)
_OF_RECORD = re.compile(
    rb"^(?:REPORT RequestId: " + ID + rb"(?:[ \t]*\n[ \t]*" + _FIGURE + rb")+"
    rb"|START RequestId: " + ID + rb"[ \t]*\n[ \t]*Version: (?:\$LATEST|\d+))(?=[ \t]*(?:\n|\Z))",
    re.MULTILINE,
)  # fmt: skip
_ON_OWN_LINE = re.compile(rb"\n[ \t]*(?:Duration|Version): ")
# 0process A, process A1: another file was joined there
_JOINED = re.compile(rb"^(?:\d+process [A-Z]|process [A-Z]\d+)\s*?$", re.MULTILINE)
# 2026-11-23T03:00:00.123456789Z
_DOCKER_TIME = rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z "
_RECORD_ID = re.compile(rb"^(?:START|END|REPORT) RequestId: (" + ID + rb")", re.MULTILINE)
_DOCKER_TIMES = re.compile(b"^" + _DOCKER_TIME, re.MULTILINE)
# a tab before a message, and not before the line of a stack trace; one before a record
_TABS = re.compile(rb"\n\t(?!at |\.\.\. |\t)|\t(?=(?:START|END|REPORT) RequestId: " + ID + b")")
# ⏎⇥1⏎⇥process B
_CLAIM = re.compile(rb"(?:\n\t *\d{1,9}[ \t]*)?\n\t *process \S")
_STARTS = (b"\nSTART RequestId: ", b"\nEND RequestId: ", b"\nREPORT RequestId: ", b"\n{")
_MARK = b"\0"
_LONGEST = 8 << 20


@value_class
class BareMessages(SavedFormat):
    """Messages without times, in the order of their lines; ``prefix`` begins each line."""

    name = "messages without times"
    made_by = "aws logs filter-log-events … | jq -r '.events[].message'; the console's test tab"

    of_lines = True

    newline: bytes = b"\n"
    prefix: bytes = b""

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Messages, if one of the first lines is a record of Lambda."""
        found = bare_record(head)
        return cls(newline=head.newline, prefix=found[1]) if found else None

    def convert(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[bytes]:
        """Yield the messages of a segment as canonical lines, some at a time."""
        start, count = line_start(None, None), first_place(diagnostics.number)
        for text in self._parts(segment, diagnostics):
            self.note_doubts(text, diagnostics)
            diagnostics.joined_records(len(_JOINED.findall(text)))
            messages = messages_of(self.plain(text))
            if messages:
                times = untimed(count, len(messages))
                yield canonical_block(repeat(start, len(messages)), *times, json_escaped(messages))
                count += len(messages)

    def note_doubts(self, text: bytes, diagnostics: FileDiagnostics) -> None:
        """Note the lines of a part that may be messages or not; here none."""

    def plain(self, text: bytes) -> bytes:
        """Return the text as Lambda wrote it: without terminal codes and line prefixes."""
        text = TERMINAL_CODES.sub(b"", text) if b"\x1b[" in text else text
        if self.prefix:
            text = (b"\n" + text).replace(b"\n" + self.prefix, b"\n")[1:]
        return text

    def last_record(self, text: bytes) -> int:
        """Find the newline before the last record of Lambda; below 0 if there is none."""
        return max(text.rfind(b"\n" + self.prefix + start[1:]) for start in _STARTS)

    def _parts(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[bytes]:
        """Yield the text in parts, each of which ends before a record of Lambda."""
        pending, size = b"", raw_blocks.BLOCK_BYTES
        while chunk := segment.read(size):
            pending += chunk
            cut = self.last_record(pending)
            if cut <= 0 and len(pending) > _LONGEST:
                cut = pending.rfind(b"\n")
            if cut > 0:
                yield pending[: cut + 1].replace(self.newline, b"\n")
                pending, size = pending[cut + 1 :], raw_blocks.BLOCK_BYTES
            else:
                size *= 2
        last = pending.replace(self.newline, b"\n")
        note_cut_end(last, diagnostics)
        yield with_cut_mark(last)


def messages_of(text: bytes) -> list[bytes]:
    """Return the messages that lines make up: those of several lines put together, none empty."""
    text = text.replace(_MARK, b"") + b"\n"
    if _ON_OWN_LINE.search(text):
        text = _OF_RECORD.sub(lambda found: found[0].replace(b"\n", b"\t"), text)
    if b"\nTraceback (most" in text:
        text = _ERROR.sub(lambda found: found[0].replace(b"\n", _MARK), text)
    text = _GLUED.sub(b"\n", _CONTINUED.sub(_MARK, text))
    return [message.replace(_MARK, b"\n") for message in text.split(b"\n") if message]


class SlsLogs(BareMessages):
    """``sls logs``: messages; those of a logger with their times in the local zone."""

    name = "sls logs"
    made_by = "sls logs --function FUNCTION --startTime 1d"

    # 2026-11-23 04:00:00.123 (+01:00)⇥8f507cfc-0d3f-4697-b07a-ac58fc914c95⇥INFO⇥message
    _LINE: ClassVar[re.Pattern[bytes]] = re.compile(
        rb"(20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) \(([+-]\d\d:\d\d)\)\t("
        + ID
        + rb")\t(\[\w+\]\t)?"
    )

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Messages, one of which has the tool's time."""
        if not any(cls._LINE.match(TERMINAL_CODES.sub(b"", line)) for line in head.lines):
            return None
        return super().detect(head) or cls(newline=head.newline)

    def plain(self, text: bytes) -> bytes:
        """Return the text with times as the runtimes write them."""
        return self._LINE.sub(_runtime_time, super().plain(text))


def _runtime_time(found: re.Match[bytes]) -> bytes:
    moment_ms = iso_ms(f"{found[1].decode()}{found[2].decode()}")
    moment = found[1] if moment_ms is None else iso_text(moment_ms).encode()
    return b"%b%b\t%b\t" % (found[4] or b"", moment, found[3])


@state_class
class _ContainerRun:
    """Lines of one container from a START to the next, and the time of the first, if it has one."""

    name: bytes
    time: bytes
    lines: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> bytes:
        """The lines as one text."""
        return b"".join(self.lines)


def _of_lambda(runs: list[_ContainerRun], diagnostics: FileDiagnostics) -> list[_ContainerRun]:
    """Return the lines of the containers with records of Lambda; note if their order matters."""
    ids: dict[bytes, set[bytes]] = {run.name: set() for run in runs}
    for run in runs:
        ids[run.name].update(_RECORD_ID.findall(run.text))
    shared = sum(map(len, ids.values())) > len(set().union(*ids.values()))
    runs = [run for run in runs if ids[run.name]]
    if shared and not all(run.time for run in runs):
        diagnostics.unordered_containers()
    return runs


class EmulatorLogs(BareMessages):
    """The log of Lambda's emulator in a container, as ``docker compose logs`` prefixes it."""

    name = "docker logs of the emulator"
    made_by = "docker compose logs SERVICE, docker logs CONTAINER, sam local invoke"

    # orders-1  | START RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95 Version: $LATEST
    # orders-1  | 2026-11-23T03:00:00.123456789Z START RequestId: 8f507cfc-… Version: $LATEST
    # 23 Nov 2026 03:00:00,123 [INFO] (rapid) exec '/var/runtime/bootstrap' (cwd=/var/task, …)
    _PREFIX: ClassVar[re.Pattern[bytes]] = re.compile(
        rb"([\w.-]+ +\| )(?:" + _DOCKER_TIME + rb")?(?=(?:START|END|REPORT) RequestId: )"
    )
    # container, time, text
    _LINE: ClassVar[re.Pattern[bytes]] = re.compile(
        rb"([\w.-]+) +\|(?: |$)(" + _DOCKER_TIME + rb")?(.*)", re.DOTALL
    )
    _RAPID: ClassVar[re.Pattern[bytes]] = re.compile(
        rb"[^\n]*\(rapid\) |[^\n]*\"init completed\"|Mounting .* as /var/task"
    )

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Messages with the container's prefix or times, or among lines of the emulator itself."""
        lines = [TERMINAL_CODES.sub(b"", line) for line in head.lines]
        for line in lines:
            if found := cls._PREFIX.match(line):
                return cls(newline=head.newline, prefix=found[1])
        times = [re.match(_DOCKER_TIME, line) for line in lines]
        if any(time and RECORD.match(time.string, time.end()) for time in times):
            return cls(newline=head.newline)
        return super().detect(head) if any(map(cls._RAPID.match, lines)) else None

    def last_record(self, text: bytes) -> int:
        """Find the newline before the last record, behind a time or not."""
        timed = text.rfind(b"Z START RequestId: ")
        return text.rfind(b"\n", 0, timed) if timed > 0 else super().last_record(text)

    def plain(self, text: bytes) -> bytes:
        """Return the messages without the times, which each line has."""
        text = super().plain(text)
        return _DOCKER_TIMES.sub(b"", text) if _DOCKER_TIMES.search(text) else text

    def convert(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[bytes]:
        """Yield the messages; each of several containers is a stream, one alone is not named."""
        if b"|" not in self.prefix:
            yield from super().convert(segment, diagnostics)
            return
        text = segment.read().replace(self.newline, b"\n")
        note_cut_end(text, diagnostics)
        runs = _of_lambda(self._runs(with_cut_mark(text), diagnostics), diagnostics)
        several = len({run.name for run in runs}) > 1
        count = first_place(diagnostics.number)
        for run in sorted(runs, key=lambda run: run.time):
            diagnostics.joined_records(len(_JOINED.findall(run.text)))
            messages = messages_of(run.text)
            start = line_start(None, run.name if several else None)
            times = untimed(count, len(messages))
            yield canonical_block(repeat(start, len(messages)), *times, json_escaped(messages))
            count += len(messages)

    def _runs(self, text: bytes, diagnostics: FileDiagnostics) -> list[_ContainerRun]:
        """Return the lines of each container, from one START to the next."""
        text = TERMINAL_CODES.sub(b"", text) if b"\x1b[" in text else text
        runs: list[_ContainerRun] = []
        latest: dict[bytes, _ContainerRun] = {}
        for number, line in enumerate(text.split(b"\n"), 1):
            found = self._LINE.fullmatch(line)
            if not found:
                if line.strip():
                    diagnostics.unread_event(number, line.decode(errors="replace"))
                continue
            name, time, message = found[1], found[2] or b"", found[3]
            if name not in latest or message.startswith(b"START RequestId: "):
                latest[name] = _ContainerRun(name=name, time=time)
                runs.append(latest[name])
            latest[name].lines.append(message + b"\n")
        return runs


class TabbedMessages(BareMessages):
    """Messages as the AWS CLI prints a list as text: a tab before each but the first."""

    name = "messages of --query as text"
    made_by = "aws logs filter-log-events … --query 'events[].message' --output text"

    # INIT_START Runtime Version: …
    # ⇥START RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95 Version: $LATEST
    # ⇥process A
    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Messages, if a record of Lambda stands behind a tab and the first line has none."""
        records = [line for line in head.lines if line.startswith(b"\t") and RECORD.match(line)]
        if not records or head.lines[0].startswith(b"\t"):
            return None
        return cls(newline=head.newline, prefix=b"\t")

    def note_doubts(self, text: bytes, diagnostics: FileDiagnostics) -> None:
        """Note each counter or branch behind a printed line, which may go on with a tab too.

        A record of Lambda does not.
        """
        for found in _CLAIM.finditer(text):
            if not RECORD.match(text, text.rfind(b"\n", 0, found.start()) + 1):
                diagnostics.unclear_claim()

    def plain(self, text: bytes) -> bytes:
        """Return the messages without the tabs that separate them."""
        return _TABS.sub(b"\n", b"\n" + text)[1:]
