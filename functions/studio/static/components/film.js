import { html, useEffect, useRef } from "../html.js";
import { usd } from "./money.js";
import { t } from "../state/language.js";

const NARROW = matchMedia("(max-width: 900px)");

/** Every version as a frame; a branch runs on its own strip, tied to where it left. The arrow keys walk it. */
export function Film({ versions, current, words, cost, onSelect, onSettle }) {
  const roll = useRef();
  const [W, H, GAP] = NARROW.matches ? [72, 66, 16] : [104, 86, 26];
  const by = Object.fromEntries(versions.map((each) => [each.id, each]));
  const lanes = Math.max(...versions.map((each) => each.lane)) + 1;
  const columns = Math.max(...versions.map((each) => each.col)) + 1;
  const x = (each) => each.col * (W + GAP), y = (each) => each.lane * (H + 14);
  const tie = (each) => {
    const from = by[each.parent], middle = H / 2 - 10;
    const start = `M${x(from) + W},${y(from) + middle}`;
    return each.lane === from.lane
      ? `${start}H${x(each)}`
      : `${start}h${GAP / 2 - 8}q8,0 8,8V${y(each) + middle - 8}q0,8 8,8H${x(each)}`;
  };
  const walk = (event) => {
    const here = by[current];
    const next = {
      ArrowLeft: here.parent,
      ArrowRight: (versions.find((each) => each.parent === current && each.lane === here.lane) ?? versions.find((each) => each.parent === current))?.id,
      ArrowDown: versions.find((each) => each.lane > here.lane)?.id,
      ArrowUp: versions.findLast((each) => each.lane < here.lane)?.id,
    }[event.key];
    if (event.key === "Enter") onSettle(current);
    if (!next || !by[next]) return;
    event.preventDefault();
    onSelect(next);
    requestAnimationFrame(() => roll.current.querySelector("[tabindex='0']")?.focus());
  };
  useEffect(() => roll.current.querySelector("[tabindex='0']")?.scrollIntoView({ block: "nearest", inline: "nearest" }), [current]);
  return html`<div class="film" tabindex="-1"><div class="film-roll" ref=${roll} role="radiogroup" aria-label=${t("Versions")} onKeyDown=${walk} style=${{ width: `${columns * (W + GAP) - GAP}px`, height: `${lanes * (H + 14) - 14}px` }}>
    <svg aria-hidden="true" width="100%" height="100%">${versions.filter((each) => by[each.parent]).map((each) => html`<path d=${tie(each)} class=${each.id === current ? "on" : ""} />`)}</svg>
    ${versions.map(
      (each) => html`<button key=${each.id} role="radio" aria-checked=${each.id === current} aria-label="${each.id} ${words(each)}" tabindex=${each.id === current ? 0 : -1} class="frame" style=${{ left: `${x(each)}px`, top: `${y(each)}px`, width: `${W}px`, height: `${H}px` }} onClick=${() => onSelect(each.id)} onDblClick=${() => onSettle(each.id)}>
        <img src=${each.image.thumb.url} alt="" loading="lazy" /><span><b>${each.id}</b> ${words(each)}</span>${each.steps.some((step) => step.paint) && html`<em>${usd(cost(each))}</em>`}</button>`,
    )}</div></div>`;
}
