"""Where a folder lies in S3, and which content it is to have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from msm.errors import UserError

SHORTEST_DIGEST = 12  # characters: 48 bits
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
DIGEST = re.compile(rf"[0-9a-f]{{{SHORTEST_DIGEST},64}}")


@dataclass(frozen=True)
class Address:
    """A bucket, and a prefix that stands before the name of each file (without the slash)."""

    bucket: str
    prefix: str

    def key(self, name: str) -> str:
        """The key of a file."""
        return f"{self.prefix}/{name}"

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def parse_address(url: str) -> Address:
    """Read ``s3://bucket/prefix``; the prefix may end in a slash.

    Raises:
        UserError: it is something else. The address is not repeated: it may hold a key.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.removesuffix("/")
    steps = prefix.split("/")
    if scheme != "s3" or not BUCKET.fullmatch(bucket) or {"", ".", ".."} & set(steps):
        raise UserError(
            "an S3 folder is written s3://bucket/prefix; keys and endpoint come from the "
            "environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL)"
        )
    return Address(bucket, prefix)


def check_digest(digest: str) -> None:
    """Refuse what is no content digest, nor enough of one.

    Raises:
        UserError: it is not 12 to 64 lower-case hex characters.
    """
    if not DIGEST.fullmatch(digest):
        raise UserError(
            "an S3 folder is pinned by its content digest (SHA-256 in hex) or the first "
            f"{SHORTEST_DIGEST} or more characters of it, not by '{digest}'"
        )
