"""Failure records beside the attempts in the log: a table for each error, exhausted ones first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import Finding
from retryctl.core.failure_records.comparison import RECORD_RULES, record_findings
from retryctl.core.failure_records.documents import MOST_SHOWN_ONE_BY_ONE, FailureRecord
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import is_timed
from retryctl.core.model.request import RequestOutcome
from retryctl.core.value_classes import value_class
from retryctl.core.wording import number_of
from retryctl.views.blocks import BLANK, Block, Paragraph, Table, paragraph, text_column
from retryctl.views.coverage import coverage_blocks
from retryctl.views.inert_text import cut
from retryctl.views.signs import NOTHING
from retryctl.views.times import stamp, zone_name

_EXHAUSTED = ("RetriesExhausted", "RetryAttemptsExhausted")
_ERROR_CELLS = 100
_MOST_DIFFERENCES = 3
_DIFFERENCES = frozenset(rule.id for rule in RECORD_RULES)


@value_class
class _Row:
    """A record, its request if the log has it, and the differences."""

    record: FailureRecord
    checked: CheckedRequest | None
    differences: Sequence[Finding]

    @property
    def is_exhausted(self) -> bool:
        """Whether all retries failed, by the log or, without it, by the record."""
        if self.checked:
            return self.checked.request.outcome is RequestOutcome.EXHAUSTED
        return self.record.condition in _EXHAUSTED

    @property
    def error(self) -> str:
        """The error of the record, else that of the last attempt in the log."""
        logged = self.checked and self.checked.request.attempts[-1:]
        last = logged[0].error if logged else None
        words = [last.type or "", last.message or ""] if last else []
        return self.record.error or ": ".join(filter(None, words)) or "no error is stated"

    @property
    def placed_ms(self) -> int | None:
        """When its first attempt began; ``None`` where the log does not show that."""
        ms = self.checked.request.placed_ms if self.checked else None
        return ms if ms is not None and is_timed(ms) else None


def records_blocks(
    records: Sequence[FailureRecord],
    checked: Iterable[CheckedRequest],
    coverage: Coverage,
    tz: tzinfo,
) -> Iterator[Block]:
    """Yield what each record states; of many a table for each error, with the log."""
    if len(records) > MOST_SHOWN_ONE_BY_ONE:
        return _tables(records, checked, coverage, tz)
    return map(_sentence, records)


def _sentence(record: FailureRecord) -> Block:
    count = record.invoke_count
    parts = [
        record.condition or "dead letter",
        "" if count is None else number_of(count, "invocation"),
        cut(record.error or "", _ERROR_CELLS),
    ]
    stated = " · ".join(part for part in parts if part)
    return paragraph(f"record of {record.request_id}: {stated}")


def _tables(
    records: Sequence[FailureRecord],
    checked: Iterable[CheckedRequest],
    coverage: Coverage,
    tz: tzinfo,
) -> Iterator[Block]:
    by_id: dict[str, CheckedRequest] = {one.request.request_id: one for one in checked}
    rows = _rows(records, by_id, coverage)
    for error, some in _by_error(rows).items():
        exhausted = sum(row.is_exhausted for row in some)
        count = f"{number_of(len(some), 'record')}, {exhausted:,} exhausted"
        yield Paragraph(words=((cut(error, _ERROR_CELLS), "bold"), (f" · {count}", "")))
        yield _table(some, tz)
        differences = Counter(each.message for row in some for each in row.differences)
        for message, _ in differences.most_common(_MOST_DIFFERENCES):
            yield paragraph(message, lead="  ! ", lead_style="yellow")
        yield BLANK
    yield from coverage_blocks(coverage, tz)


def _rows(
    records: Sequence[FailureRecord], by_id: Mapping[str, CheckedRequest], coverage: Coverage
) -> list[_Row]:
    """Return the rows; where several records have one ID, each row has its own differences."""
    counts = Counter(record.request_id for record in records)
    rows = []
    for record in records:
        checked = by_id.get(record.request_id)
        found: Sequence[Finding] = ()
        if checked and counts[record.request_id] > 1:
            found = record_findings(record, checked, coverage)
        elif checked:
            found = [each for each in checked.findings if each.rule in _DIFFERENCES]
        rows.append(_Row(record=record, checked=checked, differences=found))
    return rows


def _by_error(rows: Sequence[_Row]) -> Mapping[str, Sequence[_Row]]:
    """Group the rows: errors with exhausted events first, then the frequent ones."""
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.error].append(row)

    def order(error: str) -> tuple[int, int]:
        return -sum(row.is_exhausted for row in found[error]), -len(found[error])

    def by_state(row: _Row) -> tuple[bool, int]:
        return not row.is_exhausted, row.placed_ms or 0

    return {error: sorted(found[error], key=by_state) for error in sorted(found, key=order)}


def _table(rows: Sequence[_Row], tz: tzinfo) -> Table:
    times = [row.placed_ms for row in rows]
    zone = zone_name(tz, [ms for ms in times if ms is not None])
    columns = {
        "request": text_column("request", (row.record.request_id for row in rows), "bold"),
        "started": text_column(
            f"started ({zone})" if zone else "started",
            (NOTHING if ms is None else stamp(ms, tz, "seconds", dated=True) for ms in times),
        ),
        "stated": text_column("record", (_counts(row.record) for row in rows)),
        "attempts": text_column("log", (_attempts(row.checked) for row in rows)),
        "findings": text_column("differs", (_differing(row) for row in rows)),
    }
    return Table(columns=columns, gives_way=("started",), clipped="findings")


def _counts(record: FailureRecord) -> str:
    """``RetriesExhausted 3``: the condition, or that it is a dead letter, and the count."""
    kind = record.condition or "dead letter"
    return kind if record.invoke_count is None else f"{kind} {record.invoke_count}"


def _attempts(checked: CheckedRequest | None) -> str:
    if checked is None:
        return "not found"
    return f"{checked.request.outcome.value} {len(checked.request.attempts)}"


def _differing(row: _Row) -> str:
    """``count``, ``condition``: where record and log differ; other findings are in the trace."""
    names = {each.rule for each in row.differences}
    return ", ".join(
        name.removesuffix("-differs").removeprefix("invoke-") for name in sorted(names)
    )
