"""What the runtimes and the code of functions look like to the grammar."""

from __future__ import annotations

import json

import pytest

from retryctl.core.model.records import AppLine, FunctionError, LambdaWarning
from tests.core.grammar.test_grammar import TIME, read_record
from tests.support.lambda_log import ID, TRACEBACK

PYTHON_JSON = {
    "timestamp": "2026-11-23T03:00:00Z",
    "errorMessage": "name 'x' is not defined",
    "errorType": "NameError",
    "requestId": ID,
    "stackTrace": ['  File "/var/task/app.py", line 11, in handler\n    x\n'],
}

PYTHON_JSON_ERROR = FunctionError(
    error_type="NameError",
    error_message="name 'x' is not defined",
    request_id=ID,
    frame="app.py:11 handler",
)

WARNING = "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the code. \r"
JAVA = (
    "no stock: java.lang.IllegalStateException\njava.lang.IllegalStateException: no stock\n"
    "\tat example.App.handle(App.java:20)\n"
)

NODE_JSON = {
    "timestamp": TIME,
    "level": "ERROR",
    "requestId": ID,
    "message": {"errorType": "Error", "errorMessage": "no stock", "stackTrace": ["Error: no"]},
}


@pytest.mark.parametrize(
    ("message", "record"),
    [
        pytest.param(
            f"[ERROR] NameError: name 'x' is not defined\n{TRACEBACK}",
            FunctionError(
                error_type="NameError",
                error_message="name 'x' is not defined",
                frame="app.py:11 handler",
            ),
            id="python",
        ),
        pytest.param(
            f"[ERROR] ValueError\n{TRACEBACK}",
            FunctionError(error_type="ValueError", frame="app.py:11 handler"),
            id="python, no message",
        ),
        pytest.param(
            f"[ERROR] ValueError: one\ntwo: three\n{TRACEBACK}",
            FunctionError(
                error_type="ValueError",
                error_message="one\ntwo: three",
                frame="app.py:11 handler",
            ),
            id="python, a message of two lines",
        ),
        pytest.param(
            "[ERROR] Runtime.MarshalError: Unable to marshal response\n"
            "Traceback (most recent call last):",
            FunctionError(
                error_type="Runtime.MarshalError", error_message="Unable to marshal response"
            ),
            id="python, no frames",
        ),
        pytest.param(
            f"[ERROR] NameError: gone\r{TRACEBACK}".replace("\n", "\r"),
            FunctionError(error_type="NameError", error_message="gone", frame="app.py:11 handler"),
            id="python on stdout",
        ),
        pytest.param(
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'x'",
            FunctionError(
                error_type="Runtime.ImportModuleError",
                error_message="Unable to import module 'app': No module named 'x'",
            ),
            id="python, a type of the runtime",
        ),
        pytest.param(
            json.dumps(PYTHON_JSON | {"log_level": "ERROR"}),
            PYTHON_JSON_ERROR,
            id="python JSON up to 4.0.3",
        ),
        pytest.param(
            json.dumps(PYTHON_JSON | {"level": "ERROR"}) + "\n",
            PYTHON_JSON_ERROR,
            id="python JSON after 4.0.3",
        ),
        pytest.param(
            WARNING + json.dumps(PYTHON_JSON | {"log_level": "ERROR"}),
            PYTHON_JSON_ERROR,
            id="python JSON glued behind a warning",
        ),
        pytest.param(
            f"{WARNING}[ERROR] NameError: gone\r" + TRACEBACK.replace("\n", "\r"),
            FunctionError(error_type="NameError", error_message="gone", frame="app.py:11 handler"),
            id="python text glued behind a warning",
        ),
        pytest.param(
            json.dumps(PYTHON_JSON | {"level": "ERROR", "requestId": "", "stackTrace": []}),
            FunctionError(error_type="NameError", error_message="name 'x' is not defined"),
            id="python JSON, a failed init",
        ),
        pytest.param(
            f'{TIME}\t{ID}\tERROR\tInvoke Error \t{{"errorType":"Error","errorMessage":"no"}}\n',
            FunctionError(error_type="Error", error_message="no", request_id=ID, runtime="node"),
            id="node",
        ),
        pytest.param(
            f'{TIME}\tundefined\tERROR\tUncaught Exception \t{{"errorType":"SyntaxError"}}\n',
            FunctionError(error_type="SyntaxError", runtime="node"),
            id="node, init",
        ),
        pytest.param(
            f'{TIME}\t{ID}\tERROR\tUnhandled Promise Rejection \t{{"errorType":"Runtime.X"}}\n',
            FunctionError(error_type="Runtime.X", request_id=ID, runtime="node"),
            id="node, a promise",
        ),
        pytest.param(
            f'{TIME}\t{ID}\tERROR\tInvoke Error \t{{\r"errorType":"Error"}}',
            FunctionError(error_type="Error", request_id=ID, runtime="node"),
            id="node on stdout",
        ),
        pytest.param(
            json.dumps(NODE_JSON),
            FunctionError(
                error_type="Error",
                error_message="no stock",
                request_id=ID,
                runtime="node",
                certain=False,
            ),
            id="node JSON",
        ),
        pytest.param(
            JAVA,
            FunctionError(
                error_type="java.lang.IllegalStateException",
                error_message="no stock",
                runtime="java",
            ),
            id="java",
        ),
        pytest.param(
            "no: stock: example.App$Empty\n\tat example.App.handle(App.java:20)\n",
            FunctionError(
                error_type="example.App$Empty", error_message="no: stock", runtime="java"
            ),
            id="java, only the head",
        ),
        pytest.param(
            json.dumps({"timestamp": TIME, "level": "ERROR", "message": JAVA, "AWSRequestId": ID}),
            FunctionError(
                error_type="java.lang.IllegalStateException",
                error_message="no stock",
                request_id=ID,
                runtime="java",
            ),
            id="java JSON",
        ),
        pytest.param(
            '2026/11/23 03:00:00 {"errorMessage":"no stock","errorType":"errorString"}',
            FunctionError(error_type="errorString", error_message="no stock", runtime="go"),
            id="go",
        ),
        pytest.param(
            "Error raised from handler method\n", FunctionError(runtime="ruby"), id="ruby"
        ),
        pytest.param(
            'Critical exception from handler\n{"errorMessage": "no", "errorType": "Function<X>"}',
            FunctionError(error_type="Function<X>", error_message="no", runtime="ruby"),
            id="ruby, in one event",
        ),
        pytest.param(
            f"{TIME}\t{ID}\tfail\tSystem.ApplicationException: no stock\n   at Function.Handler()",
            FunctionError(
                error_type="System.ApplicationException",
                error_message="no stock",
                request_id=ID,
                runtime="dotnet",
                certain=False,
            ),
            id=".NET",
        ),
        pytest.param(
            json.dumps(
                {
                    "timestamp": TIME,
                    "level": "Error",
                    "requestId": ID,
                    "message": "no stock",
                    "errorType": "System.Exception",
                    "errorMessage": "no stock",
                    "stackTrace": ["   at Function.Handler()"],
                }
            ),
            FunctionError(
                error_type="System.Exception",
                error_message="no stock",
                request_id=ID,
                runtime="dotnet",
                certain=False,
            ),
            id=".NET JSON",
        ),
    ],
)
def test_it_reads_each_runtime_s_marker(message: str, record: FunctionError) -> None:
    assert read_record(message) == record


