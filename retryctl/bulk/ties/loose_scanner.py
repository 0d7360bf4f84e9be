"""The scan of a log that does not keep the order of lines of one millisecond."""

from __future__ import annotations

from typing import Any

from retryctl.bulk.line_layout import NoEvent
from retryctl.bulk.line_scanner import LineScanner
from retryctl.bulk.stream_batch import ConvertedBatch, StreamBatch, by_layout
from retryctl.bulk.stream_state import ScannedChunk
from retryctl.bulk.ties.stream_ties import StreamTies
from retryctl.core.crosscheck.claims import Markers
from retryctl.sources.saved.canonical_lines import EventColumns
from retryctl.sources.saved.stream_filter import StreamFilter, StreamPlace


class LooseScanner(LineScanner):
    """Scans lines a whole millisecond at a time, and puts those of a stream in order first.

    A stream whose lines do not come in order of time is read as a whole.
    """

    keeps_ties = False

    def __init__(self, selected: StreamFilter, markers: Markers, *args: Any, **kwargs: Any) -> None:
        super().__init__(selected, markers, *args, **kwargs)
        self._ties = StreamTies(selected, markers, self._until)

    def read_lines(self, lines: list[bytes], *, is_regular: bool = False) -> None:
        """Read the next lines, but for those of the last millisecond, which may go on."""
        self._read_moments(self._ties.whole_moments(lines))

    def _read_joined(self, columns: EventColumns) -> None:
        lines, columns = self._ties.whole_moments_of(columns)
        self._read_moments(lines)
        batches = list(map(ConvertedBatch, columns.by_start()))
        if self._read_batches(batches, is_regular=True):
            self._count(len(columns.rows))
        elif batches:
            self._read_moments(columns.lines())

    def _read_moments(self, lines: list[bytes]) -> None:
        """Read the lines of whole milliseconds."""
        self._count(len(lines))
        batches, unusual = by_layout(lines)
        for batch in batches:
            if batch.classify(self._kinds, is_regular=False):
                self._read_batch(batch)
            else:
                unusual += batch.lines()
        self._read_each(unusual)

    def _read_batch(self, batch: StreamBatch) -> None:
        place = self._place(batch.header)
        if place and place not in self.found.out_of_order and not self._is_settled(batch, place):
            self._give_up_order(place)
        super()._read_batch(batch)

    def _is_settled(self, batch: StreamBatch, place: StreamPlace) -> bool:
        """Put the lines of a batch in order; false if their times are not, or it is not known."""
        fragment = self._latest.get(place)
        if not batch.is_sorted or (fragment and fragment.last >= batch.limits[0]):
            return False
        try:
            return self._ties.settle(batch, place, fragment)
        except NoEvent:
            self.found.malformed = True
            return False

    def finish(self) -> ScannedChunk:
        """Return what was found, once all lines are read."""
        self._read_waiting()
        self._read_moments(self._ties.rest())
        self.found.doubts = self._ties.doubts
        for fragment in self.found.fragments:
            before, behind = fragment.key in self._ties.before, fragment.key in self._ties.behind
            fragment.note_ties(depend_before=before, depend_behind=behind)
        return super().finish()
