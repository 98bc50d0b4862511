"""The reference page equals the code."""

import subprocess
import sys
from pathlib import Path


def test_settings_commands_routes_and_error_codes_are_documented_as_they_are(top: Path) -> None:
    done = subprocess.run(
        [sys.executable, "docs/reference.py", "--check"], cwd=top, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run `make docs`\n{done.stderr[-800:]}"
