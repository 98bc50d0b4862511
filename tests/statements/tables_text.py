"""Small builders for tests of tables: text into bytes, readings into rows that a person can compare."""

from anhuan.kit.money import to_text
from anhuan.statements.files import read_file
from anhuan.statements.mapping import Mapping
from anhuan.statements.model import Reading


def read(text: str, *, name: str = "x.csv", encoding: str = "utf-8", mapping: Mapping | None = None) -> Reading:
    """Read a text as the bytes of a file."""
    return read_file(text.encode(encoding), name, mapping=mapping)


def shown(reading: Reading) -> list[tuple[str, str, str]]:
    """Amount with currency, kind and description of each line."""
    return [
        (f"{to_text(one.amount, one.currency)} {one.currency}", one.kind.value, one.description)
        for one in reading.lines
    ]


def codes(reading: Reading) -> list[str]:
    """The codes of the problems, in order."""
    return [problem.code for problem in reading.problems]
