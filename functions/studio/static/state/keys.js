// Keys and tokens of who is signed in. A token is told once, and is kept nowhere.
import { signal } from "../html.js";
import * as api from "../api/keys.js";
import { loadSession } from "./session.js";

export const keys = signal(null);
export const tokens = signal(null);

const load = async (into, ask) => (into.value = (await ask().catch(() => null))?.data ?? into.value ?? []);
export const loadKeys = () => Promise.all([load(keys, api.listKeys), load(tokens, api.listTokens)]);
export async function connect(provider, key) {
  await api.connectKey(provider, key);
  await Promise.all([load(keys, api.listKeys), loadSession()]);
}
export async function disconnect(provider) {
  const told = await api.disconnectKey(provider);
  await Promise.all([load(keys, api.listKeys), loadSession()]);
  return told;
}
export async function makeToken(body) {
  const made = await api.createToken(body);
  await load(tokens, api.listTokens);
  return made.token;
}
export const revoke = async (id) => (await api.revokeToken(id), load(tokens, api.listTokens));
