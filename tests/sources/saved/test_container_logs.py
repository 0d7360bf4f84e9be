"""Logs of containers, as docker compose prints them."""

from __future__ import annotations

from retryctl.core.model.events import stream_name
from tests.support.program import run
from tests.support.saved_logs import ID, STREAM, T0, attempt, read_bytes
from tests.support.saved_shapes import iso


def test_containers_of_several_services_are_read() -> None:
    other = "99999999-1111-4222-8333-000000000009"
    text = "".join(
        f"{name}-1  | {line}\n"
        for name, request_id in (("orders", ID), ("mail", other))
        for line in (
            f"START RequestId: {request_id} Version: $LATEST",
            f"END RequestId: {request_id}",
        )
    )
    events, _ = read_bytes(text.encode())
    assert [event.message.split()[0] for event in events] == ["START", "END"] * 2


def in_container(name: str, counter: int, at_ms: int | None = None) -> str:
    time = "" if at_ms is None else f"{iso(at_ms)}456789Z "
    events = attempt(T0, STREAM, ID, counter=counter)
    return "".join(
        f"{name}  | {time}{line}\n" for *_, text in events for line in text.rstrip().split("\n")
    )


def test_lines_of_a_container_without_lambda_belong_to_no_attempt() -> None:
    silent = [
        line
        for line in in_container("orders-1", 0).splitlines(True)
        if not line.endswith("| 0\n") and "process" not in line
    ]
    silent.insert(1, "db-1  | 0\ndb-1  | process A\n")
    events, found = read_bytes("".join(silent).encode())
    assert not any("process" in event.message for event in events)
    assert {event.log_stream for event in events} == {None}
    assert not found.gaps


def test_containers_are_streams_whose_common_order_only_times_show() -> None:
    untimed = in_container("orders-2", 1) + in_container("orders-1", 0)
    events, found = read_bytes(untimed.encode())
    assert {stream_name(event.log_stream or "") for event in events} == {"orders-1", "orders-2"}
    assert [gap.kind for gap in found.gaps] == ["unordered"]
    done = run("check", "--from", "-", stdin=untimed)
    assert done.returncode == 5
    assert "docker compose logs -t" in run("trace", "--from", "-", stdin=untimed).stdout

    timed = in_container("orders-2", 1, T0 + 60_000) + in_container("orders-1", 0, T0)
    events, found = read_bytes(timed.encode())
    assert [event.log_stream for event in events if event.message.startswith("START")] == [
        "orders-1",
        "orders-2",
    ]
    assert not found.gaps
