"""Data are read for a purpose: nobody opens another's rows but through the ledger, no bill comes in without a yes.

The search reads the source of every file. What it looks for is shown to be found in files made up for that.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Table
from tests.house.conftest import Source
from tests.house.test_tables import all_tables

from anhuan import cards, channels, ledger, notify, planning, repayments, statements
from anhuan.identity import holdings as own
from anhuan.identity.purposes import BY_DUTY, DUTIES, PURPOSES, Duty, Purpose

pytestmark = pytest.mark.scope("S1-29", "S2-14")

OPENING = {"enter", "everybody"}  # of kit.wall: they say whose rows are open
# Who may say so, and why. Everybody else goes through purposes.open_for, or works with the session's own party.
MAY_OPEN = {
    "identity/purposes.py:open_for": "the one function that asks",
    "identity/sessions.py:admit": "the party of the session that the token opens",
    "identity/sessions.py:add_person": "a person who is just being entered",
    "identity/keys_at_door.py:admit": "the party of the key that was presented",
    "identity/commands.py:enter": "the person of the command line",
    "identity/cli.py:everybody": "the installer lists names and invites; no room's rows",
    "identity/signin.py:by_password": "the person whose name was typed, to compare the password",
    "identity/signin.py:_second": "the same, to compare the code",
    "identity/signin.py:let_in": "the person who has just proved who they are",
    "identity/signin.py:replace_before": "the same, to end the session before",
    "identity/signin.py:join": "a person who is just being entered",
    "identity/recovery.py:begin_by_code": "the person whose name was typed, to compare the code",
    "identity/recovery.py:finish": "the person who holds the link of the recovery",
    "identity/organisations.py:_inside": "an organisation whose invitation was presented, or that is just being made",
    "identity/looking.py:open_desk": "the operator's own rows, to write down a look",
    "identity/looking.py:open_person": "the person an operator gave a reason for, once the look is written",
    "identity/demonstration.py:fill": "invented people, entered where there is nobody else",
    "identity/demonstration.py:closed": "opens nobody",
    "identity/agreeing.py:invented": "invented people, who accept when they are entered",
    "identity/pages_desk_changes.py:draw": "the operator's own rows, to check one more proof",
    "channels/journey.py:heard": "the worker: whose instruction a callback names, by its key alone",
    "channels/batches.py:_everybody": "the worker: hands over what many people ordered, each by its own key",
    "repayments/reminding.py:remind": "the worker: whose bills fall due and are not arranged, to tell them",
    "repayments/journey.py:due": "the worker: whose orders are due for a look, to promise it",
    "channels/journey.py:due": "the worker: whose questions to channels are due, to promise them again",
    "channels/journey.py:unproved": "the worker: whose cards are to be looked at for a proof, to promise it again",
    "repayments/journey_autopay.py:due": "the worker: whether any mandate's debit is due",
    "repayments/journey_autopay.py:_batch": "the worker: debits that are due, whose mandates the payers gave",
    "repayments/journey_autopay.py:take_up_bills": "the worker: bills that a mandate pays, to plan their debits",
    "repayments/journey_autopay.py:take_up_days": "the worker: mandates with a schedule, to plan their next day",
    "repayments/journey_proofs.py:match": "the worker: whose statements say something new, to promise a comparison",
    "channels/journey.py:learn": "the worker: how long arrivals take, counted over everybody's payments",
    "notify/journey.py:sweep": "the worker: mails of all people that lost their job",
    "repayments/journey_plans.py:plans": "the worker: whose plan was left alone long enough, to promise a look",
    "repayments/journey_alerts.py:alert": "the worker: whose payment is not proved at its last safe moment",
    "repayments/watching.py:look": "the second watcher: the same, without the queue",
    "repayments/watching.py:_bills": "the second watcher: bills that a mandate should have paid",
    "repayments/watching.py:_urgent_mails": "the second watcher: urgent mails that no job has sent",
    "ledger/journey.py:_sweep": "the worker: holds of all people whose time has passed, by shard",
    "identity/journey.py:tidy": "the worker: requests about data of all people, to find those undone",
    "identity/journey.py:forget": "the worker: deletes what no duty keeps any more",
}
SETTING = re.compile(r"set_config\(\s*('anhuan\.|:|%|\|)|\bSET\s+(LOCAL\s+)?anhuan\.", re.IGNORECASE)
INTAKE = {"preview", "preview_of", "commit", "take_in"}  # of room statements: bills come in
MAY_TAKE_IN = {
    "statements/service.py": "the acts themselves, behind the doors",
    "cli/demo.py:fill": "",
    "cli/demo_cards.py:_take_bills": "",
}
# Tables with a person or a party that are in no room's list, and why.
NOT_LISTED = {
    "audit_log": "a chain that nobody may cut; people read their own records on the page",
    "challenges": "32 random bytes that last two minutes and hold nothing of anybody",
    "invitations": "a link that works once; holds no data of the person invited",
    "rate_counters": "counts of tries under keyed hashes, gone within the hour",
    "organisations": "the firm's own row; a firm is closed by its owners at the desk, not by one of its people",
}


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Every function with its name; what stands outside of functions under the name of the module."""
    inside = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    yield from ((node.name, node) for node in inside)
    kept = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    yield "(module)", ast.Module(kept, [])


