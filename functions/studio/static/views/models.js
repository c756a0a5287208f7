import { html, signal, useEffect } from "../html.js";
import { Icon } from "../components/icon.js";
import { Sheet } from "../components/dialog.js";
import { usd } from "../components/money.js";
import { when } from "../components/job-words.js";
import { query } from "../state/router.js";
import { say } from "../state/notices.js";
import { t } from "../state/language.js";
import { favorite, models as catalogue, price as priceOf, ROLES as KINDS, settings } from "../state/account.js";
import * as models from "../state/models.js";

const NARROW = matchMedia("(max-width: 900px)");
const narrow = signal(NARROW.matches);
NARROW.addEventListener("change", (event) => (narrow.value = event.matches));
const role = signal("create");
const words = signal("");
const tags = signal([]);
const sort = signal("recommended");
const layout = signal("table");
const picked = signal([]);
const comparing = signal(false);
const ROLES = [["create", "Create"], ["edit", "Edit"], ["chat", "Plan edits"], ["remove", "Cut out"]];
const PER = { create: "a picture", edit: "an edit", chat: "a message" };
const DOES = { create: "{model} makes your pictures from now on.", edit: "{model} paints your edits from now on.", chat: "{model} plans your edits from now on." };
const SORTS = [["recommended", "Recommended first"], ["price", "Cheapest first"], ["speed", "Fastest first"], ["name", "By name"]];
const PLAIN = new Set(["image", "edit", "chat"]);

const toggle = (list, x) => (list.includes(x) ? list.filter((y) => y !== x) : [...list, x]);
const price = (model) => priceOf(model, role.value);
const cost = (model) => (price(model) == null ? t("not published") : usd(price(model)));
const speed = (model) => (model.measured?.median_seconds ? `${model.measured.median_seconds.toFixed(1)} s` : "–");
const success = (model) => (model.measured?.success_rate == null ? null : `${Math.round(100 * model.measured.success_rate)} %`);
const recommended = (model) => model.recommended_for.includes(KINDS[role.value][0]);
const isUsed = (model) => model.id === models.inUse(role.value);
const values = (model, name) => model.capabilities[name]?.values ?? [];
const largest = (model) => values(model, "resolution").at(-1);
const tell = (error) => say(`${error.message} ${error.fix ?? ""}`);

const use = (model) =>
  models.use(role.value, model.id).then((warnings) => say([t(DOES[role.value], { model: models.shortName(model) }), ...warnings].join(" ")), tell);

const Star = ({ model }) =>
  html`<button class="quiet square star" aria-pressed=${model.favorite} aria-label=${t("Favorite {model}", { model: models.shortName(model) })} onClick=${() => favorite(model.id).catch(tell)}><${Icon} name="star" size=${18} fill=${model.favorite ? "currentColor" : "none"} /></button>`;
const Choose = ({ model }) =>
  isUsed(model)
    ? html`<span class="chosen"><${Icon} name="check" size=${16} />${t("In use")}</span>`
    : html`<button class="small" aria-label="${t("Use")} ${models.shortName(model)}" onClick=${() => use(model)}>${t("Use")}</button>`;
const Badge = ({ model }) => recommended(model) && html`<em class="badge">${t("Recommended")}</em>`;
const Pick = ({ model }) =>
  html`<input type="checkbox" aria-label=${t("Compare {model}", { model: models.shortName(model) })} checked=${picked.value.includes(model.id)} disabled=${picked.value.length > 3 && !picked.value.includes(model.id)} onChange=${() => (picked.value = toggle(picked.value, model.id))} />`;
const Tags = ({ model }) => html`<p class="tags">${model.tags.filter((tag) => !PLAIN.has(tag)).slice(0, 6).map((tag) => html`<span>${t(tag.replaceAll("-", " "))}</span>`)}${largest(model) && html`<span>${t("to {size}", { size: largest(model) })}</span>`}${model.shutdown_date && html`<span class="warned">${t("until {day}", { day: model.shutdown_date })}</span>`}</p>`;

