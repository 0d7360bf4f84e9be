"""The house rules, held against the import statements of every file."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "retryctl"
FILES = sorted(PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    # who: what of the rest of the package
    "core": {"core"},
    "errors": set(),
    "settings": {"core", "errors"},
    "sources": {"sources", "core", "errors"},
    "views": {"views", "core", "errors"},
    "lab": {"lab", "core", "errors"},
    "counters": {"counters"},
    "cli": {"cli", "core", "errors", "settings", "sources", "views", "lab", "counters", "version"},
    "__main__": {"cli"},
    "__init__": set(),
}
THE_WORLD = {
    # what a pure core has no use for: files, processes, the network, the clock, the environment
    *("asyncio", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random"),
    *("secrets", "select", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile"),
    *("threading", "time", "urllib"),
}


@dataclass(frozen=True)
class Import:
    module: str
    names: tuple[str, ...]
    at_top: bool
    line: int


def _imports(path: Path) -> list[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return list(_of(tree, at_top=True))


def _of(node: ast.AST, *, at_top: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom):
            assert not child.level, "imports are absolute"
            assert child.module
            names = tuple(alias.name for alias in child.names)
            yield Import(child.module, names, at_top, child.lineno)
        elif isinstance(child, ast.Import):
            yield from (Import(a.name, (), at_top, child.lineno) for a in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _of(ast.Module(child.orelse, []), at_top=at_top)
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _of(child, at_top=at_top and not inside)


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _rooms_of(found: Import) -> set[str]:
    """The rooms of the package that one import reaches into; ``version`` for its ``__init__``."""
    top, *rest = found.module.split(".")
    if top != "retryctl":
        return set()
    if rest:
        return {rest[0]}
    return {"version" if name == "__version__" else name for name in found.names}


def _is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def _where(path: Path, found: Import) -> str:
    return f"{path.relative_to(ROOT)}:{found.line} imports {found.module}"


@pytest.fixture(params=FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def path(request: pytest.FixtureRequest) -> Path:
    file: Path = request.param
    return file


def test_every_import_goes_the_way_that_the_data_goes(path: Path) -> None:
    for found in _imports(path):
        assert _rooms_of(found) <= MAY_IMPORT[_room(path)], _where(path, found)


def test_the_core_is_pure(path: Path) -> None:
    if _room(path) != "core":
        return
    for found in _imports(path):
        top = found.module.split(".")[0]
        assert top == "retryctl" or top in sys.stdlib_module_names, _where(path, found)
        assert top not in THE_WORLD, _where(path, found)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).split(".")[-1]
            assert called not in ("now", "today", "utcnow", "open", "print", "input"), (
                f"{path.name}:{node.lineno} calls {called}"
            )


def test_boto3_is_imported_inside_the_functions_that_call_aws(path: Path) -> None:
    for found in _imports(path):
        if found.module.split(".")[0] in ("boto3", "botocore"):
            assert _room(path) in ("sources", "counters"), _where(path, found)
            assert not found.at_top, _where(path, found)


def test_rich_is_imported_where_text_is_drawn(path: Path) -> None:
    for found in _imports(path):
        if found.module.split(".")[0] == "rich" and path != PACKAGE / "views" / "text.py":
            assert _room(path) == "cli", _where(path, found)
            assert not found.at_top, _where(path, found)


def test_what_loads_rich_or_boto3_is_imported_late(path: Path) -> None:
    for found in _imports(path):
        if found.at_top and _room(path) != "views":
            assert found.module != "retryctl.views.text.layout", _where(path, found)
            assert "text" not in found.names, _where(path, found)


def test_no_module_imports_its_own_packages_init(path: Path) -> None:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    for found in _imports(path):
        if found.module == package:
            assert all(_is_module(f"{package}.{name}") for name in found.names), _where(path, found)


def test_every_file_is_named_for_what_it_does(path: Path) -> None:
    assert path.stem not in ("utils", "util", "helpers", "models", "misc", "common")
