"""The pytest fixture, in a test suite of its own."""

import inspect
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from retryctl.app.lab_setup import SETUP_OPTIONS
from retryctl.cli.command_app import with_options
from retryctl.cli.lab import run as run_command
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.errors import UsageError
from retryctl.lab.function_options import option_names
from retryctl.lab.limitations import NotAsOnLambda
from retryctl.lab.plugin import HandlerLab
from tests.support.lab.lab_handlers import EXAMPLE, ORDER, REPOSITORY

SUITE = """
from handlers.orders import bound, counted, handler

def test_an_object_that_can_be_called(lambda_lab):
    lab = lambda_lab(counted)
    lab.run("same", retries=1)
    assert lab.responses == [["counted", 1]]

def test_a_partial(lambda_lab):
    lab = lambda_lab(bound)
    lab.run(event={"a": 1})
    assert lab.responses == [["bound", {"a": 1}]]

def test_the_function(lambda_lab):
    request = lambda_lab(handler).run(plan="same,fresh")
    assert [a.claim.branch for a in request.attempts] == ["A", "B", "A"]

def test_the_file(lambda_lab):
    checked = lambda_lab("handlers/orders.py:handler", timeout_s=1).check(plan="same,same")
    assert checked.verdict.value == "agrees"

def test_that_fails(lambda_lab):
    request = lambda_lab(handler).run(plan="fresh,fresh")
    assert request.attempts[2].claim.branch == "C"

def test_a_wrong_value(lambda_lab):
    lambda_lab(handler).run(plan="sam")

def test_a_nested_function(lambda_lab):
    def nested(event, context):
        pass
    lambda_lab(nested)
"""

CALLABLES = """

import functools

class Counted:
    def __init__(self):
        self.calls = 0

    def __call__(self, event, context):
        self.calls += 1
        return ["counted", self.calls]

def named(name, event, context):
    return [name, event]

counted = Counted()
bound = functools.partial(named, "bound")
"""


def test_a_suite_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "__init__.py").touch()
    source = EXAMPLE.read_text(encoding="utf-8").replace('event["order"]', "{}['order']")
    (tmp_path / "handlers" / "orders.py").write_text(source + CALLABLES, encoding="utf-8")
    (tmp_path / "test_orders.py").write_text(SUITE, encoding="utf-8")
    installed = entry_points(group="pytest11", name="retryctl")
    loaded = [] if installed else ["-p", "retryctl.lab.plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *loaded, "test_orders.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
    )
    assert "3 failed, 4 passed" in done.stdout
    assert "assert 'A' == 'C'" in done.stdout
    assert "counter 0, branch A" in done.stdout  # the report of the test that failed
    assert "nested is not at the top level of a module that can be imported" in done.stdout
    assert "'sam' in the plan cannot be read\nE       Write same, fresh or env=N" in done.stdout
    assert "lab/plugin.py" not in done.stdout  # a wrong value has no frames of the package


def test_the_keywords_are_the_options_of_the_command() -> None:
    shown = {
        "expect_branches",
        "exit_code",
        "save",
        "destination",
        "dead_letter",
        "follow",
        "report",
    }
    shown |= {"lines", "output", "color", "tz", "quiet", "debug"}
    own = {"plan", "event", "retries", "source", "between", "seed", "requests"}  # of run and check
    of_command = set(inspect.signature(with_options(run_command)).parameters) - shown - own
    of_fixture = set(SETUP_OPTIONS) | option_names()
    assert of_command - of_fixture == set()
    assert own - {"requests"} <= set(inspect.signature(HandlerLab.check).parameters)


