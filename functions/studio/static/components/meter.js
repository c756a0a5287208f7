import { html } from "../html.js";
import { usd } from "./money.js";
import { t } from "../state/language.js";

// Today's budget: spent, set aside for what is running, left. `budget` as GET /v1/usage has it.
export function Meter({ budget }) {
  if (!budget) return html`<span class="meter loading" aria-hidden="true"></span>`;
  const { limit_usd, spent_usd, reserved_usd, remaining_usd } = budget;
  const level = remaining_usd <= 0 ? "over" : remaining_usd / limit_usd <= 0.2 ? "warn" : "";
  const part = (x) => ({ width: `${Math.min(100, (x / limit_usd) * 100)}%` });
  return html`
    <a class="meter ${level}" href="#/spend">
      <span class="meter-words"><b>${usd(Math.max(0, remaining_usd))}</b> <span>${t("meter.left")}</span></span><span class="sr">${t("meter.label", { spent: usd(spent_usd), reserved: usd(reserved_usd), limit: usd(limit_usd) })}</span>
      <span class="meter-bar"><i style=${part(spent_usd)}></i><i class="held" style=${part(reserved_usd)}></i></span>
    </a>`;
}