@pytest.mark.parametrize("newline", [" ", "  ", "\n"])
@pytest.mark.parametrize("tab", ["\t", " ", "    "])
@pytest.mark.parametrize(
    "message",
    [
        "[ERROR] KeyError: 'sku'\nTraceback (most recent call last):\n  File \"/var/task/app.py\", "
        "line 5, in handler\n    reserve(event)",
        f'{WARNING}[ERROR] KeyError: gone\nTraceback (most recent call last):\n  File "/var/task/'
        'app.py", line 5, in handler\n    reserve(event)',
        "no stock: java.lang.IllegalStateException\njava.lang.IllegalStateException: no stock\n"
        "\tat example.App.handle(App.java:20)\n\tat java.base/java.lang.Thread.run(Unknown Source)",
        "no stock: java.lang.IllegalStateException\n\tat example.App.handle(App.java:20)\n",
        'Error raised from handler method\n{\n  "errorMessage": "no",\n  "errorType": "X"\n}',
        f'{TIME}\t{ID}\tERROR\tInvoke Error \t{{"errorType":"Error","errorMessage":"no"}}\n',
        f'{TIME}\tundefined\tERROR\tUncaught Exception \t{{"errorType":"SyntaxError"}}\n',
        f"{TIME}\t{ID}\tfail\tSystem.Exception: no",
    ],
)
def test_it_reads_a_marker_on_one_line_like_the_original(
    message: str, newline: str, tab: str
) -> None:
    line = message.replace("\r", newline).replace("\n", newline).replace("\t", tab)
    assert isinstance(read_record(message), FunctionError)
    assert read_record(line) == read_record(message)


