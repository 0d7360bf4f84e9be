"""Names of a counter's store: what AWS refuses is refused, and the rest is escaped."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.program import run

ODD = [
    'a"b',
    "${x}",
    "%{if true}",
    "two\nlines",
    "back\\slash",
    "tab\tand é",
    "\x01",
    "true",
    "#x: y",
]


def _of_hcl(text: str) -> str:
    literal = text.replace("$${", "${").replace("%%{", "%{")
    assert not re.search(r"(?<!\\)(?:\\\\)*\n", literal)
    return str(json.loads(literal))


@pytest.mark.parametrize("name", ODD)
def test_a_template_has_each_name_as_it_was_given(name: str) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    options = ("dynamodb", "--key", name, "--sort-key", f"{name}2")
    table = yaml.safe_load(run("counters", "template", *options).stdout)["RetryTable"]
    keys = [each["AttributeName"] for each in table["Properties"]["KeySchema"]]
    assert keys == [name, f"{name}2"]
    terraform = run("counters", "template", *options, "--form", "terraform").stdout
    hash_key, range_key = re.findall(r'(?:hash|range)_key +=\s(".*")', terraform)
    assert (_of_hcl(hash_key), _of_hcl(range_key)) == (name, f"{name}2")
    of_s3 = ("s3", "--bucket", "shop", "--prefix", name)
    bucket = yaml.safe_load(run("counters", "template", *of_s3).stdout)["RetryBucket"]
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["Prefix"] == f"{name}/"


def test_a_policy_has_no_wildcard_but_its_own() -> None:
    done = run("counters", "iam", "s3", "--bucket", "shop", "--prefix", 'a*b?"${x}')
    resource = json.loads(done.stdout)["Statement"][0]["Resource"]
    assert resource == 'arn:aws:s3:::shop/a${*}b${?}"${$}{x}/*'


@pytest.mark.parametrize(
    "words",
    [
        ("iam", "dynamodb", "--table", "a/b"),
        ("template", "dynamodb", "--table", "ab"),
        ("template", "dynamodb", "--key", ""),
        ("template", "dynamodb", "--key", "k" * 256),
        ("template", "dynamodb", "--key", "expires_at"),
        ("template", "dynamodb", "--key", "id", "--sort-key", "id"),
        ("template", "s3", "--bucket", "Upper"),
        ("template", "s3", "--bucket", "192.168.5.4"),
        ("template", "s3", "--bucket", "a..b"),
        ("iam", "s3", "--bucket", "a/*"),
        ("iam", "s3", "--prefix", "é" * 600),
        ("iam", "logs", "--log-group", "/aws/lambda/a:*"),
    ],
)
def test_a_name_that_aws_does_not_allow_is_refused(words: tuple[str, ...]) -> None:
    done = run("counters", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{words[-2]} " in done.stderr
    assert "is not a name that AWS allows." in done.stderr


@pytest.mark.parametrize("command", ["iam", "template"])
def test_the_store_is_an_argument_or_an_option(command: str) -> None:
    argument = run("counters", command, "dynamodb")
    assert argument.returncode == 0
    assert run("counters", command, "--store", "dynamodb").stdout == argument.stdout
    assert run("counters", command, "dynamodb", "--store", "dynamodb").stdout == argument.stdout
    both = run("counters", command, "dynamodb", "--store", "s3")
    assert (both.returncode, both.stdout) == (2, "")
    assert "both dynamodb and s3" in both.stderr


def test_vendor_takes_the_store_both_ways(tmp_path_factory: pytest.TempPathFactory) -> None:
    files = []
    for words in (("dynamodb", "tmp"), ("--store", "dynamodb", "--store", "tmp")):
        folder = tmp_path_factory.mktemp("function")
        assert run("counters", "vendor", str(folder), *words).returncode == 0
        files.append((folder / "retryctl_counters.py").read_text())
    assert files[0] == files[1]
