"""What the first product must do: each row of the scope page marked first has a test that fails without it."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOMS = ("kit", "identity", "statements", "cards", "planning")
# Rows without a test of their own yet, with the reason. A row that gets its test must leave this list.
WAITING: Final = {
    "S0-01": "the gap itself is planned (S0-24); telling people about it comes with room notify",
    "S0-32": "offers inside a plan are compared by cost; lenders' offers by yearly rate come with room credit",
    "S0-41": "signals of too much debt come with room credit",
    "S2-03": "instalments are part of a plan; early settlement comes with room credit",
    "S2-10": "identity keeps people and organisations; KYC tiers, evidence and owners come with the risk room",
    "S2-28": "a monthly cap by affordability comes with room credit",
}


@pytest.fixture(scope="session")
def scope_page(top: Path) -> str:
    """The page of capabilities beside the source tree."""
    page = top.parent / "shared" / "design" / "capabilities.md"
    if not page.is_file():
        pytest.skip("needs ../shared/design/capabilities.md beside the source tree")
    return page.read_text()


def first_rows(page: str, room: str) -> set[str]:
    """Ids of a room's rows that the first product carries."""
    section = page.split(f"\n### {room}\n", 1)[1].split("\n### ", 1)[0]
    found = set()
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if re.match(r"S\d-\d+$", cells[0]) and any(re.match(r"first\b", cell) for cell in cells[4:5]):
            found.add(cells[0])
    return found


def proved(top: Path) -> set[str]:
    """Ids that some test claims to prove."""
    marks = re.compile(r"mark\.scope\(([^)]*)\)")
    texts = (file.read_text() for file in (top / "tests").rglob("test_*.py") if file != Path(__file__))
    return {name for text in texts for mark in marks.findall(text) for name in re.findall(r"S\d-\d+", mark)}


def test_every_first_row_of_the_rooms_that_stand_is_proved(top: Path, scope_page: str) -> None:
    wanted = set().union(*(first_rows(scope_page, room) for room in ROOMS))
    assert len(wanted) > 15, "the page was not read"
    assert wanted - proved(top) == set(WAITING)


def test_marks_name_rows_that_exist(top: Path, scope_page: str) -> None:
    known = set(re.findall(r"^\| (S\d-\d+) ", scope_page, re.MULTILINE))
    assert proved(top) <= known
