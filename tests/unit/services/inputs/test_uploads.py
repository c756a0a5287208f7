import pytest

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


@pytest.mark.parametrize("upload_id", ["", "upl_", "../bob/upl_1", "upl_01ARZ3NDEKTSV4RRFFQ69G5FA/", "x" * 500])
def test_what_is_no_id_leads_nowhere(upload_id: str) -> None:
    with pytest.raises(NotFound):
        upload_key("alice", upload_id)
