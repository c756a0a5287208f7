"""OpenRouter on this machine: a real HTTP server that answers, charges and fails as the real one does.

    with Simulator() as openrouter:
        httpx.post(f"{openrouter.api}/images", headers={"Authorization": f"Bearer {openrouter.key}"}, json={…})

It knows nothing of Darkroom's client: the two agree only on what travels between them.
"""

from local.simulator.server import Simulator

__all__ = ["Simulator"]
