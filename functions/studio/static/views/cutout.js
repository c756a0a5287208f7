import { html, signal, useEffect, useRef, useState } from "../html.js";
import { t, tn } from "../state/language.js";
import { say } from "../state/notices.js";
import { go, query } from "../state/router.js";
import { isSignedIn, mayCut, session } from "../state/session.js";
import { items, current, done, add, addMade, choose, drop, again, replace } from "../state/cutouts.js";
import { Icon } from "../components/icon.js";
import { Compare } from "../components/compare.js";
import { Brush } from "../components/brush.js";
import { Switch, Segmented } from "../components/field.js";
import { GROUNDS, PRESETS, finished, fileOf, isPlain } from "../components/finish.js";
import { save } from "../components/save.js";

const PREVIEW = 1600;
const FORMATS = [["png", "PNG"], ["webp", "WebP"], ["jpeg", "JPEG"]];
const tool = signal("compare");
const finish = signal({ ground: "checker", backdrop: null, preset: PRESETS[0], shadow: false, crop: false });
const format = signal("png");
const set = (change) => (finish.value = { ...finish.value, ...change });
const isShaped = () => finish.value.preset.width || finish.value.shadow || finish.value.crop || finish.value.ground === "picture";
const stem = (name) => name.replace(/\.\w+$/, "");

function take(files) {
  if (!files.length) return;
  const others = add(files);
  if (others) say(tn("cutout.not_pictures", others));
}

function Picker({ children, class: look, label }) {
  const input = useRef();
  return html`<button type="button" class=${look} aria-label=${label} onClick=${() => input.current.click()}>${children}</button>
    <input ref=${input} type="file" hidden multiple accept="image/*,.heic,.heif" onChange=${(e) => {
      take(e.target.files);
      e.target.value = "";
    }} />`;
}

const STATES = {
  waiting: () => html`<span>${t("cutout.waiting")}</span>`,
  uploading: (f) => html`<span>${t("cutout.uploading", { percent: Math.round(f.progress * 100) })}</span>`,
  working: () => html`<span class="live"><i class="pulse"></i>${t("cutout.working")}</span>`,
  failed: () => html`<span class="look"><${Icon} name="warn" size=${14} />${t("cutout.failed")}</span>`,
  done: (f) =>
    f.quality && f.quality.verdict !== "clean"
      ? html`<span class="look"><${Icon} name="warn" size=${14} />${t("cutout.look")}</span>`
      : html`<span class="ok"><${Icon} name="check" size=${14} />${t(f.quality ? "cutout.clean" : "cutout.done")}</span>`,
};

function Row({ file }) {
  const isHere = file === current.value;
  return html`<li>
    <button class="file ${isHere ? "on" : ""}" aria-current=${isHere ? "true" : null} onClick=${() => choose(file.id)}>
      <span class="file-thumb checker"><img src=${file.url ?? file.before} alt="" class=${file.url ? "" : "wait"} onError=${(e) => (e.target.hidden = true)} /></span>
      <span class="file-words"><b>${file.name}</b><small>${STATES[file.status](file)}${file.seconds && html`<span>${file.seconds.toFixed(1)} s</span>`}</small>
        ${file.status === "uploading" && html`<span class="bar"><i style=${{ width: `${file.progress * 100}%` }}></i></span>`}</span></button>
    <button class="quiet square small file-drop" aria-label=${t("cutout.drop", { name: file.name })} onClick=${() => drop(file.id)}><${Icon} name="close" size=${14} /></button></li>`;
}

// Background, frame and shadow as they will be in the file.
function Shaped({ file }) {
  const canvas = useRef(), [size, setSize] = useState([1, 1]);
  useEffect(() => {
    let isOver = false;
    createImageBitmap(file.cut).then((bitmap) => {
      if (isOver) return;
      const made = finished(bitmap, finish.value, PREVIEW);
      Object.assign(canvas.current, { width: made.width, height: made.height });
      canvas.current.getContext("2d").drawImage(made, 0, 0);
      setSize([made.width, made.height]);
    });
    return () => (isOver = true);
  }, [file.cut, finish.value]);
  return html`<canvas ref=${canvas} class="hero ${finish.value.ground === "checker" ? "checker" : ""}" role="img" aria-label=${t("cutout.result", { name: file.name })} style=${{ "--ratio": size[0] / size[1] }}></canvas>`;
}

