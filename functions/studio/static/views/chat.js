import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { Compare } from "../components/compare.js";
import { Sheet } from "../components/dialog.js";
import { Film } from "../components/film.js";
import { Icon } from "../components/icon.js";
import { about, usd } from "../components/money.js";
import { Steps } from "../components/steps.js";
import { path, query } from "../state/router.js";
import { say } from "../state/notices.js";
import { t } from "../state/language.js";
import * as chat from "../state/chat.js";
import { loadOperations, stepName } from "../state/operations.js";
import * as recipes from "../state/recipes.js";
import { model, settings } from "../state/account.js";
import { inUse, load, modelName } from "../state/models.js";

const IDEAS = ["Brighter", "Square crop", "Blur the background", "White background", "Black and white"];
const tell = (error) => say(`${error.detail ?? error.message} ${error.charged === false ? t("Nothing was charged.") : ""}`);

function label(each) {
  if (!each.parent) return each.source ? t("as it was") : t("begun");
  const first = each.steps[0];
  if (!first) return "";
  return first.paint ? t("Painted") : stepName(first.operation.op);
}

function Message({ message, costOf }) {
  const mine = message.role === "user";
  if (mine) return html`<li class="said"><p>${message.content}</p></li>`;
  const made = chat.talk.value.versions.find((each) => each.message === message.n);
  const on = made && made.id === chat.at.value?.id;
  return html`<li class="reply ${on ? "current" : ""}">
    ${made ? html`<button class="reply-thumb" aria-label=${t("Show {v}", { v: made.id })} onClick=${() => chat.look(made.id)}><img src=${made.image.thumb.url} alt="" /><span>${made.id}</span></button>` : html`<span></span>`}
    <div><p>${message.content}</p>
      ${made && html`<${Steps} steps=${made.steps} onReplay=${(steps) => chat.make(made.parent, steps).catch(tell)} />`}
      ${message.warnings.filter((text) => !text.startsWith("Simulated")).map((text) => html`<p class="warned"><${Icon} name="warn" size=${14} />${text}</p>`)}
      <p class="facts"><span class="cost">${message.settled ? usd(costOf(message)) : t("cost to follow")}</span>${message.model_used && html`<span>${modelName(message.model_used)}</span>`}${message.job && html`<a class="link" href="#/gallery/${message.job}">${t("Receipt")}</a>`}</p></div></li>`;
}

function Waiting() {
  const { content, error, began } = chat.pending.value;
  return html`<li class="said"><p>${content}</p></li>
    ${
      error
        ? html`<li><div class="told" role="alert"><b>${error.body?.title ?? error.title ?? t("It did not arrive")}</b><p>${error.detail ?? error.message} ${error.fix} <em>${error.charged === false ? t("Nothing was charged.") : error.charged === true ? t("It was charged.") : t("What it cost is being found out.")}</em></p>
            <span class="chips"><button class="small" onClick=${() => (chat.dismiss(), chat.say(content))}>${t("Send again")}</button><button class="small" onClick=${chat.dismiss}>${t("Leave it")}</button></span></div></li>`
        : html`<li class="reply"><span class="reply-thumb developing"></span><div role="status"><p class="live"><i class="pulse"></i>${Date.now() - began > 15000 ? t("Slower than usual. Nothing is lost if you leave.") : t("Developing")}</p></div></li>`
    }`;
}

function Composer() {
  const { id } = chat.talk.value;
  const [text, setText] = useState(chat.draftOf(id));
  const field = useRef();
  const busy = chat.pending.value && !chat.pending.value.error;
  const put = (words) => (setText(words), chat.keepDraft(id, words), chat.guess(words));
  useEffect(() => chat.guess(text), [id, inUse("chat")]);
  const send = (event) => {
    event.preventDefault();
    if (!text.trim() || busy) return;
    chat.say(text.trim()).catch(tell);
    put("");
  };
  const idea = (words) => (put(t(words)), field.current.focus());
  const guess = chat.estimate.value;
  const plan = guess?.plan?.estimated_usd ?? model(inUse("chat"))?.estimates.chat?.usd;
  const paints = settings.value?.enable_image_generation !== false;
  const paint = guess?.paint?.estimated_usd ?? model(inUse("edit"))?.estimates.edit?.usd;
  return html`<form class="composer" onSubmit=${send}>
    <div class="chips scroll">${IDEAS.map((words) => html`<button type="button" class="chip" onClick=${() => idea(words)}>${t(words)}</button>`)}</div>
    <div class="composer-box"><textarea rows="2" ref=${field} aria-label=${t("What should change?")} placeholder=${t("What should change?")} value=${text} onInput=${(event) => put(event.target.value)} onKeyDown=${(event) => event.key === "Enter" && !event.shiftKey && send(event)}></textarea>
      <button class="primary square" aria-label=${t("Send")} disabled=${busy || guess?.allowed === false}><${Icon} name="send" /></button></div>
    <p class="facts">${guess?.allowed === false ? html`<span class="bad">${guess.refused_by?.detail ?? t("Your limits forbid it.")}</span>` : html`<span>${t("{usd} with {model}", { usd: about(plan), model: modelName(inUse("chat")) })}</span>`}
      ${paints ? html`<span>${t("painting adds {usd}", { usd: about(paint) })}</span>` : html`<span>${t("painting is switched off")}</span>`}
      ${chat.marked.value && html`<span class="look">${t("only the marked area may be painted")}</span>`}
      ${chat.at.value && chat.at.value.id !== chat.talk.value.current && html`<span>${t("goes on from {v}", { v: chat.at.value.id })}</span>`}</p></form>`;
}

