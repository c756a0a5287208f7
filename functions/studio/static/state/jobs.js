// Jobs survive the page: key and request are put aside before the request is sent, and asked for again after a reload.
// A lost answer is repeated with the same key, which costs nothing more. Their events are followed.
import { signal, computed } from "../html.js";
import { followJob, showJob } from "../api/jobs.js";
import { generate, edit } from "../api/images.js";
import { refreshUsage } from "./account.js";

const KEY = "darkroom.jobs";
const SENDING = { generate, edit };
const FINAL = new Set(["succeeded", "failed", "canceled"]);
const PAUSES = [1, 2, 3, 5];

const kept = () => {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
};
/** Newest first: {key, kind, body, about, sent, id, job, partial, problem} */
export const work = signal(kept());
export const running = computed(() => work.value.filter((each) => !each.problem && !FINAL.has(each.job?.status)));
// What another tab has put there stays there.
const keep = () => {
  const mine = new Set(work.value.map((each) => each.key));
  const going = work.value.filter((each) => !each.problem && !FINAL.has(each.job?.status)).map(({ job, partial, ...rest }) => rest);
  localStorage.setItem(KEY, JSON.stringify([...going, ...kept().filter((each) => !mine.has(each.key))]));
};
const change = (key, found) => {
  work.value = work.value.map((each) => (each.key === key ? { ...each, ...found } : each));
  keep();
};

/** Sends work that costs money; `about` is what the view shows of it meanwhile. */
export function begin(kind, body, about) {
  const key = crypto.randomUUID();
  work.value = [{ key, kind, body, about, sent: Date.now() }, ...work.value];
  keep();
  send(key);
  return key;
}
export const forget = (key) => {
  work.value = work.value.filter((each) => each.key !== key);
  keep();
};

async function send(key) {
  const found = work.value.find((each) => each.key === key);
  try {
    const answer = await SENDING[found.kind](found.body, key);
    hold(key, answer.job ?? answer);
  } catch (problem) {
    // Whether it arrived is unknown: the same key asks again when there is a network.
    if (problem.status === 0 || problem.status >= 502) return void setTimeout(() => send(key), 3000);
    if (problem.body?.job) hold(key, problem.body.job);
    if (!problem.body?.job || FINAL.has(problem.body.job.status)) change(key, { problem: { detail: problem.message, fix: problem.fix, charged: problem.charged, code: problem.code } });
  }
  follow();
}

function hold(key, job) {
  change(key, { id: job.id, job });
  if (FINAL.has(job.status)) refreshUsage();
}

// Of each job that is under way a stream of events; where there is none, it is asked for now and then.
const streams = new Map();
let timer, turn = 0;
function follow(again = false) {
  clearTimeout(timer);
  if (!again) turn = 0;
  const going = document.hidden ? [] : running.value.filter((each) => each.id);
  for (const [key, stop] of streams) if (stop && !going.some((each) => each.key === key)) (stop(), streams.delete(key));
  for (const { key, id } of going) if (!streams.has(key)) streams.set(key, followJob(id, hearing(key), () => (streams.set(key, null), follow())));
  if (going.some((each) => !streams.get(each.key))) timer = setTimeout(look, PAUSES[Math.min(turn++, PAUSES.length - 1)] * 1000);
}
const hearing = (key) => ({
  progress: ({ status, expected_seconds: seconds }) => {
    const found = work.value.find((each) => each.key === key);
    if (found) change(key, { job: { ...found.job, status }, about: { ...found.about, seconds: seconds ?? found.about.seconds } });
  },
  partial_image: ({ url }) => change(key, { partial: url }),
  job: (job) => (hold(key, job), follow()),
});
async function look() {
  await Promise.allSettled(running.value.filter((each) => each.id && !streams.get(each.key)).map(async (each) => hold(each.key, await showJob(each.id))));
  follow(true);
}
document.addEventListener("visibilitychange", () => follow());

// What another tab has begun is shown here, too, once it has arrived.
addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  const known = new Set(work.value.map((each) => each.key)), others = kept().filter((each) => each.id && !known.has(each.key));
  if (others.length) (work.value = [...others, ...work.value]), follow();
});

/** After a load: goes on with what was under way. */
export function resume() {
  for (const each of work.value) if (!each.id) send(each.key);
  follow();
}
