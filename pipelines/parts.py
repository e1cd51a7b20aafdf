"""A recipe in several runs, where one would be more than a cluster's store takes.

What different seeds make has nothing in common until the report, so each part has some of them,
and the last part has the report and what comes behind it. All parts are handed the same recipe and
share the store: there the last one finds what the others made. Identities are those of one run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msm.errors import UserError
from msm.experiment import build_tasks
from msm.recipe import Recipe
from msm.task import Stage, Task
from pipelines.size import LIMIT

GATHERING = (Stage.REPORT, Stage.REGISTER)  # they read what all seeds made


@dataclass(frozen=True)
class Part:
    """Some tasks of a recipe, in order; ``name`` is the recipe's, with a number if it has parts."""

    name: str
    tasks: tuple[Task, ...]

    @property
    def gathers(self) -> bool:
        """Whether it is the last of several, which reads from the store what the others made."""
        return all(task.stage in GATHERING for task in self.tasks)


def whole(recipe: Recipe) -> Part:
    """All tasks in one run."""
    return Part(recipe.name, tuple(build_tasks(recipe)))


def split(recipe: Recipe, number: int) -> list[Part]:
    """The tasks in so many parts of like size, and one more that gathers what they made.

    Tasks of which one reads what the other makes are in the same part.
    """
    tasks = build_tasks(recipe)
    first = [task for task in tasks if task.stage not in GATHERING]
    groups: list[set[str]] = [set() for _ in range(number)]
    for joined in sorted(_joined(first), key=len, reverse=True):
        min(groups, key=len).update(joined)
    chosen = [tuple(task for task in first if task.label in group) for group in groups]
    chosen = [tasks for tasks in chosen if tasks]
    chosen.append(tuple(task for task in tasks if task.stage in GATHERING))
    last = len(chosen)
    return [Part(f"{recipe.name}-{n}-of-{last}", part) for n, part in enumerate(chosen, 1)]


def fitting(recipe: Recipe, size: Callable[[Part], int]) -> list[Part]:
    """Parts of which each is no larger than a cluster's store takes: mostly one.

    Args:
        recipe: the recipe.
        size: the bytes of a part's run.

    Raises:
        UserError: even one seed is too large.
    """
    everything = whole(recipe)
    bytes_of_all = size(everything)
    if bytes_of_all <= LIMIT:
        return [everything]
    most = len(_joined([task for task in everything.tasks if task.stage not in GATHERING]))
    for number in range(math.ceil(bytes_of_all / LIMIT), most + 1):
        parts = split(recipe, number)
        if all(size(part) <= LIMIT for part in parts):
            return parts
    raise UserError(
        f"recipe '{recipe.name}' would be a run of {bytes_of_all / 2**20:.1f} MiB, but a cluster's "
        f"store takes {LIMIT / 2**20:.1f}, and one seed alone is too large; run fewer arms or "
        "specs at once with --set: finished outputs are taken from the store"
    )


def _joined(tasks: Sequence[Task]) -> list[set[str]]:
    """The labels of tasks that hang together, in order of their first."""
    groups: dict[str, set[str]] = {}
    for task in tasks:
        mine = {task.label}
        for need in task.needs:
            mine |= groups[f"{need.stage}/{need.name}"]
        for label in mine:
            groups[label] = mine
    found: list[set[str]] = []
    for task in tasks:
        if groups[task.label] not in found:
            found.append(groups[task.label])
    return found
