"""The components' README files: ``python -m components.readme`` writes them from what they are.

Each folder of a component holds ``component.py``, ``metadata.yaml`` and the README made of both.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import yaml

COMPONENTS = Path(__file__).parent
NOTE = "<!-- written by `python -m components.readme` -->"
WIDE = "| for each input `NAME` | an artifact | what another task made |\n"
WIDE += "| `NAME_digest` | a string | the digest of its content |"


def folders() -> list[Path]:
    """The folders of all components."""
    return sorted(path.parent for path in COMPONENTS.glob("*/component.py"))


def readme(folder: Path) -> str:
    """The README of one component."""
    about = yaml.safe_load((folder / "metadata.yaml").read_text(encoding="utf-8"))
    function = _function(folder)
    signature = list(_rows(function))
    inputs = [row for row in signature if not row[1].startswith("Output")]
    outputs = [row for row in signature if row[1].startswith("Output")]
    lines = [NOTE, "", f"# {folder.name}", "", _sentence(function), "", about["description"], ""]
    lines += ["| input | type | what it is |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {about['inputs'][name]} |" for name, kind in inputs]
    if function.args.kwarg is not None:
        lines.append(WIDE)
    lines += ["", "| output | type | what it is |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {about['outputs'][name]} |" for name, kind in outputs]
    lines += ["", f"Image: `{about['image']}`. Cached: {about['cached']}.", ""]
    lines += [f"Stability: {about['stability']}. KFP {about['kfp']}.", ""]
    return "\n".join(lines)


def write_all() -> list[Path]:
    """Write every README; returns their paths."""
    paths = [folder / "README.md" for folder in folders()]
    for path in paths:
        path.write_text(readme(path.parent), encoding="utf-8")
    return paths


def _function(folder: Path) -> ast.FunctionDef:
    """The component's function, as it stands in the file."""
    tree = ast.parse((folder / "component.py").read_text(encoding="utf-8"))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return function


def _rows(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Each parameter and its type."""
    for argument in function.args.args:
        assert argument.annotation is not None
        yield argument.arg, ast.unparse(argument.annotation)


def _sentence(function: ast.FunctionDef) -> str:
    return (ast.get_docstring(function) or "").splitlines()[0]


if __name__ == "__main__":
    for written in write_all():
        print(written)
