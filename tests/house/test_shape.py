"""The shape of the house: one direction, front doors, SQL in one place, functions that fit on a screen."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

LONGEST = 60  # lines of a function
ASKING = {"select", "insert", "update", "delete", "text", "func", "union", "union_all", "literal_column"}
# Figures of cards, law and channels (rates, fees, limits in fen) that live in dated configuration alone.
TELLTALE_RATES = {"0.0005", "0.00035", "18.25", "0.1825", "19.86", "0.1986", "0.24", "0.36", "0.001"}
TELLTALE_FEN = {5_000_000, 20_000_000, 500_000_000}


def test_imports_run_downhill(top: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"],
        cwd=top,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_room_reaches_into_another_rooms_store_or_tables(sources: list[Any]) -> None:
    reached = [
        f"{source.path} imports {module}"
        for source in sources
        for module in imports(source.tree)
        if module.count(".") >= 2
        and module.split(".")[0] == "anhuan"
        and module.split(".")[2].partition("_")[0] in ("store", "tables")
        and module.split(".")[1] not in (source.room, "kit")
    ]
    assert reached == []


def test_only_stores_ask_the_database(sources: list[Any]) -> None:
    asking = [
        f"{source.path} imports {alias.name} of {node.module}"
        for source in sources
        if source.name.partition("_")[0] not in ("store", "tables") and source.room != "kit"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
        if alias.name in ASKING
    ]
    assert asking == []


def test_rooms_are_two_levels_deep(sources: list[Any]) -> None:
    assert [source.path for source in sources if source.path.count("/") > 3] == []


def test_no_function_outgrows_the_screen(sources: list[Any]) -> None:
    long = [
        f"{source.path}: {node.name} has {length} lines"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST
    ]
    assert long == []


def test_every_public_function_and_class_makes_a_promise(sources: list[Any]) -> None:
    silent = [
        f"{source.path}: {node.name}"
        for source in sources
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    silent += [source.path for source in sources if source.text.strip() and not ast.get_docstring(source.tree)]
    assert silent == []


def test_figures_of_banks_and_law_stand_in_dated_configuration_alone(sources: list[Any]) -> None:
    rates = {Fraction(rate) for rate in TELLTALE_RATES}
    found = [
        f"{source.path}:{line}: {shown}"
        for source in sources
        for line, shown, value in figures(source.tree)
        if value in rates or value in TELLTALE_FEN
    ]
    assert found == []


def test_the_search_for_figures_sees_every_way_to_write_one() -> None:
    ways = 'a = 0.0005\nb = Decimal("0.0005")\nc = Fraction(1, 2000)\nd = 5_000_000\n'
    seen = {line for line, _, value in figures(ast.parse(ways)) if value in (Fraction("0.0005"), 5_000_000)}
    assert seen == {1, 2, 3, 4}


def imports(tree: ast.Module) -> Iterator[str]:
    """Every imported name with its dots, `from anhuan.cards import store` as anhuan.cards.store."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def figures(tree: ast.Module) -> Iterator[tuple[int, str, Fraction]]:
    """Every number in the code, also as decimal text and as a fraction of two numbers."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, int | float | str)
            and not isinstance(node.value, bool)
        ):
            try:
                yield node.lineno, repr(node.value), Fraction(Decimal(str(node.value)))
            except (InvalidOperation, ValueError, OverflowError):
                continue
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fraction":
            values = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, int)]
            if len(values) == 2 and values[1]:
                yield node.lineno, ast.unparse(node), Fraction(*values)
