import { html, useState } from "../html.js";
import { Icon } from "./icon.js";
import { t } from "../state/language.js";
import { movable, stepName, valueOf } from "../state/operations.js";

const MODES = { erase: "Erased", keep: "Kept alone", restore: "Brought back" };
const number = (value, signed) => `${signed && value > 0 ? "+" : ""}${Math.abs(value) >= 10 ? Math.round(value) : Math.round(value * 100) / 100}`;

function words(operation) {
  if (operation.op === "set_alpha") return t(MODES[operation.mode] ?? MODES.keep);
  const [field, range] = movable(operation.op).find(([name, each]) => operation[name] != null && operation[name] !== each.default) ?? [];
  const value = field ? number(operation[field], range.minimum < 0) : (operation.ratio ?? operation.color ?? operation.background ?? operation.text ?? "");
  return `${stepName(operation.op)} ${typeof value === "string" ? value.slice(0, 24) : ""}`.trim();
}

/** The sliders of one operation, and what is done with it. */
export function Sliders({ operation, deed, onApply, onDrop }) {
  const [now, set] = useState(operation), [busy, setBusy] = useState(false);
  const run = (deed) => async (event) => {
    event.preventDefault();
    setBusy(true);
    await deed(now);
    setBusy(false);
  };
  const fields = movable(operation.op);
  return html`<form class="op-edit" onSubmit=${run(onApply)}>
    ${fields.map(([field, range]) => html`<label><span>${t(field[0].toUpperCase() + field.slice(1).replaceAll("_", " "))}</span>
      <input type="range" min=${range.minimum} max=${range.maximum} step=${range.type === "integer" || range.maximum - range.minimum > 60 ? 1 : 0.1} value=${valueOf(now, field, range)} onInput=${(event) => set({ ...now, [field]: Number(event.target.value) })} /><output>${number(valueOf(now, field, range), range.minimum < 0)}</output></label>`)}
    ${(fields.length > 0 || !onDrop) && html`<button class="small primary" disabled=${busy}>${deed}</button>`}
    ${onDrop && html`<button type="button" class="small" disabled=${busy} onClick=${run(onDrop)}>${t("Drop it")}</button>`}<small>$0.00</small></form>`;
}

/** What a version's steps are, in words. With `onReplay` each can be moved or dropped: it gets the other list of steps. */
export function Steps({ steps, onReplay }) {
  const [open, setOpen] = useState(-1);
  const isFree = onReplay && steps.every((step) => step.operation);
  const replay = async (changed) => ((await onReplay(changed)), setOpen(-1));
  const step = steps[open];
  return html`<div class="chips">${steps.map((each, at) => {
    if (each.paint) return html`<span class="chip flat painted" title=${each.paint.prompt}><${Icon} name="brush" size=${14} />${t("Painted")}</span>`;
    return isFree
      ? html`<button class="chip" aria-expanded=${open === at} onClick=${() => setOpen(open === at ? -1 : at)}>${words(each.operation)}</button>`
      : html`<span class="chip flat">${words(each.operation)}</span>`;
  })}
    ${step && html`<${Sliders} key=${open} operation=${step.operation} deed=${t("Apply")}
      onApply=${(operation) => replay(steps.map((each, at) => (at === open ? { operation } : each)))} onDrop=${() => replay(steps.filter((_, at) => at !== open))} />`}</div>`;
}
