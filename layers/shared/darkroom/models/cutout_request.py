"""A request for a cut-out, or for one to be made once more: options, and pictures in the ways they are handed over."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from darkroom.models.cutout import CutoutOptions, FinishOptions
from darkroom.models.form_values import given, lowered
from darkroom.models.image_input import is_bare_base64, is_data_url, is_listed, job_picture, named_picture, one_picture
from darkroom.models.presets import preset_named
from darkroom.models.source import ImageSource
from darkroom.models.value import Value

# Where the text of each picture may stand, whatever it is.
_TEXTS = {
    "image": ("image", "image_url"),
    "background": ("background_image", "background_url", "background"),
}


# Fields that name a picture; they have no name of the kind `image_…`.
_NAMED = ("upload_id", "job_id")
_ONCE = "give the picture exactly once: image, image_url, image_b64, upload_id or job_id"


def _drawn(name: str) -> Callable[[Any], Any]:
    """A picture that was drawn by hand, in each way in which an edit takes its mask."""
    return lambda value: value if value is None or isinstance(value, ImageSource) else named_picture(name, value)


class _Brought(Value):
    """Pictures beside the one that is cut out: behind the subject, and drawn by hand."""

    keep: Annotated[ImageSource | None, BeforeValidator(_drawn("keep"))] = Field(None, repr=False)
    erase: Annotated[ImageSource | None, BeforeValidator(_drawn("erase"))] = Field(None, repr=False)
    background_image: bytes | None = Field(None, strict=True, repr=False)
    background_url: str | None = Field(None, max_length=2048)
    background_b64: str | None = Field(None, repr=False)
    background_upload_id: str | None = None

    @property
    def behind(self) -> ImageSource:
        return ImageSource(
            "background",
            self.background_image,
            self.background_url,
            self.background_b64,
            self.background_upload_id,
        )

    @property
    def has_address(self) -> bool:
        """Whether one of them is to be fetched from elsewhere."""
        return any(source is not None and source.url is not None for source in (self.behind, self.keep, self.erase))


class RefineRequest(FinishOptions, _Brought):
    """How a cut-out that is kept is to be made once more; the options, and pictures beside it."""

    @model_validator(mode="before")
    @classmethod
    def _by_what_it_is(cls, fields: Any) -> Any:
        return _filled(_told_apart(given(fields), "background")) if isinstance(fields, Mapping) else fields

    @model_validator(mode="after")
    def _one_background(self) -> Self:
        _check_backgrounds(self.background, self.behind)
        return self

    @property
    def options(self) -> CutoutOptions:
        return _options(self)

    @property
    def shown(self) -> dict[str, Any]:
        return _shown(self)


class CutoutRequest(CutoutOptions, _Brought):
    """The options, one picture, and at most one picture to put behind the subject."""

    image: bytes | None = Field(None, strict=True, repr=False, description="The file itself (multipart, or the body).")
    image_url: str | None = Field(None, max_length=2048, description="A public http(s) URL.")
    image_b64: str | None = Field(None, repr=False, description="Base64, or a data URL.")
    upload_id: str | None = Field(None, description="From POST /v1/uploads.")
    job_id: str | None = Field(None, max_length=80, description="A picture of one of your jobs: `job_…`, or `job_…/1`.")
    job_index: int | None = Field(None, ge=0, description="Which of the job's pictures, from 0; `index` is read, too.")
    max_cost_usd: Decimal | None = Field(
        None, ge=Decimal("0.000001"), le=1000, allow_inf_nan=False, description="With remove.bg; here it costs nothing."
    )

    @model_validator(mode="before")
    @classmethod
    def _by_what_it_is(cls, fields: Any) -> Any:
        """Text where a file or a URL is expected is put where its kind belongs; null is as good as absent.

        A list of one, an object and OpenAI's names are taken as edits take them.
        """
        if not isinstance(fields, Mapping):
            return fields
        said = _told_apart(given(fields), *_TEXTS)
        for name in [each for each in said if is_listed(each, said[each])]:
            source = one_picture(name, said.pop(name))
            way = "image" if source.data is not None else "image_url" if source.url else "upload_id"
            way = "job_id" if source.job_id is not None else way
            if way in said:
                raise ValueError(_ONCE)
            said[way] = source.given[0]
            if source.job_id is not None:
                said["job_index"] = source.index
        if "job_id" in said:
            index = said.pop("index" if "index" in said else "job_index", None)
            picture = job_picture(said["job_id"], index)
            said |= {"job_id": picture.job_id, "job_index": picture.index}
        return _filled(said)

    @model_validator(mode="after")
    def _one_picture(self) -> Self:
        if len(self.source.given) != 1:
            raise ValueError(_ONCE)
        if self.job_index is not None and self.job_id is None:
            raise ValueError("job_index says which picture of a job; give its job_id, too")
        _check_backgrounds(self.background, self.behind)
        return self

    @property
    def source(self) -> ImageSource:
        name = "image" if self.job_id is None else "job_id"
        ways = (self.image, self.image_url, self.image_b64, self.upload_id, self.job_id)
        return ImageSource(name, *ways, index=self.job_index or 0)

    @property
    def options(self) -> CutoutOptions:
        return _options(self)

    @property
    def shown(self) -> dict[str, Any]:
        """What was asked for and of which picture, without the bytes; a URL without its query, which can be a
        credential.
        """
        shown = _shown(self)
        if self.image_url:
            return {**shown, "image_url": self.image_url.partition("?")[0]}
        if self.job_id:
            return {**shown, "job_id": self.job_id, "job_index": self.job_index or 0}
        return {**shown, "upload_id": self.upload_id} if self.upload_id else shown


def _told_apart(said: dict[str, Any], *kinds: str) -> dict[str, Any]:
    """Texts that name a picture, in the fields for their kind."""
    for prefix in kinds:
        for name in _TEXTS[prefix]:
            kind = _kind(said.get(name))
            way = kind if kind in _NAMED and prefix == "image" else f"{prefix}_{kind}"
            if kind and way not in said:
                said[way] = said.pop(name)
    return said


def _filled(said: dict[str, Any]) -> dict[str, Any]:
    """With what a preset sets where nothing is said."""
    name = lowered(said.get("preset"))
    if not isinstance(name, str):
        return said
    has_background = any(each.startswith("background") for each in said)
    frame = preset_named(name).options
    return {**{key: value for key, value in frame.items() if not (key == "background" and has_background)}, **said}


def _check_backgrounds(background: str | None, behind: ImageSource) -> None:
    if len(behind.given) + (background is not None) > 1:
        raise ValueError(
            "give at most one of background, background_image, background_url, background_b64, background_upload_id"
        )


def _options(request: "CutoutRequest | RefineRequest") -> CutoutOptions:
    known = set(CutoutOptions.model_fields)
    return CutoutOptions.model_validate(request.model_dump(include=known, exclude_unset=True))


def _shown(request: "CutoutRequest | RefineRequest") -> dict[str, Any]:
    shown: dict[str, Any] = {"options": request.options.model_dump(mode="json", exclude_unset=True)}
    drawn_on = [name for name in ("keep", "erase") if getattr(request, name) is not None]
    return {**shown, "drawn": drawn_on} if drawn_on else shown


def _kind(value: Any) -> Literal["url", "b64", "upload_id", "job_id"] | None:
    """Which of the fields for a picture such a text belongs into."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if is_data_url(text):
        return "b64"
    if text[:8].lower().startswith(("http://", "https://")):
        return "url"
    if is_bare_base64(text):
        return "b64"
    return "upload_id" if text.startswith("upl_") else "job_id" if text.startswith("job_") else None
