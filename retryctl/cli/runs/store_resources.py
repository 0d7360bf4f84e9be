"""What a counter's store needs in AWS: a policy for the function, and a template of the store."""

from __future__ import annotations

from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from retryctl.cli.options.params import CounterStore
from retryctl.cli.options.resource_names import (
    bucket_name,
    key_names,
    key_prefix,
    log_group_name,
    policy_text,
    quoted_hcl,
    quoted_yaml,
    table_name,
)

if TYPE_CHECKING:
    from retryctl.cli.counters import PolicyArguments, TemplateArguments

_DAYS = 1
"""All attempts of a request start within 6 h of each other; a lifecycle rule counts days."""
_QUOTED = {"sam": quoted_yaml, "terraform": quoted_hcl}
_ATTRIBUTES = {
    "sam": "\n        - AttributeName: {}\n          AttributeType: S",
    "terraform": '\n  attribute {{\n    name = {}\n    type = "S"\n  }}\n',
}


def store_template(given: TemplateArguments, store: CounterStore) -> str:
    """Return the table or the bucket of a store, as resources of SAM (YAML) or Terraform (HCL).

    Raises ``UsageError`` for a name that AWS does not allow.
    """
    quoted = _QUOTED[given.form]
    names = [quoted(name) for name in key_names(given.key, given.sort_key)]
    kinds = zip(names, ("HASH", "RANGE"), strict=False)
    name = f"{given.form}-{store}.{'yaml' if given.form == 'sam' else 'tf'}"
    text = resources.files("retryctl").joinpath("cli/templates", name).read_text("utf-8")
    return Template(text).substitute(
        bucket=quoted(bucket_name(given.bucket, new=True)),
        prefix=quoted(key_prefix(given.prefix)),
        days=_DAYS,
        table=quoted(table_name(given.table, new=True)),
        key=names[0],
        range_key=f"\n  range_key    = {names[1]}" if given.sort_key else "",
        attributes="".join(map(_ATTRIBUTES[given.form].format, names)),
        schema="".join(
            f"\n        - AttributeName: {name}\n          KeyType: {kind}" for name, kind in kinds
        ),
    )


def policy_statements(given: PolicyArguments, store: CounterStore) -> list[dict[str, object]]:
    """Return the statements of the policy that a function needs; none for /tmp.

    Raises ``UsageError`` for a name that AWS does not allow.
    """
    arn = f"arn:{given.partition}"
    if store is CounterStore.S3:
        under = f"{policy_text(key_prefix(given.prefix))}*"
        bucket = f"{arn}:s3:::{bucket_name(given.bucket)}"
        condition = {"StringLike": {"s3:prefix": under}}
        return [
            _allow("s3:PutObject", f"{bucket}/{under}"),
            {**_allow("s3:ListBucket", bucket), "Condition": condition},
        ]
    if store is CounterStore.DYNAMODB:
        actions = ["dynamodb:GetItem"] * given.by_hand + ["dynamodb:UpdateItem"]
        return [_allow(actions, f"{arn}:dynamodb:*:*:table/{table_name(given.table)}")]
    if store is CounterStore.LOGS:
        group = log_group_name(given.log_group)
        return [_allow("logs:FilterLogEvents", f"{arn}:logs:*:*:log-group:{group}:*")]
    return []


def _allow(action: str | list[str], resource: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}
