// What is wished for in Create, what that costs, and the pictures it starts from. Kept in the tab, so that signing in or
// a reload loses nothing.
import { signal, computed, effect } from "../html.js";
import { showJob } from "../api/jobs.js";
import { estimate } from "../api/models.js";
import { chosen, left, settings } from "./account.js";
import { begin, work } from "./jobs.js";
import { say } from "./notices.js";
import { upload, isPicture } from "./uploads.js";
import { t } from "./language.js";
import { shortName } from "./models.js";
import { session } from "./session.js";
import { usd } from "../components/money.js";

const KEY = "darkroom.wish";
const MOST = 4;
const EMPTY = { prompt: "", n: 1, aspect_ratio: null, resolution: null, quality: null, output_format: null, seed: "" };
const OPTIONS = ["aspect_ratio", "resolution", "quality", "output_format"];
const kept = () => {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
};

export const wish = signal({ ...EMPTY, ...kept() });
export function set(change) {
  wish.value = { ...wish.value, ...change };
  sessionStorage.setItem(KEY, JSON.stringify(wish.value));
}

/** {key, url, name, id}; without an id while it is on its way. */
export const references = signal([]);
export async function addReferences(files) {
  for (const file of [...files].filter(isPicture).slice(0, room.value)) {
    const entry = { key: crypto.randomUUID(), url: URL.createObjectURL(file), name: file.name || "picture", id: null };
    references.value = [...references.value, entry];
    try {
      const id = await upload(file);
      references.value = references.value.map((each) => (each.key === entry.key ? { ...each, id } : each));
    } catch (problem) {
      dropReference(entry.key);
      say(problem.message || t("problem.offline"));
    }
  }
}
export const dropReference = (key) => (references.value = references.value.filter((each) => each.key !== key));

/** From a picture that was made here ("job_…/0"): its words. */
export async function startFrom(from) {
  const { input } = await showJob(from.split("/")[0]);
  set({ prompt: input.prompt ?? "" });
}

/** "edit" where it starts from pictures. */
export const role = computed(() => (references.value.length ? "edit" : "create"));
export const painter = computed(() => chosen(role.value));
export const values = (option) => painter.value?.capabilities?.[option]?.values ?? [];
export const room = computed(() => (painter.value?.capabilities?.input_references?.max ?? 0) - references.value.length);
export const most = computed(() => painter.value?.capabilities?.input_references?.max ?? 0);
export const count = computed(() => Math.max(1, Math.min(MOST, wish.value.n)));
export const seconds = computed(() => painter.value?.measured?.median_seconds ?? null);

/** The request: the wish, held to what the model can do. A field that the model has not is not sent. */
export const body = computed(() => {
  const made = { model: painter.value?.id, prompt: wish.value.prompt.trim(), response_format: "url" };
  for (const option of OPTIONS) if (values(option).includes(wish.value[option])) made[option] = wish.value[option];
  if (painter.value?.capabilities?.seed && wish.value.seed !== "") made.seed = Number(wish.value.seed);
  if (references.value.length) made.images = references.value.map(({ id }) => ({ upload_id: id }));
  return made;
});

/** {total, reserve, calls} or {problem} of the last request that was priced. */
export const cost = signal({});
const asked = computed(() => {
  const { images, prompt, response_format, ...rest } = body.value;
  // The words do not leave the page before somebody presses the button; only how many they are counts.
  return rest.model && JSON.stringify({ ...rest, prompt: "x".repeat(Math.min(prompt.length || 1, 2000)), n: count.value, for: images ? "edit" : "generate" });
});
export const isOld = computed(() => cost.value.asked !== asked.value);
let stop, timer;
effect(() => {
  const now = asked.value;
  clearTimeout(timer);
  stop?.abort();
  if (!now) return;
  stop = new AbortController();
  const { signal: aborted } = stop;
  timer = setTimeout(
    () =>
      estimate(JSON.parse(now), aborted).then(
        (said) => (cost.value = { asked: now, ...said.items[0] }),
        (problem) => problem.name !== "AbortError" && (cost.value = { asked: now, problem }),
      ),
    250,
  );
});

/** A key of the catalogue and its values: why the button cannot be pressed. null where it can. */
export const refused = computed(() => {
  const { problem, total, reserve, calls } = cost.value;
  if (!settings.value || !cost.value.asked) return ["view.loading"];
  if (problem) return ["create.problem", { detail: problem.message || t("problem.offline") }];
  if (total?.usd == null) return ["create.unknown"];
  if (left.value != null && reserve.usd > left.value) return ["create.over"];
  const limit = settings.value.max_cost_per_request;
  const purse = session.value?.connected?.[0]?.left_usd;
  if (purse != null && reserve.usd > purse) return ["create.purse", { left: usd(purse) }];
  return reserve.usd / calls > limit ? ["create.request", { limit: `$${limit}` }] : null;
});
export const isReady = computed(() => !refused.value && !isOld.value && Boolean(body.value.prompt) && references.value.every((each) => each.id));

// A second press of the same hand is none: it would be another job, and another charge.
const PRESS = 700;
let pressed = 0;
/** A model that makes fewer at a time is asked more than once, each time with its own key. */
export function make(request = body.value, wanted = count.value) {
  if (Date.now() - pressed < PRESS || work.value.some((each) => !each.id && !each.problem)) return;
  pressed = Date.now();
  const model = painter.value;
  const about = { prompt: request.prompt, model: model ? shortName(model) : request.model, seconds: seconds.value, ratio: request.aspect_ratio ?? "1:1", detail: [request.aspect_ratio, request.resolution].filter(Boolean).join(" · ") };
  const at_once = model?.capabilities?.n?.max ?? 1;
  for (let rest = wanted; rest > 0; rest -= at_once) {
    const n = Math.min(at_once, rest), { partial_images: _, ...plain } = request;
    // A first impression of OpenAI's models, which come with pictures that are made one at a time.
    begin(request.images ? "edit" : "generate", { ...plain, n, ...(n === 1 && model?.id.startsWith("openai/") && { partial_images: 1 }) }, about);
  }
}
