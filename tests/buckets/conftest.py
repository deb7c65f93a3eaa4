"""Servers on this machine that speak as S3 and Google Cloud Storage do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


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
    pytest.importorskip("gcp_storage_emulator", reason="gcp-storage-emulator is not installed")
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes a certificate, is not installed")
    certificate = tmp_path_factory.mktemp("certificate") / "certificate.pem"
    # Another process, because TensorFlow keeps Python's threads waiting while it writes a file.
    command = [sys.executable, str(Path(__file__).with_name("google_server.py")), str(certificate)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        assert server.stdout is not None
        proxy = server.stdout.readline().strip()
        # The emulator asks for uploads without encryption.
        patch.setenv("http_proxy", proxy)
        patch.setenv("https_proxy", proxy)
        patch.setenv("CURL_CA_BUNDLE", str(certificate))
        patch.setenv("NO_GCE_CHECK", "true")
        yield "gs://bucket"
        server.kill()
