"""What we build on: pinned by hash, from no named index, under licences that leave the product free."""

import json
import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

# Licences of the product's packages that need a word; everything else must be plainly permissive.
REASONS = {
    "psycopg": "LGPL: imported as it is and replaceable; named in NOTICE",
    "psycopg-binary": "LGPL: imported as it is and replaceable; named in NOTICE",
}
FREE = re.compile(
    r"\b(mit|bsd|apache|isc|psf|python software foundation|zlib|0bsd|unlicense|public domain|mpl|mozilla|ofl|"
    r"historical permission|cc0|postgresql|hpnd|mit-cmu|artistic)\b",
    re.IGNORECASE,
)
CAPTIVE = re.compile(r"\b(a?gpl|affero|gnu general public|lgpl|lesser general)", re.IGNORECASE)


def product_packages() -> list[str]:
    """Names of everything that an installed product brings with it, found by walking the metadata."""
    waiting, seen = ["anhuan"], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # needed on other platforms only
        seen.add(name)
        for need in map(Requirement, needs):
            if need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in ("", *extras(name, need))
            ):
                waiting.append(re.sub(r"[-_.]+", "-", need.name).lower())
    return sorted(seen - {"anhuan"})


def extras(name: str, need: Requirement) -> tuple[str, ...]:
    """The extras we ask for: psycopg[binary] alone."""
    return ("binary",) if name == "psycopg" else ()


def licence_of(name: str) -> str:
    """All that the metadata say about the licence, in one line."""
    data = metadata.metadata(name)
    said = [line for field in ("License-Expression", "License", "Classifier") for line in data.get_all(field) or []]
    return " ".join(line[:200] for line in said if "::" not in line or line.startswith("License"))


def test_the_walk_finds_the_packages_of_the_product() -> None:
    assert {"sqlalchemy", "psycopg", "psycopg-binary", "highspy", "pypdfium2"} <= set(product_packages())


@pytest.mark.parametrize("name", product_packages())
def test_the_licence_leaves_the_product_free(name: str) -> None:
    said = licence_of(name)
    if name in REASONS:
        return
    assert not CAPTIVE.search(said), f"{name}: {said}"
    assert FREE.search(said), f"{name}: licence not known: {said!r}"


def test_every_exception_has_its_line_in_the_notice(top: Path) -> None:
    notice = (top / "NOTICE").read_text()
    assert [name for name in ("psycopg", "PostgreSQL") if name not in notice] == []


def test_requirements_name_a_hash_and_no_index(top: Path) -> None:
    for file in (top / "requirements").glob("*.txt"):
        text = file.read_text()
        pins = [line for line in text.replace("\\\n", " ").splitlines() if line and line[0] not in " #"]
        assert pins, file
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == [], file
        assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|^-[if] |://", text, re.MULTILINE), file


def test_core_and_development_agree_on_every_version(top: Path) -> None:
    pins = [dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (top / "requirements" / name).read_text(), re.MULTILINE))
            for name in ("core.txt", "dev.txt")]  # fmt: skip
    core, dev = pins
    assert {name: dev.get(name) for name in core} == core


def test_the_npm_lock_names_no_host(top: Path) -> None:
    lock = top / "package-lock.json"
    assert '"resolved"' not in lock.read_text()
    packages = json.loads(lock.read_text())["packages"]
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []
