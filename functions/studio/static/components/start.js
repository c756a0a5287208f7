import { html, useEffect, useRef, useState } from "../html.js";
import { Icon } from "./icon.js";
import { usd } from "./money.js";
import { when } from "./job-words.js";
import { Pile, Recipes } from "./recipes.js";
import { go } from "../state/router.js";
import { t } from "../state/language.js";
import * as chat from "../state/chat.js";
import * as recipes from "../state/recipes.js";
import { upload } from "../state/uploads.js";

async function begin(files, tell) {
  try {
    const file = files?.[0];
    const body = file ? { upload_id: await upload(file), title: file.name.replace(/\.\w+$/, "") } : {};
    go(`chat/${await chat.start(body)}`);
  } catch (error) {
    tell(error);
  }
}

/** Where a conversation begins: a picture, words, one that was begun, or a recipe for a pile of files. */
export function Start({ tell }) {
  const input = useRef(), [over, setOver] = useState(false), [busy, setBusy] = useState(false);
  useEffect(() => void (chat.findAll(), recipes.findRecipes(), recipes.resume()), []);
  const take = async (files) => (setBusy(true), await begin(files, tell), setBusy(false));
  const list = chat.list.value;
  return html`
    <div class="start ${over ? "over" : ""}" onDragOver=${(event) => (event.preventDefault(), setOver(true))} onDragLeave=${() => setOver(false)}
      onDrop=${(event) => (event.preventDefault(), setOver(false), take(event.dataTransfer.files))}>
      <div><h2>${t("Talk to a picture")}</h2><p>${t("Drop one here. Say what should change; undo, branch and compare cost nothing.")}</p></div>
      <input hidden type="file" accept="image/*,.heic" ref=${input} onChange=${(event) => take(event.target.files)} /><button class="primary" disabled=${busy} onClick=${() => input.current.click()}><${Icon} name="upload" />${busy ? t("Uploading") : t("Choose a picture")}</button>
      <button onClick=${() => begin(null, tell)}>${t("Begin with words")}</button></div>
    ${recipes.pile.value && html`<${Pile} />`}
    ${chat.problem.value && html`<div class="empty" role="alert"><h2>${chat.problem.value.body?.title}</h2><p>${chat.problem.value.message}</p><button onClick=${chat.findAll}>${t("Try again")}</button></div>`}
    ${list?.length > 0 && html`<section><h2 class="over-list">${t("Conversations")}</h2><ul class="talks">${list.map(
      (each) => html`<li key=${each.id}><a href="#/chat/${each.id}"><span class="talk-thumb">${each.thumb ? html`<img src=${each.thumb.url} alt="" loading="lazy" />` : html`<${Icon} name="image" />`}</span><b>${each.title || t("Conversation")}</b>
        <small>${t("{n} versions", { n: each.version_count })} · ${usd(each.total_usd)} · ${when(each.updated_at)}</small></a></li>`,
    )}</ul></section>`}
    ${recipes.recipes.value?.length > 0 && html`<${Recipes} />`}`;
}
