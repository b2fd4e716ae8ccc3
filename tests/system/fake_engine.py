"""An engine that answers as it is told, well or badly, over a Unix socket or TCP, with or without TLS.

    with FakeEngine([OK]) as engine: ...                       TCP, plain; engine.host is its address
    FakeEngine([OK], path="/run/x.sock")                       a Unix socket
    FakeEngine([OK], tls=context)                              an ssl.SSLContext

An answer is a list of what happens to a connection, once a request has come: bytes are sent, a number is a pause in seconds, and
"reset" makes the end a reset; at the end the connection is closed. `early` ones do not wait for a request, nor shake hands.
"""

import contextlib
import os
import select
import socket
import ssl
import struct
import threading

OK = b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\n\r\nOK"
FOR_EVER = 3600  # seconds: what waits for so long is ended by the test


class FakeEngine:
    def __init__(self, answer, *, path=None, tls=None, host="127.0.0.1", early=False):
        self._answer, self._tls, self._early = answer, tls, early
        self.requests = []
        self._stop_read, self._stop_write = os.pipe()
        if path:
            self._server = socket.socket(socket.AF_UNIX)
            self._server.bind(path)
            self.host = f"unix://{path}"
        else:
            self._server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self._server.bind((host, 0))
            self.port = self._server.getsockname()[1]
            self.host = f"tcp://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._server.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._stop_write)
        for thread in self._threads:
            thread.join(10)
        self._server.close()
        os.close(self._stop_read)

    def _stopped(self, seconds=0.0):
        return bool(select.select([self._stop_read], [], [], seconds)[0])

    def _accept(self):
        while True:
            ready = select.select([self._server, self._stop_read], [], [])[0]
            if self._stop_read in ready:
                return
            connection, _ = self._server.accept()
            if self._server.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Go does
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            if self._early:
                self._play(connection)
                return
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self.requests.append(connection.recv(4096).decode())
                self._play(connection)
                if self._tls:
                    with contextlib.suppress(OSError):
                        connection.unwrap()

    def _play(self, connection):
        for part in self._answer:
            if part == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif isinstance(part, bytes):
                connection.sendall(part)
            elif self._stopped(part):
                return


def server_tls(folder, ca=None):
    """As dockerd --tlsverify has it: the certificate of `folder`, and clients must show one of `ca`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if ca:
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
