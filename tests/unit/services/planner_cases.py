"""What people say, and what a planner is to make of it. Written by hand; the expectations know no implementation."""

from dataclasses import dataclass
from typing import Any, Literal

TEMPERATURE, BRIGHTNESS, CONTRAST, SATURATION = "color_temperature", "brightness", "contrast", "saturation"
Way = Literal["+", "-"]
UP: Way = "+"
DOWN: Way = "-"


@dataclass(frozen=True)
class Wish:
    """One operation.

    Args:
        op: its name, or several any of which will do.
        way: the sign of its main parameter.
        given: parameters that have to be exactly so.
    """

    op: str | tuple[str, ...]
    way: Way | None = None
    given: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Case:
    language: str
    said: str
    type: Literal["technical", "artistic", "history", "talk"]
    wishes: tuple[Wish, ...] = ()
    move: Literal["undo", "redo"] | None = None


WARMER, COOLER = Wish(TEMPERATURE, UP), Wish(TEMPERATURE, DOWN)
BRIGHTER, DARKER = Wish((BRIGHTNESS, "exposure", "gamma"), UP), Wish((BRIGHTNESS, "exposure", "gamma"), DOWN)
GREY = Wish("black_and_white")
CUT_OUT = Wish("remove_background")
SQUARE = Wish("crop", given=(("ratio", "1:1"),))
STRONGER = Wish((SATURATION, "vibrance"), UP)


def technical(language: str, said: str, *wishes: Wish) -> Case:
    return Case(language, said, "technical", wishes)


def artistic(language: str, said: str, *wishes: Wish) -> Case:
    return Case(language, said, "artistic", wishes)


CASES = (
    technical("en", "Make it warmer", WARMER),
    technical("en", "a bit cooler please", COOLER),
    technical("en", "Can you brighten it by 30%?", Wish(BRIGHTNESS, UP, (("amount", 30),))),
    technical("en", "much darker", DARKER),
    technical("en", "increase the contrast", Wish(CONTRAST, UP)),
    technical("en", "less contrast", Wish(CONTRAST, DOWN)),
    technical("en", "more saturated colours", STRONGER),
    technical("en", "muted", Wish((SATURATION, "vibrance"), DOWN)),
    technical("en", "turn this into black and white", GREY),
    technical("en", "give it a vintage look", Wish(("vintage", "sepia"))),
    technical("en", "sharpen it", Wish("sharpen")),
    technical("en", "blur the background", Wish("background_blur")),
    technical("en", "crop to 16:9", Wish("crop", given=(("ratio", "16:9"),))),
    technical("en", "crop it square", SQUARE),
    technical("en", "crop to the subject", Wish("crop_to_subject")),
    technical("en", "rotate left", Wish("rotate", given=(("angle", -90),))),
    technical("en", "rotate it by 180 degrees", Wish("rotate", given=(("angle", 180),))),
    technical("en", "mirror it", Wish("flip", given=(("direction", "horizontal"),))),
    technical("en", "remove the background", CUT_OUT),
    technical("en", "put it on a white background", Wish("replace_background", given=(("background", "white"),))),
    technical("en", 'write "Summer Sale" at the bottom', Wish("text", given=(("text", "Summer Sale"),))),
    technical("en", "add a border", Wish("border")),
    technical("en", "some film grain", Wish("grain")),
    technical("en", "save it as webp", Wish("convert", given=(("format", "webp"),))),
    technical("en", "resize to 800 px wide", Wish("resize", given=(("width", 800),))),
    technical("en", "warmer, more contrast, and a vignette", WARMER, Wish(CONTRAST, UP), Wish("vignette")),
    artistic("en", "make it a watercolour painting"),
    artistic("en", "add a hat"),
    artistic("en", "brighter, and put snow on the roof", BRIGHTER),
    Case("en", "undo that", "history", move="undo"),
    Case("en", "go back", "history", move="undo"),
    Case("en", "redo", "history", move="redo"),
    Case("en", "hello there", "talk"),
    Case("en", "What do you see?", "talk"),
    technical("de", "Mach es wärmer", WARMER),
    technical("de", "etwas kühler bitte", COOLER),
    technical("de", "Mach das Bild 25 % heller", Wish(BRIGHTNESS, UP, (("amount", 25),))),
    technical("de", "dunkler", DARKER),
    technical("de", "mehr Kontrast", Wish(CONTRAST, UP)),
    technical("de", "kräftigere Farben", STRONGER),
    technical("de", "in Schwarz-Weiß", GREY),
    technical("de", "Schneide es quadratisch zu", SQUARE),
    technical("de", "Dreh es nach links", Wish("rotate", given=(("angle", -90),))),
    technical("de", "Hintergrund entfernen", CUT_OUT),
    technical("de", "Mach den Hintergrund unscharf", Wish("background_blur")),
    technical("de", "heller und wärmer", BRIGHTER, WARMER),
    artistic("de", "als Aquarell"),
    artistic("de", "Setz der Katze einen Hut auf"),
    Case("de", "Mach das rückgängig", "history", move="undo"),
    Case("de", "Guten Tag", "talk"),
    technical("es", "Hazla más cálida", WARMER),
    technical("es", "más fría", COOLER),
    technical("es", "un poco más clara", BRIGHTER),
    technical("es", "más oscura", DARKER),
    technical("es", "más contraste", Wish(CONTRAST, UP)),
    technical("es", "en blanco y negro", GREY),
    technical("es", "recórtala... recorta la foto cuadrada", SQUARE),
    technical("es", "quita el fondo", CUT_OUT),
    technical("es", "gira a la izquierda", Wish("rotate", given=(("angle", -90),))),
    technical("es", 'escribe "Hola" abajo', Wish("text", given=(("text", "Hola"),))),
    artistic("es", "conviértela en una acuarela"),
    artistic("es", "ponle nieve"),
    Case("es", "deshaz eso", "history", move="undo"),
    Case("es", "Buenos días", "talk"),
    technical("fr", "plus chaud", WARMER),
    technical("fr", "un peu plus clair", BRIGHTER),
    technical("fr", "en noir et blanc", GREY),
    technical("fr", "enlève le fond", CUT_OUT),
    artistic("fr", "ajoute un chapeau"),
    Case("fr", "annule", "history", move="undo"),
    Case("fr", "Bonjour", "talk"),
)