def calls(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Every call as (what stands before the dot, the name)."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            match one.func:
                case ast.Attribute(value=ast.Name(id=owner), attr=name):
                    yield owner, name
                case ast.Attribute(attr=name):
                    yield "?", name
                case ast.Name(id=name):
                    yield "", name


def openings(path: str, tree: ast.Module) -> Iterator[str]:
    """Functions of a file that open the wall, or set what its policies read."""
    from_wall = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "anhuan.kit.wall"
        for alias in node.names
    }
    for name, node in functions(tree):
        opened = any(
            (owner == "wall" and call in OPENING) or (owner == "" and call in OPENING & from_wall)
            for owner, call in calls(node)
        )
        texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        docstring = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
        sets = any(SETTING.search(text) for text in texts if text != docstring)
        if opened or sets:
            yield f"{path}:{name}"


def unasked(path: str, tree: ast.Module) -> Iterator[str]:
    """Functions that take bills in without asking the ledger first."""
    from_statements = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("anhuan.statements")
        for alias in node.names
    }
    doors = {"statements", "service"} if "statements" in path else {"statements"}
    for name, node in functions(tree):
        taken = [
            (owner, call)
            for owner, call in calls(node)
            if call in INTAKE and (owner in doors or (owner == "" and call in from_statements))
        ]
        asked = ("consent", "require") in set(calls(node))
        if taken and not asked:
            yield f"{path}:{name}"


def short(source: Source) -> str:
    return source.path.removeprefix("src/anhuan/")


def test_only_the_doors_of_identity_say_whose_rows_are_open(sources: list[Source]) -> None:
    found = {
        one
        for source in sources
        if source.path != "src/anhuan/kit/wall.py"
        for one in openings(short(source), source.tree)
    }
    assert found == set(MAY_OPEN)


def test_no_bill_comes_in_without_a_yes(sources: list[Source]) -> None:
    found = [one for source in sources for one in unasked(short(source), source.tree)]
    assert [one for one in found if one not in MAY_TAKE_IN and one.split(":")[0] not in MAY_TAKE_IN] == []


def test_the_doors_of_the_intake_are_known_to_this_test(sources: list[Source]) -> None:
    """The search sees calls; that it looks at the right ones is shown by finding each door that stands today."""
    asking = {
        f"{short(source)}:{name}"
        for source in sources
        for name, node in functions(source.tree)
        if ("consent", "require") in set(calls(node))
    }
    doors = {"statements/pages.py:hand_in", "statements/pages.py:map_columns", "statements/pages.py:commit",
             "statements/api.py:preview", "statements/api.py:commit", "statements/cli.py:import_"}  # fmt: skip
    assert doors <= asking


@pytest.mark.parametrize(
    "bad",
    [
        "def peek(db):\n    wall.enter(db, party=other)\n    return rows(db)",
        "from anhuan.kit.wall import enter\ndef peek(db):\n    enter(db, party=other)",
        "from anhuan.kit.wall import everybody\nasync def peek(db):\n    everybody(db)",
        "def peek(db):\n    wall.everybody(db)",
        "ASK = text(\"SELECT set_config('anhuan.party', :party, true)\")",
        "class A:\n    def peek(self, db):\n        wall.enter(db, party=self.other)",
    ],
)
def test_the_search_finds_a_read_that_does_not_ask(bad: str) -> None:
    assert list(openings("risk/peek.py", ast.parse(bad)))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def door(db):\n    statements.take_in(db, user, files, now=now)", True),
        ("from anhuan.statements import take_in\ndef door(db):\n    take_in(db, user, files, now=now)", True),
        ("def door(db):\n    consent.stands(db)\n    statements.commit(db, user, one, now=now)", True),
        ("def door(db):\n    consent.require(db, user, P, now)\n    statements.commit(db, user, one, now=now)", False),
        ("def other(db):\n    session.commit()", False),
    ],
)
def test_the_search_finds_a_door_that_does_not_ask(source: str, found: bool) -> None:
    assert bool(list(unasked("risk/door.py", ast.parse(source)))) is found


def test_every_table_of_people_is_in_the_export_or_named_with_a_reason() -> None:
    own.know(planning=planning, statements=statements, cards=cards, channels=channels, ledger=ledger, notify=notify,
             repayments=repayments)  # fmt: skip
    listed = {one.table: one.key for room in own.all_rooms().values() for one in vars_of(room)}
    tables = {table.name: table for table in all_tables()}
    assert set(listed) <= set(tables)
    assert {name for name, key in listed.items() if key not in tables[name].columns} == set()
    missing = {name for name, table in tables.items() if belongs(table) and name not in listed}
    assert missing - set(NOT_LISTED) == set(), "a room's HOLDINGS must list it, or NOT_LISTED say why not"
    assert set(NOT_LISTED) & set(listed) == set()


def vars_of(room: Any) -> Any:
    return room.HOLDINGS


def belongs(table: Table) -> bool:
    """Whether rows of the table are somebody's."""
    return bool({"user_id", "person_id"} & set(table.columns.keys())) or table.name in ("people", "organisations")


def test_every_duty_has_its_article_and_its_roles() -> None:
    assert set(DUTIES) == set(Duty) == set(BY_DUTY)
    assert all("第" in one.zh and "art." in one.en for one in DUTIES.values())
    assert set(PURPOSES) == set(Purpose)
