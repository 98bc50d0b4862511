"""Writes docs/REFERENCE.md and docs/DATA.md from the code itself; `--check` only compares, as a test does."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute
from sqlalchemy.orm import sessionmaker

import anhuan
from anhuan import app
from anhuan.cli import keys as commands_of_keys
from anhuan.cli import main as command_line
from anhuan.kit import db, settings
from anhuan.kit.errors import Bad, Broken, Unavailable
from anhuan.kit.vault import Sealed

PAGE = Path(__file__).with_name("REFERENCE.md")
DATA_PAGE = Path(__file__).with_name("DATA.md")
HEAD = """# Reference: settings, commands, pages, API, error codes

Written by `make docs` from the code. The API's full description is at `/api/v1/openapi.json`.
"""


DATA_HEAD = """# What is kept, in which class, and how

Written by `make docs` from the declarations beside the columns (`info=C1`, `C2`, `C3` of `kit/classes.py`, after
JR/T 0171-2020); a test fails on a column without one.

- **C1**: ids, days, codes, digits cut to the last four. In clear, behind the wall of rows.
- **C2**: who somebody is, what they own and owe, how they can be reached. Sealed by the application (`kit/vault.py`)
  or kept as a keyed hash; each exception states its reason.
- **C3**: what lets somebody in. Only as a hash, or sealed where the value itself must be used again. No security code
  of a card (CVV) is kept in any form: there is no column for it.

How values are sealed, and what is not hidden by it: [decision 0010](decisions/0010-sealed-columns.md).
"""


def main() -> int:
    """Write the pages, or say that one is out of date."""
    texts = {PAGE: "\n".join([HEAD, *tables()]) + "\n", DATA_PAGE: "\n".join([DATA_HEAD, *data_classes()]) + "\n"}
    if "--check" not in sys.argv:
        for page, text in texts.items():
            page.write_text(text)
        return 0
    return 0 if all(page.exists() and page.read_text() == text for page, text in texts.items()) else 1


def data_classes() -> Iterator[str]:
    """The sections of the page on data: the exceptions first, then every column of each room."""
    commands_of_keys.import_tables()
    rooms: dict[str, list[tuple[str, ...]]] = {}
    exceptions: list[tuple[str, ...]] = []
    for mapper in sorted(db.Base.registry.mappers, key=lambda one: str(one.local_table)):
        room = mapper.class_.__module__.split(".")[1]
        for column in mapper.local_table.columns:
            row = (f"`{column.table.name}.{column.name}`", str(column.info["data_class"]), how_kept(column))
            rooms.setdefault(room, []).append(row)
            exceptions += [row] if "clear" in column.info or "hashed" in column.info else []
    columns = ("column", "class", "how it is kept")
    yield section("C2 and C3 that are not sealed, and why", columns, exceptions)
    for room, rows in sorted(rooms.items()):
        yield section(f"Room `{room}`", columns, rows)


def how_kept(column: Any) -> str:
    """How a column's values lie in the database, in words."""
    if "hashed" in column.info:
        return f"not itself: {column.info['hashed']}"
    if "clear" in column.info:
        return f"in clear: {column.info['clear']}"
    return "sealed" if isinstance(column.type, Sealed) else "in clear"


def tables() -> Iterator[str]:
    """The sections of the page."""
    house = app.create(sessionmaker())
    api: Any = next(route for route in house.routes if getattr(route, "path", "") == "/api/v1")
    pages = [route for route in routes_of(house) if not route[1].startswith("/static")]
    yield section(
        "Settings",
        ("variable", "without it", "meaning"),
        [(f"`{s.name}`", s.default, s.meaning) for s in settings.SETTINGS],
    )
    yield section("Commands", ("command", "what it does"), list(commands()))
    yield section("Pages", ("method", "path", "what it does"), pages)
    yield section("JSON, under /api/v1", ("method", "path", "what it does"), routes_of(api.app))
    yield section("Error codes", ("code", "kind", "meaning"), errors())


def section(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """One table under its heading."""
    lines = [columns, ("---",) * len(columns), *rows]
    return (
        f"## {title}\n\n"
        + "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )


def routes_of(door: Any) -> list[tuple[str, ...]]:
    """Method, path and promise of each route, in order of path."""
    found = set()
    for route in flat(door.routes):
        for method in sorted(route.methods or ()):
            if method != "HEAD":
                found.add((method, f"`{route.path}`", sentence(route.endpoint)))
    return sorted(found, key=lambda row: (row[1], row[0]))


def flat(routes: Any) -> Iterator[APIRoute]:
    """The routes themselves, also those that an included router keeps together."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from flat(route.original_router.routes)


def commands() -> Iterator[tuple[str, str]]:
    """Every command and sub-command with its options."""
    for name in command_line.COMMANDS:
        yield from described(f"anhuan {name}", command_line.command(name))


def described(called: str, command: Any) -> Iterator[tuple[str, str]]:
    inner = getattr(command, "commands", None)
    if inner:
        for name, one in inner.items():
            yield from described(f"{called} {name}", one)
        return
    words = [called]
    for one in command.params:
        if one.name != "help":
            words.append(
                one.opts[-1]
                if one.param_type_name == "option"
                else f"{one.name.upper()}{'...' if one.nargs == -1 else ''}"
            )
    yield f"`{' '.join(words)}`", " ".join((command.help or "").split("\n\n")[0].split())


def errors() -> list[tuple[str, ...]]:
    """Every piece of bad news the house can give; a code belongs to one class alone."""
    for module in pkgutil.walk_packages(anhuan.__path__, "anhuan."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    known = sorted(set(below(Bad)), key=lambda one: one.code)
    codes = [one.code for one in known]
    twice = {code for code in codes if codes.count(code) > 1}
    if twice:
        raise SystemExit(f"error codes used twice: {', '.join(sorted(twice))}")
    return [(f"`{one.code}`", kind(one), sentence(one)) for one in known]


def below(kind: type[Bad]) -> Iterator[type[Bad]]:
    for one in kind.__subclasses__():
        if "code" in vars(one):
            yield one
        yield from below(one)


def kind(one: type[Bad]) -> str:
    if issubclass(one, Broken):
        return "broken"
    return "unavailable" if issubclass(one, Unavailable) else "refused"


def sentence(thing: Any) -> str:
    """The first paragraph of the docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


if __name__ == "__main__":
    sys.exit(main())
