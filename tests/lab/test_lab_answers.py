"""What ``retryctl lab run`` prints, and which options it refuses."""

import html
import json
import os
import re
import textwrap
from pathlib import Path

import pytest

from retryctl.app.lab import LARGEST_EVENT
from retryctl.errors import UsageError
from retryctl.lab.function_options import make_function
from retryctl.lab.interpreter import default_python
from tests.lab.test_lab_options import written_file
from tests.support.lab.lab_handlers import lab_of
from tests.support.program import run as retryctl


def test_equal_errors_are_printed_once_without_their_stack_trace(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    raise ValueError('no address')\n"
    handler = written_file(tmp_path, "app.py", source)
    command = ("lab", "run", f"{handler}:handler", "--seed", "1")
    text = " ".join(retryctl(*command).stdout.split())
    assert text.count("response of") == 1
    expected = "response of attempts 1 to 3: ValueError: no address (stack trace: -o json)"
    assert expected in text
    (request,) = json.loads(retryctl(*command, "-o", "json").stdout)["requests"]
    assert request["attempts"][0]["response"]["stackTrace"]


def test_an_environment_file(tmp_path: Path) -> None:
    variables = written_file(tmp_path, ".env", "# comment\nexport A='one two'\nB=\n\nC=x=y\n")
    source = (
        "import os\n\ndef handler(event, context):\n    return [os.environ[n] for n in 'ABC']\n"
    )
    handler = written_file(tmp_path, "app.py", source)
    done = retryctl("lab", "run", f"{handler}:handler", "--env-file", str(variables))
    assert 'response of attempt 1: ["one two", "", "x=y"]' in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": "3"}, "timeout='3' is not a number"),
        ({"timeout": 1801}, "timeout=1801 is out of range"),
        ({"memory": 64}, "memory=64 is out of range"),
        ({"ephemeral_storage": 1}, "ephemeral_storage=1 is out of range"),
        ({"env": {"AWS_REGION": "x"}}, "AWS_REGION is reserved"),
        ({"env": {"A": 1}}, "the environment variable A is 1, which is not a string"),
        ({"env": {"A": "x" * 5000}}, "the environment variables have 5001 bytes"),
        ({"log_level": "LOUD", "log_format": "json"}, "log_level='LOUD' is unknown"),
        ({"isolation": "chroot"}, "isolation='chroot' is unknown"),
        ({"timout": 3}, "lambda_lab has no option 'timout'"),
    ],
)
def test_a_wrong_option_is_refused(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        lab_of(tmp_path, "def handler(event, context): pass", **options)
    assert message in str(refusal.value)


def test_an_event_larger_than_lambdas_is_refused(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, "def handler(event, context): pass")
    with pytest.raises(UsageError, match="has at most 1,048,576"):
        lab.run("first", "x" * LARGEST_EVENT)


def test_the_interpreter_of_the_virtual_environment_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = written_file(tmp_path, "venv/bin/python", "#!/bin/sh")
    python.chmod(0o755)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "venv"))
    assert default_python() == str(python)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "absent"))
    assert default_python() != str(python)


def test_a_failed_import_names_the_remedy(tmp_path: Path) -> None:
    handler = written_file(tmp_path, "app.py", "import nowhere\n\ndef handler(e, c): pass\n")
    more = {"VIRTUAL_ENV": ""}
    plans = ("--plan", "all", "--retries", "1")
    done = retryctl("lab", "run", f"{handler}:handler", *plans, env=more)
    assert "init-error: Runtime.ImportModuleError: Unable to import module 'app'" in done.stdout
    assert "Name the function's interpreter with --python" in done.stderr


def test_a_module_that_is_installed_may_have_the_handler(tmp_path: Path) -> None:
    function = make_function({"handler": "json.tool.main"}, tmp_path)
    assert (function.handler, function.task) == ("json.tool.main", tmp_path.resolve())
    with pytest.raises(UsageError) as refusal:
        make_function({"handler": "app.lambda_handler"}, tmp_path)
    assert f"{tmp_path.resolve()}{os.sep}app.py does not exist" in str(refusal.value.next_step)


