"""`darkroom recipe`: what was done to one picture, done to a folder of others."""

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from darkroom_cli.client import KINDS
from darkroom_cli.context import Context, ending_of, free_name
from darkroom_cli.failures import Exit, WrongUsage
from darkroom_cli.pending import fingerprint

ROUTE = "/v1/recipes/apply"
# Pictures of one job.
MAX_IMAGES = 500


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    recipes = commands.add_parser("recipe", help="recipes: list, save, apply to a folder").add_subparsers(
        required=True, metavar="COMMAND"
    )
    apply = recipes.add_parser("apply", help="apply one to every picture of a folder")
    apply.add_argument("name", help="of a kept recipe, or a JSON file with one")
    apply.add_argument("folder", type=Path)
    apply.add_argument("-o", "--output", type=Path, help="folder for the results; FOLDER-NAME if left out")
    apply.add_argument(
        "--max-cost", type=float, metavar="USD", help="allow steps that are painted, for money, up to this much in all"
    )
    apply.set_defaults(run=apply_recipe)
    save = recipes.add_parser("save", help="keep one under a name")
    save.add_argument("name")
    save.add_argument("file", type=Path, help="JSON: a recipe, or a list of operations")
    save.set_defaults(run=save_recipe)
    recipes.add_parser("list", help="list those that are kept").set_defaults(run=list_recipes)


def list_recipes(_: argparse.Namespace, context: Context) -> Exit:
    for each in context.client.get("/v1/recipes")["data"]:
        painted = f", {each['painted_step_count']} painted" if each["painted_step_count"] else ""
        context.tell(f"{each['name']}\t{each['step_count']} steps{painted}")
    return Exit.DONE


def save_recipe(options: argparse.Namespace, context: Context) -> Exit:
    body = _recipe_of(options.file)
    context.client.call("PUT", f"/v1/recipes/{quote(options.name, safe='')}", json=body, repeatable=True)
    context.tell(options.name)
    return Exit.DONE


def apply_recipe(options: argparse.Namespace, context: Context) -> Exit:
    is_file = options.name.endswith(".json")
    recipe = _recipe_of(Path(options.name)) if is_file else options.name
    photos = _photos(options.folder)
    if len(photos) > MAX_IMAGES and options.max_cost is not None:
        raise WrongUsage(
            f"{options.folder} has {len(photos)} pictures, and one cap holds for up to {MAX_IMAGES}. Divide the folder."
        )
    label = Path(options.name).stem if is_file else options.name
    folder = options.folder.resolve()
    output: Path = options.output or folder.with_name(f"{folder.name}-{label}")
    failed = 0
    for batch in batches(photos):
        failed += _apply(recipe, batch, output, options.max_cost, context)
    context.tell(str(output))
    if not failed:
        return Exit.DONE
    return Exit.FAILED if failed == len(photos) else Exit.PARTLY


def batches(photos: Sequence[Path], size: int = MAX_IMAGES) -> Iterator[Sequence[Path]]:
    """The photos in parts that a job holds."""
    for first in range(0, len(photos), size):
        yield photos[first : first + size]


def _apply(recipe: Any, photos: Sequence[Path], output: Path, max_cost: float | None, context: Context) -> int:
    """How many of the pictures failed."""
    paid = {} if max_cost is None else {"allow_paid": True, "max_cost_usd": max_cost}
    fields = {"recipe": recipe, **paid}
    digests = [hashlib.sha256(photo.read_bytes()).hexdigest() for photo in photos]
    name = fingerprint(context.client.connection, ROUTE, fields, digests)

    def order() -> dict[str, Any]:
        return {**fields, "images": context.upload_all(photos, f"Uploading {len(photos)} pictures")}

    job = context.pending.carry_out(context.client, name, ROUTE, order, context.look)
    made, errors = job["output"], job["output"]["errors"]
    taken: set[Path] = set()
    with context.progress.bar("Fetching", len(made["images"])) as advance:
        for index, image in zip(made["indices"], made["images"], strict=True):
            path = _result(output, photos[index], image, taken)
            taken.add(path)
            context.client.download(image["url"], path)
            advance(1)
    context.pending.forget(name)
    for error in errors:
        context.progress.say(f"{photos[error['index']]}: {error.get('detail', '')} ({error.get('code', '?')})")
    context.progress.note(f"{len(made['images'])} of {len(photos)} pictures done.")
    context.finish(job)
    return len(errors)


def _result(output: Path, photo: Path, image: Mapping[str, Any], taken: set[Path]) -> Path:
    """Named as the photograph. What an earlier run left there is replaced, what this one made is not."""
    wanted = output / f"{photo.stem}{ending_of(image)}"
    return wanted if wanted not in taken else free_name(wanted, frozenset(taken))


def _photos(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise WrongUsage(f"{folder} is not a folder.")
    photos = sorted(each for each in folder.iterdir() if each.suffix.lower() in KINDS and each.is_file())
    if not photos:
        raise WrongUsage(f"There are no pictures in {folder} ({', '.join(sorted(KINDS))}).")
    return photos


def _recipe_of(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongUsage(f"{file} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise WrongUsage(f"{file} is not JSON ({error}).") from error
    if isinstance(found, list):
        return {"steps": found}
    if not isinstance(found, dict):
        raise WrongUsage(f'{file} holds no recipe. One looks like {{"steps": [{{"op": "crop", "ratio": "1:1"}}]}}.')
    return found
