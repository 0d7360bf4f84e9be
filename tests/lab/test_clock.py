"""Time in the lab: waits pass at once, and everything that tells the time agrees."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from retryctl.lab.clock import VirtualClock
from retryctl.lab.plugin import HandlerLab
from tests.support.lab.lab_handlers import EXAMPLE, ORDER, lab_of, written

EVERY_CLOCK = """
    import datetime, json, logging, os, pathlib, time
    from datetime import date, datetime as dt

    class Own(dt):
        pass

    def handler(event, context):
        pathlib.Path(f"/tmp/{time.time_ns()}").touch()
        utc = datetime.timezone.utc
        print(json.dumps({
            "time": time.time(),
            "time_ns": time.time_ns() / 1e9,
            "now": dt.now(utc).timestamp(),
            "naive": dt.now().timestamp(),
            "utcnow": dt.utcnow().replace(tzinfo=utc).timestamp(),
            "own": Own.now(utc).timestamp(),
            "gmtime": time.mktime(time.gmtime()),
            "localtime": time.mktime(time.localtime()),
            "strftime": dt.strptime(time.strftime("%Y%m%d%H%M%S"), "%Y%m%d%H%M%S").timestamp(),
            "ctime": dt.strptime(time.ctime(), "%a %b %d %H:%M:%S %Y").timestamp(),
            "asctime": dt.strptime(time.asctime(), "%a %b %d %H:%M:%S %Y").timestamp(),
            "record": logging.LogRecord("n", 20, "p", 1, "m", (), None).created,
            "deadline": time.time() + context.get_remaining_time_in_millis() / 1000 - 3,
            "file": int(max(os.listdir("/tmp"), key=lambda n: (n.isdigit(), n))) / 1e9,
        }))
        assert date.today() == dt.now().date() == dt.fromtimestamp(time.time()).date()
        assert isinstance(dt.now(), Own) is False and isinstance(Own.now(), dt)
        assert isinstance(dt.now(), date) and issubclass(dt, date)
        assert time.gmtime(0).tm_year == 1970 and dt(2020, 1, 1).year == 2020
        raise ValueError("again")
"""


@pytest.mark.parametrize("stand_in", [False, True], ids=["awslambdaric", "stand-in"])
def test_every_clock_of_the_function_agrees_with_the_log(tmp_path: Path, stand_in: bool) -> None:
    lab = lab_of(tmp_path, EVERY_CLOCK, stand_in=stand_in)
    lab.run("same,fresh")
    printed = [one.event for one in lab.events if one.event.message.startswith('{"time"')]
    assert len(printed) == 3
    assert [m for m in written(lab.events) if "AssertionError" in m] == []
    for event in printed:
        for name, told_s in json.loads(event.message).items():
            whole_seconds = name in ("gmtime", "localtime", "strftime", "ctime", "asctime")
            late_s = event.timestamp_ms / 1000 - told_s
            assert -0.005 < late_s < (1.5 if whole_seconds else 0.5), name


def test_the_first_start_of_a_seeded_lab_is_its_start() -> None:
    lab = HandlerLab.open(f"{EXAMPLE}:handler", Path())
    lab.run("first", ORDER, seed=1)
    start = datetime(2026, 11, 23, 3, tzinfo=UTC).timestamp() * 1000
    assert 0 <= lab.events[0].event.timestamp_ms - start < 5000


def test_a_seed_decides_ids_streams_and_waits() -> None:
    lab = HandlerLab.open(f"{EXAMPLE}:handler", Path())

    def told(seed: int) -> tuple[str, list[str | None], list[int]]:
        request = lab.run("same,fresh", ORDER, seed=seed)
        times = [one.event.timestamp_ms for one in lab.events]
        # what is measured, a cold start too, is no wait
        waits = [after - before for before, after in pairwise(times) if after - before > 30_000]
        return request.request_id, [a.log_stream for a in request.attempts], waits

    one, again, other = told(1), told(1), told(4)
    assert one[:2] == again[:2]
    assert one[0] != other[0]
    assert set(one[1]).isdisjoint(other[1])
    assert len(one[2]) == 2
    assert one[2] == pytest.approx(again[2], abs=500)
    assert one[2][0] != pytest.approx(other[2][0], abs=500)
    assert one[2][1] != pytest.approx(other[2][1], abs=500)


def test_the_clock_runs_with_the_hosts_and_jumps_forward_only() -> None:
    host = [1000.0]
    clock = VirtualClock(50.0, host=lambda: host[0])
    assert clock.now_s() == 50.0
    host[0] += 2.5
    assert clock.now_ms() == 52_500
    clock.advance_to(112.5)
    assert clock.now_s() == 112.5
    clock.advance_to(60.0)
    assert clock.now_s() == 112.5
