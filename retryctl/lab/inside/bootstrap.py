"""The first code of a function's process: make a private /tmp, then start the runtime client.

Run as ``python bootstrap.py SETTINGS``, where SETTINGS is the JSON object that
``retryctl.lab.process`` writes. It becomes two processes::

    supervisor    waits, and ends every process that the function leaves behind
    └── runtime   awslambdaric (or the stand-in) and the handler
"""

from __future__ import annotations

import json
import os
import sys
from types import ModuleType

# The folder that holds the package `retryctl`, in the place of this script's own folder.
sys.path[0] = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))

from retryctl.lab.inside import (  # noqa: E402
    client_choice,
    isolation,
    output_lock,
    own_frames,
    supervisor,
    virtual_time,
)

TYPE_CHECKING = False  # each module of the standard library costs time in every process
if TYPE_CHECKING:
    from typing import Any

# That folder holds other packages too, perhaps of another Python: none is the function's.
del sys.path[0]


def send_facts(fd: int, **facts: object) -> None:
    """Write one line of JSON to the lab."""
    os.write(fd, (json.dumps(facts) + "\n").encode())


def main(settings: dict[str, Any]) -> None:
    """Become the supervisor of the function's process."""
    sys.dont_write_bytecode = True
    found = isolation.isolate(settings)
    supervisor.adopt_orphans()
    send_facts(
        settings["status_fd"], isolation=found.name, refused=found.refused, supervisor=os.getpid()
    )
    child = os.fork()
    if child == 0:
        os.close(settings["control_fd"])
        os.setsid()
        send_facts(settings["status_fd"], pid=os.getpid())
        run_function(settings, found)
        return
    for fd in (0, 1, 2, settings["log_fd"]):
        os.close(fd)
    supervisor.supervise(child, settings["control_fd"])
    send_facts(settings["status_fd"], ended=True)
    os._exit(0)


def run_function(settings: dict[str, Any], found: isolation.IsolationChoice) -> None:
    """Run the runtime client in this process; it ends with the process."""
    for name in ("status_fd", "clock_fd", "log_fd"):  # not for the function's own subprocesses
        os.set_inheritable(settings[name], False)

    def send_fact(**facts: object) -> None:
        send_facts(settings["status_fd"], **facts)

    page = virtual_time.open_page(settings["clock_fd"])
    if not settings["real_time"]:
        send_fact(clock="virtual" if virtual_time.replace_clock(page) else "time only")
    own_frames.hide_own_frames()
    output_lock.lock_output(settings["log_fd"])
    if found.redirect_to is not None:
        from retryctl.lab.inside import tmp_redirection

        tmp_redirection.redirect_calls(found.redirect_to, found.keep, settings["hidden"])
    os.environ["LAMBDA_TASK_ROOT"] = found.task
    os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(settings["log_fd"])
    os.chdir(found.task)
    sys.path[0:0] = [found.task, *_layer_paths(settings, found)]

    def inject_fault(*, late: bool) -> None:
        client_choice.inject_fault(virtual_time.fault(page, late=late), send_fact)

    client = client_choice.choose(settings["stand_in"], inject_fault)
    send_fact(**client.facts)
    _replace_main()
    for name in [n for n in sys.modules if n.split(".")[0] == "retryctl"]:
        del sys.modules[name]
    sys.argv = ["bootstrap", settings["handler"]]
    client.serve(settings["handler"])


def _layer_paths(settings: dict[str, Any], found: isolation.IsolationChoice) -> list[str]:
    if not settings.get("layers"):
        return []
    version = "python{}.{}".format(*sys.version_info[:2])
    folder = os.path.join(found.layers, "python")
    return [os.path.join(folder, "lib", version, "site-packages"), folder]


def _replace_main() -> None:
    """Let ``__main__`` be what it is on Lambda, for agents and the children of the function."""
    from retryctl.lab.inside import lambda_main

    main_module = ModuleType("__main__")
    vars(main_module).update(
        {name: value for name, value in vars(lambda_main).items() if not name.startswith("_")}
    )
    main_module.__file__ = lambda_main.__file__
    vars(main_module)["own"] = sys.modules["__main__"]  # its functions are still in use
    sys.modules["__main__"] = main_module


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
