"""Every kind of message that the source uses has its texts, in both languages, with exactly its facts."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from anhuan.kit import terms
from anhuan.notify import texts
from anhuan.notify.model import MissingFact, UnknownKind

SOURCE = Path(__file__).resolve().parents[2] / "src" / "anhuan"
KINDS = texts.kinds()
TELLERS = {"tell", "keep", "_tell", "call_operator"}
SPECS = set(texts.SHOWN)


def used() -> Iterator[str]:
    """Every literal of the source that names a kind."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in KINDS:
                yield node.value


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for file in SOURCE.rglob("*.py"):
        source = file.read_text()
        if "notify" in source:
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Call) and _name(node) in TELLERS and _is_notify(node):
                    yield file.name, node


def _name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_notify(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("notify", "notify.watchers")


def literal_kinds() -> set[str]:
    found = set()
    for _, call in _calls():
        at = 0 if _name(call) == "call_operator" else 2
        if len(call.args) > at and isinstance(call.args[at], ast.Constant):
            found.add(str(ast.literal_eval(call.args[at])))
    return found


def test_every_kind_that_is_told_has_its_texts() -> None:
    assert literal_kinds(), "no call was found"
    assert literal_kinds() - set(KINDS) == set()


def test_every_kind_that_has_texts_is_used() -> None:
    assert set(KINDS) - set(used()) == set()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_both_languages_tell_the_same_facts(name: str) -> None:
    kind = KINDS[name]
    for lang in ("zh", "en"):
        told = texts.fields_of(kind.said[lang].text)
        assert {how for _, how in told} <= SPECS
        plain = {fact for fact, how in told if how != "said"}
        said = {f"{fact}_{one}" for fact, how in told if how == "said" for one in ("zh", "en")}
        assert plain | said == kind.facts, lang


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_subject_has_no_facts_no_amounts_and_no_bank(name: str) -> None:
    banks = [word for bank in terms.banks().values() for word in (bank.zh, bank.en) if bank.id != "other"]
    for said in KINDS[name].said.values():
        assert not re.search(r"[{}¥0-9\n]", said.title)
        assert [bank for bank in banks if bank in said.title] == []
        assert len(said.title) <= 60


@pytest.mark.parametrize("name", sorted(name for name in KINDS if name.startswith(("repay_", "alert_"))))
def test_every_text_about_repaying_warns_of_other_accounts(name: str) -> None:
    assert KINDS[name].warns


@pytest.mark.parametrize("name", sorted(KINDS))
def test_no_text_promises_what_nobody_can(name: str) -> None:
    for said in KINDS[name].said.values():
        assert not re.search(r"实时到账|处理中|guaranteed|instantly", said.title + said.text)


def test_english_holds_no_chinese() -> None:
    mixed = [name for name, kind in KINDS.items() if re.search(r"[\u4e00-\u9fff]", kind.said["en"].text)]
    assert mixed == []


def test_a_fact_too_few_or_too_many_is_refused() -> None:
    with pytest.raises(MissingFact):
        texts.write("ops_no_worker", {}, "zh", today=date(2026, 11, 22))
    with pytest.raises(MissingFact):
        texts.write("ops_no_worker", {"since": None, "more": 1}, "zh", today=date(2026, 11, 22))


def test_a_kind_that_nobody_wrote_is_refused() -> None:
    with pytest.raises(UnknownKind):
        texts.find("no_such_kind")


def test_facts_are_shown_as_people_read_them() -> None:
    facts: dict[str, str | int | None] = {
        "card_zh": "招商 尾号 6214", "card_en": "CMB 6214", "due_on": "2026-12-08",
        "until": "2026-12-08T09:00:00+00:00",
    }  # fmt: skip
    zh = texts.write("alert_no_order", facts, "zh", today=date(2026, 12, 8)).text
    en = texts.write("alert_no_order", facts, "en", today=date(2026, 11, 22)).text
    assert "招商 尾号 6214 12月8日 周二 到期" in zh
    assert "今天 17:00" in zh
    assert "CMB 6214 is due Tue 8 Dec" in en


def test_what_is_not_known_is_told_as_not_known() -> None:
    assert "未知" in texts.write("ops_no_worker", {"since": None}, "zh", today=date(2026, 11, 22)).text


def test_a_fact_cannot_reach_into_the_program() -> None:
    with pytest.raises(MissingFact):
        texts._Teller({"a": "x"}, "zh", date(2026, 11, 22)).format("{a.__class__}")
