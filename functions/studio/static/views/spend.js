import { html, useEffect, useState } from "../html.js";
import { Icon } from "../components/icon.js";
import { usd } from "../components/money.js";
import { operationName, when } from "../components/job-words.js";
import { save } from "../components/save.js";
import { SpendChart } from "../components/spend-chart.js";
import { query } from "../state/router.js";
import { say } from "../state/notices.js";
import { t } from "../state/language.js";
import { models, settings } from "../state/account.js";
import { change, load, modelName, serves, shortName } from "../state/models.js";
import * as spend from "../state/spend.js";

const LIMITS = [["max_cost_per_request", "A request"], ["max_cost_per_conversation", "A conversation"], ["max_cost_per_day", "A day"], ["max_cost_per_month", "A month"]];
const PARTS = [["model", "Model"], ["op", "Work"], ["token", "Token"]];
const tell = (error) => say(`${error.message} ${error.fix ?? ""}`);
const lang = () => document.documentElement.lang || "en";
const monthName = (month, long) => new Date(`${month}-15T00:00:00Z`).toLocaleDateString(lang(), long ? { month: "long", year: "numeric" } : { month: "long" });
const named = (by, name) => (name == null ? t("free work") : by === "model" ? modelName(name) : by === "op" ? operationName({ op: name }) : name.startsWith("tok_") ? t("token …{end}", { end: name.slice(-4) }) : name);

function byDay(groups, month) {
  const total = new Map();
  for (const each of groups) if (each.cost_usd) total.set(each.model, (total.get(each.model) ?? 0) + each.cost_usd);
  const ranked = [...total].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const series = ranked.length > 4 ? [...ranked.slice(0, 3), "…"] : ranked;
  const [year, number] = month.split("-").map(Number), count = new Date(year, number, 0).getDate();
  const days = Array.from({ length: count }, (_, at) => ({ day: at + 1, by: series.map(() => 0) }));
  for (const each of groups) {
    if (!each.cost_usd) continue;
    const at = series.indexOf(each.model);
    days[Number(each.day.slice(8)) - 1].by[at < 0 ? series.length - 1 : at] += each.cost_usd;
  }
  return { days, series: series.map((name) => (name === "…" ? t("others") : modelName(name))) };
}

function Month({ usage }) {
  const budget = usage.budgets.find((each) => each.name === "month");
  const now = budget && usage.provider_key !== null;
  const spent = usage.totals.cost_usd, limit = budget?.limit_usd;
  const key = usage.provider_key?.status;
  const share = (amount) => `${Math.min(100, (100 * amount) / limit)}%`;
  const [year, number] = usage.month.split("-").map(Number);
  const other = (by) => new Date(Date.UTC(year, number - 1 + by, 15)).toISOString().slice(0, 7);
  return html`<section class="spend-top">
    <div class="figure"><p class="label month-of"><a class="button quiet square small" href="#/spend?month=${other(-1)}" aria-label=${t("The month before")}><${Icon} name="chevron" size=${16} /></a>${monthName(usage.month, true)}${!now && html`<a class="button quiet square small next-month" href="#/spend?month=${other(1)}" aria-label=${t("The month after")}><${Icon} name="chevron" size=${16} /></a>`}</p>
      <p class="big">${usd(spent)}${now && limit && html`<small>${t("of {usd}", { usd: usd(limit) })}</small>`}</p>
      ${now && html`<span class="meter-bar tall"><i style=${{ width: share(budget.spent_usd) }}></i><i class="held" style=${{ width: share(budget.reserved_usd) }}></i></span>
      <p class="facts"><span>${t("{usd} set aside for what is running", { usd: usd(budget.reserved_usd) })}</span><span>${t("{usd} left", { usd: usd(budget.remaining_usd) })}${budget.resets_at ? ` ${t("until {day}", { day: new Date(budget.resets_at).toLocaleDateString(lang(), { day: "numeric", month: "long" }) })}` : ""}</span></p>`}</div>
    ${now && html`<div class="figure"><p class="label">${t("At {provider}", { provider: { openrouter: "OpenRouter" }[usage.provider_key?.provider] ?? usage.provider_key?.provider ?? "OpenRouter" })}</p>
      <p class="big">${key ? (key.limit_remaining == null ? html`${usd((key.usage_monthly ?? 0) / 1e6)}<small>${t("used this month, no limit on the key")}</small>` : html`${usd(key.limit_remaining / 1e6)}<small>${t("left on your key")}</small>`) : html`–<small>${usage.provider_key?.reason ?? t("no key is connected")}</small>`}</p>
      <p class="facts"><span>${t("You pay the provider yourself.")}</span><a class="link" href="#/settings">${key ? t("Your keys") : t("Connect")}</a></p></div>`}
    <div class="figure"><p class="label">${t("Made")}</p><p class="big">${usage.totals.images}<small>${t("pictures, {n} messages", { n: usage.totals.turns })}</small></p><p class="facts"><span>${t("and {n} cut-outs and recipe runs for $0.00", { n: usage.totals.cutouts + usage.totals.recipe_images })}</span>${usage.totals.failed > 0 && html`<span>${t("{n} failed", { n: usage.totals.failed })}</span>`}</p></div></section>`;
}

