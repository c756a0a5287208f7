import { html } from "../html.js";
import { usd } from "./money.js";
import { t } from "../state/language.js";

const NARROW = matchMedia("(max-width: 900px)");

// Every version as a frame of film; a branch runs on its own strip, tied to where it left. Arrow keys walk it.
export function Filmstrip({ versions, current, onSelect }) {
  const [W, H, GAP] = NARROW.matches ? [72, 66, 16] : [104, 86, 26];
  const by = Object.fromEntries(versions.map((v) => [v.id, v]));
  const lanes = Math.max(...versions.map((v) => v.lane)) + 1,
    columns = Math.max(...versions.map((v) => v.col)) + 1;
  const x = (v) => v.col * (W + GAP),
    y = (v) => v.lane * (H + 14);
  const tie = (v) => {
    const p = by[v.parent],
      from = [x(p) + W, y(p) + H / 2 - 10],
      to = [x(v), y(v) + H / 2 - 10];
    return v.lane === p.lane ? `M${from}H${to[0]}` : `M${from}h${GAP / 2 - 8}q8,0 8,8V${to[1] - 8}q0,8 8,8H${to[0]}`;
  };
  const walk = (event) => {
    const here = by[current];
    const next = {
      ArrowLeft: here.parent,
      ArrowRight:
        versions.find((v) => v.parent === current && v.lane === here.lane)?.id ??
        versions.find((v) => v.parent === current)?.id,
      ArrowDown: versions.find((v) => v.lane > here.lane)?.id,
      ArrowUp: versions.find((v) => v.lane < here.lane && v.col === here.col)?.id,
    }[event.key];
    if (!next) return;
    event.preventDefault();
    onSelect(next);
  };
  return html`
    <div class="film" tabindex="-1"><div class="film-roll" role="radiogroup" aria-label=${t("film.label")} onKeyDown=${walk} style=${{ width: `${columns * (W + GAP) - GAP}px`, height: `${lanes * (H + 14) - 14}px` }}>
      <svg aria-hidden="true" width="100%" height="100%">${versions.filter((v) => v.parent).map((v) => html`<path d=${tie(v)} class=${v.id === current ? "on" : ""} />`)}</svg>
      ${versions.map(
        (v) => html`
        <button role="radio" aria-checked=${v.id === current} tabindex=${v.id === current ? 0 : -1} class="frame" style=${{ left: `${x(v)}px`, top: `${y(v)}px`, width: `${W}px`, height: `${H}px` }} onClick=${() => onSelect(v.id)}>
          <img src=${v.src} alt="" /><span><b>${v.id}</b> ${v.label}</span>${v.cost > 0 && html`<em>${usd(v.cost)}</em>`}</button>`,
      )}
    </div></div>`;
}
