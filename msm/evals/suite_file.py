"""The layout of a preference suite file, and its first reading: YAML, keys and types."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from msm.errors import UserError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FrameFile(_Part):
    """A question and the start of its answer."""

    question: str
    answer: str


class PairFile(_Part):
    """One word pair."""

    id: str
    words: tuple[str, str]
    toward: str
    away: str
    products: tuple[str, ...]


class AxisFile(_Part):
    """One axis."""

    spec: str
    pairs: tuple[PairFile, ...]


class SuiteFile(_Part):
    """The whole file; ``products`` lists the nouns of each domain."""

    frames: dict[str, FrameFile]
    products: dict[str, tuple[str, ...]]
    axes: dict[str, AxisFile]


def load_suite_file(path: Path) -> SuiteFile:
    """Read the file and check its keys and types.

    Raises:
        UserError: the file is missing, not YAML, or of another layout; names the place.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"suite {path} does not exist; check the recipe's 'suites'") from None
    except UnicodeDecodeError as error:
        raise UserError(f"suite {path}: byte {error.start} is not UTF-8; save as UTF-8") from None
    except OSError as error:
        raise UserError(f"suite {path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{path}{line}: not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(raw, dict):
        raise UserError(f"suite {path} must hold 'frames', 'products' and 'axes'")
    try:
        return SuiteFile.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: {place}: {first['msg']}") from None
