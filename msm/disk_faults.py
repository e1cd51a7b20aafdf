"""What a disk refuses, as one line that says what to do."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msm.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT)
CANNOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


def no_room(error: OSError, folder: Path) -> str:
    """Why nothing more can be written below a folder, and what helps; empty for other errors."""
    if error.errno in FULL:
        return f"the disk of {folder} is full; free some space"
    if error.errno == errno.EFBIG:
        return f"a file below {folder} may grow no larger; raise the limit (ulimit -f)"
    return ""


@contextmanager
def disk_explained(folder: Path, elsewhere: str) -> Iterator[None]:
    """Turn what writing below a folder meets into a UserError; other errors pass.

    ``elsewhere`` is the option that names another place.

    Raises:
        UserError: the disk is full, a file may grow no larger, or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        if why := no_room(error, folder):
            raise UserError(f"{why} and run again") from None
        if error.errno in CANNOT_WRITE:
            raise UserError(
                f"cannot write {error.filename}: {error.strerror}; choose another {elsewhere}"
            ) from None
        raise


@contextmanager
def system_errors() -> Iterator[None]:
    """Raise what the library safetensors meets on a disk as the OSError that it was.

    Raises:
        OSError: writing failed; the library tells its number in words alone.
    """
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        found = re.search(r"\(os error (\d+)\)", str(error))
        if found is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number)) from None
