"""What an image holds, as CycloneDX: Python's packages and the system's.

Python's part is written by ``cyclonedx-bom`` while the image is built, and lies in the image. The
system's packages are read from the finished image and added here.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any
from urllib.parse import quote

INSIDE = "/opt/msm/sbom.cdx.json"
BESIDE = "/opt/vllm/sbom.cdx.json"  # of the second environment that msm-vllm has
FORMAT = "${Package}\\t${Version}\\t${Architecture}\\n"


def image_sbom(tag: str, has_vllm: bool) -> dict[str, Any]:
    """The bill of materials of an image that is there; ``has_vllm``: in an environment of its own.

    Raises:
        subprocess.CalledProcessError: there is no such image, or it holds no part for Python.
    """
    python = json.loads(_inside(tag, "cat", INSIDE))
    if has_vllm:
        python = with_vllm(python, json.loads(_inside(tag, "cat", BESIDE)))
    return with_system(python, _inside(tag, "dpkg-query", "--show", f"--showformat={FORMAT}"))


def with_vllm(bill: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The bill with the packages of the second environment, their references marked as its."""
    further = [
        {**item, "bom-ref": f"vllm/{item.get('bom-ref', item['name'])}"}
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
