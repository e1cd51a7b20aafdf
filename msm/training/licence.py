"""Under which licence a start model is given, as far as its own files say."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata
from importlib.util import find_spec
from pathlib import Path

import yaml

from msm.training.gguf_header import read_gguf_header
from msm.training.student import student_folder
from msm.weights import Source, Student

_FRONT = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)
_README = "README.md"


def licence_of(student: Student) -> str:
    """The licence's short name (as on the hub: ``apache-2.0``), or '' where nothing tells it.

    Looked up where it costs nothing: in a GGUF's own header or the package that holds it, in the
    README of a folder or of a model that was fetched before. Random weights have none.
    """
    if student.source is Source.PACKAGE:
        return _of_gguf(student.name) or _of_package(student.name)
    if student.source is Source.RANDOM:
        return ""
    return _of_readme(student_folder(student) / _README)


def _of_gguf(package: str) -> str:
    found = find_spec(package.replace("-", "_"))
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return str(read_gguf_header(path).get("general.license", ""))
    return ""


def _of_package(package: str) -> str:
    try:
        said = metadata(package).json
    except PackageNotFoundError:
        return ""
    found = str(said.get("license_expression") or said.get("license") or "").split()
    return found[0].lower() if len(found) == 1 else ""


def _of_readme(path: Path) -> str:
    """What the front matter of a model's card says."""
    try:
        front = _FRONT.match(path.read_text(encoding="utf-8"))
        told = yaml.safe_load(front.group(1)) if front else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ""
    licence = told.get("license_name") or told.get("license") if isinstance(told, dict) else None
    return str(licence or "")
