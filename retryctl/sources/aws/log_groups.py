"""Log groups: by name, ARN or pattern; what CloudWatch Logs knows of one; near names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from retryctl.core.model.group_names import ambiguous_names, group_name
from retryctl.core.value_classes import value_class
from retryctl.core.wording import suggestions
from retryctl.errors import CouldNotRead, NoSuchLogGroup
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.errors import Refused

_DAY_MS = 24 * 3_600_000
_MOST_PAGES_FOR_NEAR_NAMES = 4

Warn = Callable[[str], None]
"""Reports a sentence about what was read, or could not be."""


@value_class
class LogGroup:
    """``identifier`` is an ARN where the group may lie in another account, else ``None``.

    The ``name`` is the ARN too where another group that is read has the same name.
    """

    name: str
    identifier: str | None = None

    @property
    def request(self) -> dict[str, str]:
        """How a call names it; the two parameters exclude each other."""
        if self.identifier:
            return {"logGroupIdentifier": self.identifier}
        return {"logGroupName": self.name}

    @property
    def region(self) -> str | None:
        """The region of its ARN."""
        return self.identifier.split(":")[3] if self.identifier else None


@value_class
class Description:
    """What DescribeLogGroups returns; ``None`` where it has no value."""

    created_ms: int | None = None
    retention_days: int | None = None
    stored_bytes: int | None = None
    log_class: str | None = None
    masked: bool | None = None

    @property
    def needs_insights(self) -> bool:
        """Whether FilterLogEvents and GetLogEvents refuse groups of this class."""
        return self.log_class == "INFREQUENT_ACCESS"

    @property
    def is_delivery(self) -> bool:
        """Whether every call that reads events refuses groups of this class."""
        return self.log_class == "DELIVERY"

    def kept_since_ms(self, now_ms: int) -> int | None:
        """Events before this moment are deleted; ``None`` where they are kept for good."""
        return None if self.retention_days is None else now_ms - self.retention_days * _DAY_MS


def log_group(text: str) -> LogGroup:
    """From a name, or an ARN with or without the final ``:*``."""
    if not text.startswith("arn:"):
        return LogGroup(name=text)
    arn = text.removesuffix(":*")
    return LogGroup(name=arn.split(":log-group:")[-1], identifier=arn)


def find_log_groups(aws: AwsClient, names: Iterable[str]) -> tuple[LogGroup, ...]:
    """Return the groups of ``names``, each once; ``*`` in a name stands for any text.

    Raises NoSuchLogGroup where a pattern matches none.
    """
    found: dict[LogGroup, None] = {}
    for name in names:
        if "*" not in name.removesuffix(":*"):
            found[log_group(name)] = None
            continue
        matching = [group for group in _listed_names(aws, name) if fnmatchcase(group, name)]
        if not matching:
            raise NoSuchLogGroup(
                f"no log group matches {name}", "Check --region and --profile, and the pattern."
            )
        found.update(dict.fromkeys(LogGroup(name=group) for group in matching))
    return with_distinct_groups(found)


def with_distinct_groups(groups: Iterable[LogGroup]) -> tuple[LogGroup, ...]:
    """Return the groups; those that share a name are named by their ARN."""
    found = tuple(groups)
    ambiguous = ambiguous_names(each.identifier for each in found if each.identifier)
    return tuple(
        replace(each, name=each.identifier or each.name) if each.name in ambiguous else each
        for each in found
    )


def describe(aws: AwsClient, group: LogGroup) -> Description:
    """All unknown where it cannot be called (denied, another account)."""
    try:
        name = group_name(group.name)
        for page in _pages(aws, name, group.region):
            for described in page["logGroups"]:
                if described["logGroupName"] == name:
                    return _description(described) if _is_same(group, described) else Description()
            if page["logGroups"] and page["logGroups"][-1]["logGroupName"] > name:
                break
    except CouldNotRead:
        pass
    return Description()


def _is_same(group: LogGroup, described: AwsResponse) -> bool:
    """Whether what is described is the group itself, not that of this name in another account."""
    return group.identifier in (None, str(described.get("arn", "")).removesuffix(":*"))


def refusal_of(aws: AwsClient, group: LogGroup, error: CouldNotRead) -> CouldNotRead:
    """Return the same error, with the groups that were perhaps meant or the engine as next step."""
    if isinstance(error, NoSuchLogGroup):
        return _with_near_names(aws, group, error)
    if isinstance(error, Refused) and error.is_log_class:
        return _of_class(describe(aws, group).log_class, group, error)
    return error


def _of_class(log_class: str | None, group: LogGroup, error: Refused) -> CouldNotRead:
    """Return the error for a group whose class refuses a call; no advice leads to a refusal."""
    saved = "read a saved log with --from FILE."
    if log_class == "DELIVERY" or "DELIVERY" in error.reason:
        return CouldNotRead(
            f"{group.name} has the log class Delivery, which cannot be searched or queried",
            f"Lambda sends its logs to S3 or Firehose: {saved}",
        )
    if error.action == "logs:StartQuery":
        return CouldNotRead(
            f"{group.name} has a log class that Logs Insights cannot query",
            f"{saved[0].upper()}{saved[1:]}",
        )
    if log_class in (None, "INFREQUENT_ACCESS"):
        return CouldNotRead(
            f"{group.name} has a log class that only Logs Insights can read",
            f"Use --engine insights, or {saved}",
        )
    return CouldNotRead(
        f"{group.name} has a log class that FilterLogEvents cannot read",
        f"Drop --engine filter: auto tries Logs Insights too. Or {saved}",
    )


def _with_near_names(aws: AwsClient, group: LogGroup, error: NoSuchLogGroup) -> NoSuchLogGroup:
    """Return the same error, its next step naming the groups that were perhaps meant."""
    try:
        name = group_name(group.name)
        names = list(_listed_names(aws, name[: name.rfind("/") + 1], group.region))
    except CouldNotRead:
        return error
    meant = suggestions(name, names, part=lambda name: name.rpartition("/")[2])
    return NoSuchLogGroup(error.what, f"{meant} {error.next_step}" if meant else error.next_step)


def described_groups(aws: AwsClient, prefix: str) -> Iterator[tuple[str, Description]]:
    """Name and description of every group whose name begins so."""
    for page in _pages(aws, prefix):
        for described in page["logGroups"]:
            yield described["logGroupName"], _description(described)


def _listed_names(aws: AwsClient, pattern: str, region: str | None = None) -> Iterator[str]:
    for number, page in enumerate(_pages(aws, pattern.partition("*")[0], region)):
        for described in page["logGroups"]:
            yield described["logGroupName"]
        if "*" not in pattern and number + 1 == _MOST_PAGES_FOR_NEAR_NAMES:
            return


def _pages(aws: AwsClient, prefix: str, region: str | None = None) -> Iterator[AwsResponse]:
    """By prefix, since an answer by pattern has neither class nor retention."""
    request = {"logGroupNamePrefix": prefix} if prefix else {}
    options = {"expect": "logGroups", "subject": "the log groups", "region": region}
    return aws.pages("logs", "DescribeLogGroups", request, **options)


def _description(described: AwsResponse) -> Description:
    return Description(
        created_ms=described.get("creationTime"),
        retention_days=described.get("retentionInDays"),
        stored_bytes=described.get("storedBytes"),
        log_class=described.get("logGroupClass"),
        masked=described.get("dataProtectionStatus") == "ACTIVATED"
        or "ACCOUNT_DATA_PROTECTION" in described.get("inheritedProperties", ()),
    )