const Table = ({ rows, top }) => html`
  <div class="table-wrap" tabindex="0" role="region" aria-label=${t("Models")}><table class="models"><thead><tr><th><span class="sr">${t("Compare")}</span></th><th>${t("Model")}</th><th>${t("Good for")}</th><th class="num">${t(PER[role.value])}</th><th class="num">${t("Speed here")}</th><th class="num">${t("Success here")}</th><th><span class="sr">${t("Choose")}</span></th></tr></thead>
    <tbody>${rows.map(
      (model) => html`<tr key=${model.id} class=${isUsed(model) ? "on" : ""}>
      <td class="tight"><${Pick} model=${model} /></td>
      <td class="who"><${Star} model=${model} /><span><b>${models.shortName(model)}</b> <${Badge} model=${model} /><small>${models.maker(model)}</small></span></td>
      <td class="what"><p>${model.note?.best_for ?? model.description}</p><${Tags} model=${model} /></td>
      <td class="num price"><b>${cost(model)}</b><span class="pricebar"><i style=${{ width: `${Math.min(100, (100 * (price(model) ?? 0)) / top)}%` }}></i></span></td>
      <td class="num">${speed(model)}</td><td class="num">${success(model) ?? "–"}</td><td class="act"><${Choose} model=${model} /></td></tr>`,
    )}</tbody></table></div>`;

const Cards = ({ rows }) => html`
  <ul class="cards">${rows.map(
    (model) => html`<li key=${model.id} class="card ${isUsed(model) ? "on" : ""}">
    <header><span><b>${models.shortName(model)}</b><small>${models.maker(model)}</small></span><${Star} model=${model} /></header><${Badge} model=${model} /><p>${model.note?.best_for ?? model.description}</p>${model.note?.limits && html`<p class="limits">${model.note.limits}</p>`}
    <${Tags} model=${model} />
    <footer><span><b>${cost(model)}</b><small>${t(PER[role.value])}</small></span><span><b>${speed(model)}</b><small>${success(model) ? t("{n} succeed", { n: success(model) }) : t("not tried here")}</small></span><${Choose} model=${model} /></footer></li>`,
  )}</ul>`;

function Comparison() {
  const list = picked.value.map((id) => catalogue.value.find((each) => each.id === id));
  const lines = (model) => model.prices.filter((line) => line.display).slice(0, 6).map((line) => html`<span class="line">${line.billable.replaceAll("_", " ")} ${line.display}</span>`);
  const rows = [
    ["Price", cost], ["Price list", lines], ["Speed here", speed], ["Success here", (model) => success(model) ?? "–"], ["Largest", (model) => largest(model) ?? "–"],
    ["At once", (model) => model.capabilities.n?.max ?? 1], ["Reference pictures", (model) => model.capabilities.input_references?.max ?? 0],
    ["Shapes", (model) => values(model, "aspect_ratio").join("  ") || "–"], ["Good for", (model) => model.note?.best_for ?? "–"], ["Weak at", (model) => model.note?.limits ?? "–"],
  ];
  return html`<${Sheet} title=${t("Side by side")} onClose=${() => (comparing.value = false)}>
    <div class="table-wrap" tabindex="0"><table class="versus"><thead><tr><td></td>${list.map((model) => html`<th scope="col">${models.shortName(model)}<small>${models.maker(model)}</small></th>`)}</tr></thead><tbody>${rows.map(([name, get]) => html`<tr><th scope="row">${t(name)}</th>${list.map((model) => html`<td>${get(model)}</td>`)}</tr>`)}<tr><td></td>${list.map((model) => html`<td><${Choose} model=${model} /></td>`)}</tr></tbody></table></div></${Sheet}>`;
}

function Removers() {
  useEffect(() => void models.loadRemovers().catch(tell), []);
  const chosen = settings.value?.background_model;
  const pick = (id) => models.change({ background_model: id }).then((warnings) => say([t("{model} cuts your pictures out from now on.", { model: id }), ...warnings].join(" ")), tell);
  return html`<p class="count">${t("These run on this server. A cut-out costs $0.00 with each of them.")}</p>
    <ul class="cards">${(models.removers.value ?? []).map((model) => {
      const waits = !model.acknowledged || model.installed === false;
      return html`<li key=${model.id} class="card ${model.id === chosen ? "on" : ""}"><header><span><b>${model.id}</b><small>${model.license}${model.commercial ? "" : ` · ${t("not for commercial use")}`}</small></span></header>
        <p>${model.best_for}</p>${model.license_note && html`<p class="limits">${model.license_note}</p>`}
        <footer><span><b>$0.00</b><small>${waits ? t(model.installed === false ? "not installed here" : "its license is not acknowledged") : model.installed ? t("installed") : t("may be installed")}</small></span>
          ${model.id === chosen ? html`<span class="chosen"><${Icon} name="check" size=${16} />${t("In use")}</span>` : html`<button class="small" disabled=${waits} onClick=${() => pick(model.id)}>${t("Use")}</button>`}</footer></li>`;
    })}</ul>`;
}

