import pytest
from pydantic import ValidationError

from darkroom.errors import NotFound
from darkroom.models.upload import UploadRequest
from darkroom.services.inputs.uploads import MAX_UPLOAD_BYTES, Uploads, upload_key
from tests.conftest import SteppingClock
from tests.fakes.memory import MemoryImageStore


def test_an_upload_lies_where_its_owner_and_its_id_say(clock: SteppingClock) -> None:
    upload = Uploads(MemoryImageStore(clock), clock).create("alice", UploadRequest(media_type="image/png"))
    assert upload.fields["key"] == upload_key("alice", upload.upload_id) == f"uploads/alice/{upload.upload_id}"
    assert upload.fields["Content-Type"] == "image/png"
    assert upload.max_bytes == MAX_UPLOAD_BYTES


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("image/heic", "image/heic"),
        ("IMAGE/HEIC", "image/heic"),
        ("image/heif", "image/heif"),
        ("Image/Heif", "image/heif"),
        ("image/heic-sequence", "image/heic"),
        ("image/jpg", "image/jpeg"),
        ("IMAGE/JPG", "image/jpeg"),
        ("image/pjpeg", "image/jpeg"),
        (" image/png ", "image/png"),
        ("image/jpeg; charset=binary", "image/jpeg"),
        ("image/x-ms-bmp", "image/bmp"),
        ("image/avif", "image/avif"),
    ],
)
def test_a_media_type_is_taken_under_its_common_names(clock: SteppingClock, said: str, meant: str) -> None:
    upload = Uploads(MemoryImageStore(clock), clock).create("alice", UploadRequest(media_type=said))
    assert upload.fields["Content-Type"] == meant


@pytest.mark.parametrize("said", ["image/svg+xml", "image/jxl", "application/pdf", "heic", "", 5, None])
def test_other_media_types_are_refused(said: object) -> None:
    with pytest.raises(ValidationError):
        UploadRequest(media_type=said)


@pytest.mark.parametrize("upload_id", ["", "upl_", "../bob/upl_1", "upl_01ARZ3NDEKTSV4RRFFQ69G5FA/", "x" * 500])
def test_what_is_no_id_leads_nowhere(upload_id: str) -> None:
    with pytest.raises(NotFound):
        upload_key("alice", upload_id)
