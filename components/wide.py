"""Components whose number of inputs depends on the recipe.

A KFP component has a fixed signature, but how many sets of chats a phase reads, and how many
scores a report compares, is known only from the recipe. Such a component is written once, with
``**inputs: Artifact``. ``with_inputs`` writes the same function out with two parameters for each
input in place of ``**inputs``: the typed artifact, and the digest of its content as a string, so
that a cluster's cache tells contents apart. It hands that text to ``dsl.component``, which embeds
it in the pipeline. Each artifact so stays an edge of the graph; nothing is bundled, and no slot is
left empty. Tasks that read alike share one component.
"""

import ast
import inspect
import re
import runpy
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import dsl

HEADER = "from kfp.dsl import *\nfrom typing import *\n"  # as KFP puts it before the source
DIGEST = "_digest"  # behind an input's name: the parameter of its content digest


@dataclass(frozen=True)
class WideComponent:
    """A function with ``**inputs``, and what ``dsl.component`` is to be called with."""

    function: Callable[..., None]
    options: Mapping[str, Any]

    def with_inputs(self, inputs: Mapping[str, type[dsl.Artifact]]) -> Callable[..., Any]:
        """The KFP component with these inputs, by parameter."""
        source = write_out(self.function, inputs)
        with tempfile.TemporaryDirectory() as folder:  # KFP reads the source from a file
            path = Path(folder) / f"{self.function.__name__}.py"
            path.write_text(f"{HEADER}\n{source}\n", encoding="utf-8")
            written = runpy.run_path(str(path))[self.function.__name__]
            return dsl.component(written, **self.options)


def wide_component(**options: Any) -> Callable[[Callable[..., None]], WideComponent]:
    """``dsl.component`` for a function with ``**inputs``."""
    return lambda function: WideComponent(function, options)


def parameter_names(roles: Mapping[str, str]) -> dict[str, str]:
    """A distinct parameter name for each role; ``roles`` has the stage that makes each.

    A role that is a plain word is its own name, one such as ``scores:msm+aft-s1`` is ``scores``,
    and any other is named for the stage; where a name comes up again, all of that name are
    numbered. So tasks of other arms have the same parameters, and share a component.
    """
    names = {role: _plain(role, stage) for role, stage in roles.items()}
    often = Counter(names.values())
    numbers: Counter[str] = Counter()
    for role, name in names.items():
        if often[name] > 1:
            numbers[name] += 1
            names[role] = f"{name}_{numbers[name]}"
    return names


def _plain(role: str, stage: str) -> str:
    word = role.partition(":")[0]
    return word if re.fullmatch(r"[a-z]+", word) else stage


def write_out(function: Callable[..., None], inputs: Mapping[str, type[dsl.Artifact]]) -> str:
    """The source of a function with two parameters for each input in place of ``**inputs``."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(definition, ast.FunctionDef)
    assert definition.args.kwarg is not None, f"{function.__name__} has no **inputs"
    pairs = ", ".join(f"({name}.path, {name}{DIGEST})" for name in inputs)
    definition.decorator_list = []
    definition.body.insert(1, ast.parse(f"{definition.args.kwarg.arg} = [{pairs}]").body[0])
    definition.args.kwarg = None
    for name, kind in inputs.items():
        definition.args.args.append(ast.arg(name, _annotation(f"Input[{kind.__name__}]")))
        definition.args.args.append(ast.arg(f"{name}{DIGEST}", _annotation("str")))
    return ast.unparse(ast.fix_missing_locations(definition))


def _annotation(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
