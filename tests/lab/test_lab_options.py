"""``retryctl lab run`` beside the plan: templates, samples, files, statuses."""

import json
import os
import textwrap
from pathlib import Path

import pytest

from retryctl.errors import UsageError
from retryctl.lab.delivery import Redelivery
from retryctl.lab.sample_events import sample_events
from retryctl.lab.template import read_function
from tests.lab.test_lab_cli import EVENT, HANDLER, attempts
from tests.support.conversation import Person, converse
from tests.support.lab.lab_handlers import lab_of, written
from tests.support.program import run as retryctl

ECHO = """
    import json, os

    def handler(event, context):
        print(json.dumps(event))
        return {"names": sorted(os.environ), "memory": context.memory_limit_in_mb}
"""
SAM = """
    Globals:
      Function:
        Timeout: 7
        Environment: {Variables: {SHARED: "yes"}}
    Resources:
      Orders:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: src/
          Handler: app.handler
          Runtime: python3.12
          MemorySize: 256
          EphemeralStorage: {Size: 1024}
          Environment:
            Variables:
              TABLE: !Ref Table
              STAGE: prod
              DEBUG: true
          Layers: [!Ref Shared, "arn:aws:lambda:us-east-1:1:layer:other:1"]
          EventInvokeConfig: {MaximumRetryAttempts: 1}
          LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: WARN}
      Shared:
        Type: AWS::Serverless::LayerVersion
        Properties: {ContentUri: layer}
      Table: {Type: "AWS::DynamoDB::Table"}
"""
SERVERLESS = """
    provider: {name: aws, runtime: python3.13, environment: {SHARED: "yes"}}
    functions:
      orders:
        handler: src/app.handler
        timeout: 20
        maximumRetryAttempts: 0
      other: {handler: src/other.handler, environment: {URL: "${ssm:/url}"}}
"""


