"""Where a handler is: from what a person writes to the folder of its code and its name there."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retryctl.errors import UsageError


def locate(text: str, folder: Path) -> tuple[Path, str]:
    """Return the folder of the code, and ``module.function`` in it.

    ``text`` is ``path/file.py:function``, whose folder is that of the file, or
    ``module.function`` as Lambda has it, looked for in ``folder``.

    :raises UsageError: there is no such file, or it has no such function.
    """
    if ":" in text:
        path, _, name = text.rpartition(":")
        file = (folder / path).resolve()
        module = file.stem
    else:
        dotted, _, name = text.rpartition(".")
        file = (folder / (dotted.replace(".", "/") + ".py")).resolve()
        if not file.exists():
            file = file.with_suffix("") / "__init__.py"
        module = dotted
    if not name.isidentifier() or not module or text.endswith(".py"):
        raise UsageError(
            f"{text!r} names no handler",
            "Write file.py:function, or module.function as Lambda does.",
        )
    if not file.is_file():
        raise UsageError(f"there is no file for the handler {text}", f"Looked for {file}.")
    _look_for(name, file)
    return (file.parent if ":" in text else folder.resolve()), f"{module}.{name}"


def locate_function(function: Callable[..., Any]) -> tuple[Path, str]:
    """Return the same of a function of a module, such as a test suite has imported.

    :raises UsageError: it is no function at the top of a module, so that no other process
        can find it by its name.
    """
    name, module = function.__qualname__, function.__module__
    if not name.isidentifier() or module == "__main__":
        raise UsageError(
            f"{name} is not at the top of a module that can be imported",
            "Move it there, or name it as file.py:function.",
        )
    file = Path(inspect.getfile(inspect.unwrap(function))).resolve()
    folder = file.parents[module.count(".") + (file.name == "__init__.py")]
    return folder, f"{module}.{name}"


def _look_for(name: str, file: Path) -> None:
    """Refuse a name that the file never mentions; what cannot be told is left to the runtime."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return  # the runtime says it, as on Lambda
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
    known = f"It has {', '.join(functions)}." if functions else "It has no function at its top."
    raise UsageError(f"{file.name} has no function {name}", known)
