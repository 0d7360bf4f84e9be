import contextlib
import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.cli.options.times import read_time, read_window, zone
from retryctl.errors import UsageError

NOW_MS = 1_795_406_400_000  # 2026-11-23T04:00:00Z
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "ago_s"),
    [
        ("90s", 90),
        ("15m", 900),
        ("2h30m", 9000),
        ("3d", 259_200),
        ("1w", 604_800),
        ("1h ago", 3600),
        (" 15m ", 900),
        ("0s", 0),
        ("1w2d3h4m5s", 788_645),
    ],
)
def test_a_duration_means_that_long_ago(text: str, ago_s: int) -> None:
    assert read_time(text, now_ms=NOW_MS) == NOW_MS - ago_s * 1000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T03:00:00.123Z", "2026-11-23T03:00:00.123+00:00"),
        ("2026-11-23T03:00:00.123999Z", "2026-11-23T03:00:00.123+00:00"),
        ("2026-11-23t03:00:00,5z", "2026-11-23T03:00:00.500+00:00"),
        ("2026-11-23T03:00", "2026-11-23T03:00:00+00:00"),
        ("2026-11-23 03:00:07", "2026-11-23T03:00:07+00:00"),
        ("2026-11-23", "2026-11-23T00:00:00+00:00"),
        ("2026-11-23T03:00:00+01:00", "2026-11-23T02:00:00+00:00"),
        ("2026-11-23T03:00:00-0330", "2026-11-23T06:30:00+00:00"),
        ("2026-11-23T03:00:00+09", "2026-11-22T18:00:00+00:00"),
    ],
)
def test_iso_8601_in_utc_where_no_offset_is_given(text: str, moment: str) -> None:
    expected = datetime.fromisoformat(moment).timestamp() * 1000
    assert read_time(text, now_ms=NOW_MS) == expected


def test_a_time_without_an_offset_is_one_of_the_zone() -> None:
    assert read_time("2026-11-23T04:00", now_ms=0, tz=BERLIN) == NOW_MS - 3_600_000
    assert read_time("2026-07-23T04:00", now_ms=0, tz=BERLIN) == read_time(
        "2026-07-23T02:00Z", now_ms=0
    )
    assert read_time("2026-11-23T04:00Z", now_ms=0, tz=BERLIN) == NOW_MS


@pytest.mark.parametrize("text", ["2026-10-25T02:30", "2026-03-29T02:30"])
def test_an_hour_that_happens_twice_or_never_is_not_guessed(text: str) -> None:
    with pytest.raises(UsageError, match="the clocks change there") as caught:
        read_time(text, now_ms=NOW_MS, tz=BERLIN)
    assert "offset" in caught.value.next_step
    assert read_time(f"{text}+02:00", now_ms=NOW_MS, tz=BERLIN)


def test_epoch_milliseconds() -> None:
    assert read_time("1795406400123", now_ms=0) == 1_795_406_400_123


