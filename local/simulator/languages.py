"""Words for the same wishes in German, Spanish and French; see `intents`."""

LITTLE = (
    r"etwas|ein (?:bisschen|wenig)|leicht|un poco|ligeramente|algo|un peu|l[eé]g[eè]rement|slightly|subtly|somewhat|"
    r"a (?:bit|little|touch)"
)
LOT = r"viel|sehr|deutlich|stark|mucho|muy|bastante|beaucoup|tr[eè]s|bien plus|much|a lot|very|really|far|strongly|way"

# By kind and, where a kind goes two ways, which.
ALSO: dict[tuple[str, str], str] = {
    ("temperature", "+"): r"w[aä]rmer\w*|c[aá]lid\w*|m[aá]s caliente|plus chaud\w*|r[eé]chauff\w*",
    ("temperature", "-"): r"k[uü]hler\w*|k[aä]lter\w*|m[aá]s fr[ií]\w*|enfr[ií]a\w*|plus froid\w*|refroidi\w*",
    ("brightness", "+"): r"heller\w*|aufhell\w*|hell\w* .{0,20}auf\b|m[aá]s (?:clar|brillante|luminos)\w*|aclara\w*|"
    r"plus (?:clair|lumineu)\w*|[eé]clairci\w*",
    ("brightness", "-"): r"dunkler\w*|abdunkeln|m[aá]s oscur\w*|oscurece\w*|plus sombre\w*|assombri\w*",
    ("contrast", "+"): r"(?:mehr|h[oö]herer) kontrast|kontrastreicher|m[aá]s contraste|plus de contraste",
    ("contrast", "-"): r"weniger kontrast|menos contraste|moins de contraste",
    ("saturation", "+"): r"(?:kr[aä]ftiger|lebendiger|satter)\w*|bunter\w*|ges[aä]ttigter\w*|colores m[aá]s viv\w*|"
    r"m[aá]s (?:saturad|v[ií]vid)\w*|couleurs plus vives|plus satur[eé]\w*",
    ("saturation", "-"): r"blasser\w*|weniger (?:farbe|s[aä]ttigung)|menos (?:saturaci[oó]n|color)|m[aá]s apagad\w*|"
    r"moins (?:de couleur|satur[eé])\w*",
    ("grayscale", ""): r"schwarz.?wei(?:ß|ss)\w*|blanco y negro|noir et blanc",
    ("vintage", ""): r"nostalgisch\w*|wie ein altes foto|(?:foto|aspecto) antigu\w*|r[eé]tro\b|vieille photo",
    ("sharpen", ""): r"sch[aä]rf(?:er|e)\b|n[ií]tid\w*|enf[oó]ca(?:la|lo)?\b|plus net\w*",
    ("background_blur", ""): r"hintergrund (?:unscharf|weichzeichnen|verwischen)|(?:desenfoca|difumina) el fondo|"
    r"floute\w* (?:le fond|l'arri[eè]re-plan)|(?:arri[eè]re-plan|fond) flou",
    ("blur", ""): r"unsch[aä]rfer|weichzeichnen|verwisch\w*|desenfoca\w*|borros\w*|difumina\w*|floute\w*",
    ("vignette", ""): r"vi[nñ]etad?o?\b|ecken abdunkeln",
    (
        "crop",
        "",
    ): r"(?:zu|be)schneide\w*|schneid\w* .{0,40}\bzu\b|quadratisch\w*|recorta\w*|cuadrad\w*|recadr\w*|carr[eé]\w*",
    ("rotate", "left"): r"dreh\w* .{0,30}links|gira\w* .{0,40}izquierda|tourne\w* .{0,40}gauche",
    ("rotate", "right"): r"dreh\w*|gira\w*|tourne\w*|pivote\w*",
    ("straighten", ""): r"begradig\w*|richte .{0,30}gerade|endereza\w*|redresse\w*",
    ("flip", "vertical"): r"spiegel\w* .{0,30}(?:senkrecht|vertikal)|(?:voltea|refleja)\w* .{0,30}vertical\w*",
    ("flip", "horizontal"): r"spiegel\w*|voltea\w*|refleja\w*|espejo|miroir",
    ("replace_background", ""): r"hintergrund (?:in |auf )?(?:wei(?:ß|ss)|schwarz|blau)|fondo (?:blanco|negro|azul)|"
    r"fond (?:blanc|noir|bleu)",
    (
        "remove_background",
        "",
    ): r"entfern\w* .{0,20}hintergrund|hintergrund (?:entfernen|weg)|freistell\w*|ohne hintergrund|"
    r"stell\w* .{0,30}\bfrei\b|(?:quita|elimina)\w* .{0,10}fondo|sin fondo|"
    r"(?:enl[eè]ve|supprime|retire)\w* .{0,10}fond|"
    r"d[eé]toure\w*",
    ("resize", ""): r"kleiner\w*|verkleiner\w*|m[aá]s peque[nñ]\w*|redimensiona\w*|plus petit\w*|r[eé]dui\w*",
    ("border", ""): r"rahmen\b|\brand\b|borde\b|marco\b|bordure\b|cadre\b",
    ("invert", ""): r"invertier\w*|invierte\w*|inverse\w*",
    ("text", ""): r"schreib\w*|escribe\w*|[eé]cri[st]\w*",
    ("undo", ""): r"r[uü]ckg[aä]ngig|geh\w* zur[uü]ck|deshaz\w*|deshacer|vuelve atr[aá]s|annule\w*|reviens",
    ("redo", ""): r"wiederhole\w*|wiederherstellen|rehaz\w*|rehacer|r[eé]tabli\w*|refai[st]\w*",
}
PAINTED = (
    r"aquarell\w*|gem[aä]lde|skizze|zeichn\w*|schnee|nacht|f[uü]ge|hinzu|ersetze\w*|male?\b|verwandle\w*|entferne\w*|"
    r"aufsetzen|setz\w*|stil\b|acuarela|pintura|pinta\w*|dibuj\w*|[oó]leo|nieve|noche|a[nñ]ade\w*|agrega\w*|"
    r"convierte\w*|pon(?:le)?\b|reemplaza\w*|quita\w*|elimina\w*|estilo|peinture|dessin\w*|neige|nuit|ajoute\w*|"
    r"remplace\w*|transforme\w*|mets\b|enl[eè]ve\w*|supprime\w*"
)
COLOURS = {
    "white": r"white|wei(?:ß|ss)\w*|blanc[oa]?\b",
    "black": r"black|schwarz\w*|negr[oa]\b|noir\b",
    "blue": r"blue|blau\w*|azul\b|bleu\b",
    "red": r"red|rot\w*|roj[oa]\b|rouge\b",
}