function Where() {
  const [by, setBy] = useState("model");
  const list = spend.parts.value[by];
  const most = Math.max(...(list ?? []).map((each) => each.usd), 1e-9);
  return html`<section class="panel pad"><header class="section-head"><h2>${t("Where it went")}</h2><div class="segmented" role="group" aria-label=${t("By")}>${PARTS.map(([key, text]) => html`<button class=${by === key ? "on" : ""} aria-pressed=${by === key} onClick=${() => (setBy(key), spend.split(key).catch(tell))}>${t(text)}</button>`)}</div></header>
    <ul class="bars">${list?.filter((each) => each.usd > 0).map((each) => html`<li><span>${named(by, each.name)} <small>${each.images ? `${each.images} ×` : ""}</small></span><b class="num">${usd(each.usd)}</b><span class="bar"><i style=${{ width: `${(100 * each.usd) / most}%` }}></i></span></li>`)}${list?.every((each) => !each.usd) && html`<li>${t("Nothing was spent.")}</li>`}</ul></section>`;
}

function Limits() {
  const set = settings.value;
  if (!set) return null;
  const save = async (name, text) => {
    const value = text.trim() === "" ? null : Number(text.replace(",", "."));
    if (Number.isNaN(value)) return say(t("That is no amount."));
    try {
      const warnings = await change({ [name]: value });
      say([t("Saved. It holds from the next request."), ...warnings].join(" "));
      await spend.load(spend.month.value?.month);
    } catch (error) {
      tell(error);
    }
  };
  const field = (name, text, unit) => html`<label class="field" key=${name}><span class="label">${t(text)}</span><span class="money">${unit !== "%" && html`<i>$</i>`}<input key=${set[name]} defaultValue=${unit === "%" ? set[name] : (set[name]?.toFixed(2) ?? "")} placeholder=${t("none")} inputmode="decimal" onChange=${(event) => save(name, event.target.value)} />${unit === "%" && html`<i>%</i>`}</span></label>`;
  return html`<section class="panel pad"><header class="section-head"><h2>${t("Limits")}</h2><small>${t("Nothing can pass them, not even by a cent.")}</small></header>
    <div class="limits-grid">${LIMITS.map(([name, text]) => field(name, text))}${field("warn_at_percent", "Warn me at", "%")}${field("warn_at_cost", "Warn per conversation")}</div></section>`;
}

function Elsewhere() {
  const found = spend.against.value;
  const rivals = (models.value ?? []).filter((each) => serves(each, "create"));
  return html`<section class="panel pad elsewhere"><header class="section-head"><h2>${t("The same pictures elsewhere")}</h2>
    <label class="select"><span class="sr">${t("Model to compare with")}</span><select value=${found?.model ?? ""} onChange=${(event) => spend.elsewhere(event.target.value).catch(tell)}><option value="">${t("Choose a model")}</option>${rivals.map((each) => html`<option value=${each.id}>${shortName(each)}</option>`)}</select></label></header>
    <p role="status">${!found ? t("What this month's pictures would have cost from another model.") : found.images == null ? t("Counting") : found.would_have_cost_usd == null ? t("Its prices are not published.") : html`<b class="big">${usd(found.would_have_cost_usd)}</b> ${t("instead of {usd} for {n} pictures.", { usd: usd(found.cost_usd), n: found.images })} <em class=${found.saved_usd >= 0 ? "ok" : "look"}>${found.saved_usd >= 0 ? t("You saved {usd}.", { usd: usd(found.saved_usd) }) : t("{usd} less there.", { usd: usd(-found.saved_usd) })}</em>`}</p></section>`;
}

