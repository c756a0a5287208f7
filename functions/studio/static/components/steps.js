import { html, useState } from "../html.js";
import { Icon } from "./icon.js";
import { t } from "../state/language.js";

const PARTS = { color_temperature: "Warmth", black_and_white: "Black and white", remove_background: "Cut out", replace_background: "Background" };
export const stepName = (op) => t(PARTS[op] ?? op[0].toUpperCase() + op.slice(1).replaceAll("_", " "));
const number = (value, signed) => `${signed && value > 0 ? "+" : ""}${Math.abs(value) >= 10 ? Math.round(value) : Math.round(value * 100) / 100}`;

/** An operation's field that a slider can move: the one that says how much. */
const movable = (operation, ranges) =>
  Object.entries(ranges ?? {}).find(([field]) => typeof operation[field] === "number");

function words(operation, field, signed) {
  const { op, ...rest } = operation;
  const value = field ? rest[field] : (rest.amount ?? rest.temperature ?? rest.angle ?? rest.degrees ?? rest.ratio ?? rest.color ?? rest.background);
  return `${stepName(op)}${typeof value === "number" ? ` ${number(value, signed)}` : typeof value === "string" ? ` ${value}` : ""}`;
}

/** What a version's steps are, in words; each can be moved or dropped, and is then replayed here for nothing. */
export function Steps({ steps, ranges, onReplay }) {
  const [open, setOpen] = useState(-1), [value, setValue] = useState(0), [busy, setBusy] = useState(false);
  const isFree = onReplay && steps.every((step) => step.operation);
  const replay = async (changed) => {
    setBusy(true);
    await onReplay(changed);
    setBusy(false);
    setOpen(-1);
  };
  const step = steps[open];
  const found = step && movable(step.operation, ranges?.[step.operation.op]);
  return html`<div class="chips">${steps.map((each, at) => {
    if (each.paint) return html`<span class="chip flat painted" title=${each.paint.prompt}><${Icon} name="brush" size=${14} />${t("Painted")}</span>`;
    const [field, range] = movable(each.operation, ranges?.[each.operation.op]) ?? [];
    const text = words(each.operation, field, range?.minimum < 0);
    return isFree
      ? html`<button class="chip" aria-expanded=${open === at} onClick=${() => (setOpen(open === at ? -1 : at), field && setValue(each.operation[field]))}>${text}</button>`
      : html`<span class="chip flat">${text}</span>`;
  })}
    ${step && html`<span class="op-edit">
      ${found && html`<input type="range" min=${found[1].minimum} max=${found[1].maximum} step=${found[1].maximum - found[1].minimum <= 10 ? 0.05 : 1} value=${value} aria-label=${words(step.operation, "")} onInput=${(event) => setValue(Number(event.target.value))} /><output>${number(value, found[1].minimum < 0)}</output>
      <button class="small" disabled=${busy} onClick=${() => replay(steps.map((each, at) => (at === open ? { operation: { ...each.operation, [found[0]]: value } } : each)))}>${t("Apply")}</button>`}
      ${steps.length > 1 && html`<button class="small" disabled=${busy} onClick=${() => replay(steps.filter((_, at) => at !== open))}>${t("Drop it")}</button>`}<small>$0.00</small></span>`}</div>`;
}
