"""What git says: whether it has the commits that records name, and a file as it lies here."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from msm.identity import RECORD
from msm.lineage.findings import Check, Finding, NotChecked, Severity
from msm.lineage.graph import Node

COMMIT = re.compile(r"[0-9a-f]{7,64}")


def missing_commits(commits: set[str], repositories: Sequence[Path]) -> set[str] | None:
    """Those of the commits that no repository has; None where none can say.

    A repository that was cloned without its history cannot say that a commit is missing.
    """
    whole = [path for path in repositories if _git(path, "rev-parse", "--git-dir") is not None]
    if not whole:
        return None
    missing = {commit for commit in commits if not any(_has(path, commit) for path in whole)}
    if missing and all(
        _git(path, "rev-parse", "--is-shallow-repository") == "true" for path in whole
    ):
        return None
    return missing


def commit_findings(nodes: Sequence[Node], missing: set[str]) -> Iterator[Finding]:
    """The outputs whose commit is in no repository."""
    for node in nodes:
        commit = _commit(node)
        if commit and commit in missing:
            yield Finding(
                Severity.FAULT,
                Check.CODE,
                node.key,
                f"{node.place}/{RECORD}",
                f"names the commit {commit[:12]}, which no repository here has",
            )


def check_commits(
    nodes: Sequence[Node], repositories: Sequence[Path]
) -> tuple[int, tuple[Finding, ...], tuple[NotChecked, ...]]:
    """How many commits were looked for, what was found, and whether nothing could be said."""
    commits = {commit for node in nodes if (commit := _commit(node))}
    missing = missing_commits(commits, repositories) if commits else set()
    if missing is None:
        why = "neither the workspace nor msm's own folder is a git repository with its history"
        return 0, (), (NotChecked(Check.CODE, "commits", why),)
    return len(commits), tuple(commit_findings(nodes, missing)), ()


def as_committed(file: Path) -> bool:
    """Whether the commit that is checked out holds a file as it lies here."""
    tracked = _git(file.parent, "ls-files", "--error-unmatch", file.name) is not None
    return tracked and _git(file.parent, "diff", "--quiet", "HEAD", "--", file.name) is not None


def _commit(node: Node) -> str:
    return str((node.record.code if node.record else {}).get("commit") or "")


def _has(repository: Path, commit: str) -> bool:
    known = COMMIT.fullmatch(commit) is not None  # anything else may be an option of git's
    return known and _git(repository, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