RETURNS = """
    import os

    def handler(event, context):
        if not os.path.exists("/tmp/second"):
            open("/tmp/second", "w").close()
            raise ValueError("again")
        return {"shipped": [1, None], "hostile": "<b>"}
"""


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_json_has_the_response_of_each_attempt(tmp_path: Path, output: str) -> None:
    handler = written_file(tmp_path, "app.py", RETURNS)
    done = retryctl("lab", "run", f"{handler}:handler", "--output", output)
    document = json.loads(done.stdout)
    request = document["requests"][0] if output == "json" else document
    first, second = [attempt["response"] for attempt in request["attempts"]]
    assert first["errorType"] == "ValueError"
    assert second == {"shipped": [1, None], "hostile": "<b>"}


@pytest.mark.parametrize(
    ("output", "options"),
    [
        ("text", ()),
        ("html", ()),
        ("svg", ()),
        ("text", ("--plan", "all", "--lines", "--retries", "1")),
    ],
)
def test_every_view_has_the_response_of_each_attempt(
    tmp_path: Path, output: str, options: tuple[str, ...]
) -> None:
    handler = written_file(tmp_path, "app.py", RETURNS)
    done = retryctl("lab", "run", f"{handler}:handler", "--output", output, *options)
    text = html.unescape(" ".join(done.stdout.split()))
    if output == "svg":  # one element for each word
        text = " ".join(re.sub(r"<[^>]*>", " ", done.stdout).split())
        text = html.unescape(text).replace("\xa0", " ")
    assert "ValueError: again (stack trace: -o json)" in text
    assert '{"shipped": [1, null], "hostile": "<b>"}' in text
    assert ("<b>" in done.stdout) == (output == "text")


def test_a_printed_start_of_another_request_is_no_request_of_the_lab(tmp_path: Path) -> None:
    source = """
        def handler(event, context):
            print(f"REPORT RequestId: {context.aws_request_id}\\tDuration: 1.00 ms\\t"
                  "Billed Duration: 1 ms\\tMemory Size: 128 MB\\tMax Memory Used: 1 MB\\t")
            print("START RequestId: aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee Version: $LATEST")
            raise ValueError("again")
    """
    handler = written_file(tmp_path, "app.py", source)
    done = retryctl(
        "lab", "run", f"{handler}:handler", "--plan", "same", "--retries", "1", "-o", "json"
    )
    (request,) = json.loads(done.stdout)["requests"]
    assert request["request_id"] != "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    assert [attempt["number"] for attempt in request["attempts"]] == [1, 2]


def test_a_count_over_messages_is_not_compared_with_one_requests_attempts(tmp_path: Path) -> None:
    source = """
        import sys
        sys.path.insert(0, {root!r})
        from retryctl.counters import TmpCounter, retries

        def branch(name):
            return lambda event, context: print("process", name)

        def message(event, context):
            return event["Records"][0]["messageId"]

        @retries(TmpCounter(), a=branch("A"), b=branch("B"), c=branch("C"), key=message)
        def handler(event, context):
            raise ValueError("again")
        """
    root = str(Path(__file__).resolve().parents[2])
    handler = written_file(tmp_path, "app.py", textwrap.dedent(source.format(root=root)))
    saved = tmp_path / "log.jsonl"
    arguments = ("--source", "sqs", "--event", "sqs", "--output", "json", "--save", str(saved))
    done = retryctl("lab", "run", f"{handler}:handler", *arguments)
    requests = json.loads(done.stdout)["requests"]
    assert [one["verdict"] for one in requests] == ["not-counted"] * 3
    shown = retryctl("trace", "--from", str(saved), requests[0]["request_id"]).stdout
    assert "not compared: the function counts by a key of its own" in shown
    messages = [json.loads(line)["message"] for line in saved.read_text().splitlines()]
    assert [m for m in messages if m.startswith("process")] == [f"process {n}\n" for n in "ABC"]
