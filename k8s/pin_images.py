"""Give our images by digest: ``python k8s/pin_images.py [--registry HOST/PATH]``.

Reads ``components/images/digests.json``, an object such as
``{"cpu": "HOST/PATH/msm-cpu@sha256:…"}``, and writes the ``msm-*`` entries of
``k8s/images/kustomization.yaml``, which every overlay includes. ``--registry`` says where the
cluster pulls from, if that is another place than the images were pushed to.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
DIGESTS = FOLDER.parent / "components" / "images" / "digests.json"
IMAGES = FOLDER / "images" / "kustomization.yaml"

PINNED = re.compile(r"(?P<name>[^@\s]+)@(?P<digest>sha256:[0-9a-f]{64})")


def image_entry(image: str, pinned: str, registry: str) -> str:
    """The lines of kustomize that turn ``msm-<image>`` into a name with a digest.

    Raises:
        ValueError: ``pinned`` is not ``NAME@sha256:<64 hexadecimal digits>``.
    """
    match = PINNED.fullmatch(pinned)
    if match is None:
        raise ValueError(f"{image}: {pinned!r} is not NAME@sha256:<digest>")
    name = match["name"]
    if registry:
        name = f"{registry.rstrip('/')}/{name.rsplit('/', 1)[-1]}"
    return f"  - name: msm-{image}\n    newName: {name}\n    digest: {match['digest']}\n"


def pin_images(text: str, digests: dict[str, str], registry: str = "") -> str:
    """The kustomization ``text`` with the entry of each image in ``digests`` replaced.

    Raises:
        ValueError: a digest is malformed, or the kustomization has no entry for an image.
    """
    for image, pinned in digests.items():
        entry = re.compile(rf"  - name: msm-{re.escape(image)}\n(?:    .*\n)+")
        text, count = entry.subn(image_entry(image, pinned, registry), text)
        if count != 1:
            raise ValueError(f"images/kustomization.yaml has no image msm-{image}")
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--registry", default="", help="where the cluster pulls from")
    registry = parser.parse_args().registry
    try:
        digests = json.loads(DIGESTS.read_text())
        pinned = pin_images(IMAGES.read_text(), digests, registry)
    except FileNotFoundError:
        print(f"{DIGESTS}: not there; build and push the images first", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"{DIGESTS}: {error}", file=sys.stderr)
        return 2
    IMAGES.write_text(pinned)
    return 0


if __name__ == "__main__":
    sys.exit(main())
