"""Alpha matting that has to be compiled, as tests want it."""

from PIL import Image


class FakeMatter:
    """Args:
    is_ready: whether it has been compiled.
    compiles: whether `make_ready` comes to its end; an error is raised.
    """

    def __init__(self, *, is_ready: bool = True, compiles: bool | Exception = True) -> None:
        self.is_ready = is_ready
        self.compiles = compiles
        self.seconds: list[float] = []

    def make_ready(self, seconds: float) -> bool:
        if self.is_ready:
            return True
        self.seconds.append(seconds)
        if isinstance(self.compiles, Exception):
            raise self.compiles
        self.is_ready = self.compiles
        return self.is_ready

    def refine(self, image: Image.Image, mask: Image.Image) -> Image.Image:
        assert self.is_ready, "it would compile here, for longer than anybody waits"
        return mask.resize(image.size)
