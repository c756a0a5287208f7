import { html, useEffect, useState } from "../html.js";
import { Brush, maskOf } from "./brush.js";
import { Icon } from "./icon.js";
import { Sliders } from "./steps.js";
import { t } from "../state/language.js";
import { stepName } from "../state/operations.js";
import * as chat from "../state/chat.js";

const ADJUST = ["brightness", "contrast", "saturation", "color_temperature", "exposure", "sharpen", "blur", "background_blur", "vignette", "grain", "denoise", "rounded_corners", "crop_to_subject", "black_and_white", "sepia"];
const MASKS = [["erase", "Erase it", "erase"], ["keep", "Keep it alone", "cut"], ["restore", "Bring it back", "undo"]];

/** One operation by hand: chosen, moved, done; a version at $0.00. */
export function Adjust({ base, tell, onClose }) {
  const [op, setOp] = useState(ADJUST[0]);
  return html`<div class="adjust panel" role="group" aria-label=${t("Adjust")}><div class="chips scroll">${ADJUST.map((each) => html`<button class="chip" aria-pressed=${each === op} onClick=${() => setOp(each)}>${stepName(each)}</button>`)}</div>
    <${Sliders} key=${op} operation=${{ op }} deed=${t("Apply")} onApply=${(operation) => chat.make(base, [{ operation }]).then(onClose, tell)} /></div>`;
}

/** An area is marked, and then erased, kept alone or brought back; the mask stays until it is done. */
export function Mark({ at, tell }) {
  const [busy, setBusy] = useState(null);
  const { url, width, height } = at.image;
  useEffect(() => () => (chat.marked.value = null), []);
  const cut = async (canvas, mode) => {
    setBusy(mode);
    await chat.cut(await maskOf(canvas), mode).catch(tell);
    setBusy(null);
  };
  return html`<${Brush} original=${url} width=${width} height=${height} mode="mark" ground="checker" onStroke=${(canvas, strokes) => (chat.marked.value = strokes ? () => maskOf(canvas, true) : null)}>${({ canvas, isMarked }) => html`<i class="rule"></i>${MASKS.map(
    ([mode, words, icon]) => html`<button class="quiet small" disabled=${!isMarked || busy} onClick=${() => cut(canvas, mode)}><${Icon} name=${icon} size=${16} /><span>${busy === mode ? t("Developing") : t(words)}</span></button>`,
  )}`}</${Brush}>`;
}
