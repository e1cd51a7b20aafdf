"""The MD5 of an output's files, by which DVC names them; kept beside the output in a store.

Whoever pushes an output has its bytes at hand, and lists them then: ``msm adopt`` reads the list
and fetches nothing. The list is named for the content digest, so it can be of no other content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from msm.errors import UserError

THREADS = 4  # hashlib lets go of the interpreter while it works
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Listed:
    """A file: its size in bytes, and the MD5 of its content in hex."""

    size: int
    md5: str


Listing = Mapping[str, Listed]


def listing_name(digest: str) -> str:
    """What the list of a folder is called, by the folder's content digest."""
    return f"{digest}.md5.json"


def list_files(folder: Path, names: Iterable[str]) -> Listing:
    """Read files of a folder and list them by name."""
    ordered = sorted(names)
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(
            zip(ordered, pool.map(lambda name: _listed(folder / name), ordered), strict=True)
        )


def list_text(text: str) -> Listed:
    """A file of this text, in UTF-8."""
    content = text.encode()
    return Listed(len(content), hashlib.md5(content, usedforsecurity=False).hexdigest())


def to_text(listing: Listing) -> str:
    """As it stands in a store."""
    files = {name: asdict(entry) for name, entry in sorted(listing.items())}
    return json.dumps(files, indent=1, ensure_ascii=False) + "\n"


def parse_listing(text: str, where: str) -> Listing:
    """Read a list; ``where`` is named in the message.

    Raises:
        UserError: it is malformed.
    """
    try:
        return {name: Listed(int(e["size"]), str(e["md5"])) for name, e in json.loads(text).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{where} is malformed; remove it, and the bytes are read again") from None


def _listed(path: Path) -> Listed:
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Listed(size, digest.hexdigest())