def test_it_reads_an_error_of_java_whose_indentation_was_lost() -> None:
    assert read_record(JAVA.replace("\t", "")) == read_record(JAVA)


@pytest.mark.parametrize(
    ("message", "request_id"),
    [
        (f"[WARNING]\t{TIME}\t\tLAMBDA_WARNING: Unhandled exception. The cause …\r\n", None),
        (f"[WARNING]\t{TIME}\t{ID}\tLAMBDA_WARNING: Unhandled exception.\r\n", ID),
        ("LAMBDA_WARNING: Unhandled exception.\r", None),
    ],
)
def test_a_warning_alone_is_no_error(message: str, request_id: str | None) -> None:
    assert read_record(message) == LambdaWarning(request_id=request_id)


def test_the_frame_is_the_innermost_of_the_function_s_own_code() -> None:
    error = read_record(
        "[ERROR] KeyError: 'sku'\nTraceback (most recent call last):\n"
        '\xa0\xa0File "/var/task/app.py", line 5, in handler\n'
        '\xa0\xa0File "/var/task/stock/count.py", line 40, in <lambda>\n'
        '\xa0\xa0File "/var/task/site-packages/orm.py", line 9, in get\n'
        '\xa0\xa0File "/var/lang/lib/python3.13/json.py", line 1, in loads'
    )
    assert isinstance(error, FunctionError)
    assert error.frame == "stock/count.py:40 <lambda>"


@pytest.mark.parametrize(
    ("message", "level", "request_id"),
    [
        ("0\n", None, None),
        ("", None, None),
        (f"[INFO]\t{TIME}\t{ID}\tcounting\n", "INFO", ID),
        (f"[ERROR]\t{TIME}\t{ID}\tno stock\n{TRACEBACK}\n", "ERROR", ID),  # logger.exception
        (f"[INFO]\t{TIME}\t\tin init\n", "INFO", None),
        (f"{TIME}\t{ID}\tINFO\tcounting\n", "INFO", ID),
        (f"{TIME}\t{ID}\tERROR\tno stock\n", "ERROR", ID),
        (f"{TIME}\tundefined\tINFO\tLoading function\n", "INFO", None),
        (f"{TIME}\t{ID}\tinfo\tcounting\n", "info", ID),
        (f"{TIME}\t{ID}\tbefore Node.js 10\n", None, ID),
        (
            json.dumps({"level": "INFO", "message": "counting", "logger": "x", "requestId": ID}),
            "INFO",
            ID,
        ),
        (
            json.dumps(PYTHON_JSON | {"level": "ERROR", "message": "no stock", "logger": "root"}),
            "ERROR",
            ID,
        ),
        (json.dumps({"level": "INFO", "message": {"count": 1}, "requestId": ID}), "INFO", ID),
        (json.dumps({"level": "INFO", "message": "x", "AWSRequestId": ID}), "INFO", ID),
        (json.dumps({"level": "Information", "message": "x", "requestId": ID}), "Information", ID),
        (
            json.dumps({"level": "ERROR", "msg": "no", "errorType": "X", "requestId": ID}),
            "ERROR",
            ID,
        ),
        (json.dumps({"retryctl": 1, "request_id": ID, "counter": 0}), None, ID),
        (json.dumps({"type": "platform.start"}), None, None),
    ],
)
def test_it_knows_what_the_application_logged(
    message: str, level: str | None, request_id: str | None
) -> None:
    line = read_record(message)
    assert isinstance(line, AppLine)
    assert (line.text, line.level, line.request_id) == (message, level, request_id)