function Problem({ file }) {
  const { detail, fix, charged } = file.problem;
  return html`<div class="empty" role="alert"><${Icon} name="warn" size=${28} /><h2>${detail || t("problem.offline")}</h2><p>${fix} <b>${t(`charged.${charged}`)}</b></p><button onClick=${() => again(file.id)}>${t("cutout.again")}</button></div>`;
}

function Stage({ file }) {
  if (file.status === "failed") return html`<div class="mat"><${Problem} file=${file} /></div>`;
  if (file.status !== "done")
    return html`<div class="mat"><div class="print-wait"><img src=${file.before} alt=${file.name} onError=${(e) => (e.target.hidden = true)} /><p role="status">${STATES[file.status](file)}</p></div></div>`;
  const ground = finish.value.ground;
  return html`<div class="mat">${
    tool.value !== "compare"
      ? html`<${Brush} key=${file.id + tool.value} original=${file.before} cut=${file.url} width=${file.width} height=${file.height} mode=${tool.value} ground=${ground} onStroke=${(canvas) => canvas.toBlob((cut) => replace(file.id, cut))} />`
      : isShaped()
        ? html`<${Shaped} file=${file} />`
        : html`<${Compare} key=${file.id} before=${file.before} after=${file.url} width=${file.width} height=${file.height} ground=${ground} subject=${file.name} />`
  }</div>`;
}

const Tools = ({ file }) => html`
  <div class="toolbar" role="toolbar" aria-label=${t("cutout.tools")}>
    ${[["compare", "compare"], ["erase", "erase"], ["restore", "brush"]].map(
      ([key, icon]) => html`<button class="quiet" aria-pressed=${tool.value === key} disabled=${file.status !== "done"} onClick=${() => {
        tool.value = key;
        if (key !== "compare") set({ preset: PRESETS[0], shadow: false, crop: false });
      }}><${Icon} name=${icon} /><span>${t(`cutout.${key}`)}</span></button>`,
    )}
    <i class="grow"></i>${file.width && html`<span class="where">${file.width} × ${file.height}</span>`}
  </div>
  ${
    file.quality && file.quality.verdict !== "clean" && tool.value === "compare" &&
    html`<div class="hint"><${Icon} name="warn" size=${18} /><p>${file.quality.reasons.map((each) => t(`look.${each}`)).join(" ") || t("cutout.look")}</p>
      <button class="small" onClick=${() => (tool.value = "restore")}>${t("cutout.restore")}</button></div>`
  }`;

function Grounds() {
  const color = useRef(), picture = useRef();
  const { ground } = finish.value;
  const own = ground.startsWith("#") && !GROUNDS.some(([value]) => value === ground);
  const swatch = (value, label, look, css) => html`
    <label class=${value === ground ? "on" : ""} title=${label}><input type="radio" name="ground" aria-label=${label} checked=${value === ground} onChange=${() => set({ ground: value })} /><i class=${look} style=${css ? { background: css } : {}}></i></label>`;
  return html`<fieldset class="field"><legend class="label">${t("cutout.background")}</legend><div class="swatches">
    ${GROUNDS.map(([value, name]) => swatch(value, t(`ground.${name}`), value === "checker" ? "checker" : "", value === "checker" ? null : value))}
    ${own && swatch(ground, t("ground.own"), "", ground)}
    ${finish.value.backdrop && swatch("picture", t("ground.picture"), "", `center / cover url(${finish.value.backdropUrl})`)}
    <button type="button" class="swatch-add" aria-label=${t("ground.color")} title=${t("ground.color")} onClick=${() => color.current.click()}><${Icon} name="plus" size=${18} /></button>
    <button type="button" class="swatch-add" aria-label=${t("ground.choose")} title=${t("ground.choose")} onClick=${() => picture.current.click()}><${Icon} name="image" size=${18} /></button></div>
    <input ref=${color} type="color" class="sr" tabindex="-1" aria-label=${t("ground.color")} onInput=${(e) => set({ ground: e.target.value })} />
    <input ref=${picture} type="file" hidden accept="image/*" onChange=${async (e) => {
      const [file] = e.target.files;
      if (file) set({ ground: "picture", backdrop: await createImageBitmap(file), backdropUrl: URL.createObjectURL(file) });
    }} /></fieldset>`;
}

