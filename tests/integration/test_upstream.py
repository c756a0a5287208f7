"""Which OpenRouter a stack calls. The real one is never called here: nothing but loopback can be reached."""

from pathlib import Path

import httpx

from local.stack import OpenRouter, Stack

KEY = "sk-or-v1-" + "a1b2c3d4" * 8


def test_with_a_real_key_nothing_is_simulated_and_the_key_is_told_to_nobody(weights_dir: Path, tmp_path: Path) -> None:
    real = OpenRouter(is_simulated=False, key=KEY)
    with Stack(tmp_path, weights=weights_dir, parameters={"BackgroundModel": "u2netp"}, openrouter=real) as stack:
        known = stack.describe()
        assert (known["openrouter_url"], known["openrouter_key"]) == (None, None)
        assert KEY not in (tmp_path / "darkroom.json").read_text()
        assert KEY not in repr(stack.openrouter)
        headers = {"Authorization": f"Bearer {stack.token}"}
        listed = httpx.get(f"{stack.url}/v1/keys", headers=headers, timeout=60, trust_env=False)
        assert listed.json()["data"] == [{"object": "key", "provider": "openrouter", "owner": "stack"}]
        started = httpx.get(f"{stack.url}/oauth/start", timeout=60, trust_env=False)
        assert started.headers["location"].startswith("https://openrouter.ai/auth?")
        assert not [log for log in stack.logs.rglob("*.log") if KEY in log.read_text(errors="replace")]
