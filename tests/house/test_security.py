"""docs/SECURITY.md keeps to the code: every test it names exists, every row is answered; and a few rows proved here."""

import ast
import base64
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from anhuan.identity import passwords, rules, sessions

# Ids of OWASP ASVS 4.0.3, level 2 (levels 1 and 2), chapters 2 to 14, that the standard has not deleted.
CHAPTERS: Final[dict[str, int | tuple[int, ...]]] = {
    "2.1": 12, "2.2": 3, "2.3": 3, "2.4": 5, "2.5": 7, "2.6": 3, "2.7": 6, "2.8": 6, "2.9": 3, "2.10": 4,
    "3.1": 1, "3.2": 4, "3.3": 4, "3.4": 5, "3.5": 3, "3.7": 1, "4.1": (1, 2, 3, 5), "4.2": 2, "4.3": 3,
    "5.1": 5, "5.2": 8, "5.3": 10, "5.4": 3, "5.5": 4, "6.1": 3, "6.2": 6, "6.3": 2, "6.4": 2,
    "7.1": 4, "7.2": 2, "7.3": (1, 3, 4), "7.4": 3, "8.1": 4, "8.2": 3, "8.3": 8, "9.1": 3, "9.2": 4,
    "10.2": 2, "10.3": 3, "11.1": 8, "12.1": 3, "12.2": 1, "12.3": 6, "12.4": 2, "12.5": 2, "12.6": 1,
    "13.1": (1, 3, 4, 5), "13.2": (1, 2, 3, 5, 6), "13.3": 2, "13.4": 2, "14.1": 4, "14.2": 6, "14.3": (2, 3),
    "14.4": 7, "14.5": 4,
}  # fmt: skip
ANSWERS: Final = ("not used: ", "not applicable: ", "not held: ", "`tests/")


def rows(page: str) -> Iterator[tuple[str, str, str]]:
    """Rows of the ASVS table: id, what is asked, how it is held."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if re.fullmatch(r"\d+\.\d+\.\d+", cells[0]):
            yield cells[0], cells[1] if len(cells) > 1 else "", cells[2] if len(cells) > 2 else ""


def wanted() -> set[str]:
    """Every id that the table must answer."""
    spread = {group: range(1, many + 1) if isinstance(many, int) else many for group, many in CHAPTERS.items()}
    return {f"{group}.{number}" for group, numbers in spread.items() for number in numbers}


@pytest.fixture(scope="module")
def page(top: Path) -> str:
    """docs/SECURITY.md."""
    return (top / "docs" / "SECURITY.md").read_text()


def test_every_row_of_the_standard_is_answered_once(page: str) -> None:
    counted = Counter(number for number, _, _ in rows(page))
    assert set(counted) == wanted()
    assert [number for number, many in counted.items() if many > 1] == []


def test_no_row_is_left_empty_and_each_says_what_it_is(page: str) -> None:
    assert [number for number, asked, held in rows(page) if not asked or not held.startswith(ANSWERS)] == []


def test_every_test_that_the_page_names_exists(top: Path, page: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert len(named) > 100, "the page was not read"
    known = {file: names_in(top / file) for file in {file for file, _ in named}}
    assert sorted({f"{file}::{name}" for file, name in named if name not in known[file]}) == []


def names_in(file: Path) -> set[str]:
    """Names of the tests in a file; the empty name stands for the file itself."""
    if not file.is_file():
        return set()
    return {""} | {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}


def test_the_search_sees_a_test_that_is_not_there(top: Path) -> None:
    assert "test_no_such_thing" not in names_in(top / "tests" / "house" / "test_security.py")
    assert "test_every_row_of_the_standard_is_answered_once" in names_in(top / "tests/house/test_security.py")
    assert names_in(top / "tests" / "nowhere.py") == set()


# --- rows that the code itself proves ---

MADE_OF_TEXT: Final = {"eval", "exec", "__import__"}
UNSAFE: Final = {"pickle", "marshal", "shelve", "dill", "yaml", "random", "xmlrpc"}


def calls(source: str) -> set[str]:
    """What a module calls or imports that turns text into code or objects, or draws chance that can be guessed."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in MADE_OF_TEXT:
                found.add(name)
            case ast.Import(names=names):
                found |= {one.name for one in names if one.name.split(".")[0] in UNSAFE}
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in UNSAFE:
                found.add(module)
            case ast.keyword(arg="shell", value=ast.Constant(value=True)):
                found.add("shell")
            case ast.Attribute(value=ast.Name(id="os"), attr="system" | "popen" as name):
                found.add(f"os.{name}")
    return found


def test_no_text_becomes_code_or_objects_and_no_chance_can_be_guessed(top: Path) -> None:
    found = {str(file): calls(file.read_text()) for file in (top / "src").rglob("*.py")}
    assert {file: what for file, what in found.items() if what} == {}
    for sample in ("eval('1')", "import pickle", "from random import choice", "run('x', shell=True)", "os.system('x')"):
        assert calls(sample), sample


def test_a_session_lasts_no_longer_than_the_standard_lets_it() -> None:
    day = date(2026, 11, 22)
    assert rules.house("session_idle_minutes", on=day) <= 30
    assert rules.house("session_total_hours", on=day) <= 12
    assert sessions.TOKEN_BYTES * 8 >= 64


def test_each_password_has_a_salt_of_its_own() -> None:
    salts = {passwords.hash_of("tugboat plum sixty", on=date(2026, 11, 22)).split("$")[4] for _ in range(2)}
    assert len(salts) == 2
    assert all(len(base64.b64decode(salt + "==")) * 8 >= 32 for salt in salts)


def test_password_managers_and_pasting_are_let_to_work(top: Path) -> None:
    web = top / "src" / "anhuan" / "web"
    pages = {file.name: file.read_text() for file in (web / "templates" / "identity").glob("*.html")}
    fields = [field for text in pages.values() for field in re.findall(r'<input[^>]*type="password"[^>]*>', text)]
    assert len(fields) >= 3
    assert [field for field in fields if not re.search(r'autocomplete="(new|current)-password"', field)] == []
    scripts = "".join(file.read_text() for file in (web / "static").glob("*.js"))
    assert not re.search(r"[\"']paste[\"']|onpaste", scripts + "".join(pages.values()))


def test_nothing_of_the_house_is_kept_in_the_browsers_storage(top: Path) -> None:
    scripts = [file.read_text() for file in (top / "src" / "anhuan" / "web" / "static").glob("*.js")]
    assert scripts
    assert not re.search(r"localStorage|sessionStorage|indexedDB|caches\.open", "".join(scripts))
