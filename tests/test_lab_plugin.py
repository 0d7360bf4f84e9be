"""The pytest fixture, in a test suite of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from retryctl.core.crosscheck import Verdict
from retryctl.errors import UsageError
from retryctl.lab.plugin import HandlerLab
from tests.lab_handlers import EXAMPLE, ORDER, REPOSITORY

SUITE = """
from handlers.orders import handler

def test_the_function(lambda_lab):
    request = lambda_lab(handler).run(plan="same,fresh")
    assert [a.claim.branch for a in request.attempts] == ["A", "B", "A"]

def test_the_file(lambda_lab):
    checked = lambda_lab("handlers/orders.py:handler", timeout_s=1).check(plan="same,same")
    assert checked.verdict.value == "agrees"

def test_that_fails(lambda_lab):
    request = lambda_lab(handler).run(plan="fresh,fresh")
    assert request.attempts[2].claim.branch == "C"

def test_a_nested_function(lambda_lab):
    def nested(event, context):
        pass
    lambda_lab(nested)
"""


def test_a_suite_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "__init__.py").touch()
    source = EXAMPLE.read_text(encoding="utf-8").replace('event["order"]', "{}['order']")
    (tmp_path / "handlers" / "orders.py").write_text(source, encoding="utf-8")
    (tmp_path / "test_orders.py").write_text(SUITE, encoding="utf-8")
    loaded = ["-p", "retryctl.lab.plugin"] if "lambda_lab" not in fixtures() else []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *loaded, "test_orders.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
    )
    assert "2 failed, 2 passed" in done.stdout
    assert "assert 'A' == 'C'" in done.stdout
    assert "handler is not at the top" not in done.stdout
    assert "nested is not at the top of a module that can be imported" in done.stdout


def fixtures() -> str:
    """What pytest lists, to know whether the package's entry point is installed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--fixtures", "-q", "/dev/null"],
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_the_plugin_loads_nothing_before_it_is_used() -> None:
    code = (
        "import retryctl.lab.plugin, sys;"
        "print([n for n in sys.modules if n.startswith('retryctl.') and 'plugin' not in n])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['retryctl.lab']"


def test_a_verdict_of_the_core() -> None:
    checked = HandlerLab(f"{EXAMPLE}:handler", Path()).check("same,same", ORDER)
    assert checked.verdict is Verdict.AGREES


def test_several_plans_are_refused() -> None:
    with pytest.raises(UsageError, match="is 5 plans"):
        HandlerLab(f"{EXAMPLE}:handler", Path()).run("all")
