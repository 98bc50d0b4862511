"""Writes docs/ROLES.md, who may do what, from the table of rights, the routes and the commands; `--check` compares."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.orm import sessionmaker

from anhuan import app
from anhuan.cli import main as command_line
from anhuan.identity.rights import WHO_MAY, Role
from anhuan.kit.actors import PUBLIC
from anhuan.kit.routes import rules_of
from anhuan.kit.terminal import INSTALLER

PAGE = Path(__file__).with_name("ROLES.md")
HEAD = """# Who may do what

Written by `make docs` from `src/anhuan/identity/rights.py`, the routes and the commands. Every route and every command
names exactly one right; `tests/identity/test_matrix.py` knocks at each route as each role, with a true session, and
compares the answers with this page. Whoever is not signed in is led to sign-in (pages) or told 401 (JSON); a role
without the right is told 403; what belongs to another party does not exist (404).

A holder is a person with cards. Owner, maker and checker act for an organisation, partner is an organisation's program,
the others work at the desk. A right says which doors open; whose rows are behind them says row-level security.
"""
NOTES = f"""
`{PUBLIC}` is open to everybody. A command acts for one person behind the same wall as the pages; `{INSTALLER}` commands
need the files of the installation, `{PUBLIC}` ones touch no rows of anybody.
"""


def main() -> int:
    """Write the page, or say that it is out of date."""
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text)
        return 0
    return 0 if PAGE.exists() and PAGE.read_text() == text else 1


def page() -> str:
    """The whole page."""
    rights = [(f"`{right}`", *marks(right)) for right in WHO_MAY]
    return "\n".join(
        [
            HEAD,
            table("Rights", ("right", *(role.value for role in Role)), rights),
            table("Routes", ("route", "right", "anybody", *(role.value for role in Role)), routes()),
            table("Commands", ("command", "rule"), sorted(commands())),
            NOTES.strip() + "\n",
        ]
    )


def routes() -> list[tuple[str, ...]]:
    """Every route with its right and who may knock."""
    rules = sorted(rules_of(app.create(sessionmaker())), key=lambda rule: (rule.path, rule.method))
    return [
        (
            f"`{rule.method} {rule.path}`",
            " ".join(f"`{right}`" for right in rule.rights),
            "x" if rule.rights == (PUBLIC,) else "",
            *marks(*rule.rights),
        )
        for rule in rules
    ]


def marks(*rights: str) -> tuple[str, ...]:
    """An x for each role that has all of these rights."""
    held = [frozenset(Role) if right == PUBLIC else WHO_MAY[right] for right in rights]
    return tuple("x" if held and all(role in roles for roles in held) else "" for role in Role)


def commands() -> Iterator[tuple[str, str]]:
    """Every command with its rule."""
    for name in command_line.COMMANDS:
        for called, rules in below(f"anhuan {name}", command_line.command(name)):
            yield f"`{called}`", " ".join(f"`{rule}`" for rule in rules)


def below(called: str, command: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A command, or those of a group; a group that does something by itself is a command too."""
    inner = getattr(command, "commands", None)
    if not inner or command.invoke_without_command:
        yield called, rules_beside(command)
    for name, one in (inner or {}).items():
        yield from below(f"{called} {name}", one)


def rules_beside(command: Any) -> tuple[str, ...]:
    """The rights that stand beside a command's function (kit/terminal.may); none for one that has been forgotten."""
    found: tuple[str, ...] = getattr(command.callback, "rights", ())
    return found


def table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """One table under its heading."""
    lines = [columns, ("---",) * len(columns), *rows]
    return f"## {title}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
