"""The list of attacks equals the tests, and each attack says what shows that it can fail."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LEAST = 40  # the whole product aims at sixty and more


@pytest.fixture(scope="module")
def script() -> Any:
    """docs/attacks.py as a module."""
    place = Path(__file__).resolve().parents[2] / "docs" / "attacks.py"
    spec = importlib.util.spec_from_file_location("attacks_of_docs", place)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def test_every_attack_says_what_is_tried_what_must_happen_and_how_it_could_fail(script: Any) -> None:
    found = list(script.attacks())
    assert len(found) >= LEAST
    assert [attack.name for attack in found if set(attack.lines) != set(script.LABELS)] == []


def test_the_page_of_attacks_is_as_the_tests_are(top: Path) -> None:
    done = subprocess.run([sys.executable, "docs/attacks.py", "--check"], cwd=top, check=False)
    assert done.returncode == 0, "run `make docs`"


def test_no_two_attacks_have_one_name(script: Any) -> None:
    names = [attack.name for attack in script.attacks()]
    assert len(set(names)) == len(names)
