"""The S3 and DynamoDB counters against a server over HTTP, and what each of them promises."""

import json
import time
from itertools import product
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from retryctl.cli.counters import app
from retryctl.counters import DynamoDBCounter, S3Counter
from tests.counters.aws_counters import OTHER_ID, at_once, attempt, counter_of, make
from tests.support.counters_world import BAD_IDS, REQUEST_ID, Aws, make_table, markers


@pytest.mark.parametrize("store", ["s3", "dynamodb"])
def test_counting_by_hand(aws: Aws, store: str) -> None:
    counter = make(aws, store)
    counts = []
    for _ in range(3):
        counts.append(counter.count(REQUEST_ID))
        counter.record(REQUEST_ID)
    assert counts == [0, 1, 2]
    assert counter.count(OTHER_ID) == 0


@pytest.mark.parametrize("store", ["s3", "dynamodb"])
@pytest.mark.parametrize("count", ["failures", "starts"])
def test_attempts_in_any_environment_run_a_b_c(
    aws: Aws, store: str, count: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = [attempt(make(aws, store), count=count) for _ in range(4)]
    assert ran == [["A"], ["B"], ["C"], ["C"]]
    said = [line for line in markers(capsys.readouterr().out) if line["branch"]]
    assert [(line["counter"], line["store"], line["recorded"]) for line in said] == [
        (number, store, True) for number in range(4)
    ]


@pytest.mark.parametrize("store", ["s3", "dynamodb"])
def test_fifty_threads_at_once_are_fifty_attempts(aws: Aws, store: str) -> None:
    counter = make(aws, store)
    at_once(50, lambda: counter.record(REQUEST_ID))
    assert counter.count(REQUEST_ID) == 50
    assert counter.count(OTHER_ID) == 0


def test_dynamodb_gives_fifty_threads_fifty_distinct_dense_numbers(aws: Aws) -> None:
    counter = make(aws, "dynamodb")
    assert sorted(at_once(50, lambda: counter.record(REQUEST_ID))) == [*range(50)]


def test_s3_lists_page_after_page(aws: Aws) -> None:
    counter = make(aws, "s3")
    pages = []

    def two_a_page(params: Any, **_: Any) -> None:
        params["MaxKeys"] = 2
        pages.append(params)

    counter.client.meta.events.register("before-parameter-build.s3.ListObjectsV2", two_a_page)
    at_once(5, lambda: counter.record(REQUEST_ID))
    assert counter.count(REQUEST_ID) == 5
    assert len(pages) == 3


def test_s3_keeps_an_empty_object_for_each_attempt_under_prefix_and_id(aws: Aws) -> None:
    client = aws.client("s3")
    for prefix, begins in (("a/b", "a/b/"), ("/c/", "c/"), ("", "")):
        S3Counter("retries", prefix, client=client, clock=lambda: 1_795_435_200.25).record(OTHER_ID)
        found = client.list_objects_v2(Bucket="retries", Prefix=f"{begins}{OTHER_ID}/")["Contents"]
        assert [entry["Size"] for entry in found] == [0]
        name = found[0]["Key"].removeprefix(f"{begins}{OTHER_ID}/")
        assert name.startswith("20261123120000250000-")


def test_dynamodb_sets_the_ttl_and_takes_another_key(aws: Aws) -> None:
    make_table(aws, "other", "pk")
    client = aws.client("dynamodb")
    counter = DynamoDBCounter(
        "other", "pk", ttl_attribute="ttl", ttl_s=60, client=client, clock=lambda: 1000.5
    )
    assert [counter.record(REQUEST_ID), counter.record(REQUEST_ID)] == [0, 1]
    item = client.get_item(TableName="other", Key={"pk": {"S": REQUEST_ID}})["Item"]
    assert item["ttl"] == {"N": "1060"}
    assert len(item["attempts"]["SS"]) == counter.count(REQUEST_ID) == 2


def test_dynamodb_shares_a_table_that_has_a_sort_key(aws: Aws) -> None:
    client = aws.client("dynamodb")
    make_table(aws, "shared", "pk", "sk")
    shared = {"partition": "retry#{}", "sort_key": "sk", "client": client}
    counter = DynamoDBCounter("shared", "pk", **shared)
    assert [counter.take(REQUEST_ID) for _ in range(3)] == [0, 1, 2]
    assert counter.count(REQUEST_ID) == 3
    assert DynamoDBCounter("shared", "pk", sort_value="other", **shared).take(REQUEST_ID) == 0
    items = client.scan(TableName="shared")["Items"]
    assert sorted((item["pk"]["S"], item["sk"]["S"]) for item in items) == [
        (f"retry#{REQUEST_ID}", "other"),
        (f"retry#{REQUEST_ID}", "retryctl"),
    ]
    with pytest.raises(ValueError, match="partition must contain"):
        DynamoDBCounter("shared", partition="retry")


@pytest.mark.parametrize("store", ["s3", "dynamodb", "logs"])
def test_a_config_is_merged_over_the_counters_own_limits(
    aws: Aws, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environ().items():
        monkeypatch.setenv(name, value)
    config = Config(read_timeout=7, user_agent_extra="shop")
    made = counter_of(store, config=config).client.meta.config
    assert (made.read_timeout, made.user_agent_extra) == (7, "shop")
    assert made.connect_timeout == counter_of(store).client.meta.config.connect_timeout == 1


def test_an_update_that_the_client_sends_twice_counts_once(aws: Aws) -> None:
    counter = make(aws, "dynamodb")
    sent = []
    # The first answer is lost on its way: the client's own retry sends the same bytes again.
    counter.client.meta.events.register(
        "needs-retry.dynamodb.UpdateItem", lambda attempts, **_: 0 if attempts == 1 else None
    )
    counter.client.meta.events.register(
        "before-send.dynamodb.UpdateItem", lambda request, **_: sent.append(request.body)
    )
    assert counter.record(REQUEST_ID) == 0
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert counter.count(REQUEST_ID) == 1


@pytest.mark.parametrize("store", ["s3", "dynamodb", "logs"])
def test_a_bad_request_id_is_refused_before_any_call(aws: Aws, store: str) -> None:
    counter = make(aws, store)
    counter.client.meta.events.register("before-send", lambda **_: pytest.fail("it called"))
    for call, request_id in product((counter.count, counter.record), BAD_IDS):
        with pytest.raises(ValueError, match="not a request ID"):
            call(request_id)


@pytest.mark.parametrize(
    ("store", "code"),
    [
        ("s3", "NoSuchBucket"),
        ("dynamodb", "ResourceNotFoundException"),
        ("logs", "ResourceNotFoundException"),
    ],
)
def test_a_store_that_is_not_there_is_told_and_breaks_nothing(
    moto: Aws, store: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    moto.reset()
    counter = make(moto, store)
    with pytest.raises(ClientError, match=code):
        counter.count(REQUEST_ID)
    assert attempt(counter, on_unknown="C") == ["C"]
    (said,) = markers(capsys.readouterr().out)
    assert (said["counter"], said["branch"], said["store"]) == (None, "C", store)
    assert code in said["error"]


def allow(aws: Aws, statements: Any) -> None:
    """Let the user do the statements' actions: the server knows neither resource nor condition."""
    actions = [{"Effect": "Allow", "Action": s["Action"], "Resource": "*"} for s in statements]
    policy = json.dumps({"Version": "2012-10-17", "Statement": actions})
    aws.client("iam").put_user_policy(UserName="function", PolicyName="p", PolicyDocument=policy)


def user_who_may(aws: Aws, statements: Any) -> Any:
    """The keys of a user who may do what the statements say, and nothing else."""
    iam = aws.client("iam")
    iam.create_user(UserName="function")
    allow(aws, statements)
    key = iam.create_access_key(UserName="function")["AccessKey"]
    return {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }


NOTHING_OF_USE = [{"Action": "sqs:SendMessage"}]


def printed_statements(*arguments: Any) -> Any:
    return json.loads(CliRunner().invoke(app, ["iam", *arguments]).stdout)["Statement"]


@pytest.mark.parametrize("store", ["s3", "dynamodb", "logs"])
def test_denied_access_is_told_and_breaks_nothing(
    aws: Aws, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = user_who_may(aws, NOTHING_OF_USE)
    with aws.permissions_enforced():
        assert attempt(make(aws, store, **keys), on_unknown="B") == ["B"]
    (said,) = markers(capsys.readouterr().out)
    assert said["counter"] is None
    assert "AccessDenied" in said["error"]


@pytest.mark.parametrize("store", ["s3", "dynamodb", "logs"])
def test_the_permissions_that_iam_prints_are_enough_and_no_fewer_are(
    aws: Aws, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    statements = printed_statements(store)
    keys = user_who_may(aws, statements)
    with aws.permissions_enforced():
        assert attempt(make(aws, store, **keys)) == ["A"]
    (said,) = markers(capsys.readouterr().out)
    assert (said["counter"], "error" in said) == (0, False)
    for left_out in statements:
        allow(aws, [s for s in statements if s is not left_out] or NOTHING_OF_USE)
        with aws.permissions_enforced():
            attempt(make(aws, store, **keys))
        assert "AccessDenied" in markers(capsys.readouterr().out)[0]["error"]


def test_by_hand_dynamodb_also_needs_to_read(aws: Aws) -> None:
    keys = user_who_may(aws, printed_statements("dynamodb", "--by-hand"))
    with aws.permissions_enforced():
        counter = make(aws, "dynamodb", **keys)
        assert [counter.count(REQUEST_ID), counter.record(REQUEST_ID)] == [0, 0]


@pytest.mark.parametrize("store", ["s3", "dynamodb", "logs"])
def test_a_store_out_of_reach_leaves_the_handler_time_to_branch(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.255.255.1:81")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    begun = time.monotonic()
    assert attempt(counter_of(store)) == ["A"]
    assert time.monotonic() - begun < 60, "boto3's own limits take minutes"
    assert "error" in markers(capsys.readouterr().out)[0]


@pytest.mark.parametrize("store", ["s3", "dynamodb", "logs"])
def test_fifty_threads_share_the_one_client_that_a_counter_makes(
    aws: Aws, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.environ().items():
        monkeypatch.setenv(name, value)
    counter = counter_of(store)
    clients = at_once(50, lambda: counter.client)
    assert all(client is clients[0] for client in clients)
    assert counter.count(REQUEST_ID) == 0