def written_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def test_a_sam_template_gives_the_functions_configuration(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    found = read_function(written_file(tmp_path, "template.yaml", SAM), None)
    assert (found.name, found.folder, found.handler) == ("Orders", tmp_path / "src", "app.handler")
    assert (found.timeout, found.memory, found.ephemeral_storage) == (7, 256, 1024)
    assert (found.runtime, found.retries) == ("python3.12", 1)
    assert (found.log_format, found.log_level) == ("json", "WARN")
    assert found.env == {"SHARED": "yes", "STAGE": "prod", "DEBUG": "true"}
    assert found.layers == (tmp_path / "layer",)
    assert found.unresolved == ("TABLE", "layer arn:aws:lambda:us-east-1:1:layer:other:1")


def test_a_serverless_file_and_its_functions(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    path = written_file(tmp_path, "serverless.yml", SERVERLESS)
    orders = read_function(path, "orders")
    assert (orders.handler, orders.timeout, orders.memory) == ("src/app.handler", 20, 1024)
    assert (orders.retries, orders.env) == (0, {"SHARED": "yes"})
    assert read_function(path, "other").unresolved == ("URL",)
    with pytest.raises(UsageError, match=r"no function order$") as refusal:
        read_function(path, "order")
    assert "orders" in (refusal.value.next_step or "")
    with pytest.raises(UsageError, match="several functions"):
        read_function(path, None)


def test_lab_run_takes_a_template_with_its_layer(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    written_file(tmp_path, "template.yaml", SAM)
    written_file(tmp_path, "layer/python/shared_code.py", "NAME = 'from the layer'")
    source = "import shared_code, os\n\ndef handler(event, context):\n"
    body = "    print('WARN', shared_code.NAME, os.environ['STAGE'])\n    raise ValueError\n"
    written_file(tmp_path, "src/app.py", source + body)
    done = retryctl(
        *("lab", "run", "--template", "template.yaml", "--output", "json", "--lines"), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    (request,) = json.loads(done.stdout)["requests"]
    assert len(request["attempts"]) == 2  # one retry, as the template has it
    assert request["attempts"][0]["memory_size_mb"] == 256
    assert "gives no value for TABLE" in done.stderr
    assert request["function"] == "Orders"


def test_a_layer_is_under_opt(tmp_path: Path) -> None:
    written_file(tmp_path, "one/python/module.py", "NAME = 'one'")
    written_file(tmp_path, "two/bin/tool", "text")
    source = "import os, module\n\ndef handler(event, context):\n"
    body = "    print(module.NAME, module.__file__, os.path.exists('/opt/bin/tool'))\n"
    handler = written_file(tmp_path, "app.py", source + body)
    done = retryctl(
        *("lab", "run", f"{handler}:handler", "--layer", str(tmp_path / "one")),
        *("--layer", str(tmp_path / "two"), "--lines", "--isolation", "namespaces"),
    )
    assert "one /opt/python/module.py True" in " ".join(done.stdout.split())


@pytest.mark.parametrize("sample", sample_events())
def test_an_event_may_be_a_sample(tmp_path: Path, sample: str) -> None:
    handler = written_file(tmp_path, "app.py", ECHO)
    saved = tmp_path / "log.jsonl"
    done = retryctl("lab", "run", f"{handler}:handler", "--event", sample, "--save", str(saved))
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in saved.read_text().splitlines()]
    (printed,) = [e["message"] for e in events if e["source"] == "function"]
    assert json.loads(printed) == sample_events()[sample]


def test_the_event_may_come_from_stdin(tmp_path: Path) -> None:
    handler = written_file(tmp_path, "app.py", "def handler(event, context): return event")
    arguments = ("lab", "run", f"{handler}:handler", "--output", "json", "--event", "-")
    done = retryctl(*arguments, stdin='{"order": [1, "naïve"]}')
    (request,) = json.loads(done.stdout)["requests"]
    assert request["attempts"][0]["response"] == {"order": [1, "naïve"]}
    refused = retryctl(*arguments, stdin="{")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "the event in stdin is not JSON" in refused.stderr


def test_follow_prints_the_log_as_it_is_written(tmp_path: Path) -> None:
    """The handler goes on only when its line has been printed: output held back would time out."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    source = f"def handler(event, context):\n    print('begins')\n    open({str(gate)!r}).read()\n"
    written_file(tmp_path, "app.py", source)
    options = ("--follow", "--timeout", "60", "--isolation", "patched", "--retries", "0")

    def act(person: Person) -> None:
        person.wait_for("^begins$")
        assert "REPORT RequestId" not in person.text("stderr")
        gate.write_text("go on")

    done = converse(act, "lab", "run", "app.py:handler", *options, cwd=tmp_path)
    assert done.returncode == 0
    assert "REPORT RequestId" in done.stderr
    assert "succeeded on attempt 1" in done.stdout


def test_a_layer_may_have_the_wrapper_that_is_the_handler(tmp_path: Path) -> None:
    wrapper = """
        import importlib, os

        def handler(event, context):
            module, name = os.environ["WRAPPED"].rsplit(".", 1)
            return ["wrapped", getattr(importlib.import_module(module), name)(event, context)]
        """
    written_file(tmp_path, "layer/python/agent_wrapper.py", wrapper)
    written_file(tmp_path, "app.py", "def handler(event, context): return 'own'")
    options = ("--layer", "layer", "--env", "WRAPPED=app.handler", "--output", "json")
    done = retryctl("lab", "run", "agent_wrapper.handler", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (request,) = json.loads(done.stdout)["requests"]
    assert request["attempts"][0]["response"] == ["wrapped", "own"]


def test_what_lambda_would_send_at_the_end(tmp_path: Path) -> None:
    record, letter = tmp_path / "record.json", tmp_path / "letter.json"
    files = ("--destination", str(record), "--dead-letter", str(letter))
    retryctl("lab", "run", HANDLER, "--event", EVENT, *files)
    sent = json.loads(record.read_text())
    assert sent["requestContext"]["condition"] == "RetriesExhausted"
    assert sent["requestContext"]["approximateInvokeCount"] == 3
    assert sent["requestPayload"] == json.loads(EVENT)
    assert sent["responseContext"]["functionError"] == "Unhandled"
    message = json.loads(letter.read_text())
    attributes = message["MessageAttributes"]
    assert json.loads(message["Body"]) == json.loads(EVENT)
    request_id = sent["requestContext"]["requestId"]
    assert attributes["RequestID"]["StringValue"] == request_id
    assert attributes["ErrorMessage"]["StringValue"] == sent["responsePayload"]["errorMessage"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--plan", "same,fresh"), 0),
        (("--plan", "same,fresh", "--exit-code"), 1),
        (("--plan", "same,same", "--exit-code"), 0),
        (("--plan", "same,same", "--expect-branches", "A,B,C"), 0),
        (("--plan", "same,fresh", "--expect-branches", "A,B,C"), 1),
        (("--plan", "all", "--retries", "1", "--expect-branches", "A,B"), 1),
        (("--plan", "all", "--retries", "1", "--exit-code"), 1),
        (("--expect-branches", "A,X"), 2),
    ],
)
def test_the_exit_status(arguments: tuple[str, ...], status: int) -> None:
    assert retryctl("lab", "run", HANDLER, "--event", EVENT, *arguments).returncode == status


@pytest.mark.parametrize("plans", ["same,same", "all"])
def test_a_run_without_any_counter_passes_no_check(plans: str, tmp_path: Path) -> None:
    handler = tmp_path / "app.py"
    handler.write_text("def handler(event, context):\n    raise ValueError('no')\n")
    retries = str(plans.count(",") + 1)
    arguments = ("--plan", plans, "--retries", retries, "--exit-code")
    done = retryctl("lab", "run", f"{handler}:handler", *arguments)
    assert done.returncode == 5
    assert "nothing was cross-checked" in done.stderr
    handler.write_text("def handler(event, context):\n    return 'fine'\n")
    assert retryctl("lab", "run", f"{handler}:handler", "--exit-code").returncode == 0


@pytest.mark.parametrize("plans", ["same,same", "all"])
def test_a_plan_of_which_no_retry_ran_passes_no_check(plans: str, tmp_path: Path) -> None:
    handler = tmp_path / "app.py"
    handler.write_text("def handler(event, context):\n    return 'fine'\n")
    retries = str(plans.count(",") + 1)
    arguments = ("lab", "run", f"{handler}:handler", "--plan", plans, "--retries", retries)
    done = retryctl(*arguments, "--exit-code")
    assert done.returncode == 5
    assert "no attempt failed, so nothing was retried" in done.stderr
    assert retryctl(*arguments).returncode == 0


@pytest.mark.usefixtures("same_runs_once")
def test_the_table_of_plans_names_the_errors() -> None:
    arguments = ("lab", "run", HANDLER, "--plan", "all", "--seed", "1", "--quiet")
    wide = retryctl(*arguments, env={"COLUMNS": "120"}).stdout
    assert wide.count("KeyError") == 5
    narrow = retryctl(*arguments, env={"COLUMNS": "70"}).stdout
    assert "error of every plan: KeyError" in narrow


def test_a_command_runs_between_attempts(tmp_path: Path) -> None:
    notes = tmp_path / "attempts"
    command = f"echo $RETRYCTL_ATTEMPT >> {notes}"
    retryctl("lab", "run", HANDLER, "--event", EVENT, "--between", command)
    assert notes.read_text() == "2\n3\n"
    failed = retryctl("lab", "run", HANDLER, "--event", EVENT, "--between", "exit 7")
    assert failed.returncode == 3
    assert "ended with status 7 before attempt 2" in failed.stderr


def test_the_dependency_recovers_between_attempts(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("down")
    source = (
        "def handler(event, context):\n    assert open('state').read() == 'up'\n    return 'ok'\n"
    )
    lab = lab_of(tmp_path, source)
    request = lab.run("same", between=lambda number: state.write_text("up" * (number == 3)))
    assert [a.outcome.value for a in request.attempts] == ["error", "error", "ok"]
    assert [r if isinstance(r, str) else r["errorType"] for r in lab.responses] == [
        *("AssertionError", "AssertionError", "ok")
    ]


def test_two_deliveries_at_the_same_moment_run_in_two_environments(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import time

        def handler(event, context):
            began = time.time()
            time.sleep(2)  # on a busy machine the other environment starts later
            print(began, time.time())
        """,
    )
    request = lab.run("first+twin")
    assert len({attempt.log_stream for attempt in request.attempts}) == 2
    (_, b), (c, _) = sorted([*map(float, line.split())] for line in written(lab.events))
    assert c < b


def test_a_queue_delivers_with_new_ids_and_counts(tmp_path: Path) -> None:
    import random

    message = {"attributes": {"ApproximateReceiveCount": "1"}}
    queue = Redelivery("sqs", {"Records": [message]}, random.Random(1))
    deliveries = [queue.delivery(number) for number in (1, 2)]
    assert [d.request_id[14] for d in deliveries] == ["5", "5"]
    assert deliveries[0].request_id != deliveries[1].request_id
    received = [json.loads(d.event)["Records"][0]["attributes"] for d in deliveries]
    assert [r["ApproximateReceiveCount"] for r in received] == ["1", "2"]
    stream = Redelivery("stream", {}, random.Random(1))
    assert stream.delivery(1).request_id == stream.delivery(2).request_id
    assert [stream.wait_s(number) for number in (1, 2, 20)] == [0.28, 0.45, 60.0]


def test_a_stream_is_read_as_an_event_source() -> None:
    arguments = ("--source", "stream", "--retries", "6", "--event", EVENT, "--output", "json")
    (request,) = json.loads(retryctl("lab", "run", HANDLER, *arguments).stdout)["requests"]
    assert len(request["attempts"]) == 7
    assert request["delivery"] == "event-source"


def test_the_log_is_in_the_local_cloudwatch_while_the_function_runs(tmp_path: Path) -> None:
    pytest.importorskip("moto.server", reason="moto's server is not installed")
    source = """
        import sys
        sys.path.insert(0, {root!r})
        from retryctl.counters import LogsCounter, retries

        def branch(name):
            return lambda event, context: print("process", name)

        @retries(LogsCounter(), a=branch("A"), b=branch("B"), c=branch("C"))
        def handler(event, context):
            raise ValueError("again")
        """
    root = str(Path(__file__).resolve().parents[2])
    handler = written_file(tmp_path, "app.py", textwrap.dedent(source.format(root=root)))
    done = retryctl(
        *("lab", "run", f"{handler}:handler", "--aws", "moto", "--plan", "first+timeout,fresh"),
        *("--timeout", "15", "--memory", "512", "--expect-branches", "B,C", "--output", "json"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert attempts(done.stdout) == [(None, None), (1, "B"), (2, "C")]


def test_credentials_are_passed_aloud(tmp_path: Path) -> None:
    config = tmp_path / "credentials"
    config.write_text("[shop]\naws_access_key_id = AKIDSHOP\naws_secret_access_key = secret\n")
    source = (
        "import os\n\ndef handler(event, context):\n    print(os.environ['AWS_ACCESS_KEY_ID'])\n"
    )
    handler = written_file(tmp_path, "app.py", source)
    arguments = ("lab", "run", f"{handler}:handler", "--lines", "--profile-through")
    more = {"AWS_SHARED_CREDENTIALS_FILE": str(config)}
    done = retryctl(*arguments, "shop", env=more)
    assert "AKIDSHOP" in done.stdout
    assert "gets the AWS credentials of the profile shop" in done.stderr
    assert retryctl(*arguments, "absent", env=more).returncode == 3
    file = written_file(tmp_path, ".env", "AWS_ACCESS_KEY_ID=AKIDFILE\nAWS_SECRET_ACCESS_KEY=x\n")
    done = retryctl("lab", "run", f"{handler}:handler", "--lines", "--env-file", str(file))
    assert "AKIDFILE" in done.stdout
    assert f"gets the AWS credentials of the environment file {file}" in done.stderr
