import { signal, computed } from "../html.js";
import { enterAsGuest, showSession } from "../api/session.js";
import { expired } from "./notices.js";
import { hear, tell } from "./channel.js";

/** null until it is known; then as GET /v1/session has it. */
export const session = signal(null);
export const isSignedIn = computed(() => Boolean(session.value?.signed_in));
/** Whether somebody pays: a key that is connected. */
export const isConnected = computed(() => (session.value?.connected ?? []).length > 0);
/** Whether pictures may be cut out, by an account or as a guest who may do that alone. */
export const mayCut = computed(() => isSignedIn.value || Boolean(session.value?.guest || session.value?.guests));
/** Before a picture is cut out: who has no account enters as a guest, where the owner allows it. */
export async function beSomebody() {
  if (!session.value) await loadSession();
  if (!session.value.signed_in && !session.value.guest) session.value = await enterAsGuest();
}
export const initials = computed(() => (session.value?.connected?.[0]?.label || session.value?.user || "").replace(/^or-/, "").slice(0, 2).toUpperCase());

export async function loadSession() {
  const found = await showSession();
  const had = session.value?.signed_in;
  session.value = found;
  if (found.signed_in || found.guest) expired.value = false;
  else if (had) expired.value = true;
  return found;
}
hear("session", loadSession);

export const signedInElsewhere = () => tell("session");
