"""The name of a function: parsed from a name, or from a partial or whole ARN."""

from __future__ import annotations

import re

from retryctl.core.value_classes import value_class
from retryctl.errors import UsageError
from retryctl.sources.saved.files import instead_of

# name, name:alias, 123456789012:function:name, arn:aws:lambda:region:account:function:name:7;
# us-east-1.name is a function of Lambda@Edge, by its log group in another region
_FUNCTION = re.compile(
    r"(?:arn:(?P<partition>[\w-]+):lambda:(?P<region>[\w-]+):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>(?:us-east-1\.)?[\w-]{1,140})"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[\w-]+))?"
)
_VERSION = re.compile(r"[0-9]+|\$LATEST(?:\.PUBLISHED)?")
EDGE_REGION = "us-east-1"


@value_class
class FunctionName:
    """A function, and the version or alias that was named with it.

    ``account`` and ``region`` are those of an ARN; ``None`` where none is given.
    """

    name: str
    qualifier: str | None = None
    account: str | None = None
    region: str | None = None
    partition: str = "aws"

    @property
    def is_at_the_edge(self) -> bool:
        """Whether it is a function of Lambda@Edge: it is in one region, its logs in many."""
        return self.name.startswith(f"{EDGE_REGION}.")

    @property
    def in_calls(self) -> str:
        """The function as a call names it, without its version or alias."""
        name = self.name.removeprefix(f"{EDGE_REGION}.")
        region = EDGE_REGION if self.is_at_the_edge else self.region
        if self.account is None:
            return name
        if region is None:
            return f"{self.account}:function:{name}"
        return f"arn:{self.partition}:lambda:{region}:{self.account}:function:{name}"

    def log_group(self, name: str | None) -> str:
        """Return where its logs are, as an ARN if account and region are known.

        ``name`` is the group that its settings name, if not the usual one.
        """
        name = name or f"/aws/lambda/{self.name}"
        if self.account is None or self.region is None:
            return name
        return f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:{name}"

    def may_be(self, other: FunctionName) -> bool:
        """Whether both can be one function: neither name, account nor region differ."""
        places = ((self.account, other.account), (self.region, other.region))
        return self.name == other.name and all(
            None in pair or pair[0] == pair[1] for pair in places
        )

    @property
    def versions(self) -> frozenset[str] | None:
        """The version that is named; ``None`` for all, and for an alias."""
        named = self.qualifier and _VERSION.fullmatch(self.qualifier)
        return frozenset((named[0],)) if named else None

    @property
    def alias(self) -> str | None:
        """The alias that is named."""
        return None if self.versions else self.qualifier


def parse_function_name(text: str) -> FunctionName:
    """From a name, a partial or a whole ARN, each with a version or an alias or without.

    Raises UsageError for what is none of these.
    """
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is not a function name.",
            instead_of(text) or "Give a name, name:alias, or the function's ARN.",
        )
    return FunctionName(
        name=match["name"],
        qualifier=match["qualifier"],
        account=match["account"],
        region=match["region"],
        partition=match["partition"] or "aws",
    )


def qualifier_of(arn: str) -> str:
    """Return the last part of ``arn:aws:lambda:region:account:function:name:qualifier``."""
    return arn.split(":", 7)[7] if arn.count(":") >= 7 else "$LATEST"
