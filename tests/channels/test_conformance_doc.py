"""The example of docs/WRITING_A_CONNECTOR.md is a program, and this runs it."""

import re
from pathlib import Path
from typing import Any

import pytest

from anhuan.channels import conformance
from anhuan.channels.conformance import Report, Verdict
from anhuan.channels.model import Rejected

DOC = Path(__file__).resolve().parents[2] / "docs" / "WRITING_A_CONNECTOR.md"


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The names that the example leaves behind."""
    [program] = re.findall(r"```python\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(program, str(DOC), "exec"), names)
    return names


def test_the_example_holds_where_it_can_be_reached_and_says_where_it_cannot(example: dict[str, Any]) -> None:
    report: Report = example["report"]
    assert report.held
    held = [line.what for line in report.lines if line.verdict is Verdict.HELD and line.what != "law"]
    assert held == ["1", "14", "15", "16"]
    unreached = [line for line in report.lines if line.verdict is Verdict.UNREACHED]
    assert all(line.why for line in unreached)
    assert len([line for line in unreached if line.what != "law"]) == 31


def test_the_example_would_be_caught_if_it_took_silence_for_a_no(example: dict[str, Any]) -> None:
    hasty = type("Hasty", (example["Tiny"],), {"ask": lambda self, key: Rejected("insufficient_funds")})
    sandbox = example["TinySandbox"]()
    sandbox.connector = hasty(sandbox.bank)
    assert not conformance.conform(sandbox, numbers=(1,)).held
