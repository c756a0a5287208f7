// Recipes that are kept, and the pile of files that one of them is at work on.
import { signal } from "../html.js";
import { applyRecipe, listRecipes, removeRecipe, saveRecipe } from "../api/recipes.js";
import { cancelJob, showJob } from "../api/jobs.js";
import { upload } from "./uploads.js";

const KEPT = "darkroom.pile";
export const recipes = signal(null);
export const pile = signal(null);

export async function findRecipes() {
  recipes.value = (await listRecipes().catch(() => ({ data: [] }))).data;
}
export async function keepRecipe(name, recipe) {
  await saveRecipe(name, { schema_version: recipe.schema_version, engine: recipe.engine, steps: recipe.steps });
  await findRecipes();
}
export const forgetRecipe = async (name) => (await removeRecipe(name), findRecipes());

/** Uploads two at a time, then one job over all: it goes on when the page is closed. */
export async function runOnMany(name, files) {
  pile.value = { name, total: files.length, sent: 0, job: null, problem: null };
  const ids = Array(files.length);
  let next = 0;
  const carry = async () => {
    while (next < files.length) {
      const at = next++;
      ids[at] = await upload(files[at]);
      pile.value = { ...pile.value, sent: pile.value.sent + 1 };
    }
  };
  try {
    await Promise.all([carry(), carry()]);
    const job = await applyRecipe({ recipe: name, images: ids }, crypto.randomUUID());
    localStorage.setItem(KEPT, JSON.stringify({ name, id: job.id }));
    await follow(name, job.id);
  } catch (error) {
    pile.value = { ...pile.value, problem: error };
  }
}

export async function follow(name, id) {
  for (let wait = 1; ; wait = Math.min(4, wait + 1)) {
    const job = await showJob(id);
    const progress = job.output.progress ?? { total: job.output.images.length };
    pile.value = { ...pile.value, name, total: progress.total, sent: progress.total, job, problem: null };
    if (!["queued", "running"].includes(job.status)) return;
    await new Promise((done) => setTimeout(done, wait * 1000));
  }
}

export function resume() {
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
  if (kept && !pile.value) follow(kept.name, kept.id).catch(() => clear());
}
export const stop = () => cancelJob(pile.value.job.id);
export function clear() {
  localStorage.removeItem(KEPT);
  pile.value = null;
}

/** All pictures of a batch as one file. */
export async function zip(job, name) {
  const { downloadZip } = await import("../vendor/client-zip.js");
  const kind = (image) => image.media_type.split("/")[1].replace("jpeg", "jpg");
  const files = job.output.images.map(async (image, at) => ({ name: `${name}-${String(at + 1).padStart(3, "0")}.${kind(image)}`, input: await fetch(image.url) }));
  return downloadZip(await Promise.all(files)).blob();
}
