"""What ``retryctl counters`` writes: one joined file, or a layer.

Joining keeps the source unchanged: imports first, then the text of the modules, each after those
that it needs. The syntax tree of a module, not its text, separates its parts.
"""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata, resources
from pathlib import Path
from textwrap import indent

from retryctl import __version__
from retryctl.cli.options.params import CounterStore
from retryctl.errors import UsageError

FILE_NAME = "retryctl_counters.py"
_MADE_BY = "# Made by `retryctl counters vendor"
# A zip's earliest moment, so that the same version gives the same bytes.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


_CLASSES = {
    CounterStore.TMP: "TmpCounter",
    CounterStore.S3: "S3Counter",
    CounterStore.DYNAMODB: "DynamoDBCounter",
    CounterStore.LOGS: "LogsCounter",
}


def joined_source(stores: Sequence[CounterStore]) -> str:
    """Return one module with the counters of ``stores`` and ``retries``, which needs no other.

    With several stores it has ``FallbackCounter`` too.
    """
    chosen = list(dict.fromkeys(stores))
    needed = ["attempts", *(["aws"] if chosen != [CounterStore.TMP] else [])]
    needed += [store.value for store in chosen]
    needed += [*(["fallback"] if len(chosen) > 1 else []), "marker", "branch"]
    parts = _Parts()
    parts.add_for_types(_source("counters", "protocol.py"))
    for name in needed:
        parts.add(_source("counters", f"{name}.py"))
    for_types = "\n\n".join(["\n".join(sorted(parts.imports_for_types)), *parts.texts_for_types])
    head = [
        _header(chosen),
        "from __future__ import annotations",
        "\n".join(sorted(parts.imports)),
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n" + indent(for_types, "    "),
    ]
    return "\n\n\n".join(["\n\n".join(head), *parts.texts]) + "\n"


def import_line(stores: Sequence[CounterStore]) -> str:
    """Return the line with which a function imports the joined file."""
    counter = "FallbackCounter" if len(set(stores)) > 1 else _CLASSES[stores[0]]
    return f"from {Path(FILE_NAME).stem} import {counter}, branch_on_retry"


def _header(stores: Sequence[CounterStore]) -> str:
    options = " ".join(f"--store {store.value}" for store in stores)
    lines = [
        f"{_MADE_BY} DIR {options}` {__version__}; run it again instead of editing.",
        "# SPDX-License-Identifier: MIT",
        "#",
        *(f"# {line}".rstrip() for line in licence().splitlines()),
    ]
    return "\n".join(lines)


def write_joined(directory: Path, stores: Sequence[CounterStore]) -> Path:
    """Write ``joined_source`` into ``directory``, made if it is absent; return the file's path.

    Raises ``UsageError`` for a directory that cannot be made or written, and for a file of
    that name that this function did not make.
    """
    path = directory / FILE_NAME
    try:
        directory.mkdir(exist_ok=True)
        if path.exists() and not path.read_text("utf-8", "replace").startswith(_MADE_BY):
            raise UsageError(
                f"{path} exists and was not made by retryctl.", "Move it, or choose another DIR."
            )
        path.write_text(joined_source(stores), "utf-8")
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def write_layer(path: Path) -> None:
    """Write a Lambda layer: ``python/retryctl`` with the version, the licence and the counters.

    Raises ``UsageError`` where the file cannot be written.
    """
    package = resources.files("retryctl")
    members = {
        "python/retryctl/__init__.py": package.joinpath("__init__.py").read_bytes(),
        "python/retryctl/LICENSE": licence().encode(),
    }
    for entry in package.joinpath("counters").iterdir():
        if entry.name.endswith(".py"):
            members[f"python/retryctl/counters/{entry.name}"] = entry.read_bytes()
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as layer:
            for name, content in sorted(members.items()):
                member = zipfile.ZipInfo(name, _ZIP_TIME)
                member.external_attr = 0o644 << 16  # Lambda's own user must be able to read it
                layer.writestr(member, content, zipfile.ZIP_DEFLATED)
    except OSError as error:
        raise _unwritable(path, error) from error


def licence() -> str:
    """Return the text of the licence in the installed package."""
    try:
        text = metadata.distribution("retryctl").read_text("licenses/LICENSE")
    except metadata.PackageNotFoundError:
        text = None
    if text is None:
        raise UsageError(
            "the licence text was not found, because retryctl is not installed.",
            "Install it with pip, and run this again.",
        )
    return text.strip() + "\n"


@dataclass
class _Parts:
    """The parts of the modules, each once."""

    imports: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    imports_for_types: set[str] = field(default_factory=set)
    texts_for_types: list[str] = field(default_factory=list)

    def add_for_types(self, source: str) -> None:
        """Add a module that only type checkers read."""
        for node, _ in _statements(source):
            if isinstance(node, ast.ImportFrom):
                self.imports_for_types.update(_imports(node))
            else:
                self.texts_for_types.append(ast.unparse(node))

    def add(self, source: str) -> None:
        """Sort the parts of one module."""
        for node, text in _statements(source):
            overloads = any(
                isinstance(inner, ast.FunctionDef) for inner in getattr(node, "body", ())
            )
            if isinstance(node, ast.If) and not overloads:
                for inner in node.body:
                    if isinstance(inner, ast.ImportFrom):
                        self.imports_for_types.update(_imports(inner))
                    else:
                        self.texts_for_types.append(ast.unparse(inner))
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self.imports.update(_imports(node))
            elif ast.unparse(node) != "TYPE_CHECKING = False":
                self.texts.append(text)


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield a line for each imported name that the joined file does not have itself."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield f"import {alias.name}"
        elif node.module != "__future__" and not str(node.module).startswith("retryctl."):
            yield f"from {node.module} import {alias.name}"


def _statements(source: str) -> Iterator[tuple[ast.stmt, str]]:
    """Yield a module's statements after its docstring, each with the comments above it."""
    lines = source.splitlines()
    body = ast.parse(source).body
    end = body[0].end_lineno
    for node in body[1:]:
        yield node, "\n".join(lines[end : node.end_lineno]).strip("\n")
        end = node.end_lineno


def _source(folder: str, name: str) -> str:
    return resources.files("retryctl").joinpath(folder, name).read_text("utf-8")


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path} cannot be written: {error.strerror}.",
        "Choose a folder that exists and is writable.",
    )
