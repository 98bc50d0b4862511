"""Both languages say everything: each sentence of a template has its English, with the same facts in it."""

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from anhuan.web import language, shell

METHODS = [("**.html", "jinja2")]
FACT = re.compile(r"%\((\w+)\)s")


def sentences() -> list[str | tuple[str, ...]]:
    """Every marked sentence of every template."""
    found = extract_from_dir(str(shell.TEMPLATES), METHODS, {"**.html": {}})
    said = {message if isinstance(message, str) else tuple(message) for _, _, message, _, _ in found}
    return sorted(said, key=str)


def forms_of(message: Message) -> list[str]:
    """The English of a message: one sentence, or one for each number."""
    said: Any = message.string
    return [said] if isinstance(said, str) else list(said)


def test_the_templates_hold_sentences() -> None:
    assert len(sentences()) > 300


def test_every_sentence_has_its_english() -> None:
    with language.CATALOGUE.open("rb") as source:
        known = {
            message.id if isinstance(message.id, str) else tuple(message.id)
            for message in read_po(source, locale="en")
            if message.id and all(forms_of(message))
        }
    assert [one for one in sentences() if one not in known] == []


def test_the_english_carries_the_same_facts() -> None:
    with language.CATALOGUE.open("rb") as source:
        for message in read_po(source, locale="en"):
            ids = [message.id] if isinstance(message.id, str) else list(message.id)
            for string in forms_of(message):
                assert set(FACT.findall(string)) == set(FACT.findall(ids[0])), ids[0]


def test_english_sentences_hold_no_chinese() -> None:
    with language.CATALOGUE.open("rb") as source:
        mixed = [
            message.id for message in read_po(source, locale="en") if re.search(r"[\u4e00-\u9fff]", str(message.string))
        ]
    assert mixed == []


def test_no_chinese_stands_in_a_template_outside_a_marked_sentence() -> None:
    loose = []
    for path in sorted(Path(shell.TEMPLATES).rglob("*.html")):
        bare = re.sub(r"{{.*?}}|{%.*?%}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        loose += [f"{path.name}: {found}" for found in re.findall(r"[\u4e00-\u9fff]+", bare)]
    assert loose == []


@pytest.mark.parametrize(("lang", "word"), [("zh", "首页"), ("en", "Home")])
def test_the_switch_changes_the_word(lang: str, word: str) -> None:
    assert language.translations(lang).gettext("首页") == word
