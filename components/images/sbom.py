"""What an image holds, as CycloneDX: Python's packages and the system's.

Python's part is written by ``cyclonedx-bom`` while the image is built, and lies in the image. The
system's packages are read from the finished image and added here.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

INSIDE = "/opt/msm/sbom.cdx.json"
VLLM = "/opt/vllm/sbom.cdx.json"  # of the second environment that msm-vllm has
FORMAT = "${Package}\\t${Version}\\t${Architecture}\\n"


def image_sbom(tag: str, *environments: str) -> dict[str, Any]:
    """The bill of materials of an image that is there, with what is in further environments.

    Args:
        tag: of the image.
        environments: where the bill of each environment beside msm's own lies in it.

    Raises:
        subprocess.CalledProcessError: there is no such image, or it holds no part for Python.
    """
    bill = json.loads(_inside(tag, "cat", INSIDE))
    for path in environments:
        bill = with_environment(bill, json.loads(_inside(tag, "cat", path)), Path(path).parent.name)
    return with_system(bill, _inside(tag, "dpkg-query", "--show", f"--showformat={FORMAT}"))


def with_environment(bill: dict[str, Any], other: dict[str, Any], name: str) -> dict[str, Any]:
    """The bill with the packages of another environment, their references marked with its name."""
    further = [
        {**item, "bom-ref": f"{name}/{item.get('bom-ref', item['name'])}"}
        for item in other.get("components", [])
    ]
    return {**bill, "components": [*bill.get("components", []), *further]}


def with_system(bill: dict[str, Any], packages: str) -> dict[str, Any]:
    """The bill with Debian's packages, given as lines of name, version and architecture."""
    system = [_component(*line.split("\t")) for line in packages.splitlines()]
    return {**bill, "components": [*bill.get("components", []), *system]}


def _component(name: str, version: str, architecture: str) -> dict[str, Any]:
    address = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"
    return {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": version,
        "purl": address,
    }


def _inside(tag: str, *command: str) -> str:
    done = subprocess.run(
        ["podman", "run", "--rm", "--network", "none", tag, *command],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout
