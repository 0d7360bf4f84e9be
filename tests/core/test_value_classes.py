"""Value classes behave as frozen, slotted, keyword-only dataclasses do."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, InitVar, asdict, dataclass, field, fields, replace
from inspect import signature
from typing import Any

import pytest

from retryctl.core.value_classes import replaced, state_class, value_class


@value_class
class Part:
    """A value with each kind of field."""

    name: str
    size: int = 1
    tags: dict[str, int] = field(default_factory=dict)
    remark: str = field(default="", compare=False, repr=False)


@value_class
class CheckedPart(Part):
    """A value with a check and one more field."""

    price: int

    def __post_init__(self) -> None:
        if self.price < 0:
            raise ValueError("a price is not negative")


@state_class
class Stock:
    """A state with a field that begins empty."""

    place: str
    parts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """The dataclass that ``Part`` is compared with."""

    name: str
    size: int = 1
    tags: dict[str, int] = field(default_factory=dict)
    remark: str = field(default="", compare=False, repr=False)


def test_a_value_has_the_fields_defaults_and_text_of_a_dataclass() -> None:
    made, usual = Part(name="wheel", remark="round"), Usual(name="wheel", remark="round")
    assert repr(made).replace("Part", "Usual") == repr(usual)
    assert asdict(made) == asdict(usual)
    assert [each.name for each in fields(Part)] == [each.name for each in fields(Usual)]
    assert made.tags is not Part(name="wheel").tags
    assert not hasattr(made, "__dict__")


def test_values_are_compared_by_their_fields_and_class() -> None:
    assert Part(name="wheel", remark="round") == Part(name="wheel", remark="flat")
    assert Part(name="wheel") != Part(name="wheel", size=2)
    assert CheckedPart(name="wheel", price=1) != Part(name="wheel")
    tags: Any = ()
    assert len({Part(name=name, tags=tags) for name in ("a", "b", "a")}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Part(name="wheel"))


def test_a_value_cannot_be_changed_but_replaced_copied_and_pickled() -> None:
    made: Any = CheckedPart(name="wheel", price=2)
    with pytest.raises(FrozenInstanceError):
        made.name = "axle"
    with pytest.raises(FrozenInstanceError):
        del made.name
    with pytest.raises(FrozenInstanceError):
        made.colour = "red"
    assert replace(made, price=3) == CheckedPart(name="wheel", price=3)
    assert pickle.loads(pickle.dumps(made)) == copy(made) == deepcopy(made) == made


def test_a_wrong_construction_is_refused() -> None:
    part: Any = Part
    for arguments, keywords in ((("wheel",), {}), ((), {}), ((), {"name": "wheel", "colour": 1})):
        with pytest.raises(TypeError, match=r"Part\.__init__\(\)"):
            part(*arguments, **keywords)
    with pytest.raises(ValueError, match="not negative"):
        CheckedPart(name="wheel", price=-1)


def test_a_state_can_be_changed_compared_and_pickled_but_has_no_hash() -> None:
    made, other = Stock(place="here"), Stock(place="here")
    assert made == other
    made.parts.append("wheel")
    made.place = "there"
    assert (made.place, made.parts, other.parts) == ("there", ["wheel"], [])
    assert made != other
    assert pickle.loads(pickle.dumps(made)) == copy(made) == deepcopy(made) == made
    assert repr(made) == "Stock(place='there', parts=['wheel'])"
    unknown: Any = made
    with pytest.raises(AttributeError):
        unknown.colour = "red"
    with pytest.raises(TypeError, match="unhashable"):
        hash(made)


def test_a_changed_copy_has_the_other_fields_of_its_value() -> None:
    made = Part(name="wheel", size=2, tags={"round": 1}, remark="new")
    assert replaced(made, size=3) == replace(made, size=3)
    assert replaced(made).remark == "new"
    with pytest.raises(TypeError, match="colour"):
        replaced(made, colour="red")


def test_the_signature_shows_the_fields_with_types() -> None:
    shown = str(signature(Part))
    assert shown.startswith("(*, name: 'str', size: 'int' = 1, tags: 'dict[str, int]' = ")
    assert signature(Part) == signature(Spare)


def test_a_state_runs_its_check() -> None:
    @state_class
    class Checked:
        size: int

        def __post_init__(self) -> None:
            self.size += 1

    assert Checked(size=1).size == 2


def test_what_is_not_supported_is_refused_when_the_class_is_made() -> None:
    for fields_of in (
        {"_own": int},
        {"_default_x": int},
        {"size": InitVar[int]},
    ):
        with pytest.raises(TypeError, match="field"):
            value_class(type("Made", (), {"__annotations__": fields_of}))
    unset = {"__annotations__": {"size": int}, "size": field(default=1, init=False)}
    with pytest.raises(TypeError, match="init=False"):
        value_class(type("Made", (), unset))
    with pytest.raises(TypeError, match="frozen"):
        state_class(type("Made", (Part,), {"__annotations__": {"more": int}}))


class Spare(Part):
    """A plain subclass, as each format of saved logs is one."""

    price = 3


def test_a_plain_subclass_stays_what_it_is_and_cannot_be_changed() -> None:
    made = Spare(name="wheel")
    for one in (made, replace(made), replaced(made), copy(made), pickle.loads(pickle.dumps(made))):
        assert type(one) is Spare
        assert (one.name, one.price) == ("wheel", 3)
    unknown: Any = made
    with pytest.raises(FrozenInstanceError):
        unknown.name = "door"
