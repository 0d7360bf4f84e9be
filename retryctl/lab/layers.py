"""Layers: folders whose content Lambda puts together under /opt."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from retryctl.errors import UsageError
from retryctl.temporary import temporary_folder


@contextlib.contextmanager
def merged_layers(folders: Sequence[Path]) -> Iterator[Path | None]:
    """Copy the layers, in order, into one folder that exists until the block ends.

    :raises UsageError: one of them is not a folder.
    """
    if not folders:
        yield None
        return
    with temporary_folder("layers") as folder_of_run:
        merged = folder_of_run / "opt"
        for folder in folders:
            if not folder.is_dir():
                raise UsageError(
                    f"the layer {folder} is not a folder", "Unpack it, and name the folder."
                )
            shutil.copytree(folder, merged, symlinks=True, dirs_exist_ok=True)
        yield merged
