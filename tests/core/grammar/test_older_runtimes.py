"""The fixed sentences of older runtimes, and of Lambda about a runtime."""

from __future__ import annotations

import pytest

from retryctl.core.grammar.older_runtimes import may_be_error
from retryctl.core.model.records import AppLine, FunctionError
from tests.core.grammar.test_grammar import TIME, read_record
from tests.support.lambda_log import ID
from tests.support.made_up_streams import OLDER_FRAMES

UNKNOWN = "Unknown application error occurred"


@pytest.mark.parametrize(
    ("message", "error_type", "in_init"),
    [
        (f"{UNKNOWN}\n", None, False),
        (UNKNOWN, None, False),
        (f"{UNKNOWN}\nError\n", "Error", False),
        (f"{UNKNOWN}\nRuntime.Unknown\n", "Runtime.Unknown", False),
        (f"{UNKNOWN} Runtime.ImportModuleError", "Runtime.ImportModuleError", True),
    ],
)
def test_lambda_s_own_marker(message: str, error_type: str | None, *, in_init: bool) -> None:
    assert read_record(message) == FunctionError(
        error_type=error_type,
        error_message=UNKNOWN,
        runtime="lambda",
        certain=False,
        in_init=in_init,
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "Unable to import module 'app': No module named stock",
        "Unable to import module 'index': Error",
        "module initialization error: no table",
        "module initialization error",
        "Handler 'run' missing on module 'app': no attribute",
        "Handler 'run' missing on module 'index'",
        "Syntax error in module 'index': SyntaxError",
        "Bad handler 'app': not enough values",
        "Error loading class shop.App: shop.App: class java.lang.ClassNotFoundException",
        "Error loading method run on class shop.App: class java.lang.NoSuchMethodException",
    ],
)
@pytest.mark.parametrize("rest", ["", "\n", "\n    at Function.load (module.js:1:2)\n"])
def test_a_sentence_about_an_init(sentence: str, rest: str) -> None:
    assert read_record(sentence + rest) == FunctionError(
        error_message=sentence, runtime="older", certain=False, in_init=True
    )


def test_an_error_of_older_dotnet() -> None:
    frames = "   at Shop.App.Run()\n   at lambda_method(Closure , Stream )\n"
    assert read_record(f"no stock: ShopException\n{frames}") == FunctionError(
        error_type="ShopException", error_message="no stock", runtime="dotnet"
    )


@pytest.mark.parametrize("last", ["shop.ShopError: no\nstock\n\n", "ShopError: no\nstock\n"])
def test_an_error_of_older_python(last: str) -> None:
    assert read_record(f"no\nstock: ShopError\n{OLDER_FRAMES}{last}") == FunctionError(
        error_type="ShopError",
        error_message="no\nstock",
        runtime="older",
        certain=False,
        frame="app.py:4 handler",
    )


def test_an_error_of_older_python_about_a_response() -> None:
    head = "An error occurred during JSON serialization of response: {1} is not JSON serializable"
    error = read_record(f"{head}\n{OLDER_FRAMES}TypeError: {{1}} is not JSON serializable\n")
    assert error == FunctionError(error_message=head, runtime="older", certain=False)


def test_an_error_of_older_node_counts_as_the_last_line() -> None:
    fields = '{"errorMessage":"no stock","errorType":"Error","stackTrace":[]}'
    assert read_record(f"{TIME}\t{ID}\t{fields}\n") == FunctionError(
        error_type="Error", error_message="no stock", request_id=ID, runtime="older", certain=False
    )
    assert isinstance(read_record(f"{TIME}\t{ID}\tINFO\t{fields}\n"), AppLine)


@pytest.mark.parametrize(
    "line",
    [
        f"{UNKNOWN}.\n",
        f"shipping: failed\n{OLDER_FRAMES}shop.ShopError: no stock\n",
        f"shipping: OtherError\n{OLDER_FRAMES}shop.ShopError: no stock\n",
        f"shipping failed\n{OLDER_FRAMES}",
        f"{OLDER_FRAMES}ShopError: no stock\n",
        f"{UNKNOWN} in the shop\n",
        f"an {UNKNOWN}\n",
        "Unable to import module app: No module named stock\n",
        "unable to import module 'app': No module named stock\n",
        "Error loading class roster: 404\n",
        "Module initialization error: no table\n",
        "module initialization errors are rare\n",
        "Handler 'run' is ready\n",
        "ShopException: no stock\n   at Shop.App.Run()\n",
        "no stock: ShopException\n   at Shop.App.Run()\n",
        "thread 'main' is ready\n",
        "at lambda_method(Closure , Stream )\n",
        " at lambda_method(Closure , Stream )\n",
    ],
)
def test_what_only_looks_like_a_sentence_is_the_application_s(line: str) -> None:
    assert isinstance(read_record(line), AppLine)
    assert not may_be_error(line)


@pytest.mark.parametrize(
    "line",
    [
        f"no stock: ShopError\n{OLDER_FRAMES}",
        f"Error: ShopError\n{OLDER_FRAMES}shop.ShopError: no stock\n",  # may be one it caught
        f"Error: KeyError\n{OLDER_FRAMES}KeyError: 'sku'\n",
        f"{{'a': 1}} is bad: ShopError\n{OLDER_FRAMES}ShopError: {{'a': 1}} is bad\n",
        f"['a'] is bad: ShopError\n{OLDER_FRAMES}ShopError: ['a'] is bad\n",
        "thread 'main' panicked at src/main.rs:7:5:\nno stock\n",
        "thread '<unnamed>' (1234) panicked at src/main.rs:7:5:\n",
        "   at lambda_method(Closure , Stream )\n",
        "   at lambda_method5(Closure , Stream )\n",
    ],
)
def test_a_line_that_may_be_of_an_error(line: str) -> None:
    assert isinstance(read_record(line), AppLine)
    assert may_be_error(line)
