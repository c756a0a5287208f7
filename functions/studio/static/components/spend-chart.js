import { html, signal } from "../html.js";
import { usd } from "./money.js";
import { t } from "../state/language.js";

const day = signal(null);
const H = 190, LEFT = 52, BAR = 0.62;
const round = (most) => {
  const unit = 10 ** Math.floor(Math.log10(most || 0.01));
  return [1, 2, 4, 5, 10].map((n) => n * unit).find((n) => n >= most) ?? 10 * unit;
};

/** Stacked bars, one a day; the table for screen readers is the same data.
 *  days: [{day, by: [dollars per series]}]; series: names; limit: dollars a day, or null. */
export function SpendChart({ days, series, month, limit }) {
  const total = (each) => each.by.reduce((a, b) => a + b, 0);
  const top = round(Math.max(...days.map(total)));
  const step = 960 / days.length, y = (value) => H - (value / top) * H;
  const found = days.find((each) => each.day === day.value);
  return html`<figure class="chart" tabindex="0" aria-label=${t("Spend by day")}><svg viewBox="0 -10 1020 ${H + 36}" aria-hidden="true" onPointerLeave=${() => (day.value = null)}>
    ${[0, top / 4, top / 2, (3 * top) / 4, top].map((tick) => html`<g><line x1=${LEFT} x2="1016" y1=${y(tick)} y2=${y(tick)} class="grid" /><text x=${LEFT - 10} y=${y(tick) + 4} text-anchor="end">${tick === 0 ? "$0" : usd(tick)}</text></g>`)}
    ${days.map((each, at) => {
      let base = 0;
      return html`<g class="day ${day.value === each.day ? "on" : ""}" onPointerEnter=${() => (day.value = each.day)}><rect class="hit" x=${LEFT + at * step} y="-10" width=${step} height=${H + 10} />
      ${each.by.map((value, s) => {
        base += value;
        return value > 0 && html`<rect class="s${s}" x=${LEFT + at * step + (step * (1 - BAR)) / 2} y=${y(base)} width=${step * BAR} height=${Math.max(1, (value / top) * H - 1)} rx="1.5" />`;
      })}
      ${(each.day % 5 === 0 || each.day === 1) && html`<text x=${LEFT + (at + 0.5) * step} y=${H + 20} text-anchor="middle">${each.day}</text>`}</g>`;
    })}</svg>
    <figcaption>${found ? html`<b>${found.day} ${month}: ${usd(total(found))}</b> ${series.map((name, s) => found.by[s] > 0 && html`<span>${name} ${usd(found.by[s])}</span>`)}` : html`<span>${limit ? t("Your limit is {usd} a day. Point at a day for its parts.", { usd: usd(limit) }) : t("Point at a day for its parts.")}</span>`}</figcaption>
    <table class="sr"><caption>${t("Spend by day")}</caption><tbody>${days.filter(total).map((each) => html`<tr><th scope="row">${each.day}</th><td>${usd(total(each))}</td></tr>`)}</tbody></table></figure>`;
}
