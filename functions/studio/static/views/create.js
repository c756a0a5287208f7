import { html, signal, useState, useEffect } from "../html.js";
import { t } from "../state/language.js";
import { canPay, loadModels, loadPayer, loadSettings } from "../state/account.js";
import { say } from "../state/notices.js";
import { go, query } from "../state/router.js";
import { isConnected, session } from "../state/session.js";
import { forget, work } from "../state/jobs.js";
import { addReferences, body, cost, count, dropReference, isOld, isReady, make, most, painter, references, refused, role, room, seconds, set, startFrom, values, wish } from "../state/wish.js";
import { usd, about } from "../components/money.js";
import { Icon } from "../components/icon.js";
import { Segmented, RatioGlyph } from "../components/field.js";
import { ModelMenu, isOpen } from "../components/model-menu.js";
import { shortName } from "../state/models.js";
import { Compare } from "../components/compare.js";
import { Sheet } from "../components/dialog.js";

const FINAL = new Set(["succeeded", "failed", "canceled"]);
const IDEAS = ["create.idea.fog", "create.idea.flat", "create.idea.room"];

/** Up to two results that are held side by side: {image, words, id}. */
const pair = signal([]);
const hold = (print) => (pair.value = pair.value.some((each) => each.id === print.id) ? pair.value.filter((each) => each.id !== print.id) : [...pair.value.slice(-1), print]);
const Pair = () => {
  const [a, b] = pair.value;
  return html`<${Sheet} title=${t("create.compared")} onClose=${() => (pair.value = [])}><div class="pair"><${Compare} before=${a.image.url} after=${b.image.url} width=${a.image.width} height=${a.image.height} subject=${a.words} tags=${[a.model, b.model]} /></div></${Sheet}>`;
};

const Print = ({ image, prompt, model, id, index }) => html`
  <figure class="print"><img src=${image.thumb?.url ?? image.url} alt=${prompt} width=${image.width} height=${image.height} loading="lazy" />
    <figcaption><a class="button small glass" href="#/chat?from=${id}/${index}"><${Icon} name="chat" size=${16} />${t("create.edit")}</a><a class="button small glass" href="#/cutout?from=${id}/${index}"><${Icon} name="cut" size=${16} />${t("create.cut")}</a>
      <button class="button small glass square" aria-pressed=${pair.value.some((each) => each.id === id + index)} aria-label=${t("cutout.compare")} title=${t("create.compare")} onClick=${() => hold({ image, words: prompt, model, id: id + index })}><${Icon} name="compare" size=${16} /></button>
      <a class="button small glass square" href=${image.url} target="_blank" rel="noreferrer" aria-label=${t("cutout.download")}><${Icon} name="download" size=${16} /></a></figcaption></figure>`;

// What went wrong, then the money, then one way on.
const Failure = ({ entry, error, charged }) => html`
  <div class="hint" role="alert"><${Icon} name="warn" size=${18} /><p>${error.detail || t("problem.offline")} <b>${t(`charged.${charged}`)}</b> <span class="dim">${error.fix}</span></p>
    ${error.code === "INVALID_API_KEY" ? html`<a class="button small" href="#/settings">${t("create.connect")}</a>` : html`<button class="small" onClick=${() => (set({ prompt: entry.about.prompt }), forget(entry.key))}>${t("create.rework")}</button>`}</div>`;

function waits(entry, taken) {
  const { job, about } = entry;
  if (job?.status === "uncertain") return t("create.uncertain", { held: usd(job.cost?.reserved_usd) });
  if (about.seconds && taken > about.seconds * 2) return t("create.slow");
  return about.seconds >= 1 ? t("create.developing", { n: Math.round(about.seconds) }) : t("create.so_far", { n: taken });
}

