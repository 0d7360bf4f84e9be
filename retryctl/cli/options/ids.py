"""Read pasted request IDs: alone, in a line, in a file name or a URL, or from stdin.

A record of a failed event (a destination record, a dead-letter message) stands for the request
that it is about: pasted, in a file, in a folder of files, or on stdin.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING
from uuid import UUID

from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import REQUEST_ID
from retryctl.core.value_classes import value_class
from retryctl.errors import NothingFound, UnreadableInput, UsageError

if TYPE_CHECKING:
    from retryctl.cli.options.source import Reading
    from retryctl.core.failure_records.documents import FailureRecord
    from retryctl.core.model.coverage import Coverage

# 8f507cfc-0d3f-4697-b07a-ac58fc914c95, also in /tmp/8f507cfc-…_1732330800.123
_ID = re.compile(rf"(?<![0-9a-zA-Z-]){REQUEST_ID}(?![0-9a-zA-Z-])")
_NO_DASHES = re.compile(r"[0-9a-fA-F]{32}")
# 8f507cfc, 8f507cfc-0d3: the first characters of an ID
_PREFIX = re.compile(r"[0-9a-fA-F]{4,8}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{0,26}")
# hyphens that word processors and chats put in place of "-", and characters that have no width
_TYPOGRAPHIC = str.maketrans(
    {**dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-")}
    | dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\0", None)
)
_FUNCTION = late_regex(r"(?=.*[a-zA-Z])[\w-]{1,64}(:[$\w-]+)?|arn:[\w:/$-]+", re.ASCII)
# the most bytes of a file, or of stdin, that are read for failure records
_LARGEST_RECORDS = 64 << 20
_LOOKS_LIKE = (
    "A request ID has the form 8f507cfc-0d3f-4697-b07a-ac58fc914c95; the START and REPORT lines "
    "of a log contain it."
)


@value_class
class NamedRequests:
    """The request IDs that the arguments name, and the failure records among the arguments."""

    ids: tuple[str, ...] = ()
    records: tuple[FailureRecord, ...] = ()


def named_requests(
    arguments: Iterable[str], stdin: Iterable[str], *, saved_log: str = "", aws_options: str = ""
) -> NamedRequests:
    """Return the request IDs in ``arguments``, lower-cased, each once, in order.

    An argument is an ID, a text that contains one (``RequestId: …``, a log line, the name of a
    file of the /tmp counter, a console URL), failure records or a file or folder of them, or
    ``-``, which stands for the IDs or the records in the lines of ``stdin``. Raises
    ``UsageError`` for an argument without an ID, ``NothingFound`` where stdin is empty.
    The commands of an error end with ``aws_options``, or read ``saved_log``.
    """
    found: dict[str, None] = {}
    records: list[FailureRecord] = []
    words = list(_unquoted_lines(arguments))
    known = [request_id for word in words for request_id in _ids_in(word)]
    for word in words:
        named = (
            _in_stdin(stdin) if word == "-" else _in_argument(word, known, saved_log, aws_options)
        )
        found |= dict.fromkeys(named.ids)
        records += named.records
    return NamedRequests(ids=tuple(found), records=tuple(dict.fromkeys(records)))


def request_ids(arguments: Iterable[str], stdin: Iterable[str]) -> tuple[str, ...]:
    """Return the IDs that ``named_requests`` finds."""
    return named_requests(arguments, stdin).ids


def event_names(arguments: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the request IDs in ``arguments``, and the arguments that can be the key of an event.

    An argument with an ID in it, such as the ARN of an execution, can be both.
    """
    keys = tuple(text.strip() for text in arguments if text.strip())
    named = [text for text in arguments if _ids_in(text) or not text.strip() or _is_place(text)]
    return request_ids(named, ()), keys


def _is_place(text: str) -> bool:
    return text == "-" or "{" in text or os.path.exists(text[:4096].replace("\0", ""))


def requests_of(records: Iterable[FailureRecord]) -> NamedRequests:
    """Return the requests that the records are about, each once."""
    each = tuple(records)
    return NamedRequests(ids=tuple(dict.fromkeys(one.request_id for one in each)), records=each)


def requests_in_queue(url: str, arguments: Sequence[str], reading: Reading) -> NamedRequests:
    """Return the requests of the failure records in a queue. Raises ``UsageError`` beside IDs."""
    from retryctl.app.failure_records import records_in_queue

    if arguments:
        raise UsageError("--from-queue selects requests, and IDs are given.", "Drop one of them.")
    return requests_of(records_in_queue(url, reading.source, feedback=reading.feedback))


def records_named(argument: str) -> NamedRequests:
    """Return the failure records in a text, or in the file or folder of that name."""
    from retryctl.core.failure_records.documents import failure_records

    texts = [argument] if "{" in argument or not argument else _file_texts(argument)
    return requests_of(record for text in texts for record in failure_records(text))


