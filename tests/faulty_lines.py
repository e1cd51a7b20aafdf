"""Lines to an S3 server that answer "busy" at random, say nothing, or spoil bytes on the way."""

from __future__ import annotations

import random
import threading

from tests.bad_line import CHUNK, BadLine

METHODS = (b"GET ", b"PUT ", b"POST ", b"HEAD ", b"DELETE ")


class BusyLine(BadLine):
    """Answers a share of the requests with 503."""

    def __init__(self, url: str, share: float, seed: int) -> None:
        super().__init__(url)
        self._share, self._chance = share, random.Random(seed)
        self.requests = self.refusals = 0

    def refused(self, data: bytes) -> bool:
        if not data.startswith(METHODS):
            return False
        busy = self._chance.random() < self._share
        self.requests += 1
        self.refusals += busy
        return busy


class SpoilingLine(BadLine):
    """Flips one bit of each large piece that is sent, while ``spoils``."""

    spoils = True

    def spoilt(self, data: bytes) -> bytes:
        if not self.spoils or data.startswith(METHODS) or len(data) < CHUNK // 2:
            return data
        return data[:-1] + bytes([data[-1] ^ 1])


class SilentLine(BadLine):
    """Takes connections and what is sent over them, and passes nothing on until ``opened``."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._open = threading.Event()

    def opened(self) -> None:
        """From now on, pass on; also what was held."""
        self._open.set()

    def spoilt(self, data: bytes) -> bytes:
        self._open.wait()
        return data
