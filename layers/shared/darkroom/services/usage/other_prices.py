"""What pictures would cost from another model: each as an ordinary one of its kind, for a receipt tells no sizes."""

from msgspec import Struct

from darkroom.errors import CallerError, UnsupportedModel
from darkroom.models.image_request import ImageRequest
from darkroom.models.money import MicroUsd
from darkroom.services.listing.model_quotes import PICTURE, PROMPT
from darkroom.services.pricing.quotes import Quotes


class OtherPrices(Struct, frozen=True):
    """A `PriceOf`, by the very rules by which requests are priced."""

    quotes: Quotes

    def __call__(self, model: str, images: int, is_edit: bool) -> MicroUsd | None:
        """None where nobody says, or the model cannot do it.

        Raises:
            UnsupportedModel: there is no such model; it stands in `against`.
        """
        request = ImageRequest(prompt=PROMPT, model=model)
        try:
            each = self.quotes.quote(request, inputs=[PICTURE] * is_edit).estimate
        except UnsupportedModel as error:
            error.param = "against"
            raise
        except CallerError:
            return None
        return None if each is None else each * images
