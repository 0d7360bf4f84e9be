"""Properties of the package's structure that the contracts of import-linter do not state."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "retryctl"


def _trees(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def test_no_class_name_is_defined_twice() -> None:
    places = defaultdict(list)
    for path, tree in _trees(PACKAGE):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_modules_import_each_other_in_a_cycle() -> None:
    """Imports inside functions count, imports for type checkers alone do not."""
    graph = grimp.build_graph("retryctl", exclude_type_checking_imports=True)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for module in graph.modules:
        sorter.add(module, *graph.find_modules_directly_imported_by(module))
    sorter.prepare()


def test_the_core_reads_no_clock_and_no_file() -> None:
    for path, tree in _trees(PACKAGE / "core"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func).rpartition(".")[2]
                assert called not in ("now", "today", "utcnow", "open", "print", "input"), (
                    f"{path}:{node.lineno} calls {called}"
                )


def test_every_file_is_named_after_a_topic() -> None:
    vague = {"utils", "util", "helpers", "models", "misc", "common"}
    assert [path for path in PACKAGE.rglob("*.py") if path.stem in vague] == []
