"""Runs the commands of the README pages and puts their real output beneath them; `--check` only compares."""

import os
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "en_GB.UTF-8", "README.zh-CN.md": "zh_CN.UTF-8"}
BLOCK = re.compile(r"(?<=```console\n)(\$ ([^\n]*)\n)(.*?)(?=```)", re.DOTALL)
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
SET_UP = "make"  # make run and make test are what everybody runs anyway


def main() -> int:
    """Renew the pages, or tell which command prints something else by now."""
    stale = []
    for name, lang in PAGES.items():
        page = TOP / name
        with tempfile.TemporaryDirectory(prefix="anhuan-console-") as folder:
            Path(folder).chmod(0o711)
            renewed, count = BLOCK.subn(partial(shown, lang=lang, home=Path(folder)), page.read_text())
        if count < 5:
            raise SystemExit(f"{name} shows only {count} commands")
        if "--check" in sys.argv:
            stale += [name] if plain(renewed) != plain(page.read_text()) else []
        else:
            page.write_text(renewed)
    print("\n".join(stale))  # noqa: T201
    return 1 if stale else 0


def shown(block: re.Match[str], *, lang: str, home: Path) -> str:
    """One block with the output of its command."""
    head, command, before = block[1], block[2], block[3]
    if command.split()[0] == SET_UP:
        return head + before
    words = command.replace(".venv/bin/anhuan", f"{sys.executable} -m anhuan.cli").split()
    env = os.environ | {"LANG": lang, "LC_ALL": "", "COLUMNS": "92", "ANHUAN_HOME": str(home), "PYTHONUTF8": "1"}
    done = subprocess.run(words, cwd=TOP, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr}")
    return head + "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def plain(text: str) -> str:
    """The page without what differs each time: ids."""
    return ID.sub("<id>", text)


if __name__ == "__main__":
    sys.exit(main())
