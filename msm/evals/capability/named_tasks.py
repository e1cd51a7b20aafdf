"""Tasks of other packages by name ("inspect_evals/gsm8k"), through Inspect's registry.

What such a task needs differs: most fetch data from a hub, some need further packages. A task that
cannot be loaded is said so before anything is sampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from msm.errors import UserError, nearest

if TYPE_CHECKING:
    from inspect_ai import Task


def named_tasks(names: Sequence[str]) -> list[Task]:
    """The tasks of the given names, each ``package/task``, with their data loaded.

    Raises:
        UserError: the package is not installed, it has no such task, or the task cannot be loaded;
            says what is missing.
    """
    return [task for name in names for task in _load(name)]


def _load(name: str) -> list[Task]:
    # Inspect resolves names only while it starts an evaluation; these two are what it uses there,
    # and its version is pinned.
    from inspect_ai._eval.loader import load_tasks
    from inspect_ai._util.registry import registry_find, registry_info, registry_lookup

    package, slash, _ = name.partition("/")
    if not slash:
        raise UserError(
            f"capability: '{name}' names no package; write package/task, as in inspect_evals/gsm8k"
        )
    offered = sorted({entry.name for entry in entry_points(group="inspect_ai")})
    if package not in offered:
        raise UserError(
            f"capability: {name}: package '{package}' offers no Inspect tasks or is not installed"
            f"{nearest(package, offered)}"
        )
    if registry_lookup("task", name) is None:
        tasks: list[Any] = registry_find(lambda info: info.type == "task")
        known = {registry_info(task).name for task in tasks}
        of_package = [other for other in known if other.startswith(f"{package}/")]
        close = nearest(name, of_package)
        said = close if "did you mean" in close else f"; it has {len(of_package)} others"
        raise UserError(
            f"capability: {package} has no task '{name.removeprefix(package + '/')}'{said}"
        )
    try:
        loaded: list[Task] = load_tasks([name])
    # A task's own code runs here, and may raise anything.
    except Exception as error:
        raise UserError(
            f"capability: {name} cannot be loaded: {_missing(error)}: "
            f"{' '.join(str(error).split())[:300]}"
        ) from None
    return loaded


def _missing(error: Exception) -> str:
    """What the task lacks, as far as its error tells."""
    text = str(error).lower()
    if isinstance(error, ImportError) or "pip install" in text or "package" in text:
        return "it needs a package that is not installed"
    if isinstance(error, OSError):
        return "its data cannot be fetched, which needs a network"
    return type(error).__name__
