"""Templates and the page values that feed them: every name exists, nothing inline, every htmx verb has its target."""

import dataclasses
import importlib
import re
import typing
from collections.abc import Iterator
from enum import Enum
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import nodes

from anhuan.web import shell

TOP = Path(__file__).resolve().parents[2]
TEMPLATES = TOP / "src" / "anhuan" / "web" / "templates"
SCRIPTS = TOP / "src" / "anhuan" / "web" / "static"
MODULES = (
    "cards.pages", "statements.pages", "planning.pages", "web.pages", "web.card", "web.education", "web.errors",
    "web.limits", "identity.pages_consent", "identity.pages_data", "identity.pages_desk",
    "identity.pages_desk_changes", "identity.pages_org", "identity.pages_own",
    "identity.pages", "identity.pages_security", "identity.confirming",
    "ledger.pages", "ledger.pages_health", "ledger.pages_people", "ledger.pages_posting",
    "channels.pages_partners", "channels.pages_channels", "channels.pages_by_hand",
    "channels.pages_contradictions", "notify.pages", "repayments.pages_pauses",
    "repayments.pages", "repayments.pages_track", "repayments.pages_bind",
    "repayments.pages_receipt", "channels.pages_stops", "repayments.pages_desk", "repayments.pages_plan",
    "repayments.pages_autopay",
)  # fmt: skip
FRAME = {"shell"}  # given to every template beside the fields of its value
BUILT_IN = {
    *("_", "gettext", "ngettext", "loop", "asset", "range", "dict", "lipsum", "cycler", "joiner", "namespace"),
    *("caller", "self", "super", "true", "false", "none", "varargs", "kwargs"),
}
METHODS = {"get", "items", "isoformat", "name", "startswith"}  # of dictionaries, dates, named things, text
IMPORTED = {
    "parts",
    "words",
    "passkey",
    "agreed_words",
    "terms_of",
    "chart",
    "books",
    "says",
    "closed",
    "paid",
    "loop",
    "strip",
}  # names under which templates import macros
VERBS = re.compile(r"^hx-(get|post|put|patch|delete)$")


def page_values() -> dict[str, type]:
    """Every page value by the template it feeds."""
    found: dict[str, type] = {}
    for module in MODULES:
        for value in vars(importlib.import_module(f"anhuan.{module}")).values():
            if isinstance(value, type) and isinstance(vars(value).get("template"), str):
                assert value.__dataclass_params__.frozen, f"{value.__name__} is not frozen"  # type: ignore[attr-defined]
                found[typing.cast(Any, value).template] = value
    return found


def all_templates() -> list[str]:
    return sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))


def whole_tree(name: str, seen: set[str], *, words: bool = True) -> list[nodes.Template]:
    """A template with everything it extends and includes, and the macros (`words`) it imports."""
    if name in seen:
        return []
    seen.add(name)
    tree = shell.environment("zh").parse((TEMPLATES / name).read_text(encoding="utf-8"))
    kinds = (nodes.Extends, nodes.Include, *((nodes.Import, nodes.FromImport) if words else ()))
    others = [part.template.value for part in tree.find_all(kinds) if isinstance(part.template, nodes.Const)]
    return [tree, *(one for other in others for one in whole_tree(other, seen, words=words))]


