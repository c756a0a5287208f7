"""DynamoDB's types as boto3 reads and writes them."""

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from darkroom.adapters.attribute_values import from_attribute, to_attribute

numbers = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**30), max_value=10**30),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(), st.binary())
sets = st.one_of(st.sets(numbers, min_size=1), st.sets(st.text(), min_size=1), st.sets(st.binary(), min_size=1))
values = st.recursive(scalars | sets, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(values)
def test_values_are_typed_as_boto3_types_them_and_come_back(value: Any) -> None:
    typed = to_attribute(value)
    assert typed == TypeSerializer().serialize(value)
    assert from_attribute(typed) == value == TypeDeserializer().deserialize(typed)


@pytest.mark.parametrize("value", [1.5, object(), Decimal("NaN"), Decimal("Infinity"), {1, "a"}, {"a": [2.0]}])
def test_what_dynamodb_has_no_type_for_is_refused(value: Any) -> None:
    for write in (to_attribute, TypeSerializer().serialize):
        with pytest.raises(TypeError):
            write(value)


def test_a_number_is_refused_rather_than_rounded() -> None:
    with pytest.raises(ArithmeticError):
        to_attribute(10**38 + 1)
