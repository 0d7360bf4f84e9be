"""Run each command on a machine that lacks something, and list what did not end as it must.

``python -m tests.support.campaigns.machine_campaign`` runs every command on every machine; names of
machines choose some of them. A command must answer as on a whole machine, or end with an error
that names the next step: no traceback, no hang. What needs root is left out for other users.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.support.campaigns.signal_campaign import Subject, subjects
from tests.support.program import PROGRAM, environment

_LOG_BYTES = 10_000_000  # enough for two workers
_LONGEST_S = 120
_USER = "12345"  # nobody has this number
_AS_USER = f"setpriv --reuid {_USER} --regid {_USER} --clear-groups --inh-caps=-all"
_PRIVATE = "mount --make-rprivate /; "
_READ_ONLY = "mount --bind -o ro {0} {0}; mount -o remount,ro,bind {0}; "
_SAME_ANSWER = ("saved", "stdin", "demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is done in a shell before a command runs; with ``mounts``, in a mount namespace.

    With ``user`` the command runs as a user without an entry.
    """

    name: str
    limits: str = ""
    mounts: str | None = None
    user: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()

    @property
    def is_possible(self) -> bool:
        """Whether this machine can be made here."""
        if not (self.user or self.mounts is not None):
            return sys.platform == "linux"
        if sys.platform != "linux" or os.getuid() != 0 or not _can_mount():
            return False
        return not self.user or _user_can_run()

    def command(self, program: Sequence[str]) -> list[str]:
        """Return the command that runs a program on this machine."""
        inner = f"{self.limits} exec {shlex.join(program)}"
        if self.user:
            inner = f"exec {_AS_USER} bash -c {shlex.quote(inner)}"
        if self.user or self.mounts is not None:
            inner = _PRIVATE + _reveal() * self.user + (self.mounts or "") + inner
            return ["unshare", "-m", "bash", "-c", inner]
        return ["bash", "-c", inner]


@cache
def _can_mount() -> bool:
    tools = all(map(shutil.which, ("unshare", "setpriv", "mount")))
    trial = ["unshare", "-m", "mount", "--make-rprivate", "/"]
    return tools and subprocess.run(trial, capture_output=True).returncode == 0


@cache
def _user_can_run() -> bool:
    """Whether a user without an entry may run this interpreter, and import the package."""
    machine = Machine(name="a user", user=True)
    trial = machine.command([sys.executable, "-c", "import retryctl"])
    return subprocess.run(trial, capture_output=True, cwd="/").returncode == 0


def _reveal() -> str:
    """Return the commands that let every user run an interpreter below a closed home."""
    base = Path(sys.base_prefix)
    home = Path("/", *base.parts[1:2])
    if home.stat().st_mode & 0o005 == 0o005:
        return ""
    top = shlex.quote(str(Path(home, *base.parts[2:3])))
    return (
        f"mkdir -p /mnt/base; mount --bind {top} /mnt/base; mount -t tmpfs -o mode=755 none {home};"
        f" mkdir -p {top}; mount --bind /mnt/base {top}; "
    )


def machines(folder: Path) -> list[Machine]:
    """Return the machines; ``folder`` is for what they need."""
    closed, small = folder / "closed", folder / "small"
    closed.mkdir(mode=0o500, exist_ok=True)
    small.mkdir(exist_ok=True)
    read_only = "".join(map(_READ_ONLY.format, ("/tmp", "/var/tmp", "/dev/shm")))
    return [
        *(Machine(name=f"files {n}", limits=f"ulimit -n {n};") for n in (16, 32, 64)),
        *(
            Machine(name=f"memory {mb} MB", limits=f"ulimit -v {mb * 1024};")
            for mb in (40, 60, 80, 100, 120, 150, 250, 500)
        ),
        *(
            Machine(name=f"processes {n}", limits=f"ulimit -u {n};", user=True)
            for n in (1, 2, 3, 6)
        ),
        Machine(name="one CPU", limits="taskset -p -c 0 $$ >/dev/null;"),
        Machine(name="unknown user", user=True),
        Machine(name="unknown user without HOME", user=True, unset=("HOME",)),
        Machine(name="closed HOME", user=True, environment={"HOME": str(closed)}),
        Machine(name="closed TMPDIR", user=True, environment={"TMPDIR": str(closed)}),
        Machine(name="nothing writable", mounts=f"{read_only}cd /proc; "),
        Machine(name="nothing writable, unknown user", mounts=f"{read_only}cd /; ", user=True),
        Machine(name="no /dev/shm", mounts="umount -l /dev/shm; "),
        Machine(
            name="closed /dev/shm", mounts="mount -t tmpfs -o mode=000 none /dev/shm; ", user=True
        ),
        *(
            Machine(
                name=f"disk of {kb} KB",
                mounts=f"mount -t tmpfs -o size={kb}k none {shlex.quote(str(small))}; ",
                environment={"TMPDIR": str(small)},
            )
            for kb in (8, 256, 1024)
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    status: int
    answer: str
    errors: str

    def wrong(self, subject: Subject, whole: End) -> Iterator[str]:
        """Yield what is wrong with the end; ``whole`` is the one on a whole machine."""
        if "Traceback" in self.errors or "unexpected" in self.errors:
            yield f"stderr: {self.errors[-600:]}"
        if self.status in (2, 3):
            if len(self.errors.strip().splitlines()) < 2:
                yield f"no next step: {self.errors}"
        elif self.status != whole.status:
            yield f"status {self.status}, not {whole.status}: {self.errors[-300:]}"
        elif subject.name.endswith(_SAME_ANSWER) and self.answer != whole.answer:
            yield "another answer than on a whole machine"


def campaign(
    machine: Machine, some: Sequence[Subject], wholes: dict[str, End | None]
) -> Iterator[str]:
    """Yield a sentence for each command that did not end as it must on the machine.

    ``wholes`` keeps the ends on a whole machine, by the name of the command.
    """
    for subject in some:
        if subject.name not in wholes:
            wholes[subject.name] = _run(subject, Machine(name="whole"))
        whole, end = wholes[subject.name], _run(subject, machine)
        if end is None or whole is None:
            yield f"{machine.name}: {subject.name}: no end within {_LONGEST_S} s"
            continue
        for wrong in end.wrong(subject, whole):
            yield f"{machine.name}: {subject.name}: {wrong}"


def _run(subject: Subject, machine: Machine) -> End | None:
    variables = environment({**subject.environment, **machine.environment})
    with ExitStack() as stack:
        given = stack.enter_context(subject.stdin.open("rb")) if subject.stdin else None
        try:
            done = subprocess.run(
                machine.command([*PROGRAM, *subject.arguments]),
                env={key: text for key, text in variables.items() if key not in machine.unset},
                stdin=given or subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_LONGEST_S,
            )
        except subprocess.TimeoutExpired:
            return None
    return End(status=done.returncode, answer=done.stdout, errors=done.stderr)


def main(wanted: Sequence[str]) -> int:
    """Run the campaign on the machines of these names (default: all)."""
    failures, wholes = Counter[str](), dict[str, End | None]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with subjects(folder, log_bytes=_LOG_BYTES) as every:
            some = [subject for subject in every if not subject.hangs]
            for machine in machines(folder):
                if wanted and machine.name not in wanted:
                    continue
                if not machine.is_possible:
                    print(f"{machine.name}: needs root on Linux", flush=True)
                    continue
                for failure in campaign(machine, some, wholes):
                    failures[machine.name] += 1
                    print(failure, flush=True)
                print(f"{machine.name}: {failures[machine.name]} of {len(some)} wrong", flush=True)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
