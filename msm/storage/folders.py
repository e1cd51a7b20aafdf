"""The folders below one S3 prefix: which are whole, and removing one so that it never looks so."""

from __future__ import annotations

from collections.abc import Mapping

from msm.storage.address import parse_address
from msm.storage.bucket import Bucket
from msm.storage.manifest import MANIFEST
from msm.storage.parts import side_by_side

MOST_UPLOADS = 100  # of one object, each begun by a push that was cut off before its first part


def folders_below(url: str) -> Mapping[str, bool]:
    """Every folder right below ``s3://bucket/prefix``, by name: whether its manifest is there.

    One whose push has begun and shows no object yet counts too, as not whole.

    Raises:
        UserError: S3 refuses or fails.
    """
    bucket = Bucket(parse_address(url))
    there = bucket.objects()
    names = {name.partition("/")[0] for name in (*there, *bucket.open_uploads()) if "/" in name}
    return {name: f"{name}/{MANIFEST}" in there for name in sorted(names)}


def remove_folder(url: str) -> None:
    """Remove all that lies below ``s3://bucket/prefix``, the manifest first.

    So a removal that was cut off leaves a folder that nobody takes for whole.

    Raises:
        UserError: S3 refuses or fails.
    """
    bucket = Bucket(parse_address(url))
    bucket.remove(MANIFEST)
    for _ in range(MOST_UPLOADS):
        uploads = bucket.open_uploads()  # the last of each object
        if not uploads:
            break
        for upload in uploads.values():
            bucket.abandon_upload(upload)
    side_by_side(bucket.remove, bucket.objects())
