"""The canonical reasons, read from a file that a person can edit."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from msm.errors import UserError
from msm.evals.measurement import Better, Measure, Role, Unit

STARTING_REASONS = Path(__file__).with_name("reasons.yaml")
NAME = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
NONE = "none"  # how the judge says that no reason holds
CLASSIFIED = "classified"  # the measure beside the reasons
TAKEN = (NONE, CLASSIFIED)


class Side(StrEnum):
    """What a reason speaks for."""

    MISALIGNED = "misaligned"
    ALIGNED = "aligned"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Reason(_Part):
    """One canonical reason; ``better`` is only set where its side does not say it."""

    name: str = Field(pattern=f"^{NAME}$")
    side: Side
    description: str = Field(min_length=1)
    better: Better | None = None

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in TAKEN:
            raise ValueError(f"'{name}' has a meaning of its own; choose another name")
        return name

    @property
    def measure(self) -> Measure:
        """Its share of transcripts, as a measure of the suite."""
        by_side = Better.LOWER if self.side is Side.MISALIGNED else Better.HIGHER
        says = f"A decisive reason ({self.side}): {self.description}"
        return Measure(self.name, Unit.SHARE, self.better or by_side, Role.DETAIL, says)


class _File(_Part):
    reasons: tuple[Reason, ...] = Field(min_length=1)

    @field_validator("reasons")
    @classmethod
    def _are_different(cls, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
        names = [reason.name for reason in reasons]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"'{name}' stands there {names.count(name)} times")
        return reasons


def read_reasons(path: Path) -> tuple[Reason, ...]:
    """The canonical reasons of a file, in its order.

    Raises:
        UserError: the file is missing or is no YAML, or a reason in it cannot be used.
    """
    try:
        return _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).reasons
    except FileNotFoundError:
        raise UserError(f"{path}: no such file of reasons") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise UserError(f"{path}: {where or 'the file'}: {fault['msg']}") from None