const Presets = () => html`
  <fieldset class="field"><legend class="label">${t("cutout.ready_for")}</legend><div class="presets">${PRESETS.map(
    (p) => html`
    <label class=${p === finish.value.preset ? "on" : ""}><input type="radio" name="preset" checked=${p === finish.value.preset} onChange=${() => {
      tool.value = "compare";
      set({ preset: p, ...(p.ground ? { ground: p.ground } : {}) });
    }} /><b>${p.title ?? t("preset.none")}</b><small>${p.width ? t(`preset.${p.name}`) : t("preset.none.more")}</small></label>`,
  )}</div></fieldset>`;

async function made(file) {
  if (isPlain(finish.value, format.value)) return file.cut;
  return fileOf(await createImageBitmap(file.cut), finish.value, format.value);
}
async function download(file) {
  const blob = await made(file);
  save(blob, `${stem(file.name)}.${blob.type.split("/")[1]}`);
}
async function downloadAll() {
  const { downloadZip } = await import("../vendor/client-zip.js");
  const names = new Map();
  async function* files() {
    for (const file of done.value) {
      const blob = await made(file), times = names.get(stem(file.name)) ?? 0;
      names.set(stem(file.name), times + 1);
      yield { name: `${stem(file.name)}${times ? ` ${times + 1}` : ""}.${blob.type.split("/")[1]}`, input: blob };
    }
  }
  save(await downloadZip(files()).blob(), "darkroom.zip");
  say(tn("cutout.zipped", done.value.length));
}

const Finish = ({ file }) => html`
  <section class="panel finish" aria-label=${t("cutout.finish")}>
    <div class="finish-scroll"><${Grounds} /><${Presets} />
      <${Switch} label=${t("cutout.shadow")} hint=${t("cutout.shadow.more")} checked=${finish.value.shadow} onChange=${(shadow) => ((tool.value = "compare"), set({ shadow }))} />
      <${Switch} label=${t("cutout.crop")} hint=${t("cutout.crop.more")} checked=${finish.value.crop} onChange=${(crop) => ((tool.value = "compare"), set({ crop }))} />
      <${Segmented} label=${t("cutout.file")} options=${FORMATS} value=${format.value} onChange=${(value) => (format.value = value)} />
    </div>
    <div class="pay two-buttons"><button class="primary wide" disabled=${file.status !== "done"} onClick=${() => download(file)}><${Icon} name="download" />${t("cutout.download")}</button>
      ${done.value.length > 1 && html`<button onClick=${downloadAll}>${t("cutout.all", { n: done.value.length })}</button>`}</div>
  </section>`;

const Empty = () => html`
  <div class="drop-big"><div class="drop-inner"><${Icon} name="upload" size=${30} /><h2>${t("cutout.empty")}</h2><p>${t("cutout.empty.more")}</p>
    ${
      mayCut.value
        ? html`<${Picker} class="primary">${t("cutout.choose")}</${Picker}><small>${t(isSignedIn.value ? "cutout.free" : "cutout.guest")}</small>`
        : html`<a class="button primary" href="#/welcome">${t("cutout.sign_in")}</a><small>${t("cutout.sign_in.more")}</small>`
    }</div></div>`;

function useDrops() {
  useEffect(() => {
    const dropped = (event) => mayCut.value && take(event.dataTransfer?.files ?? []);
    const pasted = (event) => mayCut.value && take(event.clipboardData?.files ?? []);
    addEventListener("drop", dropped);
    addEventListener("paste", pasted);
    return () => (removeEventListener("drop", dropped), removeEventListener("paste", pasted));
  }, []);
}

export function View() {
  const from = query.value.get("from");
  useEffect(() => {
    if (!from) return;
    go("cutout");
    addMade(from).catch((problem) => say(problem.message || t("problem.offline")));
  }, [from]);
  useDrops();
  const file = current.value;
  if (!session.value || !file) return html`<${Empty} />`;
  return html`
    <section class="panel queue" aria-label=${t("cutout.pictures")}>
      <${Picker} class="drop"><${Icon} name="plus" /><span><b>${t("cutout.add")}</b><small>${t("cutout.add.more")}</small></span></${Picker}>
      <ul>${items.value.map((each) => html`<${Row} key=${each.id} file=${each} />`)}</ul>
      <p class="queue-foot" role="status">${t("cutout.count", { done: done.value.length, all: items.value.length })} · <b>$0.00</b></p>
    </section>
    <section class="stage" aria-label=${t("cutout.stage")}><${Tools} file=${file} /><${Stage} file=${file} /></section>
    <${Finish} file=${file} />`;
}
