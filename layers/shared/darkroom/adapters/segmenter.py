"""Segmentation with onnxruntime: from a picture to a mask at the model's own resolution.

It computes what rembg computes, minus rembg's imports: numpy, onnxruntime and Pillow alone are loaded in a fifth of a
second, where rembg takes one and a half, and a minute if numba has to compile first.
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import cpu_count
from pathlib import Path
from threading import Lock
from typing import Final

# Since 1.29 onnxruntime tells Microsoft about each session (file, graph, timings), on Linux too, unless this is set
# before it is loaded. Nobody who removes a background has agreed to that.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from darkroom.errors import LicenceNotAcknowledged, NoForeground, UnsupportedModel
from darkroom.images.bands import resize
from darkroom.models.segmentation import MODELS, SegmentationModel, lookup

# The networks say for each pixel how sure they are, from 0 to 1, and rembg stretches whatever comes out to the full
# range, so that a blank wall gets a mask too. Before stretching, the largest value was, for u2net and u2netp:
#   white, grey, black, coloured pictures; gradients:       at most 0.06
#   textures without a subject (grass, gravel, star field): at most 0.27
#   photographs with one (9 pictures; the least is a rocket far away on its pad): at least 0.91
NO_FOREGROUND_BELOW: Final = 0.25

# u2netp sees something in strong noise (up to 0.99). The mean squared difference of neighbours, as a share of what it
# would be without any likeness between them, at the model's size:
#   noise of any strength, as fine as the model's pixels or finer: at least 0.85
#   textures: at most 0.35; photographs with a subject, grainy ones too: at most 0.12
NOISE_FROM: Final = 0.6

Mask = Callable[[Image.Image], Image.Image]
Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(pixels as `prepare` gives them) -> how sure it is of each, from 0 to 1"""


class OnnxSegmenter:
    """The models whose weights lie in a directory.

    Args:
        weights_dir: holds `<model>.onnx` files; nothing is ever fetched.
        default: the model to name first.
        acknowledged: names of models whose licence the operator has acknowledged.
        threads: for one inference; by default one for each processor.
        memory_mb: what there is, in MB; by default that of the machine or its container. Models that need more are
            refused.
        remembered: how many outputs of a network are kept, so that the same picture in another format or before another
            background is not segmented again. One is 0.4 MB.
    """

    def __init__(
        self,
        weights_dir: Path,
        *,
        default: str,
        acknowledged: frozenset[str] = frozenset(),
        threads: int = 0,
        memory_mb: int | None = None,
        remembered: int = 0,
    ) -> None:
        self._weights_dir = weights_dir
        self._default = default
        self._acknowledged = acknowledged
        # Said in so many words: left to itself onnxruntime pins threads to processors, which a container may forbid.
        self._threads = threads or cpu_count()
        self._memory_mb = memory_mb or machine_mb()
        self._remembered = remembered
        self._loaded: dict[str, Mask] = {}
        self._loading = Lock()

    def available(self) -> tuple[str, ...]:
        """Names of the models that can be used, the default first: with weights, memory and licence."""
        names = [
            name
            for name, model in MODELS.items()
            if self._path(model).is_file() and self._allows(model) and self._has_memory(model)
        ]
        return tuple(sorted(names, key=lambda name: name != self._default))

    def load(self, model: str) -> None:
        """Gets a model ready, so that the first picture need not wait. Raises as `mask` does."""
        self._mask_function(model)

    def mask(self, image: Image.Image, model: str) -> Image.Image:
        """The subject in white, mode L, at the model's resolution.

        Raises:
            UnsupportedModel: unknown, its weights are not here, or it needs more memory than there is; the error lists
                what can be used.
            LicenceNotAcknowledged: it may not be used before the operator has acknowledged its licence.
            NoForeground: nothing stands out.
        """
        return self._mask_function(model)(image)

    def _mask_function(self, name: str) -> Mask:
        if name not in self._loaded:
            model = self._permitted(name)
            with self._loading:
                if name not in self._loaded:
                    self._loaded[name] = _load_onnx(self._path(model), model, self._threads, self._remembered)
        return self._loaded[name]

    def _permitted(self, name: str) -> SegmentationModel:
        usable = self.available()
        context = {"available": list(usable)}
        fix = f"Models that can be used here: {', '.join(usable) or 'none'}."
        try:
            model = lookup(name)
        except UnsupportedModel as error:
            raise UnsupportedModel(error.detail, fix=fix, param="model", context=context) from error
        if not self._allows(model):
            raise LicenceNotAcknowledged(
                f"The licence of {name} has not been acknowledged: {model.licence}. {model.licence_note}",
                fix=f"The operator of this stack can acknowledge it. {fix}",
                param="model",
                context=context,
            )
        if not self._path(model).is_file():
            raise UnsupportedModel(
                f"The model {name} is known, but its weights are not installed here.",
                fix=fix,
                param="model",
                context=context,
            )
        if not self._has_memory(model):
            raise UnsupportedModel(
                f"{name} needs {model.needs_mb} MB of memory, and there are {self._memory_mb}.",
                fix=f"The operator can give the function more (RemovalMemory, at most 10240). {fix}",
                param="model",
                context={**context, "needs_mb": model.needs_mb, "memory_mb": self._memory_mb},
            )
        return model

    def _allows(self, model: SegmentationModel) -> bool:
        return not model.needs_acknowledgement or model.name in self._acknowledged

    def _has_memory(self, model: SegmentationModel) -> bool:
        return model.needs_mb is None or self._memory_mb >= model.needs_mb

    def _path(self, model: SegmentationModel) -> Path:
        return self._weights_dir / model.file


