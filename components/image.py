"""The images that the components run in, by role and pinned by digest where they were built."""

import json
import os
from pathlib import Path

from msm.pools import ImageRole

DIGESTS = Path(__file__).parent / "images" / "digests.json"
TAG = "0.1.0"  # of images that were built and not pushed


def image(role: ImageRole) -> str:
    """The image of a role: of ``digests.json``, or the tag that a local build has.

    The environment's MSM_IMAGE_CPU, MSM_IMAGE_TRAIN and MSM_IMAGE_VLLM go before.
    """
    named = os.environ.get(f"MSM_IMAGE_{role.upper()}")
    if named:
        return named
    if DIGESTS.is_file():
        digests = json.loads(DIGESTS.read_text(encoding="utf-8"))
        if role in digests:
            return str(digests[role])
    return f"msm-{role}:{TAG}"


IMAGE = image(ImageRole.CPU)
