"""Runs an emulator of Google Cloud Storage, and a proxy through which TensorFlow takes it for Google's own.

    python google_server.py CERTIFICATE

Writes the certificate of the proxy, prints its URL, and runs until it is killed.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

from gcp_storage_emulator.server import create_server

# The names that TensorFlow connects to.
GOOGLE = "DNS:storage.googleapis.com,DNS:www.googleapis.com"


def make_certificate(file: Path) -> None:
    """Makes a file with a certificate and its key."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    files = ["-keyout", str(file.with_name("key.pem")), "-out", str(file)]
    subprocess.run([*command, "-addext", f"subjectAltName={GOOGLE}", *files], check=True, capture_output=True)
    with file.open("a") as stream:
        stream.write(file.with_name("key.pem").read_text())


def accept(listening: socket.socket, port: int, certificate: Path) -> None:
    """Answers each connection in a thread of its own until the socket is closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with contextlib.suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=forward, args=(client, port, context), daemon=True).start()


def forward(client: socket.socket, port: int, context: ssl.SSLContext) -> None:
    """Decrypts what a client says to Google, and passes it on to the emulator."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    server = socket.create_connection(("127.0.0.1", port))
    if head.startswith(b"CONNECT"):
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        client = context.wrap_socket(client, server_side=True)
    else:
        head = re.sub(rb"http://[^/]+", b"", head, count=1)
        if b"chunked" in head:
            # TensorFlow gives a length too, which counts for the emulator, but not by the standard.
            head = re.sub(rb"Content-Length: \d+\r\n", b"", head, flags=re.IGNORECASE)
        server.sendall(head)
    threading.Thread(target=copy, args=(client, server), daemon=True).start()
    copy(server, client)


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copies until the end."""
    with contextlib.suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def main() -> None:
    """Starts both servers."""
    certificate = Path(sys.argv[1])
    make_certificate(certificate)
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        accept(listening, server._api._httpd.server_address[1], certificate)


if __name__ == "__main__":
    main()
