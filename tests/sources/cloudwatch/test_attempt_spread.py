"""The time in which the attempts of a request can lie, by those that were found."""

from retryctl.sources.cloudwatch.hits import Hit, Kind
from retryctl.sources.cloudwatch.request_search import AttemptSpread

MINUTE = 60_000
HOUR = 60 * MINUTE
ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
SPREAD = AttemptSpread(event_age_ms=6 * HOUR, timeout_ms=3_000)
FAR_MS = 6 * HOUR + 3_000 + MINUTE
NEWEST_MS = 100 * HOUR


def reports(count: int) -> list[Hit]:
    return [
        Hit(
            request_id=ID,
            log_stream="a",
            timestamp_ms=NEWEST_MS - number * MINUTE,
            event_id=str(number),
            kind=Kind.REPORT,
        )
        for number in range(count)
    ]


def test_asynchronous_attempts_lie_within_the_event_age_of_the_newest() -> None:
    around = SPREAD.around(reports(3), now_ms=NEWEST_MS)
    assert around.since_ms == NEWEST_MS - FAR_MS


def test_with_more_attempts_than_the_queue_makes_earlier_ones_may_lie_farther_back() -> None:
    """A stream is retried for days: what is found moves the search back."""
    around = SPREAD.around(reports(60), now_ms=NEWEST_MS)
    assert around.since_ms == NEWEST_MS - 59 * MINUTE - FAR_MS