ort.disable_telemetry_events()

# Where a container is told how much memory it may use; it says "max" for no limit.
_CONTAINER_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


def machine_mb() -> int:
    """Memory of this machine or of its container, in MB. In Lambda it is what the function was given."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):
        machine = min(machine, int(_CONTAINER_LIMIT.read_text(encoding="ascii")))
    return machine // 1_000_000


def _load_onnx(path: Path, model: SegmentationModel, threads: int, remembered: int) -> Mask:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # With it the memory of a whole inference is asked for once more in one piece: u2net takes 948 MiB in place of 663,
    # u2netp 540 in place of 346, and neither is faster.
    options.enable_mem_pattern = False
    # Threads that wait for more work by spinning would slow down the cut that follows.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    source, target = session.get_inputs()[0].name, session.get_outputs()[0].name

    def network(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = session.run([target], {source: pixels})[0][0, 0]
        return np.reciprocal(1 + np.exp(-output)) if model.output == "logits" else output

    run = remembering(network, remembered)

    def mask(image: Image.Image) -> Image.Image:
        pixels = prepare(image, model)
        if roughness(pixels[0]) >= NOISE_FROM:
            raise _nothing_stands_out()
        return stretch(run(pixels))

    return mask


def remembering(network: Network, at_most: int) -> Network:
    """The network, with its outputs for the pixels that it saw last."""
    known: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
    changing = Lock()

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        digest = hashlib.sha256(pixels.tobytes()).digest()
        with changing:
            if (output := known.get(digest)) is not None:
                known.move_to_end(digest)
                return output
        output = network(pixels)
        with changing:
            known[digest] = output
            if len(known) > at_most:
                known.popitem(last=False)
        return output

    return run


def prepare(image: Image.Image, model: SegmentationModel) -> NDArray[np.float32]:
    """The network's input: scaled to its size, values 0 to 1 with the brightest at 1, normalised.

    Scaled with care: Pillow's reducing_gap would save 45 ms at 24 megapixels, but the masks then agree with rembg's to
    an IoU of 0.90 to 0.97 where the subject is small (gaps of 3 to 6), and to more than 0.99 without.
    """
    small = resize(image, (model.size, model.size), Image.Resampling.LANCZOS)
    values = np.asarray(small, np.float32)
    values = values / max(float(np.max(values)), 1e-6)
    normalised = (values - np.array(model.mean, np.float32)) / np.array(model.std, np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[np.newaxis])


def roughness(pixels: NDArray[np.float32]) -> float:
    """How little neighbours are alike (channels, rows, columns): 0 for a plain surface, 1 for white noise."""
    variance = float(pixels.var(axis=(1, 2)).sum())
    across = float((np.diff(pixels, axis=2) ** 2).mean(axis=(1, 2)).sum())
    down = float((np.diff(pixels, axis=1) ** 2).mean(axis=(1, 2)).sum())
    return (across + down) / (4 * variance) if variance > 0 else 0.0


def stretch(output: NDArray[np.float32]) -> Image.Image:
    """The network's output as a mask that reaches from 0 to 255."""
    low, high = float(np.min(output)), float(np.max(output))
    if not high >= NO_FOREGROUND_BELOW or high <= low:
        raise _nothing_stands_out()
    return Image.fromarray(((output - low) / (high - low) * 255).astype(np.uint8))


def _nothing_stands_out() -> NoForeground:
    return NoForeground(
        "Nothing in the picture stands out from its background.",
        fix="Send a picture with a clear subject, or try another model.",
    )
