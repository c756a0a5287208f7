"""What operations need beside the picture: an ellipse for a subject, and pictures from a dictionary."""

from collections.abc import Mapping

from PIL import Image, ImageDraw

from darkroom.errors import NoForeground, NotFound
from darkroom.images.decode import decode
from darkroom.models.image_input import from_base64


class EllipseTools:
    """The subject is an ellipse in the middle, `share` of each side wide and soft at its edge.

    `asked` counts how often the subject was wanted. With no share nothing stands out.
    """

    def __init__(self, pictures: Mapping[str, Image.Image] | None = None, *, share: float = 0.7) -> None:
        self.pictures = dict(pictures or {})
        self.share = share
        self.asked = 0

    def subject(self, image: Image.Image) -> Image.Image:
        self.asked += 1
        if not self.share:
            raise NoForeground("Nothing stands out in the picture.")
        mask = Image.new("L", (256, 256))
        inset = 128 * (1 - self.share)
        ImageDraw.Draw(mask).ellipse((inset, inset, 256 - inset, 256 - inset), fill=255)
        return mask.resize(image.size, Image.Resampling.BICUBIC)

    def picture(self, ref: str) -> Image.Image:
        if ref.startswith("data:"):
            return decode(from_base64(ref, "mask"), max_megapixels=1).pixels
        if ref not in self.pictures:
            raise NotFound(f"There is no picture {ref!r}.", param="image")
        return self.pictures[ref]