function Batch({ entry }) {
  const { job, about: words, body: request, problem } = entry;
  const isWaiting = !problem && !FINAL.has(job?.status);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isWaiting]);
  const images = job?.output?.images ?? [], error = problem ?? job?.error, paid = job?.cost?.actual_usd;
  const took = job?.completed_at && (new Date(job.completed_at) - new Date(job.created_at)) / 1000;
  const plate = (i) => html`<div class="print developing" style=${{ aspectRatio: words.ratio.replace(":", "/"), animationDelay: `${i * 0.2}s` }} role="img" aria-label=${t("create.plate", { n: i + 1 })}>${entry.partial && html`<img src=${entry.partial} alt="" />`}${words.seconds > 0 && html`<i class="plate-bar" style=${{ width: `${Math.min(96, (100 * (now - entry.sent)) / 1000 / words.seconds)}%` }}></i>`}</div>`;
  return html`
    <article class="batch">
      <header><p>${words.prompt}</p>
        <div class="facts"><span>${words.model}</span>${words.detail && html`<span>${words.detail}</span>`}
          ${isWaiting ? html`<span class="live"><i class="pulse"></i>${waits(entry, Math.round((now - entry.sent) / 1000))}</span>` : html`${took && html`<span>${took.toFixed(1)} s</span>`}${paid != null && html`<span class="cost">${usd(paid)}</span>`}`}
          ${images.length > 0 && html`<button class="quiet small" onClick=${() => make(request, request.n)}>${t("create.again")}</button><button class="quiet small" onClick=${() => (set({ prompt: words.prompt }), setTimeout(() => (isOpen.value = true)))}>${t("create.other")}</button>`}</div></header>
      ${error ? html`<${Failure} entry=${entry} error=${error} charged=${problem ? problem.charged : job.cost.charged} />` : html`<div class="prints n${images.length || request.n || 1}">
        ${isWaiting ? Array.from({ length: request.n ?? 1 }, (_, i) => plate(i)) : images.map((image, i) => html`<${Print} image=${image} prompt=${words.prompt} model=${words.model} id=${entry.id} index=${i} />`)}</div>`}
    </article>`;
}

const Empty = () => html`
  <div class="empty"><div class="empty-print"><${Icon} name="image" size=${28} /></div><h2>${t("create.empty")}</h2><p>${t("create.empty.more")}</p>
    <div class="chips center">${IDEAS.map((idea) => html`<button class="chip" onClick=${() => set({ prompt: t(idea) })}>${t(idea)}</button>`)}</div></div>`;

const Shapes = ({ list, now }) => list.length > 0 && html`
  <fieldset class="field"><legend class="label">${t("create.shape")}</legend><div class="ratios">${list.map((each) => html`
    <label class=${each === now ? "on" : ""}><input type="radio" name="aspect_ratio" checked=${each === now} onChange=${() => set({ aspect_ratio: each })} />${each.includes(":") && html`<${RatioGlyph} ratio=${each} />`}<span>${each}</span></label>`)}</div></fieldset>`;
const Choice = ({ label, option }) => values(option).length > 1 && html`<${Segmented} label=${label} options=${values(option).map((each) => [each, each])} value=${body.value[option] ?? values(option)[0]} onChange=${(value) => set({ [option]: value })} />`;

function References() {
  const name = shortName(painter.value);
  const pick = (e) => (addReferences(e.target.files), (e.target.value = ""));
  return html`<div class="refs">
    ${references.value.map((each) => html`<span class="ref"><img src=${each.url} alt=${each.name} class=${each.id ? "" : "wait"} /><button type="button" aria-label=${t("create.drop", { name: each.name })} onClick=${() => dropReference(each.key)}><${Icon} name="close" size=${12} /></button></span>`)}
    ${room.value > 0 && html`<label class="ref-add button"><${Icon} name="plus" /><span>${t("create.from")}</span><input class="sr" type="file" accept="image/*,.heic,.heif" multiple onChange=${pick} /></label>`}
    <small>${room.value > 0 ? t("create.room", { n: most.value, model: name }) : !references.value.length && t("create.words_alone", { model: name })}</small></div>`;
}