def test_a_template_with_a_layer_and_a_file_of_variables(tmp_path: Path, lambda_lab: Any) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    (tmp_path / "layer" / "python").mkdir(parents=True)
    (tmp_path / "layer" / "python" / "shared_words.py").write_text("WORD = 'shared'")
    (tmp_path / ".env").write_text("STAGE=test\n")
    (tmp_path / "app.py").write_text(
        "import os\nfrom shared_words import WORD\n\n"
        "def handler(event, context):\n"
        "    return [WORD, os.environ['STAGE'], context.memory_limit_in_mb]\n"
    )
    (tmp_path / "template.yaml").write_text(
        "Resources: {Orders: {Type: 'AWS::Serverless::Function', Properties: {"
        "CodeUri: ., Handler: app.handler, MemorySize: 256, EventInvokeConfig: "
        "{MaximumRetryAttempts: 1}, Environment: {Variables: {STAGE: prod}}}}}"
    )
    lab = lambda_lab(
        template=tmp_path / "template.yaml",
        layer=[tmp_path / "layer"],
        env_file=tmp_path / ".env",
    )
    assert len(lab.run("fresh+kill").attempts) == 1  # it succeeds
    assert lab.responses == [["shared", "test", "256"]]
    with pytest.raises(UsageError, match="2 retries, but the function may have 1"):
        lab.run("same,same")


def writes(event: Any, context: Any) -> int:
    import boto3

    table = boto3.resource("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.put_item(Item={"id": "1"})
    return len(table.scan()["Items"])


@pytest.mark.parametrize("run", ["first", "second"])
def test_each_lab_has_an_empty_local_aws(lambda_lab: Any, run: str) -> None:
    pytest.importorskip("moto.server", reason="moto's server is not installed")
    boto3 = pytest.importorskip("boto3")
    lab = lambda_lab(writes, aws="moto", timeout=30, memory=512)
    lab.run()
    assert lab.responses == [1]
    keys = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
    ours = boto3.client("dynamodb", endpoint_url=lab.aws.url, region_name="us-east-1", **keys)
    assert ours.list_tables()["TableNames"] == ["orders"]


def raises(event: Any, context: Any) -> None:
    raise RuntimeError(event)


def test_a_queue_delivers_with_new_ids(lambda_lab: Any) -> None:
    lab = lambda_lab(raises)
    lab.run(source="sqs", retries=3)
    assert len({one.request.request_id for one in lab.requests}) == 4


def test_the_plugin_loads_nothing_before_it_is_used() -> None:
    code = (
        "import retryctl.lab.plugin, sys;"
        "print([n for n in sys.modules if n.startswith('retryctl.') and 'plugin' not in n])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['retryctl.lab']"


def test_a_verdict_of_the_core() -> None:
    checked = HandlerLab.open(f"{EXAMPLE}:handler", Path()).check("same,same", ORDER)
    assert checked.verdict is Verdict.AGREES


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_without_a_plan_every_retry_is_in_the_same_environment(retries: int) -> None:
    request = HandlerLab.open(f"{EXAMPLE}:handler", Path()).run(event=ORDER, retries=retries)
    assert [a.claim.branch for a in request.attempts] == ["A", "B", "C"][: retries + 1]
    assert len({a.log_stream for a in request.attempts}) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"stand_in": True},
            r"a small stand-in for awslambdaric ran the handler \(it was requested",
        ),
        ({"isolation": ("patched",)}, "file calls were patched to make /tmp private"),
    ],
)
def test_what_is_not_as_on_lambda_is_a_warning(settings: dict[str, Any], said: str) -> None:
    lab = HandlerLab.open(f"{EXAMPLE}:handler", Path(), **settings)
    with pytest.warns(NotAsOnLambda, match=said):
        lab.run("first", ORDER)


@pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric has wheels for Linux only")
def test_the_best_way_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")
    if os.getuid() != 0:
        pytest.skip("whether an ordinary user has namespaces is the host's to say")
    HandlerLab.open(f"{EXAMPLE}:handler", Path()).run("first", ORDER)
    assert [str(each.message) for each in recwarn] == []


def test_several_plans_are_refused() -> None:
    with pytest.raises(UsageError, match="expands to 5 plans"):
        HandlerLab.open(f"{EXAMPLE}:handler", Path()).run("all")
