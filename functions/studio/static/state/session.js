import { signal, computed } from "../html.js";
import { showSession } from "../api/session.js";
import { expired } from "./notices.js";
import { hear, tell } from "./channel.js";

/** null until it is known; then as GET /v1/session has it. */
export const session = signal(null);
export const isSignedIn = computed(() => Boolean(session.value?.signed_in));
/** Whether somebody pays: a key that is connected. */
export const isConnected = computed(() => (session.value?.connected ?? []).length > 0);
export const initials = computed(() => (session.value?.connected?.[0]?.label || session.value?.user || "").replace(/^or-/, "").slice(0, 2).toUpperCase());

export async function loadSession() {
  const found = await showSession();
  const had = session.value?.signed_in;
  session.value = found;
  if (found.signed_in) expired.value = false;
  else if (had) expired.value = true;
  return found;
}
hear("session", loadSession);

export const signedInElsewhere = () => tell("session");
