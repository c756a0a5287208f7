"""Server-sent events, of which only the data matters here.

    : OPENROUTER PROCESSING
    (blank)
    data: {"type":"image_generation.completed","b64_json":"iVBOR…"}
    (blank)
    data: [DONE]

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream, except that an event that is not
closed by a blank line when the stream ends is given, too: a picture that is all there is not thrown away for a newline.
"""

from collections.abc import Iterable, Iterator

DONE = "[DONE]"
_BOM = b"\xef\xbb\xbf"


def events(chunks: Iterable[bytes]) -> Iterator[str]:
    """The data of each event, however the bytes were cut into chunks."""
    data: list[str] = []
    for line in _lines(chunks):
        if not line:
            if data:
                yield "\n".join(data)
            data = []
        elif line == b"data" or line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" ").decode(errors="replace"))
    if data:
        yield "\n".join(data)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends, which are LF, CRLF or CR. Lines are megabytes long: no byte is looked at twice."""
    pieces: list[bytes] = []
    first = True
    after_cr = False
    for chunk in chunks:
        for piece in chunk.splitlines(keepends=True):
            if after_cr and piece == b"\n":  # the other half of a CRLF that was cut in two
                after_cr = False
                continue
            body = piece.rstrip(b"\r\n")
            pieces.append(body)
            after_cr = piece.endswith(b"\r")
            if len(body) < len(piece):
                line = b"".join(pieces)
                pieces = []
                yield line.removeprefix(_BOM) if first else line
                first = False
    if rest := b"".join(pieces):
        yield rest.removeprefix(_BOM) if first else rest
