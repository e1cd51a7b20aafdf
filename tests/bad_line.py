"""A bad line to a server: a TCP relay that is slow, counts, and cuts connections off."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

CHUNK = 64 << 10
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BadLine:
    """Relays to a server, and counts the bytes that went to it and came from it.

    Args:
        url: the server's.
        bytes_per_second: of each connection, either way; 0 for no limit.
        cut_after: so many bytes of answers end a connection, for the first ``cuts`` connections
            that get so far.
    """

    def __init__(
        self, url: str, bytes_per_second: int = 0, cut_after: int = 0, cuts: int = 0
    ) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), int(parts.port or 80))
        self._speed, self._cut_after = bytes_per_second, cut_after
        self.cuts_left, self.received, self.sent = cuts, 0, 0
        self._count = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> BadLine:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for work in (self._requests, self._answers):
                    threading.Thread(target=work, args=(client, server), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(CHUNK):
                with self._count:
                    self.sent += len(data)
                if self.refused(data):
                    client.sendall(BUSY)
                    break
                server.sendall(self.spoilt(data))
                self._dawdle(data)
        _close(client, server)

    def refused(self, data: bytes) -> bool:
        """Whether what a client sends is answered by "busy" here, and goes no further."""
        return False

    def spoilt(self, data: bytes) -> bytes:
        """What goes on to the server in place of what a client sends."""
        return data

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        here = 0
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK):
                client.sendall(data)
                here += len(data)
                with self._count:
                    self.received += len(data)
                    cut = bool(self._cut_after) and here >= self._cut_after and self.cuts_left > 0
                    self.cuts_left -= cut
                if cut:
                    break
                self._dawdle(data)
        _close(client, server)

    def _dawdle(self, data: bytes) -> None:
        if self._speed:
            time.sleep(len(data) / self._speed)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
