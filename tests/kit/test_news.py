"""Every refusal and every problem of a file has a sentence in both languages."""

import ast
import re
from pathlib import Path

import pytest

from anhuan.kit import news, terminal
from anhuan.kit.errors import Bad, Refused

SOURCE = Path(news.__file__).parents[1]


def codes_of(tree: ast.Module) -> set[str]:
    """The codes of the refusals that a file defines and of the problems that it notes."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(body=body):
                found |= {
                    line.value.value
                    for line in body
                    if isinstance(line, ast.Assign | ast.AnnAssign)
                    and isinstance(line.value, ast.Constant)
                    and isinstance(line.value.value, str)
                    and "code" in ast.unparse(line).partition("=")[0].split(":")[0]
                }
            case ast.Call(func=ast.Name(id="Problem"), args=[ast.Constant(value=str(code)), *_]):
                found.add(code)
    return found - {Bad.code, ""}


def test_every_code_is_told_in_chinese_and_in_english() -> None:
    codes = {code for file in SOURCE.rglob("*.py") for code in codes_of(ast.parse(file.read_text()))}
    assert len(codes) > 60, "the codes were not found"
    missing = sorted(codes - news.sentences().keys())
    assert missing == [], "add a pair of sentences to kit/seeds/messages.toml"
    for code, said in news.sentences().items():
        assert re.search("[\u4e00-\u9fff]", said["zh"]), code
        assert said["en"].isascii(), code


@pytest.mark.parametrize(("message", "lang", "starts"), [
    ("there is no such card", "en", "there is no such card"),        # the room's own words say most
    ("there is no such card", "zh", "没有这张卡"),                   # another language gives way
    ("没有这张卡 6214", "zh", "没有这张卡 6214"),
    ("没有这张卡 6214", "en", "There is no such card"),
    ("'三千' is no card", "zh", "没有这张卡"),                       # what is quoted is nobody's language
])  # fmt: skip
def test_bad_news_is_told_in_the_language_of_the_reader(message: str, lang: str, starts: str) -> None:
    assert news.told("cards.not_found", message, lang).startswith(starts)


def test_a_code_without_a_sentence_is_told_as_it_was_said() -> None:
    assert news.told("nobody.knows", "as it was said", "zh") == "as it was said"


def test_the_terminal_adds_the_field_the_code_and_what_the_room_said() -> None:
    line = terminal.bad_news(Refused("at most 5", field="amount"), "zh")
    assert line.startswith("amount: 这一步不允许")
    assert line.endswith("(at most 5) [refused]")
    assert terminal.bad_news(Refused("at most 5"), "en") == "at most 5 [refused]"


@pytest.mark.parametrize(("args", "lang"), [
    (["cards", "show", "6214", "--lang", "en"], "en"),
    (["cards", "--lang=zh"], "zh"),
    (["cards", "--lang"], None),  # misuse: the environment decides
])  # fmt: skip
def test_the_language_of_a_command_line_is_what_it_asks_for(args: list[str], lang: str | None) -> None:
    assert terminal.asked_language(args) == (lang or terminal.language())
