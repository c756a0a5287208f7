import { html, useRef, useState } from "../html.js";
import { Icon } from "./icon.js";
import { save } from "./save.js";
import { Confirm } from "./dialog.js";
import { t } from "../state/language.js";
import { say } from "../state/notices.js";
import { clear, forgetRecipe, pile, recipes, runOnMany, stop, zip } from "../state/recipes.js";

/** The pile that a recipe is at work on: sent, done, what failed and why, all as one file. */
export function Pile() {
  const { name, total, sent, job, problem } = pile.value;
  const progress = job?.output.progress;
  const over = job && !["queued", "running"].includes(job.status);
  const errors = job?.output.errors ?? [];
  const share = over ? 1 : progress ? (progress.done + progress.failed) / total : 0;
  const words = problem
    ? `${problem.detail} ${problem.charged === false ? t("Nothing was charged.") : ""}`
    : !job
      ? t("Uploading {sent} of {total}", { sent, total })
      : over
        ? t("{done} of {total} done, {failed} not. $0.00", { total, done: progress?.done ?? 0, failed: progress?.failed ?? 0 })
        : t("{done} of {total}. It goes on when you leave.", { total, done: progress?.done ?? 0 });
  return html`<section class="panel pad pile" aria-label=${t("Recipe “{name}” on {n} pictures", { name, n: total })}>
    <p><b>${t("Recipe “{name}” on {n} pictures", { name, n: total })}</b><small role="status">${words}</small></p>
    <span class="bar"><i style=${{ width: `${100 * (job ? share : (0.3 * sent) / total)}%` }}></i></span>
    ${errors.length > 0 && html`<details><summary>${t("{n} did not work", { n: errors.length })}</summary><ul>${errors.slice(0, 20).map((each) => html`<li>${(each.index ?? 0) + 1}: ${each.detail ?? each.error?.detail ?? each.code}</li>`)}</ul></details>`}
    <div class="chips">${over && job.output.images.length > 0 && html`<button class="primary" onClick=${() => zip(job, name).then((blob) => save(blob, `${name}.zip`)).catch((error) => say(String(error)))}><${Icon} name="download" />${t("All {n} as ZIP", { n: job.output.images.length })}</button><a class="button" href="#/gallery/${job.id}/0">${t("Show them")}</a>`}
      ${job && !over && html`<button onClick=${() => stop().catch((error) => say(error.detail))}>${t("Stop")}</button>`}
      ${(over || problem) && html`<button class="quiet" onClick=${clear}>${t("Done")}</button>`}</div></section>`;
}

export function Recipes() {
  const input = useRef();
  const [name, setName] = useState(null), [forget, setForget] = useState(null);
  const run = (which) => (setName(which), input.current.click());
  return html`<section><h2 class="over-list">${t("Recipes")}</h2>
    <input hidden type="file" multiple accept="image/*,.heic" ref=${input} onChange=${(event) => event.target.files.length && runOnMany(name, [...event.target.files])} />
    <ul class="recipe-list">${recipes.value.map(
      (each) => html`<li key=${each.name} class="row-card"><span class="row-icon"><${Icon} name="recipe" /></span><p><b>${each.name}</b><small>${t("{n} steps", { n: each.step_count })}${each.painted_step_count ? `, ${t("{n} painted, for money", { n: each.painted_step_count })}` : " · $0.00"}</small></p>
        <button class="small" disabled=${each.painted_step_count > 0 || (pile.value && !pile.value.job)} onClick=${() => run(each.name)}>${t("Run on many")}</button><button class="quiet square small" aria-label=${t("Forget {name}", { name: each.name })} onClick=${() => setForget(each.name)}><${Icon} name="close" size=${16} /></button></li>`,
    )}</ul>
    ${forget && html`<${Confirm} title=${t("Forget {name}?", { name: forget })} deed=${t("Forget it")} onClose=${() => setForget(null)} onConfirm=${() => forgetRecipe(forget)}>${t("Pictures that were made with it stay.")}</${Confirm}>`}</section>`;
}
