// What was made, page by page, and what is at work. Signals are written by the functions of this file alone.
import { signal, computed } from "../html.js";
import { cancelJob, labelJob, listJobs, removeJobs, showJob } from "../api/jobs.js";

const KINDS = {
  all: {},
  made: { op: "generation" },
  edited: { op: "edit,turn,recipe" },
  cut: { op: "background-removal" },
  star: { favorite: true },
};
const ACTIVE = ["queued", "running", "uncertain"];

export const filter = signal({ show: "all", q: "" });
export const jobs = signal(null);
export const work = signal([]);
export const problem = signal(null);
export const more = signal(null);
export const chosen = signal(null);
export const detail = signal(null);
export const active = computed(() => work.value.filter((job) => ACTIVE.includes(job.status)));
/** A tile a picture: its job, which one, and its shape. */
export const tiles = computed(() =>
  (jobs.value ?? []).flatMap((job) =>
    job.output.images.map((image, index) => ({ job, index, image, id: `${job.id}/${index}` })),
  ),
);

let asked, timer, tick, busy;

export async function find(next) {
  filter.value = { ...filter.value, ...next };
  asked?.abort();
  asked = new AbortController();
  const { signal: stop } = asked;
  jobs.value = problem.value = more.value = null;
  await page(stop);
  refreshWork();
}

export const findMore = () => more.value && !busy && page(asked.signal);

async function page(stop) {
  busy = true;
  try {
    const found = await listJobs(
      { limit: 48, has: "images", ...KINDS[filter.value.show], q: filter.value.q || null, cursor: more.value },
      stop,
    );
    jobs.value = [...(jobs.value ?? []), ...found.data];
    more.value = found.next_cursor;
  } catch (error) {
    if (!stop.aborted) problem.value = error;
  } finally {
    busy = false;
  }
  // A filtered page may be empty while older ones are not.
  if (!stop.aborted && !problem.value && more.value && jobs.value.length === 0) await page(stop);
}

export async function refreshWork() {
  clearTimeout(timer);
  const before = active.value.length;
  try {
    work.value = (await listJobs({ status: [...ACTIVE, "failed"].join(), limit: 12 })).data;
  } catch {
    return;
  }
  if (active.value.length < before) refreshFirst();
  tick = active.value.length === before ? Math.min(5, (tick ?? 0) + 1) : 1;
  if (active.value.length) timer = setTimeout(() => (document.hidden ? wait() : refreshWork()), tick * 1000);
}

const wait = () => document.addEventListener("visibilitychange", refreshWork, { once: true });
export const leave = () => (clearTimeout(timer), asked?.abort());

async function refreshFirst() {
  const { q, show } = filter.value;
  const found = await listJobs({ limit: 12, has: "images", ...KINDS[show], q: q || null }).catch(() => null);
  if (!found || !jobs.value) return;
  const known = new Set(found.data.map((job) => job.id));
  jobs.value = [...found.data, ...jobs.value.filter((job) => !known.has(job.id))];
}

export async function open(id) {
  if (!id) return (detail.value = null);
  const at = jobs.value?.find((job) => job.id === id);
  detail.value = { id, job: at ?? null, derived: null, problem: null };
  const put = (change) => detail.value?.id === id && (detail.value = { ...detail.value, ...change });
  try {
    put({ job: await showJob(id) });
    put({ derived: (await listJobs({ made_from: id, limit: 20 })).data });
  } catch (error) {
    put({ problem: error });
  }
}

const replace = (job) => {
  jobs.value = jobs.value?.map((each) => (each.id === job.id ? { ...each, ...job } : each)) ?? null;
  if (detail.value?.id === job.id) detail.value = { ...detail.value, job };
};
export const label = async (id, labels) => replace(await labelJob(id, labels));
export const cancel = async (id) => (await cancelJob(id), refreshWork());

/** Removes them; tells why those are still there that are. */
export async function remove(ids) {
  const said = [];
  for (let at = 0; at < ids.length; at += 100) said.push(...(await removeJobs(ids.slice(at, at + 100))).data);
  const gone = new Set(said.filter((each) => each.deleted).map((each) => each.id));
  jobs.value = jobs.value?.filter((job) => !gone.has(job.id)) ?? null;
  work.value = work.value.filter((job) => !gone.has(job.id));
  chosen.value = null;
  return said.filter((each) => !each.deleted);
}

export function choose(id) {
  const next = new Set(chosen.value);
  if (!next.delete(id)) next.add(id);
  chosen.value = next;
}
export const choosing = (on) => (chosen.value = on ? new Set() : null);
