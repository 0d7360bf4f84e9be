"""The stand-in for awslambdaric: the same handler writes the same under both."""

import ast
import re
import sys
from pathlib import Path

import pytest

from retryctl.lab import inside
from retryctl.lab.function import LogFormat
from tests.support.lab_handlers import lab_of, written

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
        lab.run("first", retries=0)
        outputs.append(settled(written(lab.events)))
    real, ours = outputs
    assert ours == real


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
