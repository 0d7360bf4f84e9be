"""The IDs in the bytes of a log that are near a mistyped one."""

from __future__ import annotations

import pytest

from retryctl.sources.saved.near_ids import MOST_MISTYPED, near_ids_in

ONE = b"3d9f07b2-0d3f-4697-b07a-ac58fc914c95"


def changed(*places: int) -> bytes:
    return bytes(b"0"[0] if at in places and ONE[at] != b"0"[0] else ONE[at] for at in range(36))


@pytest.mark.parametrize(
    ("places", "is_near"),
    [((0,), True), ((35,), True), ((1, 20), True), ((0, 1), True), ((0, 14, 34), False)],
)
@pytest.mark.parametrize(
    "log",
    [
        b"START RequestId: %b Version: $LATEST",
        b'{"record":{"requestId":"%b"}}',
        b'"message":"{\\"requestId\\": \\"%b\\"}"',
    ],
)
def test_ids_with_at_most_two_wrong_characters_are_near(
    log: bytes, places: tuple[int, ...], is_near: bool
) -> None:
    assert near_ids_in(log % ONE, [changed(*places)]) == ({ONE} if is_near else set())


def test_an_id_that_is_not_of_a_request_is_not_suggested() -> None:
    assert not near_ids_in(b"order %b" % ONE, [changed(0)])
    assert not near_ids_in(ONE[1:], [ONE])
    assert not near_ids_in(b"RequestId: %b" % ONE, [ONE])


def test_of_many_ids_none_is_searched() -> None:
    wrong = [changed(at) for at in range(8)][: MOST_MISTYPED + 1]
    assert near_ids_in(b"RequestId: %b" % ONE, wrong[:-1])
    assert not near_ids_in(b"RequestId: %b" % ONE, wrong)
