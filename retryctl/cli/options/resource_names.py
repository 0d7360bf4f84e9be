"""Names of a counter's store as AWS allows them, and their escapes in JSON, YAML and HCL."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from retryctl.core.late_regex import late_regex
from retryctl.errors import UsageError

PLACEHOLDERS: Final = ("TABLE", "BUCKET", "/aws/lambda/FUNCTION")
"""The defaults, which the user replaces in what was printed."""

_TABLE = late_regex(r"[A-Za-z0-9_.-]{1,255}")
_NEW_TABLE = late_regex(r"[A-Za-z0-9_.-]{3,255}")
# Buckets made before 2018 in us-east-1 may have capitals, underscores and up to 255 characters.
_BUCKET = late_regex(r"[A-Za-z0-9._-]{1,255}")
_NEW_BUCKET = late_regex(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LOG_GROUP = late_regex(r"[A-Za-z0-9._/#-]{1,512}")
_MOST_KEY_BYTES, _MOST_ATTRIBUTE_BYTES = 1024, 255
_TTL_ATTRIBUTE = "expires_at"


def table_name(name: str, *, new: bool = False) -> str:
    """Return the name of a table of DynamoDB. Raises ``UsageError`` where it cannot have it.

    Of one that exists only the characters are checked, so that a policy has no wildcard.
    """
    if name not in PLACEHOLDERS and not (_NEW_TABLE if new else _TABLE).fullmatch(name):
        _refuse("table", name, "Give 3 to 255 of the characters a-z, A-Z, 0-9, '_', '-' and '.'.")
    return name


def bucket_name(name: str, *, new: bool = False) -> str:
    """Return the name of a bucket of S3. Raises ``UsageError`` where it cannot have it.

    Of one that exists only the characters are checked, so that a policy has no wildcard.
    """
    if name not in PLACEHOLDERS and not (_NEW_BUCKET if new else _BUCKET).fullmatch(name):
        hint = "Give 3 to 63 of the characters a-z, 0-9, '-' and '.', with a letter or digit at "
        _refuse("bucket", name, f"{hint}both ends.")
    return name


def log_group_name(name: str) -> str:
    """Return the name of a log group. Raises ``UsageError`` where it cannot have it."""
    if not _LOG_GROUP.fullmatch(name):
        hint = "Give 1 to 512 of the characters a-z, A-Z, 0-9, '_', '-', '/', '.' and '#'."
        _refuse("log-group", name, hint)
    return name


def key_prefix(text: str) -> str:
    """Return the prefix of keys in S3, with ``/`` at its end. Raises ``UsageError``."""
    _limited("prefix", text, _MOST_KEY_BYTES, least=0)
    return f"{text.strip('/')}/".lstrip("/")


def key_names(key: str, sort_key: str | None) -> list[str]:
    """Return the attributes of a table's key. Raises ``UsageError`` where they cannot be these."""
    options = {"key": key} if sort_key is None else {"key": key, "sort-key": sort_key}
    for option, name in options.items():
        _limited(option, name, _MOST_ATTRIBUTE_BYTES)
        if name == _TTL_ATTRIBUTE:
            _refuse(option, name, f"{_TTL_ATTRIBUTE} is the attribute of the TTL.")
    if key == sort_key:
        _refuse("sort-key", key, "--key has this name.")
    return list(options.values())


def _limited(option: str, text: str, most: int, *, least: int = 1) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        _refuse(option, text, "Give text in UTF-8.")
    if not least <= size <= most:
        _refuse(option, text, f"Give {least} to {most:,} bytes of UTF-8.")


def _refuse(option: str, name: str, hint: str) -> NoReturn:
    shown = name if len(name) <= 60 else f"{name[:60]}…"
    raise UsageError(f"--{option} {shown!r} is not a name that AWS allows.", hint)


# --------------------------------------------------------------------------- escapes


def quoted_yaml(text: str) -> str:
    """Return text as a YAML string in double quotes."""
    return f'"{_escaped(text)}"'


def quoted_hcl(text: str) -> str:
    """Return text as a string of Terraform, in which nothing is a template."""
    literal = re.sub(r"([$%])(?={)", r"\1\1", _escaped(text))
    return f'"{literal}"'


def policy_text(text: str) -> str:
    """Return text for a resource or a pattern of IAM, in which nothing is a wildcard."""
    return re.sub(r"[*?$]", r"${\g<0>}", text)


def _escaped(text: str) -> str:
    """Return text with the escapes that YAML and HCL share."""
    return "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
