"""Find a handler: the folder of its code and its name there."""

from __future__ import annotations

import ast
import functools
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from retryctl.errors import UsageError

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
    if file.suffix not in ("", ".py"):
        raise UsageError(
            f"{file.name} is not Python, and the lab runs Python handlers only",
            "Logs of every runtime can be read: retryctl trace --from FILE",
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
