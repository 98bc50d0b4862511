"""What the house tests look at: every source file, parsed once."""

import ast
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One file of the package: `room` and `name` as in anhuan/<room>/<name>.py."""

    path: str
    room: str
    name: str
    text: str
    tree: ast.Module


@pytest.fixture(scope="session")
def top() -> Path:
    """The folder of the source tree."""
    return TOP


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """All Python files of the package."""
    package = TOP / "src" / "anhuan"
    found = []
    for file in sorted(package.rglob("*.py")):
        inside = file.relative_to(package)
        room = inside.parts[0] if len(inside.parts) > 1 else "app"
        text = file.read_text()
        found.append(Source(str(file.relative_to(TOP)), room, file.stem, text, ast.parse(text)))
    assert len(found) > 20, "the sources were not found"
    return found


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Every text file that git keeps; the whole tree without ignored folders where there is no git."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    files = [TOP / name for name in done.stdout.split("\0") if name]
    return [file for file in files if file.is_file() and b"\0" not in file.read_bytes()[:4096]]