def _unquoted_lines(arguments: Iterable[str]) -> Iterator[str]:
    """Yield the arguments; of a pasted line that the shell split, only words with an ID."""
    words = list(arguments)
    follows_label = [False, *(word.lower() == "requestid:" for word in words)]
    if not any(follows_label):
        yield from words
        return
    if follows_label.pop():
        raise UsageError(f"no request ID follows {words[-1]!r}.", _LOOKS_LIKE)
    for word, labelled in zip(words, follows_label, strict=True):
        if labelled or word == "-" or _ID.search(word):
            yield word


def _in_argument(
    text: str, known: Sequence[str], saved_log: str, aws_options: str
) -> NamedRequests:
    from retryctl.sources.saved.files import instead_of  # completion has no use for it

    if (named := records_named(text)).records:
        return named
    if ids := _ids_in(text):
        return NamedRequests(ids=tuple(ids))
    if dashed := _with_dashes(text):
        return NamedRequests(ids=(dashed,))
    if step := instead_of(text):
        raise UsageError(f"{text!r} is a file's name, not a request ID.", step)
    why = _why_not(text, saved_log)
    command = "" if why else _for_function(text, known, saved_log)
    step = f"{command}{aws_options}" if command else _LOOKS_LIKE
    raise UsageError(f"{text!r} is not a request ID{why}.", step)


def _for_function(text: str, known: Sequence[str], saved_log: str) -> str:
    """Return the command for a word that can be a function's name; ``""`` for another."""
    if not _FUNCTION.fullmatch(text):
        return ""
    if known:
        source = f" --from {quote(saved_log)}" if saved_log else ""
        return f"If it is the function: retryctl trace {known[0]} -f {text}{source}"
    if saved_log:
        return f"For the requests of the log: retryctl list --from {quote(saved_log)}"
    return f"For the requests of a function: retryctl list {text}"


def _file_texts(name: str) -> Iterator[str]:
    """Yield the text of the file, or of each file of the folder, if there is one.

    Raises ``UnreadableInput`` where a file cannot be read. A file that is named for its request
    ID, and one that is too large for a record, have no text.
    """
    try:
        path = Path(name)
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError):  # no valid path
        return
    if is_folder:
        yield from map(_record_text, sorted(_files_below(path)))
    elif is_file and path.stat().st_size <= _LARGEST_RECORDS:
        try:
            yield _record_text(path)
        except UnreadableInput:
            if not _ids_in(name):
                raise


