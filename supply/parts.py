"""The list of parts (CycloneDX, SBOM) of the product: `make sbom` writes build/sbom.cdx.json.

Python packages come from requirements/core.txt by cyclonedx-py, those of npm from package-lock.json; licences are what
the installed packages say. The same lock files give the same bytes: no moment, no random number, no host.
"""

import base64
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).resolve().parents[1]
OUT: Final = TOP / "build" / "sbom.cdx.json"


def main() -> int:
    """Write the list and say how long it is."""
    listed = parts()
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(listed, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{OUT.relative_to(TOP)}: {len(listed['components'])} parts\n")
    return 0


def parts() -> dict[str, Any]:
    """The list as CycloneDX has it."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    components = sorted([*map(_python, _asked()), *_npm()], key=lambda one: one["purl"])
    root = {"type": "application", "bom-ref": "anhuan", "name": project["name"], "version": project["version"],
            "licenses": [{"license": {"id": project["license"]}}]}  # fmt: skip
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": components,
        "dependencies": [{"ref": "anhuan", "dependsOn": [one["bom-ref"] for one in components]}],
    }


def _asked() -> list[dict[str, Any]]:
    """The pinned packages of the product, as cyclonedx-py reads them."""
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "requirements/core.txt",
               "--output-reproducible", "--short-PURLs", "--of", "JSON"]  # fmt: skip
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["components"]
    return found


def _python(component: dict[str, Any]) -> dict[str, Any]:
    hashes = [one for place in component.get("externalReferences", ()) for one in place.get("hashes", ())]
    made = {"type": "library", "bom-ref": component["purl"], "purl": component["purl"], "name": component["name"],
            "version": component["version"], "hashes": sorted(hashes, key=lambda one: str(one["content"]))}  # fmt: skip
    said = _licence(component["name"])
    return made | ({"licenses": [{"license": {"name": said}}]} if said else {})


def _licence(name: str) -> str:
    """What an installed package says about its licence; nothing for one of another platform."""
    try:
        data: Any = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    classified = [one.rpartition(":: ")[2] for one in data.get_all("Classifier") or () if one.startswith("License ::")]
    first = str(data.get("License-Expression") or "; ".join(classified) or data.get("License") or "")
    return first.strip().split("\n")[0][:120]


def _npm() -> list[dict[str, Any]]:
    """The packages whose files the pages carry."""
    found = []
    for place, entry in json.loads((TOP / "package-lock.json").read_text())["packages"].items():
        if not place or entry.get("dev"):
            continue
        name = place.removeprefix("node_modules/")
        purl = f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}"
        algorithm, _, value = entry["integrity"].partition("-")
        digest = {"alg": re.sub(r"sha(\d+)", r"SHA-\1", algorithm), "content": base64.b64decode(value).hex()}
        found.append({"type": "library", "bom-ref": purl, "purl": purl, "name": name, "version": entry["version"],
                      "hashes": [digest], "licenses": [{"license": {"name": entry.get("license", "")}}]})  # fmt: skip
    return found


if __name__ == "__main__":
    sys.exit(main())
