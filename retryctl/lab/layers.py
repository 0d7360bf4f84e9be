"""Layers: folders whose content Lambda puts together under /opt."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from retryctl.errors import UsageError


@contextlib.contextmanager
def merged_layers(folders: Sequence[Path]) -> Iterator[Path | None]:
    """Copy the layers, in order, into one folder that exists until the block ends.

    :raises UsageError: one of them is not a folder.
    """
    if not folders:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="retryctl-layers-") as merged:
        for folder in folders:
            if not folder.is_dir():
                raise UsageError(
                    f"the layer {folder} is not a folder", "Unpack it, and name the folder."
                )
            shutil.copytree(folder, merged, symlinks=True, dirs_exist_ok=True)
        yield Path(merged)
