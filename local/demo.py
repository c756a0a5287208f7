"""`make demo`: cuts out a photograph and saves the result beside it.

    python -m local.demo [PHOTO]

Uses the stack that `make up` runs; starts one for as long as it takes, when there is none. A photograph too
large for a request is uploaded first, as any client can do it.
"""

import argparse
import mimetypes
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local import state
from local.up import MODEL, fetch_weights

# What Lambda takes of a file in a request, less what stands around it.
MAX_IN_REQUEST = 4_400_000
PHOTO = state.ROOT / "events" / "photo.jpg"


class JobFailed(Exception):
    """Its argument has the problem's details."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="Cuts out a photograph.")
    parser.add_argument("photo", type=Path, nargs="?", default=PHOTO)
    photo: Path = parser.parse_args().photo
    if not photo.is_file():
        print(f"There is no file {photo}. Name another: make demo PHOTO=holiday.jpg", file=sys.stderr)
        return 1
    with _stack() as running:
        return cut_out(photo, running)


@contextmanager
def _stack() -> Iterator[dict[str, Any]]:
    try:
        running = state.read()
    except state.NotRunning:
        print("Darkroom is not running; starting it for the length of this.", flush=True)
        weights = state.STATE / "weights"
        fetch_weights(weights, MODEL)
        # Imported here, because it takes a while and is rarely needed.
        from local.stack import Stack

        with (
            tempfile.TemporaryDirectory() as folder,
            Stack(Path(folder), weights=weights, parameters={"BackgroundModel": MODEL}) as stack,
        ):
            yield stack.describe()
        return
    yield running


def cut_out(photo: Path, running: dict[str, Any]) -> int:
    begun = time.monotonic()
    try:
        made, facts = _answer(photo, running)
    except httpx.HTTPStatusError as error:
        problem = error.response.json() if "json" in error.response.headers.get("content-type", "") else {}
        return _complain(problem, str(error))
    except JobFailed as error:
        return _complain(error.args[0], "The job came to nothing.")
    seconds = time.monotonic() - begun
    result = photo.with_suffix(".cutout.png")
    result.write_bytes(made)
    size = f"{facts.get('x-width', '?')} × {facts.get('x-height', '?')}"
    print(f"{photo} → {result} ({size} pixels, {seconds:.2f} s, $0)")
    print(f"    {facts.get('server-timing', '')}")
    return 0


def _complain(problem: dict[str, Any], otherwise: str) -> int:
    print(f"{problem.get('detail', otherwise)} {problem.get('fix', '')}".strip(), file=sys.stderr)
    return 1


def _answer(photo: Path, running: dict[str, Any]) -> tuple[bytes, Mapping[str, str]]:
    """The picture, and what the headers of the answer say of it. Raises httpx.HTTPStatusError, JobFailed."""
    kind = mimetypes.guess_type(photo.name)[0] or "image/jpeg"
    headers = {"Authorization": f"Bearer {running['token']}", "Accept": "image/png"}
    with httpx.Client(timeout=60, follow_redirects=True, trust_env=False) as client:
        sent: dict[str, Any] = {"files": {"image": (photo.name, photo.read_bytes(), kind)}}
        if photo.stat().st_size > MAX_IN_REQUEST:
            form = client.post(f"{running['url']}/v1/uploads", headers=headers, json={"media_type": kind})
            upload = form.raise_for_status().json()
            with photo.open("rb") as file:
                client.post(upload["url"], data=upload["fields"], files={"file": file}).raise_for_status()
            sent = {"json": {"upload_id": upload["upload_id"]}}
        answer = client.post(f"{running['url']}/v1/images/background-removals", headers=headers, **sent)
        answer.raise_for_status()
        if answer.status_code == httpx.codes.ACCEPTED:
            return _of_job(client, f"{running['url']}{answer.headers['location']}", headers, answer)
        # A picture too large for the answer comes by a redirect, which has the facts.
        return answer.content, (answer.history or [answer])[0].headers


def _of_job(
    client: httpx.Client, url: str, headers: dict[str, str], answer: httpx.Response
) -> tuple[bytes, Mapping[str, str]]:
    """The picture of a job that took too long to be waited for. Raises as _answer does."""
    job = answer.json()
    while job["status"] in ("queued", "running"):
        print(*job["warnings"], flush=True)
        time.sleep(int(answer.headers["retry-after"]))
        job = client.get(url, headers=headers).raise_for_status().json()
    if job["status"] != "succeeded":
        raise JobFailed(job["error"] or {})
    (image,) = job["output"]["images"]
    facts = {"x-width": str(image["width"]), "x-height": str(image["height"])}
    return client.get(image["url"]).raise_for_status().content, facts


if __name__ == "__main__":
    sys.exit(main())