const State = ({ receipt }) =>
  receipt.charged === true
    ? html`<span class="ok"><${Icon} name="check" size=${14} />${t("settled")}</span>`
    : receipt.charged === false
      ? html`<span class="dim">${t("nothing charged")}</span>`
      : html`<span class="look"><${Icon} name="clock" size=${14} />${t("not known")}</span>`;

function Receipts({ month }) {
  const list = spend.receipts.value;
  return html`<section class="panel"><header class="section-head pad-head"><h2>${t("Receipts")}</h2><span class="chips"><a class="button small" href=${spend.usageCsv(month)} download>${t("Sums as CSV")}</a><button class="small" disabled=${!list.length} onClick=${() => spend.receiptsCsv().then((text) => save(new Blob([text], { type: "text/csv" }), `receipts-${month}.csv`), tell)}><${Icon} name="download" size=${16} />CSV</button></span></header>
    ${list.length === 0 ? html`<p class="pad dim">${t("No job of this month could cost anything.")}</p>` : html`<div class="table-wrap" tabindex="0" role="region" aria-label=${t("Receipts")}><table class="receipts"><thead><tr><th>${t("When")}</th><th>${t("What")}</th><th>${t("Model")}</th><th class="num">${t("Set aside")}</th><th class="num">${t("Charged")}</th><th>${t("State")}</th></tr></thead>
      <tbody>${list.map((each) => html`<tr key=${each.job_id}><td>${when(each.created_at)}</td><td><a class="link" href=${each.conversation_id ? `#/chat/${each.conversation_id}` : `#/gallery/${each.job_id}`}>${operationName(each)}</a>${each.images > 1 ? ` × ${each.images}` : ""}</td><td>${modelName(each.model_used ?? each.model_requested)}</td><td class="num dim">${usd(each.reserved_usd ?? 0)}</td><td class="num"><b>${usd(each.actual_usd ?? 0)}</b></td><td><${State} receipt=${each} /></td></tr>`)}</tbody></table></div>`}
    ${spend.older.value && html`<p class="pad"><button onClick=${() => spend.olderReceipts().catch(tell)}>${t("Show older ones")}</button></p>`}</section>`;
}

export function View() {
  const wanted = query.value.get("month");
  useEffect(() => void (spend.load(wanted), load()), [wanted]);
  const usage = spend.month.value, failed = spend.problem.value;
  if (failed) return html`<div class="empty" role="alert"><h2>${failed.body?.title}</h2><p>${failed.message} ${failed.fix}</p><button onClick=${() => spend.load(wanted)}>${t("Try again")}</button></div>`;
  if (!usage) return html`<section class="spend-top" role="status" aria-label=${t("Loading")}>${[1, 2, 3].map(() => html`<div class="figure waits"></div>`)}</section>`;
  const { days, series } = byDay(spend.days.value, usage.month);
  return html`<${Month} usage=${usage} />
    <section class="panel pad"><header class="section-head"><h2>${t("By day")}</h2><div class="legend">${series.map((name, s) => html`<span><i class="s${s}"></i>${name}</span>`)}</div></header>
      ${series.length ? html`<${SpendChart} days=${days} series=${series} month=${monthName(usage.month)} limit=${usage.limits.max_cost_per_day} />` : html`<p class="dim">${t("Nothing was spent in {month}.", { month: monthName(usage.month) })}</p>`}</section>
    <div class="spend-two"><${Where} /><${Limits} /></div>
    <${Elsewhere} />
    ${spend.receipts.value && html`<${Receipts} month=${usage.month} />`}`;
}
