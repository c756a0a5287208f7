import { html, useEffect, useRef, useState } from "../html.js";
import { Icon } from "../components/icon.js";
import { usd } from "../components/money.js";
import { Confirm } from "../components/dialog.js";
import { Wall } from "../components/wall.js";
import { JobMoney, jobTitle, operationName, when } from "../components/job-words.js";
import { modelName } from "../state/models.js";
import { path, query, go } from "../state/router.js";
import { say } from "../state/notices.js";
import { t } from "../state/language.js";
import * as gallery from "../state/gallery.js";

const KINDS = [
  ["all", "Everything"],
  ["made", "Made"],
  ["edited", "Edited"],
  ["cut", "Cut out"],
  ["star", "Favorites"],
];

function Working({ job, models }) {
  const now = useSeconds(job.status === "running");
  const done = job.output.progress;
  const calls = job.calls?.length;
  const seconds = job.started_at ? Math.max(0, Math.round((now - Date.parse(job.started_at)) / 1000)) : 0;
  const held = job.cost.reserved_usd ?? 0;
  const states = {
    queued: () => t("Waiting for its turn"),
    running: () => (done ? t("{done} of {total}", done) : t("{n} s so far", { n: seconds })),
    uncertain: () => t("The answer was lost. We are asking the provider; {usd} is held until we know.", { usd: usd(held) }),
  };
  return html`<li>
    <span class="work-thumb ${job.status === "uncertain" ? "" : "developing"}">${job.status === "uncertain" && html`<${Icon} name="clock" />`}</span>
    <p><b>${jobTitle(job)}</b><small>${states[job.status]()}${calls > 1 ? `, ${t("{n} calls", { n: calls })}` : ""}${job.status !== "uncertain" && `, ${held ? t("{usd} set aside", { usd: usd(held) }) : "$0.00"}`}</small>
      ${done && html`<span class="bar"><i style=${{ width: `${(100 * done.done) / Math.max(1, done.total)}%` }}></i></span>`}</p>
    <button class="small" onClick=${() => gallery.cancel(job.id).catch((error) => say(error.message))}>${t(done ? "Stop" : "Cancel")}</button></li>`;
}

