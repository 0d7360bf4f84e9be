import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.views.inert_text import MOST_CHARACTERS, UNSAFE, inert, lines_of

ANY_TEXT = st.text(st.characters())  # lone surrogates among them


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("gone\x7f\x08", r"gone\x7f\x08"),
        ("a\x00b", r"a\x00b"),
        ("one\ntwo\r\n", r"one\ntwo\r\n"),
        ("\u202egnp.exe\u202c", r"\u202egnp.exe\u202c"),
        ("\u2066x\u2069 \u200f\u061c", r"\u2066x\u2069 \u200f\u061c"),
        ("in\u200bvisible\ufeff", r"in\u200bvisible\ufeff"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("half \ud83d", r"half \ud83d"),
        ("tag\U000e0041", r"tag\U000e0041"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_shown(hostile: str, shown: str) -> None:
    assert inert(hostile) == shown


@pytest.mark.parametrize(
    "harmless", ["plain", "[bold]no markup[/bold] :smile:", "日本語 ✓ 🎉", "naïve", "ไทย", "   x "]
)
def test_what_can_be_read_stays_as_it_is(harmless: str) -> None:
    assert inert(harmless) == harmless


def test_a_tab_becomes_spaces_and_the_drawing_of_a_sign_the_plain_one() -> None:
    assert inert("a\tb") == "a  b"
    assert inert("⚠\ufe0f disk") == "⚠ disk"


def test_a_long_line_is_cut_and_what_is_left_out_is_counted() -> None:
    assert inert("x" * 1_000_000) == "x" * MOST_CHARACTERS + "… (996,000 more characters)"
    assert inert("x" * MOST_CHARACTERS) == "x" * MOST_CHARACTERS
    assert inert("abcdef", most=4) == "abcd… (2 more characters)"


def test_the_lines_of_an_event() -> None:
    assert lines_of("[ERROR] E: m\nTraceback\n") == ["[ERROR] E: m", "Traceback"]
    assert lines_of("[ERROR] E: m\rTraceback\r\n  x") == ["[ERROR] E: m", "Traceback", "  x"]
    assert lines_of("") == [""]
    assert lines_of("\n\n") == ["", ""]


@given(ANY_TEXT)
def test_nothing_unsafe_is_left_and_the_text_can_be_written(text: str) -> None:
    shown = inert(text)
    shown.encode("utf-8")
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert inert(shown) == shown or len(text) > MOST_CHARACTERS


def test_every_invisible_format_character_is_unsafe_but_those_that_are_drawn() -> None:
    drawn = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2}  # Arabic and Syriac signs
    drawn |= {0x110BD, 0x110CD, *range(0x13430, 0x13440)}  # Kaithi, Egyptian
    kept = {
        code
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cf", "Cc", "Cs", "Zl", "Zp")
        and not UNSAFE.match(chr(code))
    }
    assert kept <= drawn