def free_names(tree: nodes.Template) -> set[str]:
    """Names a template reads and does not set itself (loops, sets, macros and their arguments, imports)."""
    bound = {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")}
    bound |= {macro.name for macro in tree.find_all(nodes.Macro)}
    bound |= {made.target for made in tree.find_all(nodes.Import)}
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"} - bound - BUILT_IN


def attributes_of(kind: Any, seen: set[Any]) -> Iterator[str]:
    """Every field, property and method of a type and of the types of its fields."""
    if kind in seen:
        return
    seen.add(kind)
    for argument in typing.get_args(kind):
        yield from attributes_of(argument, seen)
    if not isinstance(kind, type) or kind.__module__ in ("builtins", "typing", "types"):
        return
    yield from (name for name in dir(kind) if not name.startswith("_"))
    if issubclass(kind, Enum):
        yield "value"
        return
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            yield field.name
            yield from attributes_of(hints[field.name], seen)
    for part in vars(kind).values():
        if isinstance(part, property) and part.fget is not None:
            yield from attributes_of(typing.get_type_hints(part.fget).get("return"), seen)


VALUES = page_values()


def test_there_are_page_values_and_each_has_its_template() -> None:
    assert len(VALUES) > 15
    assert [name for name in VALUES if not (TEMPLATES / name).exists()] == []


def test_every_template_is_fed_by_a_value_or_part_of_one_that_is() -> None:
    reached: set[str] = set()
    for name in VALUES:
        whole_tree(name, reached)
    assert sorted(set(all_templates()) - reached) == []


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_template_reads_only_the_fields_of_its_value(name: str) -> None:
    fields = {field.name for field in dataclasses.fields(VALUES[name])}
    read: set[str] = set()
    for tree in whole_tree(name, set()):
        read |= free_names(tree)
    assert read - fields - FRAME == set()


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_template_uses_every_field_of_its_value(name: str) -> None:
    fields = {field.name for field in dataclasses.fields(VALUES[name])}
    read = {one.name for tree in whole_tree(name, set()) for one in tree.find_all(nodes.Name) if one.ctx == "load"}
    assert fields - read == set()


def attributes_read(trees: list[nodes.Template]) -> set[str]:
    """Attributes that templates read, without the macros they call by a dot."""
    return {
        node.attr
        for tree in trees
        for node in tree.find_all(nodes.Getattr)
        if not (isinstance(node.node, nodes.Name) and node.node.name in IMPORTED)
    }


@pytest.mark.parametrize("name", sorted(VALUES))
def test_every_attribute_a_template_reads_is_one_of_its_values(name: str) -> None:
    known = set(attributes_of(VALUES[name], set())) | set(attributes_of(shell.Shell, set())) | METHODS
    assert attributes_read(whole_tree(name, set(), words=False)) - known == set()


def test_every_attribute_a_macro_reads_is_one_of_some_value() -> None:
    known = {one for value in VALUES.values() for one in attributes_of(value, set())} | METHODS
    known |= set(attributes_of(shell.Shell, set()))
    assert attributes_read([tree for name in all_templates() for tree in whole_tree(name, set())]) - known == set()


def test_the_comparison_sees_a_misspelt_name() -> None:
    tree = shell.environment("zh").parse("{% for entry in entires %}{{ entry.bill }}{% endfor %}")
    assert free_names(tree) == {"entires"}


class Elements(HTMLParser):
    """Every start tag of a template with its attributes; template marks are blanked before."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(re.sub(r"{%.*?%}|{{.*?}}", "x", text, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements() -> Iterator[tuple[str, str, dict[str, str | None]]]:
    for name in all_templates():
        for tag, attributes in Elements((TEMPLATES / name).read_text(encoding="utf-8")).found:
            yield name, tag, attributes


def test_every_element_with_an_htmx_verb_names_its_target() -> None:
    silent = [
        f"{name}: {tag}"
        for name, tag, attributes in elements()
        if any(VERBS.match(key) for key in attributes) and "hx-target" not in attributes
    ]
    assert silent == []


def test_every_form_that_htmx_sends_works_without_it() -> None:
    bare = [
        f"{name}: {tag}"
        for name, tag, attributes in elements()
        if any(VERBS.match(key) for key in attributes) and not (attributes.get("action") or attributes.get("href"))
    ]
    assert bare == []


def test_nothing_is_inline_that_the_strict_policy_forbids() -> None:
    bad = [
        f"{name}: {tag} {key}"
        for name, tag, attributes in elements()
        for key, value in attributes.items()
        if key == "style" or key.startswith(("on", "hx-on")) or (value or "").startswith(("js:", "javascript:"))
    ]
    bad += [f"{name}: {tag}" for name, tag, attributes in elements() if tag == "style"]
    bad += [f"{name}: {tag}" for name, tag, attributes in elements() if tag == "script" and "src" not in attributes]
    assert bad == []


def test_no_filter_marks_text_of_people_or_banks_as_safe() -> None:
    assert [name for name in all_templates() if re.search(r"\|\s*safe\b", (TEMPLATES / name).read_text())] == []


def test_own_scripts_set_no_style_and_write_no_markup() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(SCRIPTS.glob("*.js")))
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|eval\(|new Function|setAttribute\(.style", text) == []


def forms() -> Iterator[tuple[str, str]]:
    for name in all_templates():
        text = (TEMPLATES / name).read_text(encoding="utf-8")
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, flags=re.DOTALL):
            yield name, form


def test_every_form_that_changes_something_carries_the_token() -> None:
    assert [name for name, form in forms() if 'name="csrf"' not in form and "parts.csrf()" not in form] == []


def test_every_route_that_changes_something_checks_the_token() -> None:
    from fastapi import APIRouter
    from fastapi.routing import APIRoute

    from anhuan.kit import page

    open_doors = []
    for module in MODULES:
        router = getattr(importlib.import_module(f"anhuan.{module}"), "router", None)
        for route in router.routes if isinstance(router, APIRouter) else ():
            if isinstance(route, APIRoute) and set(route.methods or ()) - {"GET", "HEAD"}:
                checks = [one.call for one in route.dependant.dependencies]
                if page.own_form not in checks:
                    open_doors.append(route.path)
    assert open_doors == []


def test_the_search_for_inline_things_finds_them() -> None:
    found = Elements('<p style="x" onclick="y">{% if a %}<b hx-get="/z">{% endif %}').found
    assert found == [("p", {"style": "x", "onclick": "y"}), ("b", {"hx-get": "/z"})]
