"""Every shape of saved log, written from the same events as the tool that makes it writes them."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone

from tests.support.saved_logs import (
    GROUP,
    Event,
    document,
    export_line,
    fields,
    get_log_events_document,
    lines,
    moment,
    subscription,
    tail,
)

Writer = Callable[[list[Event]], str]

TIMES, SECONDS, STREAMS, ENDS = "times", "seconds", "streams", "ends"
"""What a shape can carry of an event: its time, or its second; its stream; the message's end."""


def iso(timestamp_ms: int, offset_hours: int = 0, separator: str = "T") -> str:
    zone = timezone(timedelta(hours=offset_hours))
    whole = datetime.fromtimestamp(timestamp_ms // 1000, zone)
    return f"{whole:%Y-%m-%d{separator}%H:%M:%S}.{timestamp_ms % 1000:03d}"


def offset(hours: int) -> str:
    return f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"


def rows(events: Iterable[Event], between: str, zone: str = "Z", hours: int = 0) -> str:
    return "".join(f"{iso(ms, hours)}{zone}{between}{text.rstrip()}\n" for ms, _, text in events)


def rows_with_streams(events: Iterable[Event], form: str) -> str:
    """Rows of times, streams and messages, which ``form`` numbers."""
    written = (form.format(f"{iso(ms)}Z", stream, text.rstrip()) for ms, stream, text in events)
    return "".join(f"{row}\n" for row in written)


def ticket_table(events: list[Event]) -> str:
    """The rows of a copied table in Markdown: the first is its header, a rule is behind it."""
    first, *others = ([event] for event in events)
    behind = "".join(f"  | {rows(each, ' | ', offset(-4), -4)}" for each in others)
    return f"{rows(first, ' | ', offset(-4), -4)}-- | --\n{behind}"


def rows_with_button(events: Iterable[Event], *, closed: str = "\0") -> str:
    """Open rows of the console: the text of a button, the message twice; some may be closed."""
    cells = ((iso(ms, -4) + offset(-4), text.rstrip()) for ms, _, text in events)
    return "".join(
        f"  | {time}{'' if text.startswith(closed) else f'Copy{text}'} | {text}\n"
        for time, text in cells
    )


def wrapped(text: str, width: int) -> str:
    """The text as a terminal of this width cuts its lines."""
    lines = text.removesuffix("\n").split("\n")
    parts = ([line[at : at + width] for at in range(0, max(len(line), 1), width)] for line in lines)
    return "".join(f"{part}\n" for each in parts for part in each)


def open_rows(events: Iterable[Event]) -> str:
    """Rows of the console, all of them open: each message stands twice under its time."""
    texts = ((iso(ms), text.rstrip()) for ms, _, text in events)
    return "".join(f"{time}Z\n{text}\n{text}\n\n" for time, text in texts)


def without_closing_quotes(events: Iterable[Event]) -> str:
    texts = ((ms, text.rstrip().replace('"', '""')) for ms, _, text in events)
    return "".join(f'{ms},"{text}\n' for ms, text in texts)


def table_of(header: list[str], table: Iterable[Iterable[object]], **kind: str) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n", **kind)  # type: ignore[arg-type]
    if header:
        writer.writerow(header)
    writer.writerows(table)
    return written.getvalue()


def insights_rows(events: Iterable[Event]) -> list[dict[str, str]]:
    return [
        {
            "@timestamp": iso(ms, separator=" "),
            "@message": text,
            "@logStream": stream,
            "@log": f"123456789012:{GROUP}",
        }
        for ms, stream, text in events
    ]


def query_results(events: Iterable[Event]) -> str:
    results = [
        [{"field": key, "value": value} for key, value in {**row, "@ptr": "CmEK"}.items()]
        for row in insights_rows(events)
    ]
    return json.dumps({"results": results, "status": "Complete"}, indent=4)


def markdown(events: Iterable[Event]) -> str:
    found = insights_rows(events)
    head = "| @timestamp | @message | @logStream |\n| --- | --- | --- |\n"
    return head + "".join(
        f"| {row['@timestamp']} | {row['@message'].rstrip()} | {row['@logStream']} |\n"
        for row in found
    )


def ascii_table(events: Iterable[Event]) -> str:
    found = insights_rows(events)
    rule = "-" * 60 + "\n"
    head = rule + "|  @timestamp  |  @logStream  |  @message  |\n|" + "-" * 20 + "|---|---|\n"
    return (
        head
        + "".join(
            f"| {row['@timestamp']} | {row['@logStream']} | {row['@message'].rstrip()}   |\n"
            for row in found
        )
        + rule
    )


def text_output(events: Iterable[Event]) -> str:
    return "".join(
        f"EVENTS\t{number:056d}\t{ms + 900}\t{stream}\t{text}\t{ms}\n"
        for number, (ms, stream, text) in enumerate(events)
    )


def stream_as_text(events: Iterable[Event]) -> str:
    """What get-log-events prints, with the tokens of both directions before it."""
    return "b/3800/s\tf/3800/s\n" + "".join(
        f"EVENTS\t{ms + 900}\t{text}\t{ms}\n" for ms, _, text in events
    )


def jq_tsv(events: Iterable[Event]) -> str:
    escapes = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
    return "".join(
        f"{ms}\t{stream}\t{''.join(escapes.get(each, each) for each in text)}\n"
        for ms, stream, text in events
    )


def docker_times(events: Iterable[Event]) -> str:
    return "".join(
        f"{iso(ms)}456789Z {line}\n" for ms, _, text in events for line in text.rstrip().split("\n")
    )


def telemetry(events: Iterable[Event]) -> str:
    return json.dumps(
        [{"time": f"{iso(ms)}Z", "type": "function", "record": t} for ms, _, t in events]
    )


def answer_of_invoke(events: list[Event]) -> str:
    text = "".join(f"{text.rstrip()}\n" for *_, text in events)
    return json.dumps({"StatusCode": 200, "LogResult": base64.b64encode(text.encode()).decode()})


def packed(events: list[Event]) -> str:
    return base64.b64encode(gzip.compress(subscription(events).encode())).decode()


SHAPES: dict[str, tuple[Writer, frozenset[str]]] = {
    name: (writer, frozenset(carries.split()))
    for name, writer, carries in (
        ("JSON lines", lines, "times streams ends"),
        ("document", document, "times streams ends"),
        ("document on one line", lambda e: document(e, None), "times streams ends"),
        ("get-log-events", get_log_events_document, "times ends"),
        (
            "--query events",
            lambda e: json.dumps([fields(x, n) for n, x in enumerate(e)], indent=4),
            "times streams ends",
        ),
        (
            "--query rows",
            lambda e: json.dumps([[ms, text] for ms, _, text in e], indent=4),
            "times ends",
        ),
        ("--query messages", lambda e: json.dumps([text for *_, text in e]), "ends"),
        (
            "console CSV",
            lambda e: table_of(["timestamp", "message"], ((a, c) for a, _, c in e)),
            "times ends",
        ),
        (
            "console CSV with streams",
            lambda e: table_of(
                ["timestamp", "message", "logStreamName"], ((a, c, b) for a, b, c in e)
            ),
            "times streams ends",
        ),
        (
            "console CSV without header",
            lambda e: table_of([], ((a, c, b) for a, b, c in e)),
            "times streams ends",
        ),
        (
            "CSV of another tool",
            lambda e: table_of(
                ["message", "n", "timestamp"], ((c, 1, a) for a, _, c in e), delimiter=";"
            ),
            "times ends",
        ),
        (
            "Insights CSV",
            lambda e: table_of(list(insights_rows(e)[0]), (r.values() for r in insights_rows(e))),
            "times streams ends",
        ),
        ("Insights JSON", lambda e: json.dumps(insights_rows(e), indent=2), "times streams ends"),
        ("get-query-results", query_results, "times streams ends"),
        ("Insights Markdown", markdown, "times streams"),
        ("Insights ASCII", ascii_table, "times streams"),
        ("pasted rows", lambda e: rows(e, "\t", offset(1), 1), "times"),
        ("pasted rows, west", lambda e: rows(e, "\t", offset(-8), -8), "times"),
        ("pasted rows, Z", lambda e: rows(e, "\t"), "times"),
        (
            "pasted rows with streams",
            lambda e: (
                "Timestamp\tMessage\tLog stream name\n" + rows_with_streams(e, "{0}\t{2}\t{1}")
            ),
            "times streams",
        ),
        (
            "pasted rows, stream first",
            lambda e: "Log stream\tTimestamp\tMessage\n" + rows_with_streams(e, "{1}\t{0}\t{2}"),
            "times streams",
        ),
        (
            "pasted rows with streams, no header",
            lambda e: rows_with_streams(e, "{0}\t{2}\t{1}"),
            "times streams",
        ),
        (
            "pasted rows, message first",
            lambda e: "Message\tTimestamp\n" + rows_with_streams(e, "{2}\t{0}"),
            "times",
        ),
        ("rows between bars", lambda e: rows_with_streams(e, "| {0} | {2} |"), "times"),
        ("times above messages", lambda e: rows(e, "\t\n"), "times"),
        ("times above messages, no tab", lambda e: rows(e, "\n", offset(9), 9), "times"),
        ("rows with bars", lambda e: rows(e, " | "), "times"),
        ("table in a ticket", ticket_table, "times"),
        (
            "open table in milliseconds",
            lambda e: "".join(f"| {ms} | {text.rstrip()}\n" for ms, _, text in e),
            "times",
        ),
        (
            "rows with the time of day",
            lambda e: "".join(f"{iso(ms)[11:19]}  {text.rstrip()}\n" for ms, _, text in e),
            "",
        ),
        (
            "aws logs tail in a quotation",
            lambda e: "".join(f"> {line}\n" for line in tail(e).split("\n")[:-1]),
            "times streams",
        ),
        ("aws logs tail in a terminal", lambda e: wrapped(tail(e), 139), "times streams"),
        ("open rows of the console", open_rows, "times"),
        ("console CSV, quotes not closed", without_closing_quotes, "times"),
        ("rows with the text of a button", rows_with_button, "times"),
        (
            "rows with the text of a button, but for START",
            lambda e: rows_with_button(e, closed="START"),
            "times",
        ),
        (
            "rows with the text of a button, message once",
            lambda e: rows(e, "Copy"),
            "times",
        ),
        ("rows with a button below the times", lambda e: rows(e, "\nCopy\n"), "times"),
        ("rows with two spaces", lambda e: rows(e, "  "), "times"),
        ("rows in UTC without an offset", lambda e: rows(e, "\t", ""), "times"),
        ("S3 export", lambda e: "".join(map(export_line, e)), "times"),
        ("aws logs tail", tail, "times streams"),
        ("aws logs tail --format short", lambda e: tail(e, "short"), "seconds"),
        ("aws logs --output text", text_output, "times streams ends"),
        (
            "--output text, an emulator's event IDs",
            lambda e: text_output(e).replace("0" * 50, ""),
            "times streams ends",
        ),
        ("get-log-events --output text", stream_as_text, "times ends"),
        ("ms and message", lambda e: "".join(f"{ms}\t{text}\n" for ms, _, text in e), "times"),
        (
            "ms, stream and message",
            lambda e: "".join(f"{ms}\t{stream}\t{text}\n" for ms, stream, text in e),
            "times streams",
        ),
        ("jq @tsv", jq_tsv, "times streams ends"),
        ("jq todate", lambda e: "".join(f"{iso(a)[:-4]}Z {c}\n" for a, _, c in e), "seconds"),
        (
            "sam logs",
            lambda e: "".join(
                f"{s} {moment(ms).isoformat()} {text.rstrip()}\n" for ms, s, text in e
            ),
            "times streams",
        ),
        (
            "awslogs get --timestamp",
            lambda e: "".join(f"{GROUP} {s} {iso(ms)}Z {text.rstrip()}\n" for ms, s, text in e),
            "times streams",
        ),
        (
            "awslogs get",
            lambda e: "".join(f"{GROUP} {s} {text.rstrip()}\n" for ms, s, text in e),
            "streams",
        ),
        (
            "awslogs get --no-stream --timestamp",
            lambda e: "".join(f"{GROUP} {iso(ms)}Z {text.rstrip()}\n" for ms, _, text in e),
            "times",
        ),
        (
            "awslogs get --no-group",
            lambda e: "".join(f"{stream} {text.rstrip()}\n" for _, stream, text in e),
            "streams",
        ),
        (
            "awslogs get --no-stream",
            lambda e: "".join(f"{GROUP} {text.rstrip()}\n" for *_, text in e),
            "",
        ),
        (
            "saw get --pretty",
            lambda e: "".join(f"[{iso(ms)[:-4]}Z] ({s}) {text.rstrip()}\n" for ms, s, text in e),
            "seconds streams",
        ),
        ("subscription", subscription, "times streams ends"),
        ("Telemetry API", telemetry, "times ends"),
        (
            "Kinesis records",
            lambda e: json.dumps({"Records": [{"SequenceNumber": "1", "Data": packed(e)}]}),
            "times streams ends",
        ),
        (
            "Kinesis event",
            lambda e: json.dumps({"Records": [{"kinesis": {"data": packed(e)}}]}),
            "times streams ends",
        ),
        (
            "Firehose records",
            lambda e: json.dumps({"records": [{"recordId": "1", "data": packed(e)}]}),
            "times streams ends",
        ),
        (
            "Kinesis records, one a line",
            lambda e: json.dumps({"PartitionKey": "1", "Data": packed(e)}) + "\n",
            "times streams ends",
        ),
        (
            "subscription event",
            lambda e: json.dumps({"awslogs": {"data": packed(e)}}),
            "times streams ends",
        ),
        ("CSV of messages", lambda e: table_of(["@message"], ([c] for *_, c in e)), "ends"),
        (
            "messages as JSON strings",
            lambda e: "".join(f"{json.dumps(text)}\n" for *_, text in e),
            "ends",
        ),
        (
            "messages of --query as text",
            lambda e: "\t".join(f"{text.rstrip()}\n" for *_, text in e) + "\n",
            "",
        ),
        ("messages", lambda e: "".join(f"{text.rstrip()}\n\n" for *_, text in e), ""),
        ("answer of invoke", answer_of_invoke, ""),
        (
            "docker compose logs",
            lambda e: "".join(
                f"orders-1  | {line}\n" for *_, text in e for line in text.rstrip().split("\n")
            ),
            "",
        ),
        ("docker logs --timestamps", docker_times, ""),
    )
}
