"""A few events, and every shape of saved log that they can be written in."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.errors import UnreadableInput
from tests.support import lambda_log
from tests.support.reference_reader import SavedLog

ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
OTHER_ID = "0e1ba5e6-55d1-4e9a-9bbb-3ad5d9f0a1c2"
STREAM = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"
OTHER_STREAM = "2026/11/23/[$LATEST]fedcba9876543210fedcba9876543210"
GROUP = "/aws/lambda/orders-worker"
T0 = 1795402800123  # 2026-11-23T03:00:00.123Z
HOUR = 3_600_000
ALL = LogQuery()
OF_ID = LogQuery(request_ids=(ID,))

Event = tuple[int, str, str]
"""Time in ms, stream, message."""


def attempt(start_ms: int, stream: str, request_id: str, *, counter: int) -> list[Event]:
    traceback = (
        "[ERROR] NameError: name 'x' is not defined\nTraceback (most recent call last):\n"
        '\u00a0\u00a0File "/var/task/app.py", line 11, in lambda_handler\n\u00a0\u00a0\u00a0\u00a0x'
    )
    return [
        (start_ms, stream, lambda_log.start(request_id)),
        (start_ms + 20, stream, f"{counter}\n"),
        (start_ms + 20, stream, f"process {'ABC'[counter]} – größer\n"),
        (start_ms + 50, stream, traceback),
        (start_ms + 60, stream, lambda_log.end(request_id)),
        (start_ms + 60, stream, lambda_log.report(request_id, 54.6)),
    ]


def in_time_order(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event[0])


EVENTS = in_time_order(
    [
        *attempt(T0, STREAM, ID, counter=0),
        *attempt(T0 + 5_000, STREAM, OTHER_ID, counter=0),
        *attempt(T0 + 62_877, OTHER_STREAM, ID, counter=1),
        *attempt(T0 + 5 * HOUR, STREAM, OTHER_ID, counter=1),
    ]
)
# around its attempts all, and far from them what Lambda recorded in their streams
EVENTS_OF_ID = [event for event in EVENTS if event[0] < T0 + HOUR or "RequestId: " in event[2]]


# --------------------------------------------------------------------------- the shapes, written


def fields(event: Event, number: int) -> dict[str, object]:
    timestamp_ms, stream, message = event
    return {
        "logStreamName": stream,
        "timestamp": timestamp_ms,
        "message": message,
        "ingestionTime": timestamp_ms + 900,
        "eventId": f"{number:056d}",
    }


def document(events: Iterable[Event], indent: int | None = 4) -> str:
    rows = [fields(event, number) for number, event in enumerate(events)]
    whole = {"events": rows, "searchedLogStreams": []}
    return json.dumps(whole, indent=indent, ensure_ascii=False) + "\n"


def get_log_events_document(events: Iterable[Event]) -> str:
    rows = [{"timestamp": ms, "message": text, "ingestionTime": ms} for ms, _, text in events]
    return json.dumps({"events": rows, "nextForwardToken": "f/1", "nextBackwardToken": "b/1"})


def lines(events: Iterable[Event]) -> str:
    return "".join(json.dumps(fields(event, n)) + "\n" for n, event in enumerate(events))


def subscription(events: Iterable[Event], group: str = GROUP) -> str:
    """A control message, then one record for each event, with nothing between them."""
    check = {"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health"}
    records = [record("CONTROL_MESSAGE", "", "", check)]
    for number, (timestamp_ms, stream, message) in enumerate(events):
        log_event = {"id": f"{number:056d}", "timestamp": timestamp_ms, "message": message}
        records.append(record("DATA_MESSAGE", group, stream, log_event))
    return "".join(records)


def record(kind: str, group: str, stream: str, log_event: dict[str, object]) -> str:
    whole = {"messageType": kind, "owner": "123456789012", "logGroup": group, "logStream": stream}
    return json.dumps({**whole, "subscriptionFilters": ["all"], "logEvents": [log_event]})


def moment(timestamp_ms: int) -> datetime:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


def tail(events: Iterable[Event], form: str = "detailed", *, colour: bool = False) -> str:
    """What `aws logs tail` prints, by its formatters."""
    green, cyan, reset = ("\x1b[32m", "\x1b[36m", "\x1b[0m") if colour else ("", "", "")
    printed = []
    for timestamp_ms, stream, message in events:
        if form == "short":
            head = f"{green}{moment(timestamp_ms):%Y-%m-%dT%H:%M:%S}{reset}"
        else:
            time = moment(timestamp_ms).isoformat()
            head = f"{green}{time}{reset} {cyan}{stream}{reset}"
        if form == "json" and message.startswith("{"):
            message = "\n" + json.dumps(json.loads(message), indent=4)
        printed.append(f"{head} {message}".rstrip() + "\n")
    return "".join(printed)


def export_line(event: Event) -> str:
    return f"{moment(event[0]):%Y-%m-%dT%H:%M:%S}.{event[0] % 1000:03d}Z {event[2]}\n"


def write_export(folder: Path, events: Iterable[Event]) -> None:
    """An export task's folder: chunks in no order, one folder for each stream."""
    (folder / "aws-logs-write-test").parent.mkdir(parents=True)
    (folder / "aws-logs-write-test").write_text("Permission Check Successful")
    of_stream: dict[str, list[Event]] = {}
    for event in events:
        of_stream.setdefault(event[1], []).append(event)
    for stream, rows in of_stream.items():
        place = folder / "0a1b2c3d-task" / stream.replace("/", "-")
        place.mkdir(parents=True)
        half = len(rows) // 2
        for name, part in (("000000.gz", rows[half:]), ("000001.gz", rows[:half])):
            (place / name).write_bytes(gzip.compress("".join(map(export_line, part)).encode()))


