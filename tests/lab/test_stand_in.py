"""The stand-in for awslambdaric: the same handler writes the same under both."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from retryctl.lab import inside
from retryctl.lab.function import LogFormat
from tests.support.lab.lab_handlers import lab_of, written

HANDLERS = {
    "raises": "def handler(event, context):\n    print(1)\n    raise ValueError('two\\nlines')",
    "empty message": "def handler(event, context):\n    raise KeyError()",
    "no frames": "def handler(event, context):\n    return {1}",
    "logs": """
        import logging
        log = logging.getLogger("shop")
        log.setLevel("DEBUG")

        def handler(event, context):
            log.debug("debug %s", 1)
            log.critical("critical")
            try:
                [][0]
            except IndexError:
                log.exception("caught")
        """,
    "import error": "import nowhere\nhandler = 1",
    "syntax error": "def handler(",
    "no handler": "globals",
    "raises in init": "raise RuntimeError('init')\nhandler = 1",
}


def settled(messages: list[str]) -> list[str]:
    """The messages without what differs from run to run, and without awslambdaric's own remark."""
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"
    plain = [re.sub(stamp, "TIME", m) for m in messages if "LAMBDA_WARNING" not in m]
    return [
        re.sub(r'File "[^"]*/(bootstrap|stand_in|__init__).py", line \d+', "", m) for m in plain
    ]


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("source", HANDLERS.values(), ids=HANDLERS)
def test_both_write_the_same(tmp_path: Path, source: str, log_format: LogFormat) -> None:
    pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")
    outputs = []
    for stand_in in (False, True):
        lab = lab_of(tmp_path, source, log_format=log_format, stand_in=stand_in)
        lab.run("first", retries=0, seed=1)
        outputs.append(settled(written(lab.events)))
    real, ours = outputs
    assert ours == real


RANDOM_CALLS = """
    import decimal, logging, random

    class Own(logging.Formatter):
        def format(self, record):
            return "own:" + record.getMessage() + "\\n"

    def handler(event, context):
        choose = random.Random(event["seed"])
        root = logging.getLogger()
        root.setLevel("DEBUG")
        formatter = root.handlers[0].formatter
        logging.addLevelName(25, "NOTICE")
        names = ["order", "taskName", "location", "requestId", "tenantId", "level", "custom"]
        if hasattr(logging.makeLogRecord({}), "taskName"):  # which nobody may set from 3.12 on
            names.remove("taskName")
        for number in range(200):
            root.handlers[0].setFormatter(Own() if choose.random() < 0.1 else formatter)
            log = logging.getLogger(choose.choice(["", "shop", "shop.orders", "naïve"]))
            level = choose.choice([0, 5, 10, 20, 25, 30, 40, 45, 50, 70])
            message, arguments = choose.choice([
                ("plain", ()), ("%s and %s", (1, "two")), ({"a": number}, ()), ("two\\nlines", ()),
                ("%(name)s", ({"name": "mapping"},)), ({"a": decimal.Decimal("1.5")}, ()),
                (ValueError("an error"), ()), ("naïve ✓", ()), (None, ()), ("100%", ()),
            ])
            extra = {
                name: choose.choice([1, None, "text", {"b": {1}}, [1.5], decimal.Decimal(1), b"x"])
                for name in choose.sample(names, choose.randrange(3))
            }
            try:
                if choose.random() < 0.3:
                    raise KeyError(choose.choice(["key", ("tuple", 1), ""]))
                log.log(level, message, *arguments, extra=extra)
            except KeyError:
                log.log(level, message, *arguments, extra=extra, exc_info=True)
        context.log("by the context")
"""


@pytest.mark.parametrize("settings", [{}, {"log_format": "json"}], ids=["text", "json"])
def test_both_log_the_same_on_random_calls(tmp_path: Path, settings: dict[str, Any]) -> None:
    pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")
    for seed in range(3):
        outputs = []
        for stand_in in (False, True):
            lab = lab_of(tmp_path, RANDOM_CALLS, stand_in=stand_in, timeout=20, **settings)
            lab.run("first", {"seed": seed}, retries=0, seed=1)
            outputs.append(settled(written(lab.events)))
        real, ours = outputs
        assert len(real) >= 120
        for one, other in zip(ours, real, strict=True):
            assert one == other


def test_what_runs_inside_the_function_is_python_3_9_and_imports_nothing_else() -> None:
    known = sys.stdlib_module_names | {"retryctl"}
    for path in Path(str(inside.__file__)).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {name.name.split(".")[0] for name in node.names} <= known
            elif isinstance(node, ast.ImportFrom):
                assert node.module is not None
                assert node.module.split(".")[0] in known
                assert not node.module.startswith("retryctl") or node.module.startswith(
                    inside.__name__
                )