def _files_below(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        from retryctl.sources.saved.files import cannot_open

        raise cannot_open(error.filename, error)

    for place, _, names in os.walk(folder, onerror=refuse):
        yield from (file for file in (Path(place, name) for name in names) if file.is_file())


def _record_text(file: Path) -> str:
    if file.stat().st_size > _LARGEST_RECORDS:
        raise UnreadableInput(
            f"{file} is too large for failure records: more than {_LARGEST_RECORDS >> 20} MB.",
            "Name a folder that has failure records only.",
        )
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        from retryctl.sources.saved.files import cannot_open

        raise cannot_open(str(file), error) from None


def _in_stdin(lines: Iterable[str]) -> NamedRequests:
    ids: dict[str, None] = {}
    kept: list[str] = []
    size, is_empty = 0, True
    for line in lines:
        is_empty = is_empty and not line.strip()
        ids |= dict.fromkeys(_ids_in(line))
        size += len(line)
        if size <= _LARGEST_RECORDS:
            kept.append(line)
    if is_empty:
        raise NothingFound("stdin was empty: it has no request ID.", _LOOKS_LIKE)
    text = "".join(kept)
    if size <= _LARGEST_RECORDS and "{" in text and (named := records_named(text)).records:
        return named
    if not ids:
        raise UsageError("standard input contains no request ID.", _LOOKS_LIKE)
    return NamedRequests(ids=tuple(ids))


def _ids_in(text: str) -> list[str]:
    """Return the IDs in a text; the text of a console URL may be escaped once or twice."""
    plain = text.translate(_TYPOGRAPHIC)
    for escape in ("$252F", "$252f", "%252F", "%252f", "%2F", "%2f", "$2522", "%2522", "%22"):
        plain = plain.replace(escape, "/")
    return [match.lower() for match in _ID.findall(plain)]


def names_request(text: str) -> bool:
    """Return whether a text contains a request ID, or is the first characters of one."""
    return bool(_ids_in(text) or _with_dashes(text)) or shortened_id(text) is not None


def _with_dashes(text: str) -> str:
    """Return the ID that a text is without its dashes; ``""`` for any other text."""
    plain = text.strip().translate(_TYPOGRAPHIC)
    return str(UUID(plain)) if _NO_DASHES.fullmatch(plain) else ""


def shortened_id(text: str) -> str | None:
    """Return ``text`` lower-cased where it can be the first characters of a request ID."""
    plain = text.strip().translate(_TYPOGRAPHIC).removesuffix("…").rstrip(".")
    if len(plain) < 36 and _PREFIX.fullmatch(plain) and not _ID.search(plain):
        return plain.lower()
    return None


def _why_not(text: str, saved_log: str) -> str:
    """Return what is wrong with the text, where that is known."""
    bare = text.strip().strip("\"'").strip()
    joined = re.sub(r"\s+", "", bare)
    if joined != bare and re.fullmatch(REQUEST_ID, joined):
        return ": there are spaces in it"
    if re.fullmatch(r"1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}", bare):
        return ", but an X-Ray trace ID"
    if re.fullmatch(r"[0-9a-fA-F]+(?:-[0-9a-fA-F]*)*(?:…|\.{2,3})?", bare) and len(bare) < 36:
        return f": it has {len(bare.rstrip('….'))} of the 36 characters; " + (
            "of a saved log, the first 4 are enough"
            if saved_log
            else "the first characters are enough only in a saved log (--from FILE)"
        )
    if not re.fullmatch(r"[0-9a-zA-Z]{8}(?:-[0-9a-zA-Z]{4}){3}-[0-9a-zA-Z]+", bare):
        return ""
    if other := re.search(r"[^0-9a-fA-F-]", bare):
        return f": {other[0]!r} is not a hexadecimal digit (0 to 9, a to f)"
    return f": it is {len(bare)} characters long, not 36"


# --------------------------------------------------------------------------- shortened IDs


@value_class
class WholeIds:
    """The arguments of a command with their shortened IDs completed.

    ``not_found`` has a reason for each shortened ID that the log does not contain, and
    ``coverage`` what was read of the log; ``None`` where no ID was shortened.
    """

    arguments: Sequence[str]
    not_found: Mapping[str, str] = field(default_factory=dict)
    coverage: Coverage | None = None


def whole_ids(arguments: Sequence[str], reading: Reading) -> tuple[NamedRequests, WholeIds]:
    """Return the requests that the arguments name; in a saved log an ID may be shortened."""
    source = reading.source
    place = source.source
    unread = "-" if source.stdin is None else ""  # its pipe is followed instead
    whole = WholeIds(arguments=arguments)
    if place not in ("cloudwatch", unread):
        advice = f"Give more of the ID. retryctl list --from {quote(place)} shows the requests."
        whole = completed(arguments, reading, lambda _: advice)
    named = named_requests(
        whole.arguments,
        _stdin_lines(),
        saved_log="" if place in ("cloudwatch", "-") else place,
        aws_options=source.aws_options,
    )
    return named, whole


def completed(arguments: Sequence[str], reading: Reading, advice: Callable[[str], str]) -> WholeIds:
    """Complete the shortened IDs of a saved log; those that it does not contain are left out.

    Raises ``UsageError``, with the ``advice`` for the shortened ID, where several begin so.
    """
    if not _shortened(arguments):
        return WholeIds(arguments=arguments)
    from retryctl.app.unnamed_requests import matching_ids  # loads the engine of whole windows

    found = matching_ids(
        _shortened(arguments), reading.source, config=reading.config, feedback=reading.feedback
    )
    for prefix, ids in found.ids.items():
        if len(ids) > 1:
            some = f"{', '.join(ids[:3])}{', …' if len(ids) > 3 else ''}"
            raise UsageError(
                f"{len(ids)} request IDs of this log begin with {prefix}: {some}.", advice(prefix)
            )
    whole = {prefix: ids[0] for prefix, ids in found.ids.items()}
    kept = [each for each in arguments if shortened_id(each) not in found.not_found]
    return WholeIds(
        arguments=[whole.get(shortened_id(each) or "", each) for each in kept],
        not_found=found.not_found,
        coverage=found.coverage,
    )


def needs_whole_log(arguments: Sequence[str]) -> bool:
    """Return whether the whole log shows which requests the arguments mean."""
    return not arguments or bool(_shortened(arguments))


def _shortened(arguments: Sequence[str]) -> list[str]:
    prefixes = map(shortened_id, arguments)
    return [prefix for prefix in prefixes if prefix]


def _stdin_lines() -> Iterator[str]:
    if sys.stdin is None:
        return
    from retryctl.sources.saved.decoding import encoding_of

    stdin = sys.stdin.buffer
    first = stdin.readline()
    if not first:  # stdin of a terminal can be read again after its end
        return
    encoding, _ = encoding_of(first)
    if encoding == "utf-8":
        yield first.decode(errors="replace")
        yield from (line.decode(errors="replace") for line in stdin)
    else:
        yield from (first + stdin.read()).decode(encoding, "replace").splitlines(keepends=True)
