"""The door in front of the emulator: programs of this machine come in, web pages do not."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.aws import Aws
from local.emulator import Emulator


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(Path(tmp_path_factory.mktemp("emulator"))) as running:
        with Aws(running.url) as aws:
            aws.s3.create_bucket(Bucket="pictures")
            aws.s3.put_object(Bucket="pictures", Key="a.txt", Body=b"secret")
        yield running


def _get(emulator: Emulator, **headers: str) -> httpx.Response:
    return httpx.get(f"{emulator.url}/pictures/a.txt", headers=headers, trust_env=False, timeout=10)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:1", "[::1]:1", "172.17.0.1:1", "host.docker.internal:1"])
def test_this_machine_is_served(emulator: Emulator, host: str) -> None:
    assert _get(emulator, Host=host).text == "secret"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:1", "1.2.3.4.nip.io"]
)
def test_a_foreign_name_is_turned_away(emulator: Emulator, host: str) -> None:
    answer = _get(emulator, Host=host)
    assert (answer.status_code, "secret" in answer.text) == (403, False)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_another_sites_page_is_turned_away(emulator: Emulator, origin: str) -> None:
    assert _get(emulator, Origin=origin).status_code == 403
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert httpx.options(emulator.url, headers=asked, trust_env=False).status_code == 403


def test_no_answer_says_that_anybody_may_read_it(emulator: Emulator) -> None:
    assert not [name for name in _get(emulator).headers if name.startswith("access-control-")]


def test_a_page_of_this_machine_may_read(emulator: Emulator) -> None:
    assert _get(emulator, Origin="http://127.0.0.1:8000").status_code == 200