function More() {
  const [open, setOpen] = useState(false);
  const formats = values("output_format"), hasSeed = painter.value?.capabilities?.seed;
  if (formats.length < 2 && !hasSeed) return null;
  return html`<button type="button" class="disclose" aria-expanded=${open} onClick=${() => setOpen(!open)}><${Icon} name="chevron" size=${16} />${t("create.more")}</button>
    ${open && html`<div class="two">${hasSeed && html`<label class="field"><span class="label">${t("create.seed")}</span><input placeholder=${t("create.any")} inputmode="numeric" value=${wish.value.seed} onInput=${(e) => set({ seed: e.target.value.replace(/\D/g, "") })} /></label>`}
      ${formats.length > 1 && html`<label class="field"><span class="label">${t("create.format")}</span><select value=${body.value.output_format ?? formats[0]} onChange=${(e) => set({ output_format: e.target.value })}>${formats.map((each) => html`<option value=${each}>${each.toUpperCase()}</option>`)}</select></label>`}</div>`}`;
}

function Pay() {
  const n = count.value, why = refused.value;
  const held = cost.value.reserve?.usd;
  const plain = [seconds.value >= 1 && t("create.about", { n: Math.round(seconds.value) }), held != null && t("create.held", { held: usd(held) })].filter(Boolean).join(" ");
  return html`<div class="pay">
    <p class="pay-words" aria-live="polite"><b class=${isOld.value ? "dim" : ""}>${about(cost.value.total?.usd)}</b><span>${why ? t(...why) : plain}</span></p>
    ${session.value?.signed_in === false || !canPay.value ? html`<a class="button primary" href=${canPay.value ? "#/welcome" : "#/settings"}>${t("create.connect")}</a>` : html`<button class="primary" disabled=${!isReady.value}>${n === 1 ? t("create.make") : t("create.make_n", { n })}<kbd>${/Mac/.test(navigator.platform) ? "⌘" : "Ctrl"} Enter</kbd></button>`}</div>`;
}

export function View() {
  const [tune, setTune] = useState(false);
  useEffect(() => {
    if (session.value?.signed_in) for (const load of [loadSettings, loadModels, ...(isConnected.value ? [] : [loadPayer])]) load().catch(() => {});
  }, [session.value?.signed_in]);
  const from = query.value.get("from");
  useEffect(() => {
    if (!from) return;
    go("create");
    startFrom(from).catch((problem) => say(problem.message || t("problem.offline")));
  }, [from]);
  const submit = (event) => {
    event.preventDefault();
    if (isReady.value) make();
  };
  const dropped = (event) => (event.preventDefault(), addReferences(event.dataTransfer.files));
  const ratios = values("aspect_ratio"), ratio = body.value.aspect_ratio ?? (ratios.includes("1:1") ? "1:1" : ratios[0]);
  const pictures = work.value;
  return html`
    <form class="panel compose" onSubmit=${submit} onDrop=${dropped}>
      <div class="compose-scroll">
        <label class="field"><span class="label">${t("create.prompt")}</span>
          <textarea rows="5" value=${wish.value.prompt} maxlength="32000" placeholder=${t("create.placeholder")} onInput=${(e) => set({ prompt: e.target.value })}
            onKeyDown=${(e) => e.key === "Enter" && (e.metaKey || e.ctrlKey) && submit(e)}></textarea></label>
        <${References} />
        <button type="button" class="tune" aria-expanded=${tune} onClick=${() => setTune(!tune)}><span>${[shortName(painter.value), ratio, body.value.resolution].filter(Boolean).join(", ") || t("create.model")}</span><${Icon} name="chevron" size=${18} /></button>
        <div class="options ${tune || isOpen.value ? "open" : ""}"><${ModelMenu} role=${role.value} label=${t("create.model")} />
          <${Shapes} list=${ratios} now=${ratio} />
          <${Choice} label=${t("create.resolution")} option="resolution" />
          <${Segmented} label=${t("create.pictures")} options=${[1, 2, 3, 4].map((each) => [each, String(each)])} value=${count.value} onChange=${(n) => set({ n })} />
          <${Choice} label=${t("create.quality")} option="quality" />
          <${More} /></div>
      </div>
      <${Pay} />
    </form>
    <section class="feed" aria-label=${t("create.results")}>${pictures.length ? pictures.map((entry) => html`<${Batch} key=${entry.key} entry=${entry} />`) : html`<${Empty} />`}</section>${pair.value.length === 2 && html`<${Pair} />`}`;
}
