"""Coverage and a debugger through the lab, as docs/lab.md shows them."""

import io
import socket
import threading
from pathlib import Path

import pytest

from tests.support.lab.lab_handlers import lab_of

COVERED = """
def handler(event, context):
    if event["one"]:
        return "one"
    return "other"
"""
MEASURES = """
import coverage

measured = coverage.Coverage(data_file={data!r}, data_suffix=True)
with measured.collect():
    from app import handler as covered


def handler(event, context):
    try:
        with measured.collect():
            return covered(event, context)
    finally:
        measured.save()
"""
DEBUGGED = """
    import pdb, socket

    def handler(event, context):
        client = socket.create_connection(("127.0.0.1", event["port"]))
        total = 41
        pdb.Pdb(stdin=client.makefile("r"), stdout=client.makefile("w")).set_trace()
        return total
"""


def test_coverage_measures_a_handler(tmp_path: Path) -> None:
    coverage = pytest.importorskip("coverage", reason="coverage is not installed")
    data = tmp_path / ".coverage.lab"
    (tmp_path / "measured.py").write_text(MEASURES.format(data=str(data)), encoding="utf-8")
    lab = lab_of(
        tmp_path,
        COVERED,
        isolation="patched",
        timeout=30,
        memory=512,
        handler="measured.py:handler",
    )
    lab.run("first", {"one": True}, retries=0)
    assert lab.responses == ["one"]
    merged = coverage.Coverage(data_file=str(data))
    merged.combine([str(tmp_path)])
    merged.load()
    _, _, missing, _ = merged.analysis(str(tmp_path / "app.py"))
    assert missing == [5]


def test_a_debugger_is_attached_over_loopback(tmp_path: Path) -> None:
    prompts = io.StringIO()

    def attach(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as stream:
            stream.write("p total\n!total += 1\ncontinue\n")
            stream.flush()
            prompts.write(stream.read())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=attach, args=(listener,))
        thread.start()
        lab = lab_of(tmp_path, DEBUGGED, timeout=60)
        lab.run("first", {"port": listener.getsockname()[1]}, retries=0)
        thread.join()
    assert lab.responses == [42]
    assert "41" in prompts.getvalue()
