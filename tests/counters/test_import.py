"""What importing the counters costs, and what it must never load."""

import ast
import subprocess
import sys

import pytest

from tests.support.counters_world import ROOT, python

COUNTERS = sorted((ROOT / "retryctl" / "counters").glob("*.py"))

MEASURED = """
import os, sys, time  # Lambda's runtime has loaded these long before
begun = time.process_time()  # of this process alone: what else the machine does is not measured
from retryctl.counters import TmpCounter, branch_on_retry
print(((time.process_time() - begun) * 1000, sorted(sys.modules)))
"""


def fresh_import(interpreter, cache):
    environ = {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(cache)}
    command = [interpreter, "-S", "-c", MEASURED]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout)


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.13"])
def test_the_tmp_counter_is_there_in_under_5_ms(tmp_path, version):
    interpreter = python(version)
    assert min(fresh_import(interpreter, tmp_path)[0] for _ in range(8)) < 5


def test_the_tmp_counter_loads_nothing_of_another_store_nor_of_retryctl(tmp_path):
    loaded = fresh_import(sys.executable, tmp_path)[1]
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
def test_making_a_counter_loads_no_boto3(name):
    script = (
        f"import sys; from retryctl.counters import {name}; {name}('name')\n"
        "assert not {'boto3', 'botocore'}.intersection(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_a_name_that_is_not_there():
    import retryctl.counters

    with pytest.raises(AttributeError, match="no attribute 'RedisCounter'"):
        _ = retryctl.counters.RedisCounter
    assert "TmpCounter" in dir(retryctl.counters)


@pytest.mark.parametrize("path", COUNTERS, ids=lambda path: path.name)
def test_the_counters_import_the_standard_library_and_each_other(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module)
    for module in imported:
        top = module.split(".")[0]
        assert (
            top in sys.stdlib_module_names
            or module.startswith("retryctl.counters.")
            or (path.name == "aws.py" and top in ("boto3", "botocore"))
        ), f"{path.name} imports {module}"
