import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.cli.options.ids import request_ids, shortened_id
from retryctl.errors import NothingFound, UsageError
from tests.support.program import run

ONE = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
TWO = "2c1f0a8e-3b57-5c6d-9a41-d1f6a7e0b9c3"


@pytest.mark.parametrize(
    "argument",
    [
        ONE,
        ONE.upper(),
        f"  {ONE}\n",
        f"RequestId: {ONE}",
        f"RequestId:{ONE}",
        f"START RequestId: {ONE} Version: $LATEST",
        f"REPORT RequestId: {ONE}\tDuration: 54.60 ms\tBilled Duration: 55 ms\t",
        f"'{ONE}'",
        f'"requestId": "{ONE}",',
        f"[{ONE}]",
        f"/tmp/{ONE}_1732330800.123456",
        f"{ONE}_20261123T030000",
        "8f507cfc\u20110d3f\u20114697\u2011b07a\u2011ac58fc914c95",
        "8f507cfc–0d3f–4697–b07a–ac58fc914c95",
        f"\u200b{ONE}\u200b",
        "\0".join(ONE),
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups"
        f"/log-group/$252Faws$252Flambda$252Forders/log-events$3FfilterPattern$3D$2522{ONE}$2522",
    ],
)
def test_an_id_in_whatever_it_was_copied_with(argument: str) -> None:
    assert request_ids([argument], []) == (ONE,)


def test_a_line_that_the_shell_has_split() -> None:
    line = f"START RequestId: {ONE} Version: $LATEST"
    assert request_ids(line.split(), []) == (ONE,)
    assert request_ids([*line.split(), TWO], []) == (ONE, TWO)
    with pytest.raises(UsageError, match="of the 36 characters"):
        request_ids(["RequestId:", ONE[:20]], [])
    with pytest.raises(UsageError, match="no request ID follows"):
        request_ids([TWO, "RequestId:"], [])


def test_each_id_once_in_order() -> None:
    assert request_ids([TWO, ONE, TWO.upper()], []) == (TWO, ONE)


def test_stdin_gives_every_id_in_it() -> None:
    lines = [f"START RequestId: {TWO} Version: 7\n", "retrying\n", f"{ONE} {TWO}\n"]
    assert request_ids(["-"], lines) == (TWO, ONE)
    assert request_ids([ONE, "-"], lines) == (ONE, TWO)


def test_stdin_without_an_id() -> None:
    with pytest.raises(NothingFound):
        request_ids(["-"], [])
    with pytest.raises(NothingFound):
        request_ids(["-"], ["\n", " \n"])
    with pytest.raises(UsageError, match="standard input contains no request ID"):
        request_ids(["-"], ["no such thing\n"])


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        (ONE[:-1], "it has 35 of the 36 characters"),
        (ONE[:13] + "…", "it has 13 of the 36 characters"),
        ("8f507cfc...", "it has 8 of the 36 characters"),
        (ONE.replace("-", "- "), "there are spaces in it"),
        (ONE + "0", "it is 37 characters long, not 36"),
        ("1-5bef4de7-ad49b0e87f6ef6c87fc2e700", "an X-Ray trace ID"),
        ("orders-worker", "is not a request ID"),
        ("", "is not a request ID"),
        (ONE.replace("8", "g"), "'g' is not a hexadecimal digit"),
        (ONE[:-1] + "O", "'O' is not a hexadecimal digit"),
    ],
)
def test_what_is_no_id_is_refused_with_the_reason(argument: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        request_ids([ONE, argument], [])
    assert ONE in caught.value.next_step


def test_a_function_beside_an_id_leads_to_its_option() -> None:
    with pytest.raises(UsageError) as caught:
        request_ids([ONE, "orders-worker"], [])
    assert caught.value.next_step.endswith(f"retryctl trace {ONE} -f orders-worker")
    with pytest.raises(UsageError) as caught:
        request_ids(["orders-worker"], [])
    assert caught.value.next_step.endswith("retryctl list orders-worker")


def test_a_file_is_told_where_it_belongs(tmp_path: Path) -> None:
    log = tmp_path / "my log.jsonl"
    log.touch()
    with pytest.raises(UsageError, match="is a file's name, not a request ID") as caught:
        request_ids([ONE, str(log)], [])
    assert f"--from '{log}'" in caught.value.next_step


@pytest.mark.parametrize("command", ["list", "summary", "check", "trace"])
def test_every_command_tells_where_a_file_belongs(command: str, tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    for word in ("many.jsonl", "saved/"):
        told = run(command, word, cwd=tmp_path)
        assert (told.returncode, told.stdout) == (2, "")
        assert f"--from {word}" in told.stderr


@given(st.lists(st.uuids(), min_size=1), st.data())
def test_ids_survive_any_case_and_stay_in_order(uuids: list[object], data: st.DataObject) -> None:
    ids = [str(uuid) for uuid in uuids]
    written = [data.draw(st.sampled_from([one, one.upper(), f"RequestId: {one}"])) for one in ids]
    assert request_ids(written, []) == tuple(dict.fromkeys(ids))


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("8f507cfc", "8f507cfc"),
        ("8F50", "8f50"),
        ("8f507cfc-0d3f…", "8f507cfc-0d3f"),
        (ONE, None),
        ("8f5", None),
        ("orders", None),
        ("8f507cfc0d3f", None),
    ],
)
def test_the_first_characters_of_an_id(text: str, prefix: str | None) -> None:
    assert shortened_id(text) == prefix


def test_a_file_of_failure_records_names_its_requests(tmp_path: Path) -> None:
    context = {"condition": "RetriesExhausted", "approximateInvokeCount": 3}
    records = [{"requestContext": {"requestId": one, **context}} for one in (ONE, TWO)]
    path = tmp_path / "failed.json"
    path.write_text(json.dumps({"Messages": [{"Body": json.dumps(one)} for one in records]}))
    assert request_ids([str(path)], []) == (ONE, TWO)
    path.write_text("{}")
    with pytest.raises(UsageError, match="is a file's name"):
        request_ids([str(path)], [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_ids_on_stdin_in_other_encodings(encoding: str) -> None:
    dash = "-" if encoding == "utf-16-le" else "\u2013"  # which shows itself by its zeros alone
    text = f"START RequestId: {ONE.replace('-', dash)}\r\nTWO: {TWO}\r\n"
    typed = "\ufeff" + text if encoding == "utf-16-be" else text
    done = run("trace", "-", "--from", "demo", "-o", "json", stdin=typed.encode(encoding))
    assert json.loads(done.stdout)["not_found"] == [ONE, TWO]