const Roles = () => html`<div class="segmented" role="group" aria-label=${t("Models for")}>${ROLES.map(([key, text]) => html`<button aria-pressed=${role.value === key} class=${role.value === key ? "on" : ""} onClick=${() => ((role.value = key), (tags.value = []), (picked.value = []))}>${t(text)}</button>`)}</div>`;

function Painters() {
  const all = catalogue.value.filter((model) => models.serves(model, role.value));
  const facets = [...new Set(all.flatMap((model) => model.tags))]
    .filter((tag) => !PLAIN.has(tag))
    .map((tag) => [tag, all.filter((model) => model.tags.includes(tag)).length])
    .sort((a, b) => b[1] - a[1]);
  const p = (model) => price(model) ?? 99, s = (model) => model.measured?.median_seconds ?? 999;
  const order = {
    recommended: (a, b) => recommended(b) - recommended(a) || b.favorite - a.favorite || p(a) - p(b),
    price: (a, b) => p(a) - p(b),
    speed: (a, b) => s(a) - s(b) || p(a) - p(b),
    name: (a, b) => models.shortName(a).localeCompare(models.shortName(b)),
  };
  const text = (model) => `${model.name} ${model.id} ${model.tags} ${model.note?.best_for}`.toLowerCase();
  const rows = all
    .filter((model) => tags.value.every((tag) => model.tags.includes(tag)) && words.value.toLowerCase().split(" ").every((word) => text(model).includes(word)))
    .sort(order[sort.value]);
  const top = Math.max(...all.map((model) => price(model) ?? 0), 1e-9);
  return html`
    <div class="chips facets" role="group" aria-label=${t("Tags")}>${facets.map(([tag, n]) => html`<button class="chip" aria-pressed=${tags.value.includes(tag)} onClick=${() => (tags.value = toggle(tags.value, tag))}>${t(tag.replaceAll("-", " "))} <small>${n}</small></button>`)}</div>
    <p class="count" role="status">${rows.length === all.length ? t("{n} models", { n: all.length }) : t("{n} of {all} models", { n: rows.length, all: all.length })} · ${t("prices of {when}", { when: when(catalogue.value[0]?.as_of ?? Date.now()) })}</p>
    ${rows.length === 0 ? html`<div class="empty"><h2>${t("No model fits")}</h2><p><button class="link" onClick=${() => ((words.value = ""), (tags.value = []))}>${t("Clear the filters")}</button></p></div>` : layout.value === "table" && !narrow.value ? html`<${Table} rows=${rows} top=${top} />` : html`<${Cards} rows=${rows} />`}
    ${picked.value.length > 0 && html`<div class="tray"><p>${picked.value.map(models.modelName).join(", ")}</p><button class="primary" disabled=${picked.value.length < 2} onClick=${() => (comparing.value = true)}>${t("Compare {n}", { n: picked.value.length })}</button><button class="quiet square" aria-label=${t("Clear")} onClick=${() => (picked.value = [])}><${Icon} name="close" /></button></div>`}
    ${comparing.value && html`<${Comparison} />`}`;
}

export function View() {
  const wanted = query.value.get("for");
  useEffect(() => void models.load(), []);
  useEffect(() => void (ROLES.some(([key]) => key === wanted) && (role.value = wanted)), [wanted]);
  const failed = models.problem.value;
  return html`
    <div class="filters"><${Roles} />
      ${role.value !== "remove" && html`<label class="search"><${Icon} name="search" size=${16} /><input data-search type="search" aria-label=${t("Search models")} placeholder=${t("Name, maker, what it is good for")} value=${words.value} onInput=${(event) => (words.value = event.target.value)} /></label>
      <label class="select"><span class="sr">${t("Sort by")}</span><select value=${sort.value} onChange=${(event) => (sort.value = event.target.value)}>${SORTS.map(([key, text]) => html`<option value=${key}>${t(text)}</option>`)}</select></label>
      <div class="segmented layout" role="group" aria-label=${t("Layout")}>${[["table", "Table"], ["cards", "Cards"]].map(([key, text]) => html`<button aria-pressed=${layout.value === key} class=${layout.value === key ? "on" : ""} onClick=${() => (layout.value = key)}>${t(text)}</button>`)}</div>`}</div>
    ${role.value === "remove" ? html`<${Removers} />` : catalogue.value ? html`<${Painters} />` : failed ? html`<div class="empty" role="alert"><h2>${failed.body?.title}</h2><p>${failed.message} ${failed.fix}</p><button onClick=${() => models.load()}>${t("Try again")}</button></div>` : html`<div class="cards" role="status" aria-label=${t("Loading")}>${[1, 2, 3, 4, 5, 6].map(() => html`<div class="card waits"></div>`)}</div>`}`;
}
