"""The pipe of a function's process: lines and frames, however the bytes are cut."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from retryctl.lab.output_splitter import LONGEST_LINE, Splitter, Written

ERROR_TEXT = 0xA55A0017


def frame(message: str, kind: int = ERROR_TEXT, time_us: int = 1_795_402_800_123_456) -> bytes:
    data = message.encode()
    return struct.pack(">IIQ", kind, len(data), time_us) + data


def read(data: bytes) -> list[Written]:
    splitter = Splitter()
    return [*splitter.feed(data), *splitter.flush()]


TEXT = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20)
PIECES = st.lists(
    st.one_of(
        TEXT.map(lambda text: (text + "\n").encode()),
        TEXT.map(lambda text: frame(text + "\nsecond line")),
    ),
    max_size=8,
)


@given(pieces=PIECES, data=st.data())
def test_where_the_bytes_are_cut_does_not_matter(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    splitter, events, at = Splitter(), [], 0
    while at < len(whole):
        size = data.draw(st.integers(1, 9))
        events += splitter.feed(whole[at : at + size])
        at += size
    events += splitter.flush()
    assert events == read(whole)
    assert len(events) == len(pieces)


def test_the_order_is_that_of_the_writing() -> None:
    data = b"0\nprocess A\n" + frame("[ERROR] one") + b"after\n" + frame("[ERROR] two")
    assert [w.message for w in read(data)] == [
        *("0\n", "process A\n", "[ERROR] one", "after\n", "[ERROR] two")
    ]


def test_a_frame_in_the_middle_of_a_line_follows_the_whole_line() -> None:
    assert [w.message for w in read(b"be" + frame("[ERROR]") + b"fore\nand")] == [
        *("before\n", "[ERROR]", "and")
    ]


def test_a_last_line_without_newline_keeps_its_place() -> None:
    assert [w.message for w in read(b"last" + frame("[ERROR]"))] == ["last", "[ERROR]"]


def test_a_frame_has_its_time_and_its_level() -> None:
    (written,) = read(frame("message", kind=0xA55A0013, time_us=7))
    assert written == Written(message="message", time_us=7, level="WARN")


def test_the_first_frames_have_no_time() -> None:
    (written,) = read(struct.pack(">II", 0xA55A0001, 3) + b"old")
    assert written == Written(message="old")


def test_what_only_begins_like_a_frame_is_text() -> None:
    assert [w.message for w in read(b"\xa5\x5a\x00\xff and on\n")] == ["\ufffdZ\x00\ufffd and on\n"]
    assert [w.message for w in read(b"the end \xa5\x5a")] == ["the end \ufffdZ"]


def test_an_endless_line_is_cut() -> None:
    events = read(b"x" * (2 * LONGEST_LINE + 5) + b"\n")
    assert [len(w.message) for w in events] == [LONGEST_LINE, LONGEST_LINE, 6]
    assert [len(w.message) for w in read(b"x" * (LONGEST_LINE + 5))] == [LONGEST_LINE, 5]
