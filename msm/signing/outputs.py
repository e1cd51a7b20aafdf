"""Signatures of outputs: put on as they are made, and asked for before they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msm.identity import RECORD
from msm.signing.settings import Signing


def check_before_work(signing: Signing, inputs: Mapping[str, Path]) -> None:
    """Before a stage works: the key can be used, and every input that is an output is signed.

    Files that people wrote, and start models, have no record and no signature of ours; the record
    of what was made from them holds their digest.

    Raises:
        UserError: names the key, or the input.
    """
    if not (signing.signs or signing.required):
        return
    from msm.signing.signature import check_signer, verify_path

    check_signer(signing)
    if signing.required:
        for path in inputs.values():
            if path.is_dir() and (path / RECORD).is_file():
                verify_path(path, signing)


def sign_output(folder: Path, signing: Signing) -> None:
    """Sign a finished output with its record, where the recipe names something to sign with."""
    if signing.signs:
        from msm.signing.signature import sign_path

        sign_path(folder, signing)
