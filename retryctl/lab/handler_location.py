"""Find a handler: the folder of its code and its name there."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from retryctl.errors import CouldNotLook, UsageError
from retryctl.lab.function import REGION

_FIND_MODULE = "import importlib.util, sys; sys.exit(not importlib.util.find_spec(sys.argv[1]))"


def locate(
    text: str, folder: Path, python: str = sys.executable, layers: Path | None = None
) -> tuple[Path, str]:
    """Return the folder of the code, and ``module.function`` in it.

    ``text`` is ``path/file.py:function``, whose folder is that of the file, or
    ``module.function`` as on Lambda, whose module is in ``folder``, in ``python`` of the layers, or
    is installed for the interpreter ``python``.

    :raises UsageError: the file does not exist, or does not have the function.
    """
    if ":" in text:
        path, _, name = text.rpartition(":")
        file = (folder / path).resolve()
        module = file.stem
    else:
        dotted, _, name = text.rpartition(".")
        module = dotted.replace("/", ".")
        file = (folder / (module.replace(".", "/") + ".py")).resolve()
        if (file.with_suffix("") / "__init__.py").is_file():
            file = file.with_suffix("") / "__init__.py"
    if not name.isidentifier() or not module or text.endswith(".py"):
        raise UsageError(
            f"{text!r} does not name a handler",
            "Write file.py:function, or module.function as on Lambda.",
        )
    if file.is_file():
        _require_name(name, file)
    elif ":" in text or not _is_elsewhere(module, python, layers):
        installed = "" if ":" in text else f"; {python} has no module {module} either"
        raise UsageError(
            f"the file of the handler {text} was not found", f"{file} does not exist{installed}."
        )
    return (file.parent if ":" in text else folder.resolve()), f"{module}.{name}"


def _is_elsewhere(module: str, python: str, layers: Path | None) -> bool:
    """Whether a layer or the interpreter has the package of ``module``, such as an agent's."""
    package = module.partition(".")[0]
    if layers is not None and any(layers.glob(f"python/**/{package}*")):
        return True
    command = [python, "-I", "-c", _FIND_MODULE, package]
    return not subprocess.run(command, capture_output=True, check=False).returncode


def locate_function(function: Callable[..., Any]) -> tuple[Path, str]:
    """Return the same for a function, a callable object or a partial of an imported module.

    :raises UsageError: it is not at the top of a module, so another process cannot import it.
    """
    module, name = _home(function)
    file = Path(module.__file__ or "").resolve()
    folder = file.parents[module.__name__.count(".") + (file.name == "__init__.py")]
    return folder, f"{module.__name__}.{name}"


def _home(function: Callable[..., Any]) -> tuple[ModuleType, str]:
    """Return the module that has ``function`` as a global, and its name there."""
    name = getattr(function, "__qualname__", "")
    module = sys.modules.get(getattr(function, "__module__", ""))
    if inspect.isroutine(function) and name.isidentifier() and _is_importable(module):
        assert module is not None
        return module, name
    inner = function.func if isinstance(function, functools.partial) else function
    first = sys.modules.get(getattr(inner, "__module__", ""))
    for candidate in (first, *list(sys.modules.values())):
        if candidate is None or not _is_importable(candidate):
            continue
        for name, value in list(vars(candidate).items()):
            if value is function:
                return candidate, name
    shown = getattr(function, "__name__", None) or type(function).__name__
    raise UsageError(
        f"{shown} is not at the top level of a module that can be imported",
        "Move it there, or name it as file.py:function.",
    )


def _is_importable(module: ModuleType | None) -> bool:
    return (
        isinstance(module, ModuleType)
        and module.__name__ != "__main__"
        and bool(getattr(module, "__file__", None))
    )


def _require_name(name: str, file: Path) -> None:
    """Refuse a name that the file never mentions; the runtime decides the doubtful cases."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return  # the runtime reports it, as on Lambda
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            named.add(node.name)
        elif isinstance(node, ast.Name):
            named.add(node.id)
        elif isinstance(node, ast.alias):
            named.add(node.asname or node.name)
    if {name, "*", "__getattr__", "globals"} & named:
        return
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    known = (
        f"It has {', '.join(functions)}."
        if functions
        else "It defines no function at the top level."
    )
    raise UsageError(f"{file.name} has no function {name}", known)


# --------------------------------------------------------------------------- the interpreter


_NEXT_STEP = "Name another with --python."
_OLDEST = (3, 9)


def find_interpreter(name: str) -> str:
    """Return the path of an interpreter, links unresolved: they are what makes a venv.

    :raises CouldNotLook: the program does not exist.
    """
    path = shutil.which(name)
    if path is None:
        raise CouldNotLook(f"the interpreter {name} was not found", _NEXT_STEP)
    return os.path.abspath(path)


def interpreter_version(path: str) -> str:
    """Return the interpreter's version, as ``3.13``.

    :raises CouldNotLook: it is not an interpreter, or too old for the lab.
    """
    if path == sys.executable:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
    found = re.fullmatch(r"(\d+)\.(\d+)\n", answer.stdout)
    if answer.returncode or found is None:
        raise CouldNotLook(f"{path} does not run as a Python interpreter", _NEXT_STEP)
    if (int(found[1]), int(found[2])) < _OLDEST:
        raise CouldNotLook(
            f"{path} is Python {found[0].strip()}, and the lab runs 3.9 and later", _NEXT_STEP
        )
    return found[0].strip()


def made_runtime(version: str) -> tuple[str, str]:
    """Return the runtime's version and ARN, in the form of Lambda's; the build is a made one."""
    name = f"python:{version}.v74"
    build = hashlib.sha256(name.encode()).hexdigest()
    return name, f"arn:aws:lambda:{REGION}::runtime:{build}"
