// One request to this site's API: JSON in and out, errors as Problem. Each function of api/ names its route as the
// OpenAPI document does, and a test holds it to that.

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? "";
    this.fix = body.fix ?? "";
    this.charged = body.charged ?? "unknown";
    this.retryAfter = body.retry_after ?? null;
    this.body = body;
  }
}

const listeners = new Set();
/** Hears each Problem; returns what ends that. */
export const onProblem = (hear) => (listeners.add(hear), () => listeners.delete(hear));

const filled = (path, values = {}) => path.replace(/\{(\w+)\}/g, (_, name) => (name === "model_id" ? values[name] : encodeURIComponent(values[name])));

const asked = (query = {}) => {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value != null && value !== "") for (const each of [value].flat()) found.append(name, each);
  return found.size ? `?${found}` : "";
};

/**
 * @param route "POST /v1/jobs/{job_id}/cancel"
 * @param key makes a second sending the same job (Idempotency-Key)
 * @param later answers at once with the job (Prefer: respond-async)
 */
export async function call(route, { path, query, body, key, later, signal } = {}) {
  const [method, template] = route.split(" ");
  const headers = { accept: "application/json" };
  if (key) headers["idempotency-key"] = key;
  if (later) headers.prefer = "respond-async";
  const isForm = body instanceof FormData;
  if (body && !isForm) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(filled(template, path) + asked(query), { method, headers, signal, body: isForm ? body : body && JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw told(0, { code: "OFFLINE", detail: "", charged: key ? "unknown" : false });
  }
  const text = await answer.text();
  let found = {};
  try {
    found = text ? JSON.parse(text) : {};
  } catch {
    found = { detail: text.slice(0, 200) };
  }
  if (!answer.ok) throw told(answer.status, found);
  return found;
}

/**
 * What becomes of something, as events, asked for again by the browser while there is more.
 * @param hear {name: (data) => …}; `ended` hears that the browser gave up
 */
export function listen(route, { path, hear, ended }) {
  const source = new EventSource(filled(route.split(" ")[1], path));
  for (const [name, then] of Object.entries(hear)) source.addEventListener(name, (event) => then(JSON.parse(event.data)));
  source.onerror = () => source.readyState === EventSource.CLOSED && ended();
  return () => source.close();
}

function told(status, body) {
  const problem = new Problem(status, body);
  for (const hear of listeners) hear(problem);
  return problem;
}
