"""What importing the counters costs, and what it must never load."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.counters_world import ROOT

COUNTERS = sorted((ROOT / "retryctl" / "counters").glob("*.py"))


def loaded_by(script: str) -> Any:
    """Return the modules that a fresh process has loaded after the script."""
    command = [sys.executable, "-S", "-c", f"import sys; {script}; print(*sys.modules)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(done.stdout.split())


def test_the_tmp_counter_loads_nothing_of_another_store_nor_of_retryctl() -> None:
    loaded = loaded_by("from retryctl.counters import TmpCounter, branch_on_retry")
    assert [name for name in loaded if name.startswith("retryctl")] == [
        "retryctl",
        "retryctl.counters",
        "retryctl.counters.attempts",
        "retryctl.counters.branch",
        "retryctl.counters.marker",
        "retryctl.counters.tmp",
    ]
    assert not {"boto3", "botocore", "typing", "json", "threading"}.intersection(loaded)


@pytest.mark.parametrize("name", ["S3Counter", "DynamoDBCounter", "LogsCounter"])
def test_making_a_counter_loads_no_boto3(name: str) -> None:
    loaded = loaded_by(f"from retryctl.counters import {name}; {name}('name')")
    assert not {"boto3", "botocore"}.intersection(loaded)


def test_a_name_that_is_not_there() -> None:
    import retryctl.counters

    with pytest.raises(AttributeError, match="no attribute 'RedisCounter'"):
        _ = retryctl.counters.RedisCounter
    assert "TmpCounter" in dir(retryctl.counters)


@pytest.mark.parametrize("path", COUNTERS, ids=lambda path: path.name)
def test_the_counters_import_the_standard_library_and_each_other(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module or "")
    for module in imported:
        top = module.split(".")[0]
        assert (
            top in sys.stdlib_module_names
            or module.startswith("retryctl.counters.")
            or (path.name == "aws.py" and top in ("boto3", "botocore"))
        ), f"{path.name} imports {module}"