function SaveRecipe({ onClose }) {
  const [recipe, setRecipe] = useState(null);
  useEffect(() => void chat.recipe().then(setRecipe, (error) => (tell(error), onClose())), []);
  const save = async (event) => {
    event.preventDefault();
    const name = new FormData(event.target).get("name");
    try {
      await recipes.keepRecipe(name, recipe);
      say(t("Kept as {name}. Run it on as many pictures as you like, for $0.00.", { name }));
      onClose();
    } catch (error) {
      tell(error);
    }
  };
  const painted = recipe?.steps.some((step) => step.paint);
  return html`<${Sheet} small title=${t("Save as recipe")} onClose=${onClose}><form class="stack" onSubmit=${save}>
    ${recipe && html`<${Steps} steps=${recipe.steps} />`}${recipe?.steps.length === 0 && html`<p>${t("Nothing was done to the picture yet.")}</p>`}
    ${painted && html`<p class="warned"><${Icon} name="warn" size=${14} />${t("A painted step is painted again each time, for money.")}</p>`}
    <label class="field"><span class="label">${t("Name")}</span><input name="name" required pattern="[a-z0-9][a-z0-9_\\-]*" maxlength="64" placeholder="shop-white" title=${t("Small letters, digits and hyphens")} /></label>
    <button class="primary" disabled=${!recipe?.steps.length}>${t("Save")}</button></form></${Sheet}>`;
}

