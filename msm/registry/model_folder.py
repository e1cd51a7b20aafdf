"""The folder that becomes a registered model: what was trained, and how MLflow loads it.

The checkpoint lies in ``checkpoint/`` as it is, record and all, so that it can be compared with its
digest, and so that peft or transformers load that folder. Beside it: ``MLmodel`` with the
signature, the code that answers, and ``artifacts/start.json``, which names the start model and its
content digest. The same checkpoint gives the same files.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msm.registry.assistant import CHECKPOINT, START_FILE, Sampling
from msm.registry.saving import save_answering_model
from msm.registry.sources import Source
from msm.weights import Student

CODE = Path(__file__).with_name("answering.py")
LIBRARIES = ("mlflow", "torch", "transformers", "peft", "safetensors", "tokenizers")


def write_model_folder(checkpoint: Source, start: Student, folder: Path) -> Path:
    """Write the folder, which must not be there, and return it.

    Large files are linked where the file system allows it, not copied.
    """
    record = checkpoint.record
    student = record.inputs.get("student")
    reference = folder.parent / START_FILE.name
    reference.write_text(
        json.dumps(
            {
                "student": start.portable().model_dump(mode="json"),
                "digest": student.digest if student else "",
            },
            indent=2,
            sort_keys=True,
        )
        + "\n",
        encoding="utf-8",
    )
    made = datetime.fromtimestamp(checkpoint.ended / 1000, UTC)
    save_answering_model(
        folder,
        code=CODE,
        artifacts={"start": reference},
        uuid=record.identity[:32],
        made=made.strftime("%Y-%m-%d %H:%M:%S.%f"),
        sampling=Sampling(),
        requirements=_requirements(record.environment.get("libraries", {})),
        metadata={
            "msm.identity": record.identity,
            "msm.digest": record.digest,
            "msm.package": str(record.code.get("package", "")),
            "msm.commit": checkpoint.commit,
            "start_model": start.label,
            "start_model_digest": student.digest if student else "",
        },
    )
    reference.unlink()
    (folder / CHECKPOINT).mkdir()
    for path in sorted(checkpoint.folder.iterdir()):
        _link(path, folder / CHECKPOINT / path.name)
    return folder


def _requirements(libraries: dict[str, Any]) -> list[str]:
    """The libraries that the checkpoint was made with, without the mark of a build (``+cpu``)."""
    return [
        f"{name}=={str(libraries[name]).partition('+')[0]}"
        for name in LIBRARIES
        if name in libraries
    ]


def _link(path: Path, place: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, place)
        return
    try:
        os.link(path, place)
    except OSError:
        shutil.copyfile(path, place)