# --------------------------------------------------------------------------- reading


def read(source: Path | str, selection: LogQuery = ALL) -> tuple[list[LogEvent], Coverage]:
    log = SavedLog(str(source))
    events = list(log.read(selection))
    return events, log.coverage()


def read_bytes(content: bytes, selection: LogQuery = ALL) -> tuple[list[LogEvent], Coverage]:
    log = SavedLog("-", stdin=io.BytesIO(content))
    events = list(log.read(selection))
    return events, log.coverage()


def plain(events: Iterable[LogEvent]) -> list[tuple[int, str | None, str]]:
    return [(event.timestamp_ms, event.log_stream, event.message) for event in events]


def stripped(events: Iterable[Event]) -> list[tuple[int, str | None, str]]:
    """As the tail prints them: the end of each message is gone."""
    return [(timestamp_ms, stream, text.rstrip()) for timestamp_ms, stream, text in events]


def without_last_newline(events: Iterable[Event]) -> list[tuple[int, str | None, str]]:
    """As an export keeps them: it cannot tell a message's last newline from its own."""
    return [(timestamp_ms, stream, text.rstrip("\n")) for timestamp_ms, stream, text in events]


def refused(source: Path | str, selection: LogQuery = ALL) -> UnreadableInput:
    with pytest.raises(UnreadableInput) as caught:
        read(source, selection)
    return caught.value


JSON_SHAPES: dict[str, Callable[[list[Event]], str]] = {
    "document": document,
    "document on one line": lambda events: document(events, indent=None),
    "pages behind each other": lambda events: document(events[:7]) + document(events[7:], None),
    "no events on the first page": lambda events: document([]) + document(events),
    "array": lambda events: json.dumps([fields(e, n) for n, e in enumerate(events)], indent=2),
    "objects behind each other": lambda events: "\n".join(
        json.dumps(fields(event, number), indent=2) for number, event in enumerate(events)
    ),
    "lines": lines,
    "subscription": subscription,
    "subscription, one a line": lambda events: subscription(events).replace("}{", "}\n{"),
}

TEXT_SHAPES: dict[str, Callable[[list[Event]], str]] = {
    "tail": tail,
    "tail --format json": lambda events: tail(events, "json"),
    "tail --color on": lambda events: tail(events, colour=True),
}
