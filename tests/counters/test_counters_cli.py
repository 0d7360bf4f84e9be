"""``retryctl counters``: the joined file in real interpreters, the policies, the layer."""

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from retryctl import __version__
from retryctl.cli.options.params import CounterStore
from retryctl.cli.runs.counters import FILE_NAME, joined_source
from tests.support.counters_world import ATTEMPTS, REQUEST_ID, ROOT, Aws, python
from tests.support.program import run

VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]


def retryctl(*arguments: Any) -> Any:
    return run("counters", *map(str, arguments))


def branches_of(
    number: int,
    interpreter: str,
    path: Path,
    cwd: Any,
    module: str,
    name: str,
    argument: str,
    alone: Any,
    environ: Any = None,
) -> Any:
    """Run attempts in a process of their own; return the branches that ran."""
    script = ATTEMPTS.format(module=module, name=name, argument=argument, alone=alone)
    command = [interpreter, "-c", script, str(path), REQUEST_ID, str(number)]
    done = subprocess.run(
        command, cwd=cwd, env=environ or {}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert lines[1::2] == ["raised fails on purpose"] * number
    return "".join(line.removeprefix("process ") for line in lines[::2])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_joined_file_runs_alone(tmp_path: Path, version: str) -> None:
    interpreter = python(version)
    (tmp_path / "files").mkdir()
    done = retryctl("vendor", tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / FILE_NAME}\n")
    here = (interpreter, tmp_path, tmp_path, "retryctl_counters", "TmpCounter", "'files'", True)
    assert branches_of(4, *here) == "ABCC"


@pytest.mark.parametrize(
    ("store", "name", "argument", "branches"),
    [
        ("s3", "S3Counter", "'retries'", "ABC"),
        ("dynamodb", "DynamoDBCounter", "'retries'", "ABC"),
        # Nothing puts a START record into this log.
        ("logs", "LogsCounter", "'group'", "AAA"),
    ],
)
def test_the_joined_file_of_each_store_runs_alone(
    aws: Aws, tmp_path: Path, store: str, name: str, argument: str, branches: str
) -> None:
    retryctl("vendor", tmp_path, "--store", store)
    here = (sys.executable, tmp_path, tmp_path, "retryctl_counters", name, argument, True)
    aws.client("logs").create_log_group(logGroupName="group")
    assert branches_of(len(branches), *here, aws.environ()) == branches


@pytest.mark.parametrize("store", CounterStore)
def test_the_joined_file_needs_only_names_that_it_has(store: CounterStore) -> None:
    source = joined_source([store])
    assert source.startswith("# Made by `retryctl counters vendor DIR")
    assert __version__ in source.splitlines()[0]
    assert "Permission is hereby granted" in source
    tree = ast.parse(source, feature_version=(3, 9))
    imported = [
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    assert not [name for name in imported if name.startswith("retryctl")]
    lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "-"]
    done = subprocess.run(lint, input=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_file_that_vendor_made_is_made_anew_and_another_is_left_alone(tmp_path: Path) -> None:
    assert retryctl("vendor", tmp_path, "--store", "s3").returncode == 0
    assert retryctl("vendor", tmp_path).returncode == 0
    assert "class TmpCounter" in (tmp_path / FILE_NAME).read_text()
    (tmp_path / FILE_NAME).write_text("# mine\n")
    done = retryctl("vendor", tmp_path)
    assert done.returncode == 2
    assert "was not made by retryctl" in done.stderr
    assert (tmp_path / FILE_NAME).read_text() == "# mine\n"


def test_the_folder_of_the_function_is_made(tmp_path: Path) -> None:
    assert retryctl("vendor", tmp_path / "src").returncode == 0
    assert (tmp_path / "src" / FILE_NAME).is_file()


@pytest.mark.parametrize("command", ["vendor", "layer"])
def test_a_place_that_is_not_there(tmp_path: Path, command: str) -> None:
    done = retryctl(command, tmp_path / "gone" / "deeper")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written: No such file or directory" in done.stderr


def test_an_unknown_store(tmp_path: Path) -> None:
    for arguments in (("vendor", tmp_path, "--store", "redis"), ("iam", "redis")):
        done = retryctl(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "redis" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_layer_runs_as_lambda_mounts_it(tmp_path: Path, version: str) -> None:
    interpreter = python(version)
    done = retryctl("layer", tmp_path / "layer.zip")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'layer.zip'}\n")
    with zipfile.ZipFile(tmp_path / "layer.zip") as layer:
        layer.extractall(tmp_path / "opt")
    here = (interpreter, tmp_path / "opt" / "python", tmp_path, "retryctl.counters")
    assert branches_of(2, *here, "TmpCounter", "sys.argv[1]", False) == "AB"


def test_the_layer_holds_the_counters_and_the_licence_and_is_always_the_same(
    tmp_path: Path,
) -> None:
    for name in ("one.zip", "two.zip"):
        retryctl("layer", tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as layer:
        modules = [path.name for path in (ROOT / "retryctl" / "counters").glob("*.py")]
        assert layer.namelist() == sorted(
            ["python/retryctl/LICENSE", "python/retryctl/__init__.py"]
            + [f"python/retryctl/counters/{name}" for name in modules]
        )
        assert {member.external_attr >> 16 for member in layer.infolist()} == {0o644}


@pytest.mark.parametrize(
    ("arguments", "statements"),
    [
        (["tmp"], []),
        (
            ["s3", "--bucket", "b", "--prefix", "x/y"],
            [
                {
                    "Effect": "Allow",
                    "Action": "s3:PutObject",
                    "Resource": "arn:aws:s3:::b/x/y/*",
                },
                {
                    "Effect": "Allow",
                    "Action": "s3:ListBucket",
                    "Resource": "arn:aws:s3:::b",
                    "Condition": {"StringLike": {"s3:prefix": "x/y/*"}},
                },
            ],
        ),
        (
            ["dynamodb", "--table", "t"],
            [
                {
                    "Effect": "Allow",
                    "Action": ["dynamodb:UpdateItem"],
                    "Resource": "arn:aws:dynamodb:*:*:table/t",
                }
            ],
        ),
        (
            ["logs", "--log-group", "/aws/lambda/f"],
            [
                {
                    "Effect": "Allow",
                    "Action": "logs:FilterLogEvents",
                    "Resource": "arn:aws:logs:*:*:log-group:/aws/lambda/f:*",
                }
            ],
        ),
    ],
)
def test_the_policies(arguments: Any, statements: Any) -> None:
    done = retryctl("iam", *arguments, "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"Version": "2012-10-17", "Statement": statements}


def test_several_stores_are_one_file_with_a_fallback(tmp_path: Path) -> None:
    done = retryctl("vendor", str(tmp_path), "--store", "dynamodb", "--store", "tmp")
    assert done.returncode == 0, done.stderr
    code = (
        "import retryctl_counters as r; "
        "print(r.FallbackCounter(r.DynamoDBCounter('t'), r.TmpCounter()).store)"
    )
    loaded = subprocess.run(
        [python("3.9"), "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert loaded.stdout == "dynamodb\n", loaded.stderr


@pytest.mark.parametrize("form", ["sam", "terraform"])
def test_the_template_has_what_the_store_needs(form: str) -> None:
    table = retryctl(
        "template", "dynamodb", "--form", form, "--key", "pk", "--sort-key", "sk"
    ).stdout
    for word in ("expires_at", "PAY_PER_REQUEST", "pk", "sk"):
        assert word in table
    names = ("--bucket", "shop", "--prefix", "/r")
    bucket = retryctl("template", "s3", "--form", form, *names).stdout
    for word in ("shop", "r/", "remove-old-attempts"):
        assert word in bucket
    assert retryctl("template", "tmp", "--form", form).returncode == 2


def test_the_sam_template_is_the_table_that_the_counter_uses() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    document = yaml.safe_load("Resources:\n" + retryctl("template", "dynamodb").stdout)
    table = document["Resources"]["RetryTable"]["Properties"]
    assert table["KeySchema"] == [{"AttributeName": "request_id", "KeyType": "HASH"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_the_policy_is_of_the_partition() -> None:
    policy = retryctl("iam", "dynamodb", "--partition", "aws-cn").stdout
    assert "arn:aws-cn:dynamodb:" in policy


def test_tmp_needs_no_policy() -> None:
    done = retryctl("iam", "tmp")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "A counter in /tmp needs no permission: there is no policy to attach.\n"
    assert json.loads(retryctl("iam", "tmp", "-o", "json").stdout)["Statement"] == []
    assert json.loads(retryctl("iam", "s3").stdout)["Statement"]
