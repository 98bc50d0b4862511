"""What stands in the tree: no path of a machine, no registry, no scripts or styles inside pages."""

import re
from pathlib import Path

MACHINE = re.compile(r"(?<![\w.])/(?:home|root|Users|work)/\w[\w./-]*")
REGISTRY = re.compile(
    r"registry\.npm|npmmirror|pypi\.(?:org|python)|files\.pythonhosted|(?:simple|pypi)/?[\"' ]*index|tuna\.tsinghua"
)
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle\s*=|\son[a-z]+\s*=(?!=)|javascript:|hx-on", re.IGNORECASE
)


def test_no_file_names_a_path_of_somebodys_machine_or_a_package_registry(tracked: list[Path], top: Path) -> None:
    said = [
        f"{file.relative_to(top)}: {found[0]}"
        for file in tracked
        if file != Path(__file__)
        for rule in (MACHINE, REGISTRY)
        for found in rule.finditer(file.read_text(errors="replace"))
    ]
    assert said == []


def test_pages_carry_no_script_style_or_handler_inside(top: Path) -> None:
    pages = list((top / "src").rglob("*.html"))
    said = [f"{page.name}: {found[0]}" for page in pages for found in INLINE.finditer(page.read_text())]
    assert pages
    assert said == []


def test_python_files_are_not_all_too_long(top: Path) -> None:
    lengths = sorted(len(file.read_text().splitlines()) for file in (top / "src").rglob("*.py"))
    assert lengths[len(lengths) // 2] <= 200, "the middle file should be near 150 lines"
