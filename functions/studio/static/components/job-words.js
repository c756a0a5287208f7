import { html } from "../html.js";
import { usd } from "./money.js";
import { t } from "../state/language.js";

const NAMES = {
  generation: "New picture",
  edit: "Painted edit",
  "background-removal": "Cut-out",
  recipe: "Recipe",
  turn: "Conversation",
  completion: "Chat",
  plan: "Planning",
  repair: "Planning once more",
  paint: "Painting",
};
export const operationName = (job) => t(NAMES[job.op] ?? NAMES[job.op.replace(/\d+$/, "")] ?? job.op);

/** What its owner calls it, else what was asked for. */
export function jobTitle(job) {
  const said = job.title || job.input.prompt || job.input.content || job.input.message;
  if (said) return said;
  const file = (job.input.key ?? job.input.file_name ?? "").split("/").pop();
  return file || operationName(job);
}

/** "$0.014 charged", or why it is none. */
export function JobMoney({ job, short }) {
  const { charged, actual_usd: cost, reserved_usd: held, settled } = job.cost;
  if (short) return html`${settled ? usd(cost ?? 0) : "…"}`;
  if (charged === "unknown" || !settled)
    return html`${settled ? t("{usd} counted, for nobody can say", { usd: usd(cost) }) : t("{usd} is held until we know", { usd: usd(held ?? 0) })}`;
  if (charged) return html`${t("{usd} charged", { usd: usd(cost) })}`;
  return html`${job.error ? t("Nothing was charged.") : "$0.00"}`;
}

/** "3 min ago", "yesterday", "12 November". */
export function when(moment, exact) {
  const at = new Date(moment), lang = document.documentElement.lang || "en";
  if (exact) return at.toLocaleString(lang, { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
  const minutes = (at - Date.now()) / 60000, ago = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" });
  if (minutes > -1) return t("just now");
  if (minutes > -60) return ago.format(Math.round(minutes), "minute");
  if (minutes > -1440) return ago.format(Math.round(minutes / 60), "hour");
  if (minutes > -10080) return ago.format(Math.round(minutes / 1440), "day");
  return at.toLocaleDateString(lang, { day: "numeric", month: "long" });
}
