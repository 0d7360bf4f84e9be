"""The first code of a function's process: find a private /tmp, then start the runtime client.

Run as ``python bootstrap.py SETTINGS``, where SETTINGS is the JSON object that
``retryctl.lab.process`` writes. Two processes come of it::

    supervisor    waits, and ends every process that the function leaves behind
    └── runtime   awslambdaric (or the stand-in) and the handler
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

# The folder that holds the package `retryctl`, in the place of this script's own folder.
sys.path[0] = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))

from retryctl.lab.inside import (  # noqa: E402
    atomic_writes,
    isolation,
    runtime,
    supervisor,
    virtual_time,
)

# That folder holds other packages too, perhaps of another Python: none is the function's.
del sys.path[0]


def tell(fd: int, **facts: object) -> None:
    """Write one line of JSON to the lab."""
    os.write(fd, (json.dumps(facts) + "\n").encode())


def main(settings: dict[str, Any]) -> None:
    """Become the supervisor of the function's process."""
    sys.dont_write_bytecode = True
    found = isolation.isolate(settings)
    supervisor.adopt_orphans()
    tell(settings["status_fd"], isolation=found.name, refused=found.refused)
    child = os.fork()
    if child == 0:
        os.close(settings["control_fd"])
        os.setsid()
        tell(settings["status_fd"], pid=os.getpid())
        run_function(settings, found)
        return
    for fd in (0, 1, 2, settings["log_fd"]):
        os.close(fd)
    supervisor.supervise(child, settings["control_fd"])
    tell(settings["status_fd"], ended=True)
    os._exit(0)


def run_function(settings: dict[str, Any], found: isolation.IsolationChoice) -> None:
    """Run the runtime client in this process; it ends with the process."""
    for name in ("status_fd", "clock_fd", "log_fd"):  # not for the function's own subprocesses
        os.set_inheritable(settings[name], False)
    page = virtual_time.open_page(settings["clock_fd"])
    virtual_time.install(page)
    atomic_writes.install(settings["log_fd"])
    if found.redirect_to is not None:
        from retryctl.lab.inside import redirect

        redirect.install(found.redirect_to, found.keep)
    os.environ["LAMBDA_TASK_ROOT"] = found.task
    os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(settings["log_fd"])
    os.chdir(found.task)
    sys.path.insert(0, found.task)

    def tell_lab(**facts: object) -> None:
        tell(settings["status_fd"], **facts)

    serve, facts = runtime.choose(
        settings["stand_in"], lambda: runtime.meet(virtual_time.fate(page), tell_lab)
    )
    tell_lab(**facts)
    for name in [n for n in sys.modules if n.split(".")[0] == "retryctl"]:
        del sys.modules[name]
    sys.argv = ["bootstrap", settings["handler"]]
    serve(settings["handler"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
