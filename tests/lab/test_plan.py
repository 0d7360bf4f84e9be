"""Plans: what they mean, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.errors import ExitStatus, UsageError
from retryctl.lab.plan import PlannedFault, Step, read

WHERE = st.sampled_from(["same", "fresh", "env=1", "env=2", "env=3"])
FAULTS = {
    "": None,
    "+timeout": PlannedFault(kind="timeout"),
    "+kill": PlannedFault(kind="kill"),
    "+exit": PlannedFault(kind="exit"),
    "+oom": PlannedFault(kind="oom"),
    "+timeout=late": PlannedFault(kind="timeout", late=True),
    "+oom=early": PlannedFault(kind="oom", early=True),
    "+kill@250ms": PlannedFault(kind="kill", after_s=0.25),
    "+oom@1.5s": PlannedFault(kind="oom", after_s=1.5),
}
FAULT = st.sampled_from(sorted(FAULTS))
MISHAP = st.sampled_from(["", "+throttle", "+duplicate", "+throttle+duplicate"])


def environments(text: str, retries: int = 2) -> list[tuple[int, ...]]:
    return [tuple(step.environment for step in plan.steps) for plan in read(text, retries)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (1, 1, 1)),
        ("first", (1, 1, 1)),
        ("same", (1, 1, 1)),
        ("same,same", (1, 1, 1)),
        ("fresh", (1, 2, 2)),
        ("fresh,same", (1, 2, 2)),
        ("fresh,fresh", (1, 2, 3)),
        ("fresh,env=1", (1, 2, 1)),
        ("same, fresh", (1, 1, 2)),
        ("env=1,fresh", (1, 1, 2)),
        ("first+oom,fresh", (1, 2, 2)),
    ],
)
def test_where_each_attempt_runs(text: str, expected: tuple[int, ...]) -> None:
    assert environments(text) == [expected]


def test_all_is_every_sequence_of_environments() -> None:
    assert sorted(environments("all")) == [(1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2), (1, 2, 3)]
    assert sorted(environments("all", retries=1)) == [(1, 1), (1, 2)]
    assert environments("all", retries=0) == [(1,)]


def test_the_plans_of_all_read_as_what_they_are() -> None:
    for plan in read("first+kill,all"):
        assert read(plan.text) == (plan,)
        assert plan.steps[0].fault == PlannedFault(kind="kill")


def test_the_mishaps_of_an_attempt() -> None:
    (plan,) = read("first+timeout,fresh+throttle+exit,same+duplicate")
    assert plan.steps == (
        Step(environment=1, fault=PlannedFault(kind="timeout")),
        Step(environment=2, fault=PlannedFault(kind="exit"), throttled=True),
        Step(environment=2, duplicated=True),
    )


@pytest.mark.parametrize(
    "text",
    [
        "elsewhere",
        "same,same,same",
        "same+",
        "same+reboot",
        "same+kill=soon",
        "same+kill@",
        "same+kill@250",
        "same+throttle=late",
        "same+kill+oom",
        "env=0",
        "env=2",
        "env=x",
        "fresh,env=3",
        "same,first",
        "all,same",
        "firstly",
        "SAME",
        "same;fresh",
    ],
)
def test_what_cannot_be_read_is_refused_with_a_next_step(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read(text)
    assert refusal.value.status is ExitStatus.USAGE
    assert refusal.value.next_step


def test_the_refusal_says_that_all_stands_alone() -> None:
    with pytest.raises(UsageError, match="'all' in the plan cannot be read") as refusal:
        read("all,same")
    assert refusal.value.next_step.endswith("Or all, without other items.")


def test_a_plan_is_no_longer_than_the_retries() -> None:
    with pytest.raises(UsageError, match="2 retries, but the function may have 1"):
        read("same,same", retries=1)
    with pytest.raises(UsageError):
        read("same", retries=0)


@given(first=FAULT, items=st.lists(st.tuples(WHERE, FAULT, MISHAP), max_size=2))
def test_a_plan_either_reads_as_it_was_written_or_is_refused(
    first: str, items: list[tuple[str, str, str]]
) -> None:
    text = ",".join(["first" + first, *map("".join, items)])
    try:
        (plan,) = read(text)
    except UsageError:
        return
    assert len(plan.steps) == 3
    for step, (where, fault, mishap) in zip(plan.steps[1:], items, strict=False):
        assert step.fault == FAULTS[fault]
        assert step.throttled == ("throttle" in mishap)
        assert step.duplicated == ("duplicate" in mishap)
        assert not where.startswith("env=") or step.environment == int(where[4:])
    assert read(plan.text) == (plan,)
