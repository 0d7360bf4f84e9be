"""The facts about a function: each is its value, or the reason why it is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any, TypeVar

from retryctl.core.model.limits import DEFAULT_RETRIES, LONGEST_EVENT_AGE_S
from retryctl.core.value_classes import value_class

Fields = Mapping[str, Any]
LATEST = "$LATEST"
T = TypeVar("T")


@value_class
class NotRead:
    """A fact that is not known. ``action`` is the IAM action, ``denied`` if IAM refused it."""

    action: str
    reason: str
    denied: bool = False


class MissingFact(Exception):
    """Raised by ``known``: a check needs a fact that could not be read."""

    def __init__(self, fact: NotRead) -> None:
        super().__init__(fact.reason)
        self.fact = fact


def known(fact: T | NotRead) -> T:
    """Return the fact. Raises ``MissingFact`` where it could not be read."""
    if isinstance(fact, NotRead):
        raise MissingFact(fact)
    return fact


@value_class
class RetryPolicy:
    """The retry settings of one qualifier: retries after the first attempt, and seconds."""

    qualifier: str
    retries: int
    event_age_s: int
    on_failure: str | None = None
    is_default: bool = False


@value_class
class RetryPlaces:
    """How many retries of the last 24 hours ran in the environment of the attempt before them.

    ``other`` ran in another environment. ``retried`` is the number of retried requests by the
    version that ran. ``unread`` is a sentence about what hides attempts. ``web``: the log has
    requests to a web function, which are not events.
    """

    same: int = 0
    other: int = 0
    retried: Mapping[str, int] = field(default_factory=dict)
    unread: str = ""
    web: bool = False


@value_class
class CounterCopy:
    """A copy of the retryctl counters in the code of the function: its path and version."""

    path: str
    version: str


@value_class
class FunctionFacts:
    """All that the checks use. Values are the answers of the service, ``None`` where absent.

    ``queues`` and ``targets`` map an ARN to the attributes of what it names; a target that does
    not exist is ``None``. ``aliases`` maps a name to the version, ``invoke_configs`` a qualifier
    to its settings. ``trials`` maps an IAM action that was tried for other commands to ``None``
    where it is allowed. ``version`` is retryctl's own.
    """

    function: str
    configuration: Fields | NotRead
    aliases: Mapping[str, str] | NotRead = field(default_factory=dict)
    invoke_configs: Mapping[str, Fields] | NotRead = field(default_factory=dict)
    reserved_concurrency: int | NotRead | None = None
    provisioned: tuple[str, ...] | NotRead = ()
    event_sources: tuple[Fields, ...] | NotRead = ()
    policy: Fields | NotRead | None = None
    queues: Mapping[str, Fields | NotRead | None] = field(default_factory=dict)
    targets: Mapping[str, Fields | NotRead | None] = field(default_factory=dict)
    log_group: Fields | NotRead | None = None
    indexed_fields: tuple[str, ...] | NotRead = ()
    retry_places: RetryPlaces | NotRead = field(default_factory=RetryPlaces)
    counter_copies: tuple[CounterCopy, ...] | NotRead = ()
    trials: Mapping[str, NotRead | None] = field(default_factory=dict)
    version: str = ""

    @property
    def timeout_s(self) -> int:
        """The function's timeout; Lambda's default where the answer has none."""
        return int(known(self.configuration).get("Timeout", 3))

    @property
    def logging(self) -> Fields:
        """LoggingConfig: format, levels and log group."""
        return known(self.configuration).get("LoggingConfig") or {}

    @property
    def log_group_name(self) -> str:
        """Where its log is."""
        named = None if isinstance(self.configuration, NotRead) else self.logging.get("LogGroup")
        return str(named or f"/aws/lambda/{self.function}")

    @property
    def dead_letter_target(self) -> str | None:
        """The ARN of the dead-letter queue or topic."""
        config: Fields = known(self.configuration).get("DeadLetterConfig") or {}
        return config.get("TargetArn") or None

    def retry_policies(self) -> tuple[RetryPolicy, ...]:
        """Return the retry settings of $LATEST, of each alias, and of each version with its own."""
        configs = known(self.invoke_configs)
        qualifiers = dict.fromkeys((LATEST, *known(self.aliases), *configs))
        return tuple(retry_policy(name, configs.get(name)) for name in qualifiers)

    def sources_of(self, *services: str) -> tuple[Fields, ...]:
        """Return the event source mappings of these services, such as ``sqs`` or ``kinesis``."""
        return tuple(
            source
            for source in known(self.event_sources)
            if service_of(source.get("EventSourceArn") or "") in services
        )

    def denied(self) -> tuple[str, ...]:
        """Return the actions of ``doctor`` that IAM refused, in the order of their names."""
        own = (getattr(self, each.name) for each in fields(self))
        facts = (*own, *self.queues.values(), *self.targets.values())
        denied = {fact.action for fact in facts if isinstance(fact, NotRead) and fact.denied}
        return tuple(sorted(denied))


def retry_policy(qualifier: str, config: Fields | None) -> RetryPolicy:
    """Read one setting; Lambda's defaults apply where none exists."""
    found = config or {}
    destinations: Fields = found.get("DestinationConfig") or {}
    retries, age_s = found.get("MaximumRetryAttempts"), found.get("MaximumEventAgeInSeconds")
    return RetryPolicy(
        qualifier=qualifier,
        retries=DEFAULT_RETRIES if retries is None else int(retries),
        event_age_s=LONGEST_EVENT_AGE_S if age_s is None else int(age_s),
        on_failure=(destinations.get("OnFailure") or {}).get("Destination"),
        is_default=not found,
    )


def service_of(arn: str) -> str:
    """Return ``sqs`` for ``arn:aws:sqs:…``, and nothing for what is not an ARN."""
    parts = arn.split(":", 5)
    return parts[2] if len(parts) == 6 else ""


def name_in(arn: str) -> str:
    """Return the last part of an ARN, which a person recognizes."""
    return arn.rpartition(":")[2]
