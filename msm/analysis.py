"""The recipe's part on the analysis, which stands before the runs."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from msm.parts import Part


class Contrast(Part):
    """A comparison fixed before the runs: the sum of ``plus`` arms less the sum of ``minus`` arms.

    An arm is written ``arm`` or ``arm:spec``. ``{target}`` stands for the spec that an axis
    belongs to and ``{opposite}`` for the spec of the other axis, so that one contrast covers both
    axes: it is taken on each axis and averaged. With ``suite`` and ``measure`` it is taken on that
    measure instead of the word pairs, and names its specs outright.
    """

    label: str
    plus: tuple[str, ...] = Field(min_length=1)
    minus: tuple[str, ...] = ()
    frame: Literal["own", "other", "own-other"] = "own"
    headline: bool = False
    suite: str = Field(default="", description="empty: the word pairs")
    measure: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.suite) != bool(self.measure):
            raise ValueError(f"contrast '{self.label}': 'suite' and 'measure' go together")
        if self.suite and any("{" in arm for arm in (*self.plus, *self.minus)):
            raise ValueError(
                f"contrast '{self.label}': {{target}} and {{opposite}} belong to the axes of word "
                "pairs; on a suite, name the spec"
            )
        return self


class Expected(Part):
    """A figure that was published, printed beside ours; ``value`` in the measure's own unit."""

    suite: str
    measure: str
    arm: str = Field(description="'arm' or 'arm:spec'")
    value: float
    source: str


class CurvePoint(Part):
    """An arm as one point of a scaling curve: how many rows it was fine-tuned on."""

    arm: str = Field(description="'arm' or 'arm:spec'")
    rows: int = Field(ge=1)


class Scaling(Part):
    """Two curves over the rows of fine-tuning: how many of them does midtraining save?"""

    label: str = "Rows of fine-tuning that midtraining saves"
    suite: str
    measure: str
    without: tuple[CurvePoint, ...] = Field(min_length=2)
    with_midtraining: tuple[CurvePoint, ...] = Field(min_length=2)
    rate: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="the rate at which the curves are read; left out: the middle of what both span",
    )

    @model_validator(mode="after")
    def _different_amounts(self) -> Self:
        for name, curve in (("without", self.without), ("with_midtraining", self.with_midtraining)):
            if len({point.rows for point in curve}) < len(curve):
                raise ValueError(f"scaling '{self.label}': '{name}' has an amount of rows twice")
        return self


class Analysis(Part):
    """The analysis, which stands before the runs.

    On suites, every arm is compared with ``reference``, the name of an arm.
    """

    contrasts: tuple[Contrast, ...] = ()
    resamples: int = Field(default=10_000, ge=100)
    seed: int = 0
    notes: tuple[str, ...] = ()
    reference: str = "baseline"
    expected: tuple[Expected, ...] = ()
    scaling: tuple[Scaling, ...] = ()

    def identity_fields(self) -> dict[str, Any]:
        """As JSON values; without what only suites have, where a recipe has none of it."""
        fields = self.model_dump(mode="json")
        for name in ("reference", "expected", "scaling"):
            if getattr(self, name) == Analysis.model_fields[name].default:
                del fields[name]
        for contrast in fields["contrasts"]:
            if not contrast["suite"]:
                del contrast["suite"], contrast["measure"]
        return fields
