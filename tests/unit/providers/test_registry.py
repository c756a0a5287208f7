"""Providers are found by the names of their files."""

import subprocess
import sys
from pathlib import Path

import pytest

from darkroom import providers
from darkroom.errors import InvalidParameter
from darkroom.providers import ProviderSettings, load, names
from darkroom.providers.openrouter import OpenRouter


def test_the_files_are_the_providers() -> None:
    folder = Path(providers.__file__).parent
    assert names() == tuple(sorted(file.stem for file in folder.glob("[!_]*.py")))
    assert "openrouter" in names()


def test_a_provider_is_made_by_its_name() -> None:
    provider = load("openrouter")(ProviderSettings(url="http://127.0.0.1:1"))
    assert isinstance(provider, OpenRouter)
    assert provider.name == "openrouter"
    assert load("openrouter")(None).name == "openrouter"


@pytest.mark.parametrize("name", ["midjourney", "", "_http", "openrouter.os", "../openrouter", "OpenRouter"])
def test_an_unknown_name_lists_those_that_are_known(name: str) -> None:
    with pytest.raises(InvalidParameter) as raised:
        load(name)
    assert raised.value.context["accepted"] == list(names())
    assert "openrouter" in raised.value.fix


def test_a_provider_is_imported_when_it_is_asked_for() -> None:
    program = (
        "import sys, darkroom.providers as p; p.names(); assert 'darkroom.providers.openrouter' not in sys.modules;"
        "p.load('openrouter')(None); assert 'darkroom.providers.openrouter' in sys.modules;"
        "sent = 'darkroom.providers._transport'; assert sent not in sys.modules; p.load_sending();"
        "assert sent in sys.modules; assert 'httpx' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
