"""Build an image from a commit: ``python -m components.images.build cpu -- --isolation chroot``.

What is committed is built, not what lies in the checkout: the commit is written into the image, and
every record that a container writes names it. Everything after ``--`` goes to ``podman build``.
With ``--push`` the image goes to a registry, and its digest into ``digests.json``, which pipelines
and manifests read.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from components.images.sbom import VLLM, image_sbom

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "components/images"
DIGESTS = ROOT / FOLDER / "digests.json"
SBOMS = ROOT / "build" / "images"
IMAGES = ("cpu", "train", "vllm")
BESIDE = "vllm"  # has the package in an environment of its own, of what msm-train installs
PINNED = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


def prepare(image: str, commit: str, context: Path) -> str:
    """Put into ``context`` all that the image is made of; returns the package's version.

    Raises:
        subprocess.CalledProcessError: there is no such commit, or the package does not build.
    """
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        archive = subprocess.run(
            ["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        subprocess.run(["tar", "--extract"], cwd=sources, check=True, input=archive.stdout)
        own = sources / FOLDER / image
        for name in ("Dockerfile", "requirements.txt"):
            shutil.copy(own / name, context / name)
        shutil.copy(sources / FOLDER / "triton-stub", context / "triton-stub")
        if image == BESIDE:
            shutil.copy(sources / FOLDER / "train" / "requirements.txt", context / "package.txt")
        build_wheel(sources, context, commit_time(commit))
        project = tomllib.loads((sources / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])


def build_wheel(sources: Path, out: Path, time: int) -> Path:
    """The package's wheel; the same sources and ``time`` give the same bytes."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--wheel-dir", str(out), str(sources)),
        ],
        check=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(time)},
    )
    (wheel,) = out.glob("msm-*.whl")
    return wheel


def commit_time(commit: str) -> int:
    """When the commit was made, in seconds since 1970."""
    return int(_git("show", "--no-patch", "--format=%ct", commit))


def write_digest(path: Path, image: str, pinned: str) -> None:
    """Set one image in ``digests.json``; the others stay.

    Raises:
        ValueError: ``pinned`` is not ``NAME@sha256:<64 hexadecimal digits>``.
    """
    if not PINNED.fullmatch(pinned):
        raise ValueError(f"{image}: {pinned!r} is not NAME@sha256:<digest>")
    there = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    there[image] = pinned
    path.write_text(json.dumps(there, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def push(image: str, tag: str, prefix: str, options: Sequence[str]) -> str:
    """Push to ``prefix/msm-<image>``; returns the name with the digest that the registry has."""
    name = f"{prefix.rstrip('/')}/{tag.rsplit('/', 1)[-1]}"
    with tempfile.NamedTemporaryFile(mode="r", encoding="utf-8") as digest:
        subprocess.run(
            ["podman", "push", *options, "--digestfile", digest.name, tag, f"docker://{name}"],
            check=True,
        )
        return f"{name.rsplit(':', 1)[0]}@{digest.read().strip()}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 2 if something that the user can put right is wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    further: list[str] = []
    if "--" in given:
        place = given.index("--")
        given, further = given[:place], given[place + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", choices=IMAGES)
    parser.add_argument("--base", help="in place of the Dockerfile's, best by digest")
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--prepare", type=Path, help="fill this folder, and build nothing")
    parser.add_argument("--push", metavar="REGISTRY/PATH", help="push, and pin in digests.json")
    parser.add_argument("--push-option", action="append", default=[], help="for `podman push`")
    parser.add_argument("--digests", type=Path, default=DIGESTS)
    parser.add_argument("--sbom", type=Path, default=SBOMS, help="folder for the SBOM")
    options = parser.parse_args(given)
    try:
        commit = _git("rev-parse", options.commit)
        if _git("status", "--porcelain", "--untracked-files=no"):
            print(f"building commit {commit[:12]}, without what is not committed", file=sys.stderr)
        if options.prepare:
            options.prepare.mkdir(parents=True, exist_ok=True)
            prepare(options.image, commit, options.prepare)
            return 0
        tag = build(options.image, commit, options.base, further)
        options.sbom.mkdir(parents=True, exist_ok=True)
        path = options.sbom / f"{options.image}.cdx.json"
        bill = image_sbom(tag, *([VLLM] if options.image == BESIDE else []))
        path.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n")
        print(f"{tag}\n{path}")
        if options.push:
            pinned = push(options.image, tag, options.push, options.push_option)
            write_digest(options.digests, options.image, pinned)
            print(pinned)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(map(str, error.cmd[:3]))} … failed ({error.returncode})", file=sys.stderr)
        return 2
    except FileNotFoundError as error:
        print(f"{error.filename}: not there; see docs/images.md", file=sys.stderr)
        return 2
    return 0


def build(image: str, commit: str, base: str | None, options: Sequence[str]) -> str:
    """Build one image; returns its tag, ``localhost/msm-<image>:<version>``."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        version = prepare(image, commit, context)
        tag = f"localhost/msm-{image}:{version}"
        chosen = ["--build-arg", f"BASE={base}"] if base else []
        subprocess.run(
            [
                *("podman", "build", "--tag", tag, "--timestamp", str(commit_time(commit))),
                *("--build-arg", f"COMMIT={commit}", "--build-arg", f"VERSION={version}"),
                *chosen,
                *options,
                str(context),
            ],
            check=True,
        )
    return tag


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "--no-optional-locks", *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
