// How models are named, what serves each role, and what changes it.
import { signal } from "../html.js";
import { changeSettings } from "../api/settings.js";
import { listModels } from "../api/models.js";
import { loadModels, loadSettings, model, models, ROLES, settings } from "./account.js";
import { tell } from "./channel.js";

export const removers = signal(null);
export const problem = signal(null);

const bare = (name) => name.replace(/^[^:]+: /, "");
export const modelName = (id) => (model(id) ? bare(model(id).name) : (id ?? "–").split("/").pop());
export const shortName = (found) => (found ? bare(found.name) : "");
export const maker = (found) => found.name.match(/^([^:]+): /)?.[1] ?? found.owned_by;
export const serves = (found, role) => ROLES[role][0] in found.estimates;
export const inUse = (role) => settings.value?.effective[ROLES[role][0]]?.model;

export async function load() {
  problem.value = null;
  try {
    await Promise.all([models.value ?? loadModels(), loadSettings()]);
  } catch (error) {
    problem.value = error;
  }
}
export const loadRemovers = async () => (removers.value ??= (await listModels({ for: "remove" })).data);

/** Changes settings; what the answer says beside them is returned. */
export async function change(changes) {
  settings.value = await changeSettings(changes);
  tell("settings");
  return settings.value.warnings ?? [];
}
export const use = (role, id) => change({ [ROLES[role][1]]: id });
