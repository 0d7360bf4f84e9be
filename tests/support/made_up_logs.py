"""Logs of every kind of good and bad luck, made up from a seed, and saved in many ways.

Environments run attempts of a few requests, in text or in JSON format; functions print what looks
like records; streams are cut at both ends, lines are lost, repeated and put out of order.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from retryctl.core.model.events import LogEvent
from tests.support.lambda_log import (
    GROUP,
    MIDNIGHT_MS,
    Environment,
    end,
    exited,
    platform,
    python_error,
    report,
    start,
    timed_out,
)
from tests.support.made_up_streams import OLDER_ERRORS


def made_up(random: Random, *, hostile: bool) -> list[list[LogEvent]]:
    """The events of some streams, each in its order."""
    ids = [_request_id(random) for _ in range(random.choice((1, 3, 9, 60)))]
    as_json = random.random() < 0.3
    return [
        _stream(random, letter, ids, as_json=as_json, hostile=hostile)
        for letter in "abcdef"[: random.randrange(1, 6)]
    ]


def _request_id(random: Random) -> str:
    text = f"{random.getrandbits(128):032x}"
    version = random.choice("44445")
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-{text[16:20]}-{text[20:]}"


def _stream(
    random: Random, letter: str, ids: list[str], *, as_json: bool, hostile: bool
) -> list[LogEvent]:
    here = Environment(
        letter,
        json=as_json,
        ids=random.random() < 0.6,
        named=random.random() > 0.04,
        group=GROUP if random.random() < 0.9 else None,
        version=random.choice(("$LATEST", "$LATEST", "7")),
    )
    now = random.uniform(0, 200)
    here.cold = random.random() < 0.8
    for _ in range(random.choice((1, 5, 14, 30))):
        here.at(now)
        request_id = random.choice(ids)
        if random.random() < 0.1:
            here.prints("between the attempts", f"about {request_id}")
        if random.random() < 0.05:
            here.fails_init()
        count = random.choice((0, 0, 1, 2))
        lines = ["an order", f"\t{random.randrange(9)}"]
        ends = random.choice(("ok", "ok", "ok", "error", "error", "timeout", "crash"))
        if ends == "error":
            lines += [str(count), f"process {'ABC'[count]}"]
        if random.random() < 0.1:
            lines.insert(random.randrange(len(lines)), str(count))
        if random.random() < 0.05:
            lines.append(json.dumps({"retryctl": 1, "request_id": request_id, "counter": count}))
        if hostile and random.random() < 0.25:
            lines.insert(random.randrange(len(lines)), _forged(random, ids))
        here.runs(request_id, *lines, ends=ends)
        if ends == "timeout" and random.random() < 0.5:
            here.logs(timed_out(here.now_ms, request_id))
        if ends == "crash" and random.random() < 0.5:
            here.logs(exited(request_id))
        if here.now_ms % 25 == 0 and not as_json:
            here.logs(f"{OLDER_ERRORS[0]}\n")
        now = _seconds(here) + random.choice((0, 0.001, 0.5, 61, 63, 125, 900, 1_100, 7_000))
    return _damaged(random, here.events, hostile=hostile)


def _seconds(here: Environment) -> float:
    return (here.now_ms - MIDNIGHT_MS) / 1000


def _forged(random: Random, ids: list[str]) -> str:
    request_id = random.choice(ids)
    makers: list[Callable[[], str]] = [
        lambda: start(request_id).rstrip("\n"),
        lambda: end(request_id).rstrip("\n"),
        lambda: report(request_id).rstrip("\n"),
        lambda: report(request_id, status="timeout").rstrip("\n"),
        lambda: start(request_id).upper().rstrip("\n"),
        lambda: f"START RequestId: {request_id} Version: one",
        lambda: f"REPORT RequestId: {request_id} spoilt",
        lambda: platform("start", {"requestId": request_id, "version": "7"}),
        lambda: platform("nonsense", {"requestId": request_id}),
        lambda: python_error().rstrip("\n"),
        lambda: exited(request_id).rstrip("\n"),
        lambda: timed_out(0, request_id).rstrip("\n"),
        lambda: f"2023-12-05T22:14:43.862Z\t{request_id}\tERROR\tInvoke Error \t{{}}",
        lambda: f"2023-12-05T22:14:43.862Z\t{request_id}\tINFO\tfine",
        lambda: "boom: java.lang.IllegalStateException\n\tat example.App.run(App.java:3)",
        lambda: "Error raised from handler method",
        lambda: random.choice(OLDER_ERRORS),
        lambda: random.choice(OLDER_ERRORS),
        lambda: json.dumps({"level": "ERROR", "message": {"errorType": "E", "stackTrace": []}}),
        lambda: json.dumps({"level": "INFO", "message": "fine", "requestId": request_id}),
        lambda: "INIT_START Runtime Version: provided:al2023.v1\tRuntime Version ARN: arn",
        lambda: " process B",
        lambda: "\u2003process C",
        lambda: "\x0b2",
        lambda: "",
    ]
    return random.choice(makers)()


def _damaged(random: Random, events: list[LogEvent], *, hostile: bool) -> list[LogEvent]:
    if random.random() < 0.3:
        events = events[random.randrange(len(events)) :]
    if random.random() < 0.3:
        events = events[: random.randrange(len(events)) + 1]
    lost = 0.08 if hostile and random.random() < 0.3 else 0
    events = [event for event in events if random.random() >= lost]
    again = 0.1 if random.random() < 0.15 else 0
    return [event for event in events for _ in range(1 + (random.random() < again))]


# --------------------------------------------------------------------------- saving them


def save(random: Random, streams: list[list[LogEvent]], folder: Path) -> None:
    """Save the streams: mixed in one file or several, sorted or in chunks, plain or gzipped."""
    way = random.randrange(4)
    mixed = sorted((e for events in streams for e in events), key=lambda e: e.timestamp_ms)
    if way == 0:
        _write(random, folder / "log.jsonl", mixed)
    elif way == 1:
        for number, events in enumerate(streams):
            _write(random, folder / f"{number}.jsonl", events)
    elif way == 2:
        middle = random.randrange(len(mixed) + 1)
        _write(random, folder / "2.jsonl", mixed[:middle])
        _write(random, folder / "1.jsonl", mixed[middle:])
    else:
        size = random.randrange(1, 40)
        chunks = [mixed[at : at + size] for at in range(0, len(mixed), size)]
        random.shuffle(chunks)
        _write(random, folder / "log.jsonl", [event for chunk in chunks for event in chunk])


def _write(random: Random, path: Path, events: list[LogEvent]) -> None:
    if not events:
        return
    spaced = random.random() < 0.5
    text = "".join(line_of(event, spaced=spaced) for event in events)
    if random.random() < 0.2:
        path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")


def line_of(event: LogEvent, *, spaced: bool = False) -> str:
    """A saved event: a line of JSON."""
    fields: dict[str, object] = {}
    if event.log_group:
        fields["logGroupName"] = event.log_group
    if event.log_stream:
        fields["logStreamName"] = event.log_stream
    fields |= {"timestamp": event.timestamp_ms, "message": event.message, "ingestionTime": 1}
    if event.event_id:
        fields["eventId"] = event.event_id
    return json.dumps(fields, separators=None if spaced else (",", ":")) + "\n"
