"""Components whose number of input artifacts depends on the recipe.

A KFP component has a fixed signature, but how many sets of chats a phase reads, and how many
scores a report compares, is known only from the recipe. Such a component is written once, with
``**inputs: Artifact``. ``with_inputs`` writes the same function out with one typed parameter for
each role in place of ``**inputs``, and hands that text to ``dsl.component``, which embeds it in
the pipeline. Each artifact so stays an edge of the graph, with its type; nothing is bundled, and
no slot is left empty. A role such as ``scores:msm+aft-s1`` is no parameter name, so the function
written out begins with the dictionary from roles to parameters.
"""

import ast
import inspect
import re
import runpy
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import dsl

HEADER = "from kfp.dsl import *\nfrom typing import *\n"  # as KFP puts it before the source


@dataclass(frozen=True)
class WideComponent:
    """A function with ``**inputs``, and what ``dsl.component`` is to be called with."""

    function: Callable[..., None]
    options: Mapping[str, Any]

    def with_inputs(self, inputs: Mapping[str, type[dsl.Artifact]]) -> Callable[..., Any]:
        """The KFP component that reads these roles."""
        source = write_out(self.function, inputs)
        with tempfile.TemporaryDirectory() as folder:  # KFP reads the source from a file
            path = Path(folder) / f"{self.function.__name__}.py"
            path.write_text(f"{HEADER}\n{source}\n", encoding="utf-8")
            written = runpy.run_path(str(path))[self.function.__name__]
            return dsl.component(written, **self.options)


def wide_component(**options: Any) -> Callable[[Callable[..., None]], WideComponent]:
    """``dsl.component`` for a function with ``**inputs``."""
    return lambda function: WideComponent(function, options)


def parameter_names(roles: Iterable[str]) -> dict[str, str]:
    """A distinct parameter name for each role: itself, where it is one."""
    names: dict[str, str] = {}
    for role in roles:
        name = plain = re.sub(r"\W+", "_", role).lower()
        number = 1
        while name in names.values():
            number += 1
            name = f"{plain}_{number}"
        names[role] = name
    return names


def write_out(function: Callable[..., None], inputs: Mapping[str, type[dsl.Artifact]]) -> str:
    """The source of a function with a typed parameter for each role in place of ``**inputs``."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(definition, ast.FunctionDef)
    assert definition.args.kwarg is not None, f"{function.__name__} has no **inputs"
    names = parameter_names(inputs)
    roles = ", ".join(f"{role!r}: {name}" for role, name in names.items())
    definition.decorator_list = []
    definition.body.insert(1, ast.parse(f"{definition.args.kwarg.arg} = {{{roles}}}").body[0])
    definition.args.kwarg = None
    for role, kind in inputs.items():
        annotation = ast.parse(f"Input[{kind.__name__}]", mode="eval").body
        definition.args.args.append(ast.arg(names[role], annotation))
    return ast.unparse(ast.fix_missing_locations(definition))
