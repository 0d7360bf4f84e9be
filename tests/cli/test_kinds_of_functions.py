"""Every command names a web function and a durable execution as such."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.lambda_log import ID, OTHER_ID, Environment
from tests.support.made_up_logs import line_of
from tests.support.program import run

ARN = "arn:aws:lambda:us-east-1:123456789012:function:flow:7/durable-execution/order-1/3f0c"
NO_SUCH_FORM = {
    "trace": ("csv",),
    "check": ("csv", "html"),
    "diff": ("csv", "html", "markdown"),
}
COMMANDS = (("trace", ID), ("trace",), ("diff", ID), ("summary",), ("list",), ("check",))


def save(path: Path, environment: Environment) -> str:
    path.write_text("".join(map(line_of, environment.events)))
    return str(path)


@pytest.mark.parametrize("has_id", [True, False])
@pytest.mark.parametrize("command", [*COMMANDS, ("check", ID), ("trace", "--related")])
def test_a_web_function_is_named(command: tuple[str, ...], has_id: bool, tmp_path: Path) -> None:
    web = Environment("a", json=True).inits()
    web.platform("invokeStart", {"functionName": "shop", "instanceId": "i1"})
    if has_id:
        web.platform("requestComplete", {"requestId": ID, "status": "success"})
    web.prints("GET /orders")
    done = run(*command, "--from", save(tmp_path / "log", web))
    assert done.returncode == 4
    assert "the log is of a web function" in done.stderr
    assert "Check the name of the file" not in done.stderr  # it is the right one
    assert "add --related" not in done.stderr  # none of its requests is retried


@pytest.mark.parametrize("form", ["text", "json", "html", "markdown", "csv"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_durable_execution_is_named(command: tuple[str, ...], form: str, tmp_path: Path) -> None:
    if form in NO_SUCH_FORM.get(command[0], ()):
        pytest.skip("there is no such view")
    durable = Environment("a", json=True)
    for number, request_id in enumerate((ID, OTHER_ID)):
        fields = {"level": "INFO", "message": "step", "requestId": request_id}
        durable.at(number).runs(request_id, json.dumps({**fields, "executionArn": ARN}))
    path = save(tmp_path / "log", durable)
    other = (OTHER_ID,) if command[0] == "diff" else ()
    done = run(*command, *other, "--from", path, *([] if form == "text" else ["-o", form]))
    assert ARN in "".join(done.stdout.split())
