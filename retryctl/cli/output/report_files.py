"""Report files and the baseline. Before the log is read, files are refused if not writable."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retryctl.cli.options.params import Output, refuse_unknown
from retryctl.cli.output.terminal import remark
from retryctl.core.value_classes import value_class
from retryctl.errors import CouldNotRead, UsageError
from retryctl.views.screen import A_FILE, Screen

if TYPE_CHECKING:
    from retryctl.core.check.baseline import Identity
    from retryctl.views.ci.report import CheckReport

_BY_EXTENSION = {"htm": "html", "md": "markdown", "ndjson": "jsonl", "txt": "text", "xml": "junit"}
"""Formats whose files do not have the format's name as their extension."""


@value_class
class ReportFile:
    """A report to be written, in the form of that name."""

    form: str
    path: Path


def report_files(
    given: Iterable[str],
    forms: Collection[str],
    elsewhere: Mapping[str, str] | None = None,
    *,
    source: str,
    baseline: Path | None = None,
) -> tuple[ReportFile, ...]:
    """Return the reports of the arguments ``FORM=FILE``.

    Raises ``UsageError`` where a form is not known, a file cannot be written, two want one, or
    it is what ``source`` is read from.
    """
    files: dict[Path, ReportFile] = {}
    taken = {baseline.resolve()} if baseline else set()
    for text in given:
        form, name = _form_and_name(text, forms)
        refuse_unknown(form, forms, "--report", elsewhere)
        file = ReportFile(form=form, path=Path(name))
        if name == "-":
            raise UsageError(
                "--report writes files, and - is not a file.", f"For stdout: -o {form}."
            )
        if (path := file.path.resolve()) in taken | files.keys():
            raise UsageError(
                f"{name} is the file of two reports.", "Give each report its own file."
            )
        if path == Path(source).resolve():
            raise UsageError(f"{name} is the log that is read.", "Give the report its own file.")
        refuse_unwritable(file.path)
        files[path] = file
    return tuple(files.values())


def trace_reports(given: Iterable[str] | None, source: str = "") -> tuple[ReportFile, ...]:
    """Return the reports of a command whose result is that of ``trace``."""
    return report_files(given or (), [form.value for form in Output], source=source)


def _form_and_name(text: str, forms: Collection[str]) -> tuple[str, str]:
    """Split ``FORM=FILE``; of a file alone, its extension names the format."""
    form, equals, name = text.partition("=")
    if equals and name:
        by_extension = _BY_EXTENSION.get(form, form)
        return by_extension if by_extension in forms else form, name
    extension = Path(text).suffix.removeprefix(".").lower()
    form = _BY_EXTENSION.get(extension, extension)
    if form not in forms or "." not in text:
        raise UsageError(
            f"{text!r} has no file name."
            if equals or text in forms
            else f"{text!r} has no format.",
            f"Give --report FORM=FILE, with one of {', '.join(forms)}.",
        )
    return form, text


def refuse_unwritable(path: Path) -> None:
    """Raise ``UsageError`` where ``path`` cannot be written. It is left as it was."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        return  # a pipe or a device: its reader would notice a trial
    try:
        target = path.resolve()  # a link may point to a file that does not exist yet
        was_there = target.exists()
        target.open("ab").close()
        if not was_there:
            target.unlink()
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}.", "Name another file, or make its folder."
        ) from None


def write(path: Path, text: Iterable[str]) -> None:
    """Write a report, whole or in pieces. Raises ``CouldNotRead`` on failure.

    The file is replaced at once: another program reads the whole earlier or the whole new report.
    """
    pieces = (text,) if isinstance(text, str) else text
    special = path.is_symlink() or (path.exists() and not path.is_file())
    try:
        if special or not os.access(path.parent, os.W_OK):
            with path.open("w", encoding="utf-8") as file:  # a pipe, a device, a closed folder
                file.writelines(pieces)
        else:
            _replace(path, pieces)
    except OSError as error:
        raise CouldNotRead(f"cannot write {path}: {error.strerror}.") from None


def _replace(target: Path, pieces: Iterable[str]) -> None:
    """Write a file beside ``target``, with its permissions, and rename it to ``target``.

    Its name has the process ID, and links of other users are not followed.
    """
    new = target.with_name(f".retryctl-{os.getpid()}.part")
    try:
        new.unlink(missing_ok=True)
        with new.open("x", encoding="utf-8") as file:
            file.writelines(pieces)
        if target.exists():
            new.chmod(target.stat().st_mode & 0o7777)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)


def write_reports(
    files: Iterable[ReportFile], view: Callable[[str, Screen], Iterable[str]], *, quiet: bool
) -> None:
    """Write the ``view`` of the format of each file, and print on stderr which were written."""
    names = []
    for file in files:
        write(file.path, view(file.form, A_FILE))
        names.append(str(file.path))
    if names:
        remark(f"Report: {', '.join(names)}", quiet=quiet)


def read_known(path: Path | None, *, update: bool) -> frozenset[Identity]:
    """Return the known findings; none if the file does not exist yet.

    Raises ``UsageError`` for a file that is not there, cannot be read, or is not a baseline of
    this version; and, where it is to be updated, for one that cannot be written.
    """
    from retryctl.core.check.baseline import BaselineError, read_baseline

    if path is None:
        if update:
            raise UsageError("--update-baseline needs a file.", "Give --baseline FILE.")
        return frozenset()
    if update:
        refuse_unwritable(path)
        if not path.exists():
            return frozenset()
    try:
        return read_baseline(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"the baseline {path} does not exist.",
            "--update-baseline creates it from the findings.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"cannot read the baseline {path}: {why}.", "Name another file with --baseline."
        ) from None
    except BaselineError as error:
        raise UsageError(
            f"cannot read the baseline {path}: {error}.",
            "Remove the file, and create it with --update-baseline.",
        ) from None


def annotate(result: CheckReport, form: str) -> None:
    """Annotate the change, where GitHub Actions runs the check, and write the job's summary.

    The runner reads annotations from stderr too; in the ``form`` of GitHub they are on stdout.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    from retryctl.views.ci.formats import CI_FORMATS

    if form != "github":
        sys.stderr.writelines(CI_FORMATS["github"](result))
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.writelines(CI_FORMATS["markdown"](result))
        except OSError as error:
            print(f"retryctl: no step summary: {error.strerror}", file=sys.stderr)
