"""What the README says is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = ("README.md", "README.zh-CN.md")


@pytest.mark.timeout(400)  # eight commands, each a process of its own
def test_the_commands_of_the_readme_print_what_it_shows(top: Path) -> None:
    done = subprocess.run(
        [sys.executable, "docs/console.py", "--check"], cwd=top, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run `make docs`: {done.stdout} {done.stderr[-800:]}"


@pytest.mark.parametrize("name", PAGES)
def test_make_is_told_as_it_is(top: Path, name: str) -> None:
    targets = set(re.findall(r"^(\w+):", (top / "Makefile").read_text(), re.MULTILINE))
    told = re.findall(r"^\$ make (\w+)", (top / name).read_text(), re.MULTILINE)
    assert {"run", "test"} <= set(told) <= targets


def test_both_languages_show_the_same_commands(top: Path) -> None:
    first, second = (re.findall(r"^\$ .*$", (top / name).read_text(), re.MULTILINE) for name in PAGES)
    assert first == second


def test_every_link_leads_somewhere(top: Path) -> None:
    pages = [*top.glob("*.md"), *(top / "docs").rglob("*.md")]
    broken = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []
