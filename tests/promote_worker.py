"""One of several processes that promote at the same moment: waits for a file, then promotes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from msm.registry.reviews import find_reviewed, open_registry
from tests.review_world import promoted

if __name__ == "__main__":
    uri, reference, start = sys.argv[1:]
    with open_registry(uri) as registry:
        version = find_reviewed(registry, reference)
        Path(f"{start}.{version.version}").touch()
        while not Path(start).exists():
            time.sleep(0.001)
        print(promoted(registry, version).act.action.value)
