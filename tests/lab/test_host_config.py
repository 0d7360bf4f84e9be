"""The host's AWS configuration does not reach the handler, in any isolation."""

import json
from pathlib import Path

import pytest

from retryctl.lab.function import Isolation
from tests.lab.test_isolation import WAYS
from tests.support.lab.lab_handlers import lab_of, written

SECRET = "planted-secret-4711"
FILES = {
    "credentials": f"[default]\naws_access_key_id = {SECRET}\naws_secret_access_key = {SECRET}\n",
    "config": f"[profile {SECRET}]\nregion = eu-central-1\n",
    "sso/cache/token.json": json.dumps({"accessToken": SECRET}),
}
READS = """
    import os, pathlib, subprocess

    def handler(event, context):
        found = [name for name, value in os.environ.items() if event["secret"] in value]
        for path in map(pathlib.Path, event["paths"]):
            try:
                found += [str(path)] * (event["secret"] in path.read_text())
            except OSError:
                pass
            here = path.parent.parent.name + "/" + path.parent.name + "/" + path.name
            for other in (pathlib.Path("~/.aws").expanduser() / path.name, pathlib.Path(here)):
                found += [str(other)] * other.exists()
        if event["programs"]:
            read = subprocess.run(["cat", *event["paths"]], capture_output=True, text=True)
            found += ["a program"] * (event["secret"] in read.stdout)
        import botocore.session
        session = botocore.session.Session()
        print(found, session.get_credentials(), session.available_profiles)
"""


def planted(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put credentials everywhere that AWS's own clients look; return the files."""
    paths = []
    for name, text in FILES.items():
        path = home / ".aws" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        paths.append(path)
    elsewhere = home / "elsewhere.ini"
    elsewhere.write_text(FILES["credentials"])
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(elsewhere))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / ".aws" / "config"))
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(home / ".aws" / "sso" / "cache"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.setenv(name, SECRET)
    return [str(path) for path in (*paths, elsewhere)]


@pytest.mark.parametrize("in_task", [False, True], ids=["at home", "home is the code's folder"])
@pytest.mark.parametrize("way", WAYS)
def test_no_variable_and_no_file_of_the_host_is_visible(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    way: Isolation,
    in_task: bool,
) -> None:
    pytest.importorskip("botocore", reason="botocore is not installed")
    task = tmp_path_factory.mktemp("task")
    paths = planted(task if in_task else tmp_path_factory.mktemp("home"), monkeypatch)
    if in_task and way != "patched":
        paths += [path.replace(str(task), "/var/task") for path in paths]
    lab = lab_of(task, READS, isolation=(way,), timeout_s=30, memory_mb=512)
    lab.run("first", {"secret": SECRET, "paths": paths, "programs": way != "patched"})
    assert written(lab.events) == ["[] None []\n"]


def test_home_is_not_the_hosts_and_there_is_no_metadata_service(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import os

        def handler(event, context):
            print(os.path.expanduser("~"), os.environ["AWS_EC2_METADATA_DISABLED"])
            os.makedirs("~/.cache".replace("~", os.path.expanduser("~")))
        """,
    )
    lab.run("first", retries=0)
    assert written(lab.events)[0] == "/home/sbx_user1051 true\n"
    assert "Read-only file system" in written(lab.events)[1]
    assert not Path("/home/sbx_user1051").exists()
