"""The layers of docs/architecture.md, read from the imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest


def _imports(path: Path) -> set[str]:
    """Top-level packages that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def _files(root: Path) -> list[Path]:
    files = sorted((root / "msm").rglob("*.py"))
    assert files
    return files


@pytest.mark.parametrize("package", ["components", "pipelines", "kfp"])
def test_the_science_does_not_know_who_calls_it(root: Path, package: str) -> None:
    assert [path for path in _files(root) if package in _imports(path)] == []


def test_only_two_modules_know_dvc_from_within(root: Path) -> None:
    callers = {path.name for path in _files(root) if {"dvc", "dvc_data"} & _imports(path)}
    assert callers == {"dvc_record.py", "dvc_tool.py"}


def test_only_the_registry_talks_to_mlflow(root: Path) -> None:
    callers = {path.parent.name for path in _files(root) if "mlflow" in _imports(path)}
    assert callers == {"registry"}


def test_only_storage_talks_to_s3(root: Path) -> None:
    clients = {"boto3", "botocore", "s3transfer", "s3fs", "aiobotocore"}
    callers = {path.parent.name for path in _files(root) if clients & _imports(path)}
    assert callers == {"storage"}


def test_only_llm_makes_a_model_client(root: Path) -> None:
    """Inspect tasks besides: they ask the models that Inspect hands them."""
    clients = {"inspect_ai", "openai", "anthropic", "httpx"}
    callers = {path.parent.name for path in _files(root) if clients & _imports(path)}
    inspect_tasks = {"agentic", "capability", "evals", "open_qa", "preference", "spec_knowledge"}
    assert callers - inspect_tasks == {"llm"}


def test_nothing_runs_code_from_outside(root: Path) -> None:
    for path in _files(root):
        text = path.read_text(encoding="utf-8")
        assert "trust_remote_code" not in text.replace("``trust_remote_code``", ""), path
        assert "torch.load(" not in text, path
        assert "pickle" not in _imports(path), path
