// What the shell says above and below the views.
import { signal } from "../html.js";
import { onProblem } from "../api/client.js";

export const toast = signal(null);
export const online = signal(navigator.onLine);
export const expired = signal(false);
/** Until when nothing may be asked (rate limit), or null. */
export const limited = signal(null);
addEventListener("online", () => (online.value = true));
addEventListener("offline", () => (online.value = false));
onProblem((problem) => {
  if (problem.status === 401) expired.value = true;
  if (problem.status === 429) {
    limited.value = problem.retryAfter ?? 60;
    setTimeout(() => (limited.value = null), limited.value * 1000);
  }
});

let timer;
export function say(text) {
  toast.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => (toast.value = null), 4000);
}
