"""The models that rembg runs: loaded on first use, from weights that are here, with nothing fetched."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from darkroom.adapters.pymatting_parts import skip_package_imports
from darkroom.images.bands import resize
from darkroom.models.segmentation import SegmentationModel


def load_with_rembg(path: Path, model: SegmentationModel) -> Callable[[Image.Image], Image.Image]:
    """The mask function of a model, over rembg's own session for it.

    numba's cache has to be ready before (see `NumbaCache.prepare`), for rembg imports numba.
    """
    skip_package_imports()
    import onnxruntime as ort
    from rembg.sessions import sessions

    # rembg's session, with the step that would download replaced by the path.
    local = {"download_models": classmethod(lambda _class, *_args, **_kwargs: str(path))}
    session = type("LocalSession", (sessions[model.name],), local)(
        model.name, ort.SessionOptions(), providers=["CPUExecutionProvider"]
    )

    def mask(image: Image.Image) -> Image.Image:
        # rembg scales its mask up to the size of what it is given: at the model's own size that costs nothing.
        small = resize(image, (model.size, model.size), Image.Resampling.LANCZOS)
        result: Image.Image = session.predict(small)[0]
        return result

    return mask
