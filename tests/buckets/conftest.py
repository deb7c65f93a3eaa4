"""Servers on this machine that speak as S3 and Google Cloud Storage do."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

# The names that TensorFlow connects to.
GOOGLE = "DNS:storage.googleapis.com,DNS:www.googleapis.com"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> None:
    """A cache and a working folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The URL of a bucket on moto's server."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    server = server_module.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        import fsspec

        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
        yield "s3://bucket"
    server.stop()


@pytest.fixture(scope="module")
def gs(tmp_path_factory) -> Iterator[str]:
    """The URL of a bucket on an emulator of Google's server, behind a proxy that TensorFlow goes through."""
    emulator = pytest.importorskip("gcp_storage_emulator.server", reason="no emulator is installed")
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes a certificate, is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    server = emulator.create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    port = server._api._httpd.server_address[1]
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.MonkeyPatch.context() as patch:
        proxy = f"http://127.0.0.1:{listening.getsockname()[1]}"
        certificate = _certificate(folder)
        threading.Thread(target=_accept, args=(listening, port, certificate), daemon=True).start()
        # The emulator asks for uploads without encryption.
        for name, value in (
            ("https_proxy", proxy),
            ("http_proxy", proxy),
            ("CURL_CA_BUNDLE", str(certificate)),
            ("NO_GCE_CHECK", "true"),
        ):
            patch.setenv(name, value)
        yield "gs://bucket"
    server.stop()


def _certificate(folder: Path) -> Path:
    """Makes a file with a key and its certificate."""
    file = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(file)]
    subprocess.run([*command, "-addext", f"subjectAltName={GOOGLE}", *files], check=True, capture_output=True)
    with file.open("a") as stream:
        stream.write((folder / "key.pem").read_text())
    return file


def _accept(listening: socket.socket, port: int, certificate: Path) -> None:
    """Answers each connection in a thread of its own until the socket is closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with contextlib.suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_forward, args=(client, port, context), daemon=True).start()


def _forward(client: socket.socket, port: int, context: ssl.SSLContext) -> None:
    """Decrypts what a client says to Google, and passes it on to the emulator."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    server = socket.create_connection(("127.0.0.1", port))
    if head.startswith(b"CONNECT"):
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        client = context.wrap_socket(client, server_side=True)
    else:
        server.sendall(re.sub(rb"http://[^/]+", b"", head, count=1))
    threading.Thread(target=_copy, args=(client, server), daemon=True).start()
    _copy(server, client, (b"HTTP/1.0", b"HTTP/1.1"))


def _copy(source: socket.socket, target: socket.socket, change: tuple[bytes, bytes] = (b"", b"")) -> None:
    """Copies until the end; the emulator calls an answer in chunks HTTP/1.0, which has none."""
    with contextlib.suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(change[1] + data[len(change[0]) :] if data.startswith(change[0]) else data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
