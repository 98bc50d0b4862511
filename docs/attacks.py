"""Writes docs/ATTACKS.md from the tests in tests/attacks; `--check` only compares, and a test of the house does so."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
PAGE = TOP / "docs" / "ATTACKS.md"
LABELS = ("Tried", "Must", "Control")
HEAD = """# Attacks on ourselves

Each row is one test in `tests/attacks`; most try many spellings. Written by `make docs` from the tests themselves: what
is tried, what must happen, and what shows that the test can fail.
"""


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack: the file and name of its test, and the three lines of its docstring by label."""

    file: str
    name: str
    lines: dict[str, str]


def main() -> int:
    """Write the page, or say that it is out of date."""
    text = page(list(attacks()))
    if "--check" not in sys.argv:
        PAGE.write_text(text)
        return 0
    return 0 if PAGE.exists() and PAGE.read_text() == text else 1


def attacks() -> Iterator[Attack]:
    """Every test of the folder, in the order of its file."""
    for file in sorted((TOP / "tests" / "attacks").glob("test_*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield Attack(file.stem, node.name, lines_of(ast.get_docstring(node) or ""))


def lines_of(docstring: str) -> dict[str, str]:
    """What stands behind each label, its lines joined."""
    found: dict[str, str] = {}
    label = ""
    for line in docstring.splitlines():
        name, colon, rest = line.partition(": ")
        if colon and name in LABELS:
            label, line = name, rest
        if label:
            found[label] = f"{found.get(label, '')} {line.strip()}".strip()
    return found


def page(found: list[Attack]) -> str:
    """The page: one table for each file."""
    parts = [HEAD, f"{len(found)} attacks.\n"]
    for file in dict.fromkeys(attack.file for attack in found):
        doc = ast.get_docstring(ast.parse((TOP / "tests" / "attacks" / f"{file}.py").read_text())) or file
        parts += [f"## {doc.splitlines()[0]}\n", f"`tests/attacks/{file}.py`\n"]
        parts += ["| attack | tried | must happen | control |", "| --- | --- | --- | --- |"]
        for attack in found:
            if attack.file == file:
                cells = [attack.lines.get(label, "").replace("|", "\\|") for label in LABELS]
                name = attack.name.removeprefix("test_").replace("_", " ")
                parts.append(f"| {name} | " + " | ".join(cells) + " |")
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.exit(main())