function Talk() {
  const talk = chat.talk.value, at = chat.at.value;
  const [tool, setTool] = useState(null), [saving, setSaving] = useState(false);
  const log = useRef();
  const parent = at && chat.version(at.parent);
  useEffect(() => {
    log.current.scrollTop = log.current.scrollHeight;
  }, [talk.messages.length, chat.pending.value]);
  // Before anything can be pressed: after the paint they would undo, or miss, a key that came between.
  useLayoutEffect(() => setTool((now) => (now === "compare" ? null : now)), [at?.id]);
  const [hand, setHand] = useState(null);
  useEffect(() => void (tool && !hand && import("../components/by-hand.js").then(setHand)), [tool]);
  const pick = (which) => setTool((now) => (now === which ? null : which));
  useLayoutEffect(() => {
    const press = (event) => {
      if (event.target.closest("input:not([type=range]),textarea,select,dialog") || event.metaKey || event.ctrlKey || event.altKey) return;
      const deed = { z: () => talk.can_undo && chat.undo(), Z: () => talk.can_redo && chat.redo(), c: () => parent && pick("compare"), b: () => at && pick("mark") }[event.key];
      deed?.();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [talk, parent]);
  const limit = settings.value?.max_cost_per_conversation;
  const costOf = (each) => {
    const message = each.n ? each : talk.messages.find((said) => said.n === each.message);
    return message?.cost_usd ?? 0;
  };
  const { width: w, height: h, url } = at?.image ?? {};
  return html`
    <section class="stage" aria-label=${t("Picture")}>
      <div class="toolbar" role="toolbar" aria-label=${t("Picture tools")}>
        <a class="button quiet square" href="#/chat" aria-label=${t("All conversations")} title=${t("All conversations")}><${Icon} name="gallery" /></a><i class="rule"></i>
        <button class="quiet square" aria-label=${t("Undo")} title="${t("Undo")} (Z)" disabled=${!talk.can_undo} onClick=${() => chat.undo().catch(tell)}><${Icon} name="undo" /></button>
        <button class="quiet square" aria-label=${t("Redo")} title="${t("Redo")} (⇧Z)" disabled=${!talk.can_redo} onClick=${() => chat.redo().catch(tell)}><${Icon} name="redo" /></button>
        <i class="rule"></i>
        ${[["compare", "compare", t("Compare"), parent], ["mark", "brush", t("Mark an area"), at], ["adjust", "settings", t("Adjust"), at]].map(
          ([key, icon, words, can]) => html`<button class="quiet" aria-pressed=${tool === key} aria-label=${words} disabled=${!can} onClick=${() => pick(key)}><${Icon} name=${icon} /><span>${words}</span></button>`,
        )}
        <i class="grow"></i>
        ${at && at.id !== talk.current && html`<button onClick=${() => chat.branch(at.id).catch(tell)}><${Icon} name="branch" /><span>${t("Go on from {v}", { v: at.id })}</span></button>`}
        <button class="quiet" aria-label=${t("Save as recipe")} disabled=${!at?.parent} onClick=${() => setSaving(true)}><${Icon} name="recipe" /><span>${t("Save as recipe")}</span></button>
        ${at && html`<a class="button quiet" aria-label=${t("Download")} href=${url} download="${talk.title || "picture"}-${at.id}"><${Icon} name="download" /><span>${t("Download")}</span></a>`}
      </div>
      <div class="mat">${
        !at
          ? html`<div class="empty"><div class="empty-print"><${Icon} name="image" size=${28} /></div><h2>${t("No picture yet")}</h2><p>${t("Say what you want to see, and it is painted here.")}</p></div>`
          : tool === "mark" && hand
            ? html`<${hand.Mark} key=${at.id} at=${at} tell=${tell} />`
          : tool === "compare" && parent
            ? html`<${Compare} key=${at.id} before=${parent.image.url} after=${url} width=${w} height=${h} subject=${talk.title || t("Picture")} />`
            : html`<img class="hero checker" style=${{ "--ratio": w / h }} src=${url} alt="${talk.title || t("Picture")}, ${at.id}: ${label(at)}" />`
      }${tool === "adjust" && at && hand && html`<${hand.Adjust} tell=${tell} base=${at.id} onClose=${() => setTool(null)} />`}</div>
      ${at?.parent && !at.message && html`<div class="made-by"><${Steps} key=${at.id} steps=${at.steps} onReplay=${(steps) => chat.make(at.parent, steps).catch(tell)} /></div>`}
      ${at && html`<${Film} versions=${chat.lanes(talk.versions)} current=${at.id} words=${label} cost=${costOf} onSelect=${chat.look} onSettle=${(id) => id !== talk.current && chat.branch(id).catch(tell)} />`}
    </section>
    <section class="panel talk" aria-label=${t("Conversation")}>
      <header class="talk-head"><h2>${talk.title || t("Conversation")}</h2><p><b>${usd(talk.total_usd)}</b> ${limit ? t("of {usd} for this conversation", { usd: usd(limit) }) : t("in this conversation")}${talk.settled ? "" : `, ${t("more to follow")}`}</p>
        ${limit && html`<span class="meter-bar"><i style=${{ width: `${Math.min(100, (100 * talk.total_usd) / limit)}%` }}></i></span>`}</header>
      <ol class="log" ref=${log} tabindex="0" aria-label=${t("Messages")}>${talk.messages.length === 0 && !chat.pending.value && html`<li class="hello"><p>${t("Say what should change, in your own words. Exact work (crop, colors, background) is done here; only painting costs more than the message.")}</p></li>`}
        ${talk.messages.map((each) => html`<${Message} key=${each.n} message=${each} costOf=${costOf} />`)}${chat.pending.value && html`<${Waiting} />`}</ol>
      <${Composer} key=${talk.id} />
    </section>
    ${saving && html`<${SaveRecipe} onClose=${() => setSaving(false)} />`}`;
}

export function View() {
  const [start, setStart] = useState(null);
  const id = path.value[1], from = query.value.get("from");
  useEffect(() => void (load(), loadOperations(), import("../components/start.js").then(setStart)), []);
  useEffect(() => {
    if (from) chat.start({ image: from }).then((made) => location.replace(`#/chat/${made}`), tell);
    else if (id) chat.open(id);
  }, [id, from]);
  if (!id && !from) return html`<div class="talk-list">${start && html`<${start.Start} tell=${tell} />`}</div>`;
  if (chat.problem.value)
    return html`<div class="empty whole" role="alert"><h2>${chat.problem.value.body?.title}</h2><p>${chat.problem.value.message}</p><a class="button" href="#/chat">${t("All conversations")}</a></div>`;
  if (!id || chat.talk.value?.id !== id) return html`<section class="stage"><div class="toolbar"></div><div class="mat"><span class="hero developing" role="status" aria-label=${t("Loading")}></span></div></section><section class="panel talk"></section>`;
  return html`<${Talk} key=${id} />`;
}
