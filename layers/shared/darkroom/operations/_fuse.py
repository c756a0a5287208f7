"""Many operations on single pixels as few passes over a picture.

Rounding to 8 bits happens once for each pass, not once for each operation. A pass is the cheapest of these that is
precise enough:

- a table of 256 entries for each channel, where only curves follow one another: exact;
- a matrix, where the colors mix and no kink of a cut-off value is in the way: exact;
- a lattice of colors between which Pillow interpolates (17, 33 or 65 points a side). It has to be at least as near to
  the exact result as one operation after the other would be, each rounded to 8 bits; that is tried at a few hundred
  colors before it is built. Where it is not, the chain is split, which is one more rounding. So steps (posterize) and
  steep curves (gamma from black) end up in tables of their own.

Pictures with fewer pixels than a lattice has points are computed pixel by pixel, exactly.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from PIL import Image

from darkroom.images.bands import in_bands
from darkroom.operations._base import ColorOperation, PointOperation
from darkroom.operations._lattice import Lattice, choose, is_precise
from darkroom.operations._passes import Chain, MatrixPass, Pass, TablePass

Pixelwise = PointOperation | ColorOperation

# Below this a plan costs more than the pixels.
_FEW_PIXELS: Final = 2048
# A lattice takes as long as so many tables or matrices.
_WORTH_A_LATTICE: Final = 7
_USUAL_SIZE: Final = 33


def fused(pixels: Image.Image, operations: Sequence[Pixelwise]) -> Image.Image:
    """The picture after all of the operations; alpha as it was."""
    count = pixels.width * pixels.height
    if count <= _FEW_PIXELS:
        return _one_by_one(pixels, Chain(tuple(operations)))
    passes = planned(tuple(operations))
    if count <= sum(each.points for each in passes):
        return _one_by_one(pixels, Chain(tuple(operations)))
    result = Image.new(pixels.mode, pixels.size)
    for each in passes:
        each.prepare()

    def band(top: int, bottom: int) -> None:
        result.paste(_through(passes, pixels.crop((0, top, pixels.width, bottom))), (0, top))

    in_bands(pixels.size, band)
    return result


@lru_cache(maxsize=32)
def planned(operations: tuple[Pixelwise, ...]) -> tuple[Pass, ...]:
    """The passes that do what the operations do. Kept, since a recipe is often replayed on many pictures."""
    passes: list[Pass] = []
    units = list(_units(operations))
    while units:
        count = _together(units)
        passes += _passes(units[:count])
        units = units[count:]
    return tuple(passes)


def _units(operations: tuple[Pixelwise, ...]) -> Iterator[Chain]:
    """What is never split: all the curves that follow one another, or one operation that mixes colors."""
    curves: tuple[Pixelwise, ...] = ()
    for operation in operations:
        if isinstance(operation, PointOperation):
            curves += (operation,)
            continue
        if curves:
            yield Chain(curves)
        yield Chain((operation,))
        curves = ()
    if curves:
        yield Chain(curves)


def _together(units: Sequence[Chain]) -> int:
    """How many of the units, from the first on, one lattice can do without being less precise than each by itself."""
    for count in range(len(units), 1, -1):
        if is_precise(_joined(units[:count]), _USUAL_SIZE):
            return count
    return 1


def _passes(units: Sequence[Chain]) -> Iterator[Pass]:
    """A few tables and matrices are faster than a lattice and need no preparation; with anything else, a lattice."""
    exact = [_exact(unit) for unit in units]
    if len(exact) > _WORTH_A_LATTICE or None in exact:
        chain = _joined(units)
        yield _exact(chain) or Lattice(chain, choose(chain))
    else:
        yield from (each for each in exact if each is not None)


def _exact(chain: Chain) -> Pass | None:
    return TablePass(chain) if chain.is_curves else MatrixPass.of(chain)


def _joined(units: Sequence[Chain]) -> Chain:
    return Chain([operation for unit in units for operation in unit.operations])


def _through(passes: Sequence[Pass], pixels: Image.Image) -> Image.Image:
    done = pixels.convert("RGB") if pixels.mode == "RGBA" else pixels
    for each in passes:
        done = each.apply(done)
    if pixels.mode == "RGBA":
        done.putalpha(pixels.getchannel("A"))
    return done


def _one_by_one(pixels: Image.Image, chain: Chain) -> Image.Image:
    data = pixels.convert("RGB").tobytes()
    known: dict[bytes, bytes] = {}
    out = bytearray()
    for at in range(0, len(data), 3):
        color = data[at : at + 3]
        if color not in known:
            known[color] = chain.pixel(color)
        out += known[color]
    done = Image.frombytes("RGB", pixels.size, bytes(out))
    if pixels.mode == "RGBA":
        done.putalpha(pixels.getchannel("A"))
    return done
