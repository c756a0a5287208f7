// The queue of the Cut out view: two pictures at a time, each by itself, kept while views change.
import { signal, computed } from "../html.js";
import { removeBackground } from "../api/background_removals.js";
import { showJob } from "../api/jobs.js";
import { beSomebody } from "./session.js";
import { sent, isPicture } from "./uploads.js";

const AT_ONCE = 2;
const FINAL = new Set(["succeeded", "failed", "canceled"]);
let last = 0;

/** {id, name, file, before, status, progress, cut, url, width, height, seconds, quality, problem} */
export const items = signal([]);
export const chosen = signal(null);
export const current = computed(() => items.value.find((each) => each.id === chosen.value) ?? items.value[0] ?? null);
export const done = computed(() => items.value.filter((each) => each.status === "done"));
const change = (id, found) => (items.value = items.value.map((each) => (each.id === id ? { ...each, ...found } : each)));

/** Adds pictures; returns how many files were none. */
export function add(files) {
  const pictures = [...files].filter(isPicture);
  const added = pictures.map((file) => ({ id: ++last, name: file.name || "picture.png", file, before: URL.createObjectURL(file), status: "waiting", progress: 0 }));
  items.value = [...items.value, ...added];
  chosen.value ??= added[0]?.id ?? null;
  next();
  return files.length - pictures.length;
}
/** A picture that was made here: "job_…/0". */
export async function addMade(from) {
  const [id, index] = from.split("/");
  const image = (await showJob(id)).output.images[Number(index)];
  const made = await (await fetch(image.url)).blob();
  add([new File([made], `${id.slice(-6)}-${index}.${made.type.split("/")[1] ?? "png"}`, { type: made.type })]);
  chosen.value = items.value.at(-1).id;
}
export const choose = (id) => (chosen.value = id);
export function drop(id) {
  const found = items.value.find((each) => each.id === id);
  found?.stop?.abort();
  for (const url of [found?.before, found?.url]) if (url) URL.revokeObjectURL(url);
  items.value = items.value.filter((each) => each.id !== id);
  if (chosen.value === id) chosen.value = items.value[0]?.id ?? null;
}
export function again(id, model) {
  change(id, { status: "waiting", problem: null, model });
  next();
}
/** A cut-out that was painted on. */
export function replace(id, cut) {
  const found = items.value.find((each) => each.id === id);
  URL.revokeObjectURL(found.url);
  change(id, { cut, url: URL.createObjectURL(cut), quality: null });
}

function next() {
  const busy = items.value.filter((each) => ["uploading", "working"].includes(each.status)).length;
  for (const each of items.value.filter((item) => item.status === "waiting").slice(0, AT_ONCE - busy)) carry(each);
}

async function carry(item) {
  const stop = new AbortController(), key = crypto.randomUUID();
  change(item.id, { status: "uploading", progress: 0, stop });
  const began = performance.now();
  try {
    await beSomebody();
    const body = await sent(item.file, item.model ? { model: item.model } : {}, (progress) => change(item.id, { progress }), stop.signal);
    change(item.id, { status: "working" });
    let found = await removeBackground(body, { key, signal: stop.signal });
    const quality = found.quality ?? null;
    let job = found.job ?? found;
    for (let pause = 1; !FINAL.has(job.status); pause = Math.min(5, pause + 1)) {
      await new Promise((go) => setTimeout(go, pause * 1000));
      job = await showJob(job.id, stop.signal);
    }
    if (job.status !== "succeeded") throw { ...job.error, message: job.error?.detail, charged: job.cost.charged };
    const image = found.url ? found : job.output.images[0];
    const cut = await (await fetch(image.url, { signal: stop.signal })).blob();
    change(item.id, { status: "done", cut, url: URL.createObjectURL(cut), width: image.width, height: image.height, seconds: (performance.now() - began) / 1000, quality: quality ?? job.output.quality ?? null });
  } catch (problem) {
    if (problem.name !== "AbortError") change(item.id, { status: "failed", problem: { detail: problem.message, fix: problem.fix, code: problem.code, charged: problem.charged ?? false } });
  }
  next();
}
