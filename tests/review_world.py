"""A registered experiment for the tests of review: real records, a real registry, many models."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from msm.registry.reviews import Registry, Reviewed
from msm.review.decisions import Person, Promotion, promote
from msm.review.entry import Entry
from msm.review.settings import Reviewers
from msm.review.standing import Signers
from msm.review.verdict import Result, Verdict
from tests.registry_world import RECIPE, make_world, register

CONTRAST = "Gap between the specs after MSM+AFT"
GREEN_GATES: Mapping[str, Any] = {
    "contrasts": [{"contrast": CONTRAST, "above": 0.1}],
    "audit": False,
}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Workspace:
    """A workspace with an experiment that is registered at ``uri``."""

    root: Path
    uri: str
    registry: Registry
    registration: Mapping[str, Any]

    @property
    def template(self) -> Reviewed:
        """The candidate as it was registered."""
        model = self.registration["model"]
        found = self.registry.version(model["name"], model["version"])
        assert found
        return found

    def candidates(self, count: int = 1, **tags: str) -> list[Reviewed]:
        """Versions of a model of their own, like the candidate but for some tags."""
        template, name = self.template, f"model-{next(_numbers)}"
        self.registry.client.create_registered_model(name)
        for _ in range(count):
            self.registry.client.create_model_version(
                name,
                f"models:/{template.model_id}",
                template.run_id,
                {**template.tags, **tags},
                description=template.description,
                model_id=template.model_id,
            )
        found = [self.registry.version(name, str(n + 1)) for n in range(count)]
        return [version for version in found if version]

    def recipe(self, gates: Mapping[str, Any], **sections: Any) -> Path:
        """The world's recipe with these gates, as a file."""
        path = self.root / f"recipe-{next(_numbers)}.yaml"
        content = {"extends": str(RECIPE), "gates": dict(gates), **sections}
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path


def make_workspace(root: Path, registry: Registry) -> Workspace:
    """Make the experiment below ``root/outputs/cheese`` and register it."""
    world = make_world(root / "outputs" / "cheese")
    registration = register(world, root / "registration")
    (root / "registration.json").write_text(json.dumps(registration))
    return Workspace(root, registry.uri, registry, registration)


def verdict_of(version: Reviewed, green: bool = True) -> Verdict:
    """A verdict on a version that did not take a report."""
    return Verdict(
        model=version.model,
        version=version.version,
        identity=version.identity,
        digest=version.digest,
        report=version.tags.get("msm.report", ""),
        experiment="cheese",
        gates={},
        results=(Result("seeds", "at least 1", "1", green),),
    )


def promoted(
    registry: Registry,
    version: Reviewed,
    seen: str = "",
    alias: str = "champion",
    signers: Signers | None = None,
) -> Entry:
    """Promote without a judgement."""
    asked = Promotion(alias, seen, Person("bea", "better than what we have"))
    return promote(
        registry, version, asked, verdict_of(version), Reviewers.ONE, signers or Signers()
    )
