"""The one container image that every component runs in."""

import os

IMAGE = os.environ.get("MSM_IMAGE_NAME", "msm-cpu:0.1.0")
