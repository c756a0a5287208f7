"""What is taken for an SVG drawing, and how long telling that takes."""

import base64

import pytest

from darkroom.providers._pictures import NotAPicture, read_picture


def _decoded(data: bytes) -> str:
    return read_picture(base64.b64encode(data).decode(), None).media_type


@pytest.mark.parametrize(
    "data",
    [
        b"<svg/>",
        b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        b"\xef\xbb\xbf\n<?xml version='1.0'?>\n<!-- made by -->\n<!-- somebody --><svg width='1'/>",
        b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/svg11.dtd'><svg />",
    ],
)
def test_a_drawing_is_a_drawing(data: bytes) -> None:
    assert _decoded(data) == "image/svg+xml"


@pytest.mark.parametrize(
    "data",
    [
        b"<svgx/>",
        b"<html><svg/></html>",
        b"<svg/>\0",
        b"text <svg/>",
        b"<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg/>",
    ],
)
def test_what_is_no_plain_drawing_is_no_picture(data: bytes) -> None:
    with pytest.raises(NotAPicture):
        _decoded(data)


def test_a_beginning_that_could_be_read_in_many_ways_is_read_in_one() -> None:
    # In every way there is would be 2 to the power of 580 steps: the test would not end.
    with pytest.raises(NotAPicture):
        _decoded(b"<!---->" * 580 + b"<nothing")