def test_epoch_seconds_are_refused_with_what_to_give_instead() -> None:
    with pytest.raises(UsageError) as caught:
        read_time("1795406400", now_ms=NOW_MS)
    assert "1795406400000" in caught.value.next_step


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ago",
        "15",
        "1.5h",
        "30m2h",
        "15M",
        "1h1h",
        "١٥m",
        "2026-11-23T",
        "2026-13-23",
        "2026-02-30T03:00",
        "2026-11-23T24:00",
        "2026-11-23T03:00:61Z",
        "2026-11-23Z",
        "2026-11-23T03:00+25:00",
        "2026-11-23T03:00+01:75",
        "23/11/2026",
        "0000-01-01",
        "1969-12-31T23:59Z",
        "99999999999999999999w",
        "17954064001234",
    ],
)
def test_what_cannot_be_read_is_refused_with_the_accepted_forms(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_time(text, now_ms=NOW_MS)
    assert "2h30m" in caught.value.next_step
    assert "epoch milliseconds" in caught.value.next_step


@given(st.text(max_size=30) | st.from_regex(r"[0-9TZ:+. -]{1,30}", fullmatch=True))
def test_any_text_is_a_time_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert read_time(text, now_ms=NOW_MS) >= 0


@given(
    st.datetimes(datetime(2015, 1, 1), datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)
def test_what_python_writes_is_read_to_the_millisecond(naive: datetime, tz: timezone) -> None:
    when = naive.replace(tzinfo=tz)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert read_time(when.isoformat(), now_ms=0) == (when - epoch) // timedelta(milliseconds=1)


def test_a_window_must_not_be_empty() -> None:
    assert read_window("2h", "1h", now_ms=NOW_MS) == (NOW_MS - 7_200_000, NOW_MS - 3_600_000)
    assert read_window(None, None, now_ms=NOW_MS) == (None, None)
    with pytest.raises(UsageError, match="--since 1h is not before --until 2h"):
        read_window("1h", "2h", now_ms=NOW_MS)


def test_zones() -> None:
    assert zone("asia/tokyo") == zone("Asia/Tokyo")
    assert zone("utc") is UTC
    assert zone("Europe/Berlin") == BERLIN
    with pytest.raises(UsageError) as caught:
        zone("Europe/Berln")
    assert "Europe/Berlin" in caught.value.next_step
    for wrong in ("", "../etc/passwd", "/etc/localtime", "Mars/Olympus"):
        with pytest.raises(UsageError):
            zone(wrong)


@pytest.mark.parametrize("month", [1, 7])
def test_the_local_zone_knows_summer_time(month: int) -> None:
    moment = datetime(2026, month, 15, 12, tzinfo=UTC)
    local = moment.astimezone(zone("local"))
    assert local.replace(tzinfo=None) == moment.astimezone().replace(tzinfo=None)
    assert local.utcoffset() == moment.astimezone().utcoffset()
    assert local == moment


TOKYO = zone("+09:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-5m", "2026-11-23T02:55:00+00:00"),
        ("10 minutes ago", "2026-11-23T02:50:00+00:00"),
        ("1 hour 5 min ago", "2026-11-23T01:55:00+00:00"),
        ("1 m 03 s", "2026-11-23T02:58:57+00:00"),
        ("today", "2026-11-22T15:00:00+00:00"),
        ("yesterday", "2026-11-21T15:00:00+00:00"),
        ("9:30", "2026-11-23T00:30:00+00:00"),
        ("23 Nov 2026", "2026-11-22T15:00:00+00:00"),
        ("23 Nov 2026 11:59:30.5", "2026-11-23T02:59:30.500+00:00"),
        ("24 Nov", "2025-11-23T15:00:00+00:00"),
        ("23 Nov 2026 03:00:00.123 UTC", "2026-11-23T03:00:00.123+00:00"),
        ("23 Nov 2026 12:00 UTC+09:00", "2026-11-23T03:00:00+00:00"),
        ("23 Nov 2026 UTC", "2026-11-23T00:00:00+00:00"),
        ("02:30 UTC", "2026-11-23T02:30:00+00:00"),
    ],
)
def test_times_as_they_are_printed_and_spoken(text: str, expected: str) -> None:
    now = datetime(2026, 11, 23, 3, tzinfo=UTC)  # noon in Tokyo
    read = read_time(text, now_ms=round(now.timestamp() * 1000), tz=TOKYO)
    assert read == round(datetime.fromisoformat(expected).timestamp() * 1000)


@pytest.mark.parametrize("text", ["2026-11-23T03:00-08:00 UTC", "5m UTC", "23 Nov 2026 03:00 CET"])
def test_a_zone_that_contradicts_or_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot read the time"):
        read_time(text, now_ms=0, tz=TOKYO)


@pytest.mark.parametrize(("name", "hour"), [("CEST", 0), ("CET", 1)])
def test_the_name_of_the_zone_decides_in_the_hour_that_comes_twice(name: str, hour: int) -> None:
    read = read_time(f"25 Oct 2026 02:30 {name}", now_ms=0, tz=zone("Europe/Berlin"))
    assert read == round(datetime(2026, 10, 25, hour, 30, tzinfo=UTC).timestamp() * 1000)


def test_a_window_that_is_still_to_come_is_refused() -> None:
    with pytest.raises(UsageError, match="in the future"):
        read_window("2026-11-23T03:00", None, now_ms=0)


def test_the_local_hour_that_comes_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        local = zone("local")
        first, second = (
            datetime(2026, 10, 25, hour, 30, tzinfo=UTC).astimezone(local) for hour in (0, 1)
        )
        assert (first.hour, second.hour) == (2, 2)
        assert (first.fold, second.fold) == (0, 1)
        assert first.utcoffset() != second.utcoffset()
        assert first.astimezone(UTC).hour == 0
        assert second.astimezone(UTC).hour == 1
        with pytest.raises(UsageError, match="twice or never in the local time zone"):
            read_time("2026-10-25T02:30", now_ms=0, tz=local)
    finally:
        monkeypatch.undo()
        time.tzset()
