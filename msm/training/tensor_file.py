"""Writing tensors as safetensors: straight to the disk, hashed on the way, and there for good.

``safetensors.torch.save_file`` first makes a copy of every tensor, and tells neither the digest of
what it wrote nor whether the disk was full. A checkpoint of 8 billion parameters holds 96 GB.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch

from msm.storage.manifest import FileEntry

DTYPES = {  # names of the format; huggingface/safetensors, README, "Format"
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
}
ALIGNMENT = 8  # bytes; the header is padded with spaces
CHUNK = 8 << 20


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> FileEntry:
    """Write CPU tensors by name, and wait until the disk has them; returns size and SHA-256.

    Raises:
        OSError: the disk is full, or cannot be written.
        TypeError: a tensor is on another device, or of a type that is not in ``DTYPES``.
    """
    digest, size = hashlib.sha256(), 0
    with path.open("wb", buffering=0) as file:
        for content in (_header(tensors), *(_bytes(tensors[name]) for name in sorted(tensors))):
            for start in range(0, len(content), CHUNK):
                chunk = content[start : start + CHUNK]
                _write(file.fileno(), chunk)
                digest.update(chunk)
                size += len(chunk)
        os.fsync(file.fileno())
    return FileEntry(size, digest.hexdigest())


def _header(tensors: Mapping[str, torch.Tensor]) -> memoryview:
    described, end = {}, 0
    for name in sorted(tensors):
        tensor = tensors[name]
        if tensor.dtype not in DTYPES or tensor.device.type != "cpu":
            raise TypeError(f"{name} is {tensor.dtype} on {tensor.device}; it has no place here")
        start, end = end, end + tensor.numel() * tensor.element_size()
        shape = list(tensor.shape)
        described[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": shape,
            "data_offsets": [start, end],
        }
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return memoryview(len(text).to_bytes(8, "little") + text)


def _bytes(tensor: torch.Tensor) -> memoryview:
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data


def _write(descriptor: int, chunk: memoryview) -> None:
    while chunk:
        chunk = chunk[os.write(descriptor, chunk) :]
