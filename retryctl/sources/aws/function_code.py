"""Find copies of the retryctl counters in the code and the layers of a function."""

from __future__ import annotations

import re
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from http.client import HTTPException
from typing import IO
from zipfile import BadZipFile

from retryctl.core.doctor.facts import CounterCopy
from retryctl.errors import CouldNotRead
from retryctl.sources.aws.client import AwsClient
from retryctl.temporary import temporary_file

_MOST_MB = 64
"""What is downloaded at most, of the code and its layers together."""
_TIMEOUT_S = 30
_CHUNK = 1 << 20
_MOST_OF_A_FILE = 4096
_DAMAGED = (OSError, ValueError, EOFError, RuntimeError, HTTPException, BadZipFile, zlib.error)
_VERSIONS = {
    # # Made by `retryctl counters vendor DIR --store tmp` 0.4.0; run it again instead of editing.
    "retryctl_counters.py": re.compile(r"# Made by `retryctl counters vendor[^`]*` ([^\s;]+);"),
    # __version__ = "0.4.0"
    "retryctl/__init__.py": re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE),
}


def counter_copies(aws: AwsClient, function: str) -> tuple[CounterCopy, ...]:
    """Download the code and the layers of a function, and return the copies that they have.

    Raises ``CouldNotRead`` for a container image, for large code, and where a download fails.
    """
    subject = f"function {function}"
    found = aws.call("lambda", "GetFunction", {"FunctionName": function}, subject=subject)
    configuration = found.get("Configuration", {})
    if configuration.get("PackageType") == "Image":
        raise CouldNotRead("the code is a container image, which is not read.")
    layers = configuration.get("Layers") or ()
    size = sum(int(each.get("CodeSize") or 0) for each in (configuration, *layers))
    if size > _MOST_MB << 20:
        raise CouldNotRead(
            f"the code and its layers have {size >> 20:,} MB, and at most {_MOST_MB} MB are read."
        )
    places = {"code": found.get("Code", {}).get("Location", "")}
    for layer in layers:
        request = {"Arn": layer["Arn"]}
        content = aws.call("lambda", "GetLayerVersionByArn", request, subject=layer["Arn"])
        places[layer["Arn"]] = content.get("Content", {}).get("Location", "")
    return tuple(copy for name, url in places.items() for copy in _copies(name, url))


def _copies(name: str, url: str) -> Iterator[CounterCopy]:
    if not url.startswith(("https://", "http://")):
        raise CouldNotRead(f"AWS returned no address to download the {name} from.")
    with temporary_file() as package:
        try:
            _download(url, package)
            with zipfile.ZipFile(package) as archive:
                yield from _copies_in(archive)
        except _DAMAGED as error:
            raise CouldNotRead(f"the {name} could not be downloaded: {error}") from error


def _download(url: str, package: IO[bytes]) -> None:
    """Save what a presigned URL names. Raises ``OSError``, ``ValueError``."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
        while chunk := answer.read(_CHUNK):
            if package.tell() > _MOST_MB << 20:
                raise ValueError(f"it has more than {_MOST_MB} MB")
            package.write(chunk)


def _copies_in(archive: zipfile.ZipFile) -> Iterator[CounterCopy]:
    for path in archive.namelist():
        for end, pattern in _VERSIONS.items():
            if path == end or path.endswith(f"/{end}"):
                with archive.open(path) as member:
                    text = member.read(_MOST_OF_A_FILE).decode(errors="replace")
                if match := pattern.search(text):
                    yield CounterCopy(path=path, version=match[1])
