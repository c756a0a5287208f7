// The conversation that is open, and the list of them. Signals are written by the functions of this file alone.
import { signal, computed } from "../html.js";
import * as api from "../api/conversations.js";
import { showJob } from "../api/jobs.js";
import { upload } from "./uploads.js";

export const list = signal(null);
export const talk = signal(null);
export const problem = signal(null);
export const shown = signal(null);
export const pending = signal(null);
export const estimate = signal(null);
/** Makes the mask of what is marked, where alone the next message may have something painted; null where nothing is. */
export const marked = signal(null);

export const version = (id) => talk.value?.versions.find((each) => each.id === id);
export const at = computed(() => version(shown.value) ?? version(talk.value?.current));

const kept = (id) => `darkroom.said.${id}`;
const read = (id) => JSON.parse(localStorage.getItem(kept(id)) ?? "null");
export const draftOf = (id) => sessionStorage.getItem(`darkroom.draft.${id}`) ?? "";
export const keepDraft = (id, text) => sessionStorage.setItem(`darkroom.draft.${id}`, text);

export async function findAll() {
  problem.value = null;
  try {
    list.value = (await api.listConversations({ limit: 40 })).data;
  } catch (error) {
    problem.value = error;
  }
}

export async function open(id) {
  if (talk.value?.id !== id) shown.value = pending.value = estimate.value = null;
  problem.value = null;
  try {
    await load(id);
    const said = read(id);
    // A message whose answer never came here: the same key gets the same turn, and is paid once.
    if (said && !pending.value) await deliver(id, said);
  } catch (error) {
    problem.value = error;
  }
}

async function load(id) {
  talk.value = await api.showConversation(id);
}

export async function start(body) {
  const made = await api.beginConversation(body);
  talk.value = made;
  shown.value = pending.value = null;
  return made.id;
}

/** What is said of an older version goes on from there: the API begins a branch. */
export async function say(content) {
  const { id, current } = talk.value;
  const from = at.value?.id, mask = marked.value && (await upload(await marked.value()));
  const said = { key: crypto.randomUUID(), body: { content, ...(from && from !== current && { base: from }), ...(mask && { mask }) } };
  localStorage.setItem(kept(id), JSON.stringify(said));
  await deliver(id, said);
}

/** A turn, once it is over. */
async function ended(answer) {
  for (let wait = 1; answer.object === "job" && ["queued", "running"].includes(answer.status); wait = Math.min(5, wait + 1)) {
    await new Promise((done) => setTimeout(done, wait * 1000));
    answer = await showJob(answer.id);
  }
  return answer;
}

/** A version by hand: steps of a recipe done on another version, for nothing. No steps at all is that version itself. */
export async function make(base, steps) {
  const { id } = talk.value;
  if (!steps.length) return branch(base);
  const answer = await ended(await api.makeVersion(id, { base, steps }, crypto.randomUUID()));
  if (answer.error) throw { ...answer.error, charged: false };
  await load(id);
  shown.value = null;
}
/** A painted mask becomes a version: what it marks is erased, kept alone, or brought back. */
export const cut = async (mask, mode) => make(at.value.id, [{ operation: { op: "set_alpha", mode, mask: await upload(mask) } }]);

async function deliver(id, said) {
  pending.value = { content: said.body.content, began: Date.now() };
  try {
    const answer = await ended(await api.say(id, said.body, said.key));
    localStorage.removeItem(kept(id));
    if (talk.value?.id !== id) return;
    await load(id);
    shown.value = null;
    pending.value = answer.object === "job" && answer.error ? { content: said.body.content, error: answer.error } : null;
  } catch (error) {
    // Only what was surely not begun may be said once more under another key.
    if (error.status && error.charged !== "unknown") localStorage.removeItem(kept(id));
    pending.value = { content: said.body.content, error };
  }
}

export const dismiss = () => (pending.value = null);

let asked, timer;
export function guess(content, model) {
  clearTimeout(timer);
  asked?.abort();
  timer = setTimeout(async () => {
    asked = new AbortController();
    const id = talk.value?.id;
    const body = { ...(content ? { content } : {}), ...(model ? { model } : {}) };
    estimate.value = await api.estimateMessage(id, body, asked.signal).catch(() => estimate.value);
  }, 250);
}

const put = (found) => ((talk.value = found), (shown.value = null));
export const look = (id) => (shown.value = id);
export const undo = async () => put(await api.undo(talk.value.id));
export const redo = async () => put(await api.redo(talk.value.id));
export const branch = async (id) => put(await api.branch(talk.value.id, id));
export const recipe = () => api.recipeOf(talk.value.id, at.value.id);
export const remove = async (id) => (await api.removeConversation(id), findAll());

/** Where each version stands on the film: a branch runs on a strip below the one it left. */
export function lanes(versions) {
  const place = new Map();
  let lowest = 0;
  for (const each of versions) {
    const from = place.get(each.parent);
    const taken = from && versions.some((other) => other !== each && other.parent === each.parent && place.has(other.id));
    const lane = !from ? (place.size ? ++lowest : 0) : taken ? ++lowest : from.lane;
    place.set(each.id, { lane, col: from ? from.col + 1 : 0 });
  }
  return versions.map((each) => ({ ...each, ...place.get(each.id) }));
}
