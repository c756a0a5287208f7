"""What holds for every operation there is, whoever wrote it: found by the registry, drawn from its schema."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from darkroom.errors import CallerError, InvalidParameter
from darkroom.operations import Canvas, Operation, dump, load, names, parse, run
from darkroom.operations._base import ColorOperation, PointOperation
from darkroom.operations._schema import schema_of
from tests.fakes.tools import EllipseTools
from tests.photos import swapped_rgb_profile
from tests.unit.operations.goldens import EXAMPLES, GOLDEN, difference
from tests.unit.operations.recipes import OTHER_PICTURE, PIXELWISE, any_of
from tests.unit.operations.samples import odd, see_through

ICC = swapped_rgb_profile()
# These change what colors mean, and then the profile.
CHANGES_PROFILE = ("strip_metadata",)


def tools() -> EllipseTools:
    return EllipseTools({OTHER_PICTURE: see_through()})


def subject_to(operation: Operation, picture: Canvas) -> Canvas | None:
    """None where the picture does not allow it, which has to be said in the caller's words."""
    try:
        return run(picture, [operation], tools())
    except CallerError as error:
        refused = error
    assert refused.detail.endswith(".")
    assert (refused.param or "").startswith("operations[0]")
    return None


@pytest.mark.parametrize("name", names())
@settings(max_examples=12, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.data())
def test_any_parameters_work_on_any_picture(name: str, data: st.DataObject) -> None:
    operation = data.draw(any_of(name))
    pixels = odd()[data.draw(st.sampled_from(sorted(odd())))]
    before, picture = pixels.tobytes(), Canvas(pixels, icc=ICC)
    done = subject_to(operation, picture)
    assert pixels.tobytes() == before, "the picture that went in was changed"
    if done is None:
        return
    assert done.pixels.mode in ("RGB", "RGBA")
    assert min(done.pixels.size) >= 1
    assert all(warning.endswith(".") for warning in done.warnings)
    if name not in CHANGES_PROFILE:
        assert done.icc == ICC
    if name in PIXELWISE:
        assert (done.pixels.mode, done.pixels.size) == (pixels.mode, pixels.size)
        assert done.pixels.getbands()[3:] == () or (
            done.pixels.getchannel("A").tobytes() == pixels.getchannel("A").tobytes()
        )
    again = subject_to(operation, picture)
    assert again is not None
    assert again.pixels.tobytes() == done.pixels.tobytes(), "the second time gave another picture"


@pytest.mark.parametrize("name", names())
@settings(max_examples=15, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_an_operation_survives_being_written_down(name: str, data: st.DataObject) -> None:
    operation = data.draw(any_of(name))
    written = dump([operation])
    assert parse(written) == (operation,)
    assert dump(parse(written)) == written
    assert hash(parse(written)[0]) == hash(operation)


@pytest.mark.parametrize("name", names())
def test_each_is_explained_to_a_planner(name: str) -> None:
    own = schema_of(load(name))
    assert own["description"].endswith(".")
    assert own["description"] == " ".join(own["description"].split())
    for field, schema in own["properties"].items():
        assert field == "op" or schema.get("description") or "enum" in schema, f"{name}.{field} is not explained"
        if schema.get("type") in ("number", "integer"):
            low, high = ({f"{end}imum", f"exclusive{end.title()}imum"} for end in ("min", "max"))
            assert low & schema.keys(), f"{name}.{field} has no least value"
            assert high & schema.keys(), f"{name}.{field} has no greatest value"


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e300])
def test_numbers_that_are_none_are_refused(name: str, value: float) -> None:
    own = schema_of(load(name))
    numbers = [field for field, schema in own["properties"].items() if schema.get("type") in ("number", "integer")]
    needed = {each: own["properties"][each]["minimum"] for each in own["required"] if each in numbers}
    for field in numbers:
        with pytest.raises(InvalidParameter) as refused:
            parse([{"op": name, **needed, field: value}])
        assert (refused.value.param or "").startswith("operations[0]")


@pytest.mark.parametrize("name", names())
def test_looks_like_its_golden(name: str) -> None:
    assert name in EXAMPLES, f"give {name} an example in goldens.py"
    assert (GOLDEN / f"{name}.png").is_file(), "paint it: python -m tests.unit.operations.goldens"
    assert (GOLDEN / f"{name}.png").stat().st_size <= 15_000
    similarity, away = difference(name)
    assert similarity >= 0.99
    assert away <= 1


@pytest.mark.parametrize("name", names())
def test_its_example_changes_the_picture(name: str) -> None:
    """Or the golden would show nothing."""
    operation, canvas = EXAMPLES[name]
    done = run(canvas, [operation], tools())
    same = done.pixels.size == canvas.pixels.size and np.array_equal(
        np.asarray(done.pixels.convert("RGBA")), np.asarray(canvas.pixels.convert("RGBA"))
    )
    assert not same or (done.icc, done.format) != (canvas.icc, canvas.format)


def test_pixelwise_operations_are_of_one_kind_each() -> None:
    assert len(PIXELWISE) >= 15
    assert not [
        name for name in PIXELWISE if issubclass(load(name), PointOperation) and issubclass(load(name), ColorOperation)
    ]
