// What is left to spend, what is chosen, and which models there are. Loaded when first asked for.
import { signal, computed } from "../html.js";
import { showSettings, changeSettings } from "../api/settings.js";
import { showUsage } from "../api/usage.js";
import { listModels, addFavorite, removeFavorite } from "../api/models.js";
import { listKeys } from "../api/keys.js";
import { hear, tell } from "./channel.js";
import { say } from "./notices.js";
import { t } from "./language.js";

export const settings = signal(null);
export const usage = signal(null);
export const models = signal(null);

export const loadSettings = async () => (settings.value = await showSettings());
export const loadUsage = async () => (usage.value = await showUsage());
let asking;
export const loadModels = () => (asking ??= listModels().then((found) => (models.value = found.data)).finally(() => (asking = null)));
hear("usage", () => usage.value && loadUsage());
hear("settings", () => settings.value && loadSettings());

export async function refreshUsage() {
  await loadUsage();
  tell("usage");
}

const budget = (name) => computed(() => usage.value?.budgets.find((each) => each.name === name) ?? null);
export const day = budget("day");
const month = budget("month");
/** Of today's limit or this month's, whichever is less. */
export const left = computed(() => [day, month].map((each) => each.value?.remaining_usd).filter((each) => each != null).sort((a, b) => a - b)[0] ?? null);

export const ROLES = { create: ["generate", "image_generation_model"], edit: ["edit", "image_edit_model"], chat: ["chat", "ai_chat_model"] };
export const model = (id) => models.value?.find((each) => each.id === id) ?? null;
export const chosen = (role) => model(settings.value?.effective[ROLES[role][0]]?.model);
/** What one piece of work of a role costs with a model, in US$; null where it is not published. */
export const price = (found, role) => found.estimates[ROLES[role][0]]?.usd ?? null;

/** Whether somebody pays: a key of one's own, or the one of this Darkroom's owner. True until it is known. */
export const canPay = signal(true);
export const loadPayer = async () => (canPay.value = (await listKeys()).data.length > 0);

export async function choose(role, id) {
  settings.value = await changeSettings({ [ROLES[role][1]]: id });
  tell("settings");
  say(t(`models.chosen.${role}`, { model: model(id)?.name ?? id }));
}

export async function favorite(id) {
  const is = model(id).favorite;
  await (is ? removeFavorite(id) : addFavorite(id));
  models.value = models.value.map((each) => (each.id === id ? { ...each, favorite: !is } : each));
}
