"""One bucket, through boto3: listing, reading ranges, and writing with SHA-256 checksums.

Server and credentials come from the environment alone. Every call is tried a bounded number of
times; every fault is a ``UserError``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.storage.address import Address
from msm.storage.faults import explained, lost_connection, public

CONNECTIONS = 8
ATTEMPTS = 5
CONNECT_SECONDS = 10
READ_SECONDS = 60  # of silence, not of a whole answer
BUFFER = 1 << 20


@dataclass(frozen=True)
class Listed:
    """An object: its name below the address, its size in bytes, and the tag of its version."""

    name: str
    size: int
    etag: str


@dataclass(frozen=True)
class OpenUpload:
    """An upload in parts that was begun; the tag of each part that is there, by its number."""

    name: str
    identifier: str
    parts: Mapping[int, str]


class Bucket:
    """The objects below one address."""

    def __init__(self, address: Address) -> None:
        """Raises UserError: the environment names no usable server or credentials."""
        import boto3
        from botocore.config import Config

        self.address = address
        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=CONNECTIONS,
            tcp_keepalive=True,
            # Bytes are compared with the manifest or the pinned digest; what botocore compares
            # with a checksum of parts is wrong for a range.
            response_checksum_validation="when_required",
            # All bytes of a file are sent with their SHA-256 in a header, which is signed: to sign
            # the bytes too, as botocore does over plain http, would hash them once more.
            s3={"payload_signing_enabled": False},
        )
        try:
            with explained(address, "S3"):
                self._s3: Any = boto3.Session().client("s3", config=config)
        except ValueError:
            raise UserError(
                f"{address}: AWS_ENDPOINT_URL is not a URL such as http://host:8333"
            ) from None
        self._server = public(self._s3.meta.endpoint_url)

    def objects(self) -> Mapping[str, Listed]:
        """Every object below the address, by its name there; markers of folders are left out."""
        start = self.address.key("")
        found = {}
        with self._explained():
            pages = self._s3.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.address.bucket, Prefix=start):
                for item in page.get("Contents", ()):
                    name = str(item["Key"]).removeprefix(start)
                    if name and not (name.endswith("/") and item["Size"] == 0):
                        found[name] = Listed(name, item["Size"], item["ETag"])
        return found

    def read(self, item: Listed) -> bytes:
        """A whole small object."""
        parts: list[bytes] = []
        self.stream(item, 0, item.size, parts.append)
        return b"".join(parts)

    def read_range(self, item: Listed, start: int, length: int, file: Path) -> None:
        """Bring bytes of an object into the same place of a file, which is there."""
        with file.open("r+b") as out:
            out.seek(start)
            self.stream(item, start, length, out.write)

    def stream(
        self, item: Listed, start: int, length: int, take: Callable[[bytes], object]
    ) -> None:
        """Hand on bytes as they come; goes on where a connection was lost, a bounded time."""
        end = start + length
        for attempt in range(1, ATTEMPTS + 1):
            if start == end:
                return
            with self._explained():
                answer = self._s3.get_object(
                    **self._place(item.name), Range=f"bytes={start}-{end - 1}", IfMatch=item.etag
                )
                if answer["ContentLength"] != end - start:
                    raise UserError(
                        f"{self.address}: {self._server} does not serve ranges of bytes"
                    )
                try:
                    for chunk in answer["Body"].iter_chunks(BUFFER):
                        take(chunk)
                        start += len(chunk)
                except lost_connection():
                    if attempt == ATTEMPTS:
                        raise
                    time.sleep(random.uniform(0.5, 1) * 2 ** (attempt - 2))

    def checksum(self, name: str) -> str:
        """The SHA-256 that the server took of an object when it was written; "" if it took none.

        In base64; of an object written in parts it is that of the parts' own, with their number.
        """
        with self._explained():
            head = self._s3.head_object(**self._place(name), ChecksumMode="ENABLED")
        return str(head.get("ChecksumSHA256", ""))

    def write(self, name: str, content: bytes, checksum: str) -> None:
        """Write a small object. The server refuses other bytes than ``checksum`` (base64)."""
        with self._explained():
            self._s3.put_object(**self._place(name), Body=content, ChecksumSHA256=checksum)

    def open_uploads(self) -> Mapping[str, OpenUpload]:
        """The uploads in parts that were begun and have not ended, the last for each name."""
        start = self.address.key("")
        found = {}
        with self._explained():
            pages = self._s3.get_paginator("list_multipart_uploads")
            begun = [
                upload
                for page in pages.paginate(Bucket=self.address.bucket, Prefix=start)
                for upload in page.get("Uploads", ())
                if upload.get("ChecksumAlgorithm", "SHA256") == "SHA256"
            ]
            for upload in sorted(begun, key=lambda upload: upload["Initiated"]):
                place = {
                    "Bucket": self.address.bucket,
                    "Key": upload["Key"],
                    "UploadId": upload["UploadId"],
                }
                parts = {
                    part["PartNumber"]: part["ETag"]
                    for page in self._s3.get_paginator("list_parts").paginate(**place)
                    for part in page.get("Parts", ())
                }
                name = str(upload["Key"]).removeprefix(start)
                found[name] = OpenUpload(name, upload["UploadId"], parts)
        return found

    def begin_upload(self, name: str) -> OpenUpload:
        """Begin an upload in parts."""
        with self._explained():
            begun = self._s3.create_multipart_upload(
                **self._place(name), ChecksumAlgorithm="SHA256"
            )
        return OpenUpload(name, begun["UploadId"], {})

    def write_part(self, upload: OpenUpload, number: int, content: bytes, checksum: str) -> str:
        """Write one part, numbered from 1; returns its tag."""
        with self._explained():
            written = self._s3.upload_part(
                **self._place(upload.name),
                UploadId=upload.identifier,
                PartNumber=number,
                Body=content,
                ChecksumSHA256=checksum,
            )
        return str(written["ETag"])

    def end_upload(
        self, upload: OpenUpload, tags: Mapping[int, str], checksums: Sequence[str]
    ) -> None:
        """Make the object of its parts' tags and checksums, which the server compares again."""
        listed = [
            {"PartNumber": number, "ETag": tags[number], "ChecksumSHA256": checksum}
            for number, checksum in enumerate(checksums, 1)
        ]
        with self._explained():
            self._s3.complete_multipart_upload(
                **self._place(upload.name),
                UploadId=upload.identifier,
                MultipartUpload={"Parts": listed},
            )

    def abandon_upload(self, upload: OpenUpload) -> None:
        """Give up an upload in parts, and with it the parts that are there."""
        with self._explained():
            self._s3.abort_multipart_upload(**self._place(upload.name), UploadId=upload.identifier)

    def remove(self, name: str) -> None:
        """Remove an object; one that is not there is no fault."""
        with self._explained():
            self._s3.delete_object(**self._place(name))

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self.address, self._server)

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self.address.bucket, "Key": self.address.key(name)}
