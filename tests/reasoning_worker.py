"""A process that analyses the reasons of a log folder, to be killed: LOGS OUT BASE_URL."""

from __future__ import annotations

import sys
from pathlib import Path

from msm.evals.reasoning.analyse import analyse
from msm.execution import Connection
from msm.model_choice import ModelChoice

MODEL = "openai-api/local/rule"


def main() -> None:
    """Ask a judge over HTTP, four at once."""
    logs, out, url = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    choice = ModelChoice(model=MODEL, temperature=0.0)
    analyse(logs, out, choice, Connection(base_url=url, connections=4))


if __name__ == "__main__":
    main()
