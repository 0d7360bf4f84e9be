"""CloudWatch Logs: the attempts of a request, wherever in a log group they lie.

Two steps. FilterLogEvents finds the hits of the ID (``request_search``); but a printed line
and a Python traceback carry no ID, so GetLogEvents then reads the part of each stream that
holds an attempt, which is what is yielded. The two are never merged by their content: in a
stream two equal lines of one millisecond are two.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import chain

from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_EVENT_AGE_S, LONGEST_TIMEOUT_S
from retryctl.errors import CouldNotRead, RetryctlError, reworded
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.daemon_pool import DaemonPool
from retryctl.sources.aws.function_discovery import Discovered, larger_than_the_rest
from retryctl.sources.aws.log_groups import (
    Description,
    LogGroup,
    describe,
    find_log_groups,
    log_group,
    refusal_of,
)
from retryctl.sources.cloudwatch import gaps
from retryctl.sources.cloudwatch.attempt_reader import AttemptReader
from retryctl.sources.cloudwatch.engine_choice import Memory, RequestSearcher
from retryctl.sources.cloudwatch.hits import (
    Hit,
    StreamSlice,
    belonging,
    by_request,
    missing,
    stream_slices,
)
from retryctl.sources.cloudwatch.pages import Page, TimeRange, bounded_window
from retryctl.sources.cloudwatch.request_search import AttemptSpread, SearchResult
from retryctl.sources.cloudwatch.search_options import EngineName, QueryBudget, SearchOptions
from retryctl.sources.cloudwatch.stats import SearchStats

# At ten calls a second, ten seconds; then Insights is faster, and costs little by comparison.
PAGES_BEFORE_INSIGHTS = 100
# A REPORT is visible some seconds late; what is younger is searched again the next time.
_LATE_MS = 120_000


class RequestSource:
    """Log groups by name, ARN or pattern (``*``).

    ``otherwise`` gives more groups, where a request was found in none of ``groups``. Those
    that were ``described`` before are not described again. ``clock`` gives epoch milliseconds.
    ``timeout_ms`` and ``event_age_ms`` are the function's, or Lambda's most: they bound how far
    apart the attempts of a request can lie. ``progress`` is called with a sentence after every
    page, from any thread. ``engine`` is what finds requests: ``filter`` (FilterLogEvents),
    ``insights``, or ``auto``: Insights for groups of Infrequent Access, or where more than
    ``pages_before_insights`` remain for FilterLogEvents. ``terms`` are those of Insights.
    ``given_function`` is the option that names the function, for commands to copy.
    """

    def __init__(
        self,
        aws: AwsClient,
        *,
        groups: Sequence[str],
        clock: Callable[[], int],
        otherwise: Callable[[], Discovered] | None = None,
        described: Mapping[LogGroup, Description] | None = None,
        timeout_ms: int = LONGEST_TIMEOUT_S * 1000,
        event_age_ms: int = LONGEST_EVENT_AGE_S * 1000,
        progress: Callable[[str], None] | None = None,
        engine: EngineName = "filter",
        terms: QueryBudget | None = None,
        pages_before_insights: int = PAGES_BEFORE_INSIGHTS,
        markers: Markers | None = None,
        given_function: str = "",
    ) -> None:
        self._aws, self._given_function = aws, given_function
        self._names = tuple(groups)
        self._otherwise = otherwise
        self._clock = clock
        self._spread = AttemptSpread(event_age_ms=event_age_ms, timeout_ms=timeout_ms)
        self._progress = progress
        self._listed: dict[LogGroup, Description | None] = dict(described or {})
        self._describe = cache(self._description)
        self._options = SearchOptions(
            engine=engine,
            terms=terms or QueryBudget(),
            most_pages=pages_before_insights,
            describe=self._describe,
            markers=markers or Markers(),
        )
        self._stats = SearchStats()
        self._selection = LogQuery()
        self._memory: Memory = {}
        self._found_in: tuple[LogGroup, ...] = ()
        self._refused: list[RetryctlError] = []
        self._unread: list[RetryctlError] = []
        self._lock = threading.Lock()

    def read(self, selection: LogQuery) -> Iterator[LogEvent]:
        """Yield the events of the requests that ``selection`` names, stream by stream.

        Their whole attempts, those before the window (24 h where it is open) included; nothing
        from its end on. ``position`` is the order in a stream. Where one of several groups, or a
        part of one, cannot be read, the rest is yielded and the coverage names the gap; where
        nothing can, the errors of ``retryctl.errors`` are raised. Read again, it searches only
        what is new since.
        """
        now_ms = self._clock()
        window = bounded_window(selection.since_ms, selection.until_ms, now_ms)
        self._selection = replace(selection, since_ms=window.since_ms)
        self._spread = replace(self._spread, until_ms=window.until_ms)
        self._refused, self._unread = [], []
        self._stats = SearchStats.of(window, now_ms)
        read = False
        for event in self._requests(selection.request_ids, window, now_ms):
            read = True
            yield event
        if not read:
            self._raise_what_was_refused()

    def _raise_what_was_refused(self) -> None:
        """Raise where "not found" would be wrong: an attempt was found, or most was refused."""
        if self._unread:
            error = self._unread[0]
            what = f"an attempt was found, but could not be read: {error.what}"
            raise reworded(error, what) from error
        refused, groups = len(self._refused), len(self._stats.groups)
        if groups == refused == 1:
            raise self._refused[0]
        if 2 * refused > groups:
            error = self._refused[0]
            what = f"{refused} of {groups} log groups could not be searched: {error.what}"
            raise reworded(error, what) from error

    def coverage(self) -> Coverage:
        """Return what ``read`` has read so far; all of it once ``read`` is exhausted."""
        return self._stats.coverage(self._aws.calls)

    # ----------------------------------------------------------------------- requests

    def _requests(
        self, request_ids: Sequence[str], window: TimeRange, now_ms: int
    ) -> Iterator[LogEvent]:
        finder = RequestSearcher(
            aws=self._aws,
            options=self._options,
            spread=self._spread,
            now_ms=now_ms,
            memory=self._memory,
            on_page=self._note_page,
            on_fresh=self._note_fresh,
        )
        found: dict[str, list[LogGroup]] = defaultdict(list)
        try:
            groups = self._found_in or find_log_groups(self._aws, self._names)
            yield from self._groups(finder, groups, window, now_ms, found)
            if self._otherwise and not found.keys() >= set(request_ids):
                self._listed = {log_group(n): known for n, known in self._otherwise().items()}
                others = tuple(group for group in self._listed if group not in groups)
                yield from self._groups(finder, others, window, now_ms, found, until_found=True)
                if found.keys() >= set(request_ids):  # later attempts are where the first are
                    self._found_in = tuple(dict.fromkeys(g for of in found.values() for g in of))
            finder.report_scanned()
        finally:
            finder.halted.set()
            self._stats.bytes_scanned = finder.bytes_scanned
            self._forget_the_newest(now_ms)

    def _groups(
        self,
        finder: RequestSearcher,
        groups: Sequence[LogGroup],
        window: TimeRange,
        now_ms: int,
        found_in: dict[str, list[LogGroup]],
        *,
        until_found: bool = False,
    ) -> Iterator[LogEvent]:
        """Search several groups at a time, and yield the attempts of one group after the other.

        A request is invoked in one function. So, ``until_found``, no further group is searched
        once every request was found in one that was searched to its end.
        """
        request_ids = self._selection.request_ids
        self._stats.groups += groups
        missing_ids = set(request_ids) - found_in.keys()

        def find(group: LogGroup) -> SearchResult | CouldNotRead | None:
            """``None`` where the search of the group was not needed, or not ended."""
            if finder.enough.is_set():
                return None
            try:
                known = self._listed.get(group) if until_found else self._describe(group)
                result = finder.find_all(group, known or Description(), request_ids, window)
            except CouldNotRead as error:
                return error
            if not until_found:
                return result
            if result.left and not result.unsearched:
                return None
            if not result.unsearched:
                missing_ids.difference_update(result.ran)
            if not missing_ids:
                finder.enough.set()
            return result

        with DaemonPool() as pool:
            try:
                results = self._in_turn(find, groups, pool, until_found=until_found)
                for group, found in zip(groups, results, strict=True):
                    self._stats.groups_done += 1
                    if found is None:
                        self._stats.groups.remove(group)
                        continue
                    if isinstance(found, CouldNotRead):
                        self._note_refusal(group, window, found)
                        continue
                    own = by_request(found.hits)
                    for request_id in own:
                        found_in[request_id].append(group)
                    for unsearched, error in found.unsearched:
                        again = self._rerun(group)
                        self._stats.gaps.append(gaps.not_searched(group, unsearched, error, again))
                    if finder.may_be_rewritten(group):
                        self._stats.gaps.append(gaps.may_be_rewritten(group))
                    if own:
                        yield from self._attempts(finder, group, own, now_ms)
                    elif not until_found:
                        since_ms, known = window.since_ms, self._describe(group)
                        self._stats.gaps += gaps.not_kept(group, known, since_ms, now_ms)
            except BaseException:  # also Ctrl-C: or leaving this would wait for all the groups
                finder.halted.set()
                raise

    def _in_turn(
        self,
        find: Callable[[LogGroup], SearchResult | CouldNotRead | None],
        groups: Sequence[LogGroup],
        pool: DaemonPool,
        *,
        until_found: bool,
    ) -> Iterator[SearchResult | CouldNotRead | None]:
        """Search the likeliest groups alone, the others several at a time."""
        known = [self._listed.get(group) for group in groups]
        alone = larger_than_the_rest(known) if until_found else int(len(groups) == 1)
        yield from map(find, groups[:alone])
        yield from pool.map(find, groups[alone:])

    def _description(self, group: LogGroup) -> Description:
        return self._listed.get(group) or describe(self._aws, group)

    def _attempts(
        self, finder: RequestSearcher, group: LogGroup, own: dict[str, list[Hit]], now_ms: int
    ) -> Iterator[LogEvent]:
        self._note_search_window(group, own, now_ms)
        as_of_ms = min(now_ms, (self._spread.until_ms or now_ms + 1) - 1)
        hits = chain.from_iterable(own.values())
        wanted = stream_slices(hits, timeout_ms=self._spread.timeout_ms, now_ms=as_of_ms)
        masked_before = self._stats.masked
        try:
            yield from self._slices(finder, group, wanted)
        except CouldNotRead as error:
            self._unread.append(error)
        doubts = gaps.unordered(group, finder.doubts(group))
        self._stats.gaps += gaps.with_usable_advice(doubts, partial(self._describe, group))
        masked_lines = self._stats.masked - masked_before
        if masked_lines:
            known = self._describe(group)
            self._stats.gaps += gaps.masked(group, known, masked_lines, unmask=self._aws.unmask)

    def _slices(
        self, finder: RequestSearcher, group: LogGroup, wanted: list[StreamSlice]
    ) -> Iterator[LogEvent]:
        positions = Counter[str]()
        refused: list[RetryctlError] = []
        reader = finder.attempt_reader
        together = reader.read_together(group, wanted)
        with DaemonPool() as pool:
            results = pool.map(
                lambda part: self._slice_lines(reader, group, part, together.get(part)), wanted
            )
            for part, result in zip(wanted, results, strict=True):
                if isinstance(result, RetryctlError):
                    refused.append(result)
                    self._stats.gaps.append(gaps.not_read(group, part, result, self._rerun(group)))
                    continue
                for event in result:
                    self._stats.event(event)
                    yield replace(event, position=positions[part.log_stream])
                    positions[part.log_stream] += 1
        if refused and len(refused) == len(wanted):
            raise refused[0]

    def _slice_lines(
        self,
        reader: AttemptReader,
        group: LogGroup,
        part: StreamSlice,
        events: list[LogEvent] | None,
    ) -> list[LogEvent] | RetryctlError:
        """Read a part, unless its ``events`` were read with others and have all hits."""
        try:
            if events is None or missing(events, part):
                events = reader.read(group, part)
        except CouldNotRead as error:
            return error
        self._report_progress(group)
        lost = missing(events, part)
        if lost:
            with self._lock:
                self._stats.gaps.append(gaps.lines_missing(group, part, lost, self._rerun(group)))
        return belonging(events, part)

    # ----------------------------------------------------------------------- what was read

    def _note_page(self, group: LogGroup, page: Page) -> None:
        with self._lock:
            self._stats.pages += 1
            self._stats.found += len(page.events)
        self._report_progress(group)

    def _note_fresh(self, group: LogGroup, fresh: TimeRange) -> None:
        with self._lock:
            self._stats.horizon_ms = min(self._stats.horizon_ms, fresh.since_ms)
            self._stats.gaps.append(
                gaps.too_fresh(group, fresh, self._rerun(group, fresh.since_ms))
            )

    def _report_progress(self, group: LogGroup) -> None:
        if self._progress:
            stats, calls = self._stats, self._aws.calls
            groups, pages = len(stats.groups), stats.pages
            self._progress(stats.progress(group, groups=groups, api_calls=calls, pages=pages))

    def _note_refusal(self, group: LogGroup, window: TimeRange, error: CouldNotRead) -> None:
        refused = refusal_of(self._aws, group, error)
        self._refused.append(refused)
        self._stats.gaps.append(gaps.not_searched(group, window, refused, self._rerun(group)))

    def _note_search_window(self, group: LogGroup, own: dict[str, list[Hit]], now_ms: int) -> None:
        """Note how far back the search went, and whether the group keeps that time."""
        spans = [self._spread.around(hits, now_ms) for hits in own.values()]
        since_ms = min(span.since_ms for span in spans)
        stats = self._stats
        stats.since_ms = min(stats.since_ms, since_ms)
        stats.until_ms = max(stats.until_ms, *(span.until_ms for span in spans))
        stats.gaps += gaps.not_kept(group, self._describe(group), since_ms, now_ms)

    def _rerun(self, group: LogGroup, until_ms: int | None = None) -> str | None:
        query, place = self._selection, self._given_function
        place = place or f"-g {group.identifier or group.name}"
        since_ms, until_ms = query.since_ms or 0, until_ms or query.until_ms
        return gaps.rerun_command(query.request_ids, place, since_ms, until_ms)

    def _forget_the_newest(self, now_ms: int) -> None:
        for found in self._memory.values():
            found.done = [
                replace(window, until_ms=min(window.until_ms, now_ms - _LATE_MS))
                for window in found.done
            ]