function useSeconds(runs) {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    if (!runs) return;
    const timer = setInterval(() => set(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [runs]);
  return now;
}

const Failed = ({ job }) => html`<li class="failed">
  <span class="work-thumb"><${Icon} name="warn" /></span>
  <p><b>${jobTitle(job)}</b><small>${job.error?.title ?? t("It did not work")}. <em><${JobMoney} job=${job} /></em></small></p>
  <a class="button small" href="#/gallery/${job.id}">${t("Why")}</a>
  ${job.op === "generation" && html`<a class="button small" href="#/create">${t("Rework")}</a>`}
  <button class="quiet square small" aria-label=${t("Remove {title}", { title: jobTitle(job) })} onClick=${() => gallery.remove([job.id])}><${Icon} name="close" size=${16} /></button></li>`;

function Work() {
  const [all, setAll] = useState(false);
  const list = gallery.work.value;
  if (!list.length) return null;
  const shown = all ? list : list.slice(0, 3);
  return html`<section aria-label=${t("At work and failed")}><ul class="work">
    ${shown.map((job) => html`<${job.status === "failed" ? Failed : Working} key=${job.id} job=${job} />`)}</ul>
    ${list.length > 3 && html`<button class="link more-work" aria-expanded=${all} onClick=${() => setAll(!all)}>${all ? t("Show fewer") : t("Show {n} more", { n: list.length - 3 })}</button>`}</section>`;
}

const Tile = ({ tile, style, at, of }) => {
  const picked = gallery.chosen.value;
  const on = picked?.has(tile.job.id);
  const title = jobTitle(tile.job);
  return html`<li style=${style} aria-setsize=${of} aria-posinset=${at + 1}>
    <button class="tile ${on ? "on" : ""}" aria-pressed=${picked ? on : null} aria-label=${title} onClick=${() => (picked ? gallery.choose(tile.job.id) : go(`gallery/${tile.id}`))}>
      <img class=${tile.image.media_type === "image/png" || tile.image.media_type === "image/webp" ? "checker" : ""} src=${tile.image.thumb.url} alt="" loading="lazy" decoding="async" />
      <span class="tile-words"><b>${title}</b><small>${usd(tile.job.cost.actual_usd ?? 0)} · ${when(tile.job.created_at)}</small></span>
      ${tile.job.favorite && html`<i class="tile-star"><${Icon} name="star" size=${16} fill="currentColor" /></i>`}
      ${picked && html`<i class="tile-check">${on && html`<${Icon} name="check" size=${16} />`}</i>`}</button></li>`;
};

const Family = ({ title, jobs }) =>
  jobs.length > 0 &&
  html`<div><p class="label">${title}</p><ul class="family">${jobs.map(
    ([href, thumb, words]) => html`<li><a href=${href} title=${words}>${thumb ? html`<img src=${thumb} alt=${words} />` : html`<${Icon} name="image" />`}</a></li>`,
  )}</ul></div>`;

const parents = (job) =>
  job.lineage.map((from) => {
    if (from.kind === "job" && !from.ref.includes("-")) {
      const index = from.index ?? 0;
      return [`#/gallery/${from.ref}/${index}`, `/v1/jobs/${from.ref}/images/${index}?size=thumb`, t("The picture it began with")];
    }
    if (from.kind === "conversation")
      return [`#/chat/${from.ref}`, `/v1/conversations/${from.ref}/versions/${from.version}?size=thumb`, t("Version {v} of a conversation", { v: from.version })];
    return null;
  }).filter(Boolean);

const children = (derived, id) =>
  (derived ?? []).filter((job) => job.id !== id && job.output.images.length).map((job) => [`#/gallery/${job.id}/0`, job.output.images[0].thumb.url, jobTitle(job)]);

function Facts({ job, image }) {
  const loose = job.lineage.filter((from) => from.kind === "upload" || from.kind === "file" || from.kind === "url");
  const rows = [
    [t("Made"), when(job.created_at, true)],
    [t("How"), operationName(job)],
    [t("With"), job.model_used ? modelName(job.model_used) : job.output.model],
    [t("Asked for"), job.model_requested && job.model_requested !== job.model_used ? job.model_requested : null],
    [t("Size"), image && `${image.width} × ${image.height}, ${Math.round(image.bytes / 1024)} kB`],
    [t("Took"), job.started_at && job.completed_at && `${((Date.parse(job.completed_at) - Date.parse(job.started_at)) / 1000).toFixed(1)} s`],
    [t("Cost"), html`<${JobMoney} job=${job} />`],
    [t("From"), loose.map((from) => ({ upload: t("an upload"), file: t("a file of yours"), url: from.ref })[from.kind]).join(", ")],
    [t("Kept until"), job.expires_at && new Date(job.expires_at).toLocaleDateString(document.documentElement.lang, { day: "numeric", month: "long" })],
  ];
  return html`<dl>${rows.filter(([, value]) => value).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function Title({ job }) {
  const [editing, edit] = useState(false);
  const save = (event) => {
    event.preventDefault();
    edit(false);
    gallery.label(job.id, { title: new FormData(event.target.closest("form")).get("title") }).catch((error) => say(error.message));
  };
  return editing
    ? html`<form class="rename" onSubmit=${save}><input name="title" maxlength="200" aria-label=${t("Title")} defaultValue=${jobTitle(job)} ref=${(el) => el?.focus()} /><button class="small">${t("Save")}</button></form>`
    : html`<h2>${jobTitle(job)} <button class="link" onClick=${() => edit(true)}>${t("Rename")}</button></h2>`;
}

function Detail() {
  const { job, derived, problem, id } = gallery.detail.value;
  const index = Number(path.value[2] ?? 0);
  const [asking, ask] = useState(false);
  const dialog = useRef();
  const close = () => go("gallery");
  useEffect(() => dialog.current.open || dialog.current.showModal(), []);
  const image = job?.output.images[index];
  const list = gallery.tiles.value;
  const at = list.findIndex((tile) => tile.id === `${id}/${index}`);
  const step = (by) => list[at + by] && at >= 0 && go(`gallery/${list[at + by].id}`);
  const keys = (event) => {
    if (event.target.closest("input")) return;
    if (event.key === "ArrowRight") step(1);
    if (event.key === "ArrowLeft") step(-1);
  };
  return html`<dialog class="light" ref=${dialog} onClose=${close} onKeyDown=${keys} onClick=${(event) => event.target === event.currentTarget && dialog.current.close()} aria-label=${job ? jobTitle(job) : t("Picture")}>
    <div class="light-picture">${
      image
        ? html`<img key=${id + index} class="checker" src=${image.url} alt=${jobTitle(job)} width=${image.width} height=${image.height} />`
        : html`<div class="light-none">${job ? html`<${Icon} name=${job.status === "failed" ? "warn" : "clock"} size=${28} />` : html`<span class="work-thumb developing"></span>`}</div>`
    }
      ${at > 0 && html`<button class="glass square prev" aria-label=${t("Previous")} onClick=${() => step(-1)}><${Icon} name="chevron" /></button>`}
      ${at >= 0 && at < list.length - 1 && html`<button class="glass square next" aria-label=${t("Next")} onClick=${() => step(1)}><${Icon} name="chevron" /></button>`}</div>
    <aside>
      <header>${job ? html`<${Title} key=${id} job=${job} />` : html`<h2>${problem ? t("Not found") : t("Loading")}</h2>`}
        <button class="quiet square" aria-label=${t("Close")} onClick=${() => dialog.current.close()}><${Icon} name="close" /></button></header>
      ${problem && html`<p class="bad" role="alert">${problem.message} ${problem.fix}</p>`}
      ${job && html`
        ${job.input.prompt && job.title && html`<p class="prompt">${job.input.prompt}</p>`}
        ${job.error && html`<div class="told" role="status"><b>${job.error.title}</b><p>${job.error.detail} ${job.error.fix}</p></div>`}
        <${Facts} job=${job} image=${image} />
        ${job.parts && html`<div><p class="label">${t("Paid calls")}</p><ul class="parts">${job.parts.map((part) => html`<li><span>${operationName(part)} · ${part.model_used ?? "–"}</span><b class="num"><${JobMoney} job=${part} short /></b></li>`)}</ul></div>`}
        <${Family} title=${t("Began with")} jobs=${parents(job)} />
        <${Family} title=${t("What came of it")} jobs=${children(derived, id)} />
        ${job.warnings.length > 0 && html`<details><summary>${t("Notes")}</summary>${job.warnings.map((text) => html`<p>${text}</p>`)}</details>`}
        <div class="stack">
          ${image && html`<a class="button" href="#/chat?from=${id}/${index}"><${Icon} name="chat" />${t("Go on editing")}</a>
          <a class="button" href="#/cutout?from=${id}/${index}"><${Icon} name="cut" />${t("Cut out")}</a>`}
          ${image && job.input.prompt && html`<a class="button" href="#/create?from=${id}/${index}"><${Icon} name="create" />${t("Make more like it")}</a>`}
          <button aria-pressed=${job.favorite} class="star-it" onClick=${() => gallery.label(id, { favorite: !job.favorite }).catch((error) => say(error.message))}><${Icon} name="star" fill=${job.favorite ? "currentColor" : "none"} />${t(job.favorite ? "A favorite" : "Favorite")}</button>
          <button onClick=${() => ask(true)}><${Icon} name="close" />${t("Delete")}</button>
          ${image && html`<a class="button primary" href=${image.url} download="${jobTitle(job).slice(0, 60)}"><${Icon} name="download" />${t("Download")}</a>`}</div>`}</aside>
    ${asking && html`<${Confirm} title=${t("Delete it?")} deed=${t("Delete")} onClose=${() => ask(false)} onConfirm=${() => removed([id]).then(close)}>${t("The pictures are removed for good. Their receipts stay.")}</${Confirm}>`}
  </dialog>`;
}

async function removed(ids) {
  try {
    const kept = await gallery.remove(ids);
    say(kept.length ? `${t("{n} could not be deleted.", { n: kept.length })} ${kept[0].error?.detail ?? ""}` : t("Deleted. Receipts stay."));
  } catch (error) {
    say(`${error.message} ${error.fix ?? ""}`);
  }
}

function Picked() {
  const [asking, ask] = useState(false);
  const ids = [...gallery.chosen.value];
  const star = async () => {
    await Promise.all(ids.map((id) => gallery.label(id, { favorite: true })));
    gallery.choosing(false);
  };
  return html`<div class="tray" role="toolbar" aria-label=${t("Chosen pictures")}><p role="status">${t("{n} chosen", { n: ids.length })}</p>
    <button disabled=${!ids.length} onClick=${star}><${Icon} name="star" size=${18} />${t("Favorite")}</button>
    <button class="primary" disabled=${!ids.length} onClick=${() => ask(true)}>${t("Delete {n}", { n: ids.length })}</button>
    <button class="quiet square" aria-label=${t("Done choosing")} onClick=${() => gallery.choosing(false)}><${Icon} name="close" /></button>
    ${asking && html`<${Confirm} title=${t("Delete {n}?", { n: ids.length })} deed=${t("Delete {n}", { n: ids.length })} onClose=${() => ask(false)} onConfirm=${() => removed(ids)}>${t("The pictures are removed for good. Their receipts stay.")}</${Confirm}>`}</div>`;
}

const Empty = () => {
  const { show, q } = gallery.filter.value;
  return q || show !== "all"
    ? html`<div class="empty"><h2>${t("Nothing here")}</h2><p>${t("No picture fits.")} <button class="link" onClick=${() => gallery.find({ show: "all", q: "" })}>${t("Show everything")}</button></p></div>`
    : html`<div class="empty"><div class="empty-print"><${Icon} name="image" size=${28} /></div><h2>${t("Everything you make is kept here")}</h2><p>${t("With what it cost, where it came from and what came of it.")}</p>
      <div class="chips center"><a class="button primary" href="#/create"><${Icon} name="create" />${t("Make a picture")}</a><a class="button" href="#/cutout"><${Icon} name="cut" />${t("Cut one out, free")}</a></div></div>`;
};

let typing;
export function View() {
  const { show, q } = gallery.filter.value;
  const wanted = query.value.get("show");
  useEffect(() => {
    gallery.find(wanted && KINDS.some(([key]) => key === wanted) ? { show: wanted } : {});
    return gallery.leave;
  }, [wanted]);
  const id = path.value[1];
  useEffect(() => void gallery.open(id), [id]);
  const search = (words) => {
    clearTimeout(typing);
    typing = setTimeout(() => gallery.find({ q: words }), 250);
  };
  const { jobs, problem, tiles, chosen, detail } = gallery;
  return html`
    <div class="filters"><div class="chips" role="group" aria-label=${t("Show")}>${KINDS.map(([key, text]) => html`<button class="chip" aria-pressed=${show === key} onClick=${() => gallery.find({ show: key })}>${t(text)}</button>`)}</div>
      <label class="search"><${Icon} name="search" size=${16} /><input data-search type="search" aria-label=${t("Search")} placeholder=${t("Search words of prompts and titles")} defaultValue=${q} onInput=${(event) => search(event.target.value)} /></label>
      <button class="quiet" aria-pressed=${!!chosen.value} disabled=${!tiles.value.length} onClick=${() => gallery.choosing(!chosen.value)}>${t("Choose")}</button></div>
    ${["all", "made"].includes(show) && !q && html`<${Work} />`}
    ${problem.value && html`<div class="empty" role="alert"><h2>${problem.value.body?.title}</h2><p>${problem.value.message} ${problem.value.fix}</p><button onClick=${() => gallery.find({})}>${t("Try again")}</button></div>`}
    ${!jobs.value && !problem.value && html`<div class="wall-wait" role="status" aria-label=${t("Loading")}>${[1.5, 1, 0.8, 1.4, 1, 1.6].map((r) => html`<i style=${{ flexGrow: r }}></i>`)}</div>`}
    ${jobs.value && (tiles.value.length ? html`<${Wall} tiles=${tiles.value} Tile=${Tile} onEnd=${gallery.findMore} label=${t("Pictures")} />` : html`<${Empty} />`)}
    ${chosen.value && html`<${Picked} />`}
    ${detail.value && html`<${Detail} key="detail" />`}`;
}
