import { html, useEffect, useState } from "../html.js";
import { Icon } from "../components/icon.js";
import { Confirm } from "../components/dialog.js";
import { Segmented, Switch } from "../components/field.js";
import { usd } from "../components/money.js";
import { when } from "../components/job-words.js";
import { say } from "../state/notices.js";
import { choose, theme } from "../state/theme.js";
import { LANGUAGES, language, speak, t } from "../state/language.js";
import { models, price, settings } from "../state/account.js";
import { session } from "../state/session.js";
import * as account from "../state/keys.js";
import { change, inUse, load, serves, shortName, use } from "../state/models.js";

const PROVIDERS = { openrouter: "OpenRouter", openai: "OpenAI", gemini: "Google Gemini", anthropic: "Anthropic", groq: "Groq", removebg: "remove.bg" };
const tell = (error) => say(`${error.message} ${error.fix ?? ""}`);
const save = (changes) => change(changes).then((warnings) => say([t("Saved. It holds from the next request."), ...warnings].join(" ")), tell);

const Section = ({ title, about, children }) => html`<section class="set"><header><h2>${title}</h2><p>${about}</p></header><div class="set-body">${children}</div></section>`;

function Key({ entry }) {
  const [asking, ask] = useState(false);
  const name = PROVIDERS[entry.provider] ?? entry.provider;
  const left = entry.status?.limit_remaining;
  const facts = entry.owner === "stack"
    ? t("the owner of this Darkroom pays")
    : [`…${entry.hint}`, t("since {day}", { day: new Date(entry.connected_at).toLocaleDateString(language, { day: "numeric", month: "long" }) }), left == null ? t("no limit on the key") : t("{usd} left", { usd: usd(left / 1e6) })].join(" · ");
  const off = () => account.disconnect(entry.provider).then((told) => say(told.note), tell);
  return html`<div class="row-card"><span class="row-icon"><${Icon} name="key" /></span><p><b>${name}</b><small>${facts}</small></p><span class="ok"><${Icon} name="check" size=${14} />${t("Connected")}</span>
    ${entry.owner !== "stack" && html`${entry.manage_url && html`<a class="link" href=${entry.manage_url} target="_blank" rel="noreferrer">${t("Manage")}</a>`}<button class="small" onClick=${() => ask(true)}>${t("Disconnect")}</button>`}
    ${asking && html`<${Confirm} title=${t("Disconnect {name}?", { name })} deed=${t("Disconnect")} onClose=${() => ask(false)} onConfirm=${off}>${t("Darkroom forgets the key. Pictures and receipts stay. The key itself can only be revoked at the provider.")}</${Confirm}>`}</div>`;
}

function PasteKey({ connected }) {
  const [open, setOpen] = useState(false), [busy, setBusy] = useState(false), [problem, setProblem] = useState(null);
  const free = Object.keys(PROVIDERS).filter((each) => !connected.includes(each));
  const paste = async (event) => {
    event.preventDefault();
    const form = event.target, { provider, key } = Object.fromEntries(new FormData(form));
    setBusy(true);
    setProblem(null);
    try {
      await account.connect(provider, key.trim());
      form.reset();
      setOpen(false);
      say(t("{name} is connected.", { name: PROVIDERS[provider] }));
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return html`<div class="row-card"><span class="row-icon"><${Icon} name="plus" /></span><p><b>${t("Another provider")}</b><small>${t("Ask a maker directly, with a key of yours. It is sealed and never shown again.")}</small></p><button class="small" aria-expanded=${open} onClick=${() => setOpen(!open)}>${t("Paste a key")}</button>
    ${open && html`<form class="paste" onSubmit=${paste}><select name="provider" aria-label=${t("Provider")}>${free.map((each) => html`<option value=${each}>${PROVIDERS[each]}</option>`)}</select><input name="key" type="password" autocomplete="off" required aria-label=${t("Key")} placeholder="sk-…" /><button class="primary" disabled=${busy}>${busy ? t("Checking") : t("Connect")}</button>
      ${problem && html`<p class="bad" role="alert">${problem.message} ${problem.fix}</p>`}</form>`}</div>`;
}

function Role({ role, label }) {
  const list = (models.value ?? []).filter((each) => serves(each, role)).sort((a, b) => b.favorite - a.favorite || (price(a, role) ?? 9) - (price(b, role) ?? 9));
  const own = settings.value.source[{ create: "image_generation_model", edit: "image_edit_model", chat: "ai_chat_model" }[role]] === "user";
  return html`<label class="field"><span class="label">${label}</span><select value=${inUse(role) ?? ""} onChange=${(event) => use(role, event.target.value || null).then(() => say(t("Saved. It holds from the next request.")), tell)}>
    ${own && html`<option value="">${t("As the owner of this Darkroom set it")}</option>`}${!inUse(role) && html`<option value="" disabled>–</option>`}
    ${list.map((each) => html`<option value=${each.id}>${each.favorite ? "★ " : ""}${shortName(each)}, ${price(each, role) == null ? t("not published") : usd(price(each, role))}</option>`)}</select></label>`;
}

function NewToken({ onMade }) {
  const [problem, setProblem] = useState(null);
  const make = async (event) => {
    event.preventDefault();
    const said = Object.fromEntries(new FormData(event.target));
    const body = { name: said.name, ...(said.days && { expires_in_days: Number(said.days) }), ...(said.limit && { month_limit_usd: Number(said.limit.replace(",", ".")) }) };
    try {
      onMade(await account.makeToken(body));
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<form class="paste" onSubmit=${make}><input name="name" required maxlength="100" aria-label=${t("What it is for")} placeholder=${t("What it is for")} ref=${(el) => el?.focus()} />
    <select name="days" aria-label=${t("Valid for")}><option value="90">${t("90 days")}</option><option value="365">${t("a year")}</option><option value="">${t("until revoked")}</option></select>
    <input name="limit" inputmode="decimal" aria-label=${t("At most, dollars a month")} placeholder=${t("$ a month, no limit")} /><button class="primary">${t("Make it")}</button>${problem && html`<p class="bad" role="alert">${problem.message} ${problem.fix}</p>`}</form>`;
}

const copy = (text) => navigator.clipboard.writeText(text).then(() => say(t("Copied.")), () => say(t("The browser did not let it be copied.")));

function Clients({ token }) {
  const [which, setWhich] = useState("curl");
  const base = `${location.origin}/v1`, key = token ?? "dk_…";
  const texts = {
    curl: `curl ${base}/images/generations \\\n  -H "Authorization: Bearer ${key}" \\\n  -H "Content-Type: application/json" \\\n  -d '{"prompt": "A red fox asleep in fresh snow", "response_format": "url"}'`,
    python: `from openai import OpenAI\n\nclient = OpenAI(base_url="${base}", api_key="${key}")\nimage = client.images.generate(prompt="A red fox asleep in fresh snow")`,
    javascript: `import OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: "${base}", apiKey: "${key}" });\nconst image = await client.images.generate({ prompt: "A red fox asleep in fresh snow" });`,
    env: `OPENAI_BASE_URL=${base}\nOPENAI_API_KEY=${key}`,
  };
  return html`<div class="clients"><${Segmented} label=${t("Settings for")} hideLabel options=${[["curl", "curl"], ["python", "Python"], ["javascript", "JavaScript"], ["env", t("Other programs")]]} value=${which} onChange=${setWhich} />
    <div class="snippet"><pre tabindex="0" aria-label=${t("To copy")}>${texts[which]}</pre><button class="small" onClick=${() => copy(texts[which])}>${t("Copy")}</button></div></div>`;
}

function Tokens() {
  const [making, setMaking] = useState(false), [made, setMade] = useState(null), [asking, ask] = useState(null);
  const list = account.tokens.value;
  return html`${made && html`<div class="told made" role="status"><b>${t("Your new token. It is shown this once.")}</b><div class="snippet"><pre tabindex="0">${made}</pre><button class="small primary" onClick=${() => copy(made)}>${t("Copy")}</button></div><button class="link" onClick=${() => setMade(null)}>${t("I have it")}</button></div>`}
    ${list?.map((each) => html`<div class="row-card" key=${each.id}><span class="row-icon mono">…${each.hint}</span><p><b>${each.name}</b><small>${[each.last_used_at ? t("last used {when}", { when: when(each.last_used_at) }) : t("not used yet"), each.expires_at ? t("until {day}", { day: new Date(each.expires_at).toLocaleDateString(language) }) : t("until revoked"), each.month_limit_usd != null && t("{usd} a month", { usd: usd(each.month_limit_usd) })].filter(Boolean).join(" · ")}</small></p><button class="small" aria-label="${t("Revoke")} ${each.name}" onClick=${() => ask(each)}>${t("Revoke")}</button></div>`)}
    ${making ? html`<${NewToken} onMade=${(token) => (setMade(token), setMaking(false))} />` : html`<div><button onClick=${() => setMaking(true)}><${Icon} name="plus" />${t("New token")}</button></div>`}
    ${asking && html`<${Confirm} title=${t("Revoke {name}?", { name: asking.name })} deed=${t("Revoke")} onClose=${() => ask(null)} onConfirm=${() => account.revoke(asking.id).then(() => say(t("Revoked. It is refused within seconds.")), tell)}>${t("Programs that use it are refused from now on. It cannot be brought back.")}</${Confirm}>`}
    <${Clients} token=${made} />`;
}

export function View() {
  useEffect(() => void (load(), account.loadKeys()), []);
  const set = settings.value, who = session.value, keys = account.keys.value;
  if (!set) return html`<div class="set" role="status" aria-label=${t("Loading")}><div class="figure waits"></div><div class="figure waits"></div></div>`;
  const providers = (keys ?? []).map((each) => each.provider);
  return html`
    <${Section} title=${t("Account")} about=${t("Pictures, receipts, tokens and keys belong to it.")}>
      <div class="row-card"><span class="row-icon"><${Icon} name="check" /></span><p><b>${who?.user ?? "–"}</b><small>${who?.expires_at ? t("signed in until {day}", { day: new Date(who.expires_at).toLocaleDateString(language, { day: "numeric", month: "long" }) }) : t("signed in")}</small></p>
        <form method="post" action="/oauth/sign-out"><button class="small">${t("Sign out")}</button></form></div></${Section}>
    <${Section} title=${t("Connections")} about=${t("Whose account pays. Keys are sealed on the server and never reach this page.")}>
      ${keys?.map((entry) => html`<${Key} key=${entry.provider} entry=${entry} />`)}
      ${!providers.includes("openrouter") && html`<div class="row-card"><span class="row-icon"><${Icon} name="key" /></span><p><b>OpenRouter</b><small>${t("Sign in there; you choose what it may spend. Cutting out needs none of it.")}</small></p><a class="button primary small" href="/oauth/start?limit_usd=5&limit_reset=monthly&return_to=/">${t("Connect, $5 a month")}</a></div>`}
      <${PasteKey} connected=${providers} /></${Section}>
    <${Section} title=${t("Models")} about=${t("Taken when you choose nothing else. They hold from the next request.")}>
      <div class="set-grid"><${Role} role="create" label=${t("For new pictures")} /><${Role} role="edit" label=${t("For painted edits")} /><${Role} role="chat" label=${t("For planning edits")} /></div>
      <${Switch} label=${t("Let models paint in a conversation")} hint=${t("Off: edits are exact operations only, at no cost")} checked=${set.enable_image_generation} onChange=${(on) => save({ enable_image_generation: on })} />
      <${Segmented} label=${t("How edits are done")} options=${[["local", t("Exactly, here")], ["hybrid", t("As fits best")], ["generative", t("Painted")]]} value=${set.preferred_manipulation_method} onChange=${(value) => save({ preferred_manipulation_method: value })} /></${Section}>
    <${Section} title=${t("Background removal")} about=${t("Runs on this server, free.")}>
      <${Switch} label=${t("AI background removal")} hint=${t("For the Cut out view, the drop folder and edits")} checked=${set.enable_background_removal} onChange=${(on) => save({ enable_background_removal: on })} />
      <p class="row-line">${t("It is done by {model}.", { model: set.background_model })} <a class="link" href="#/models?for=remove">${t("Compare models")}</a></p>
      <${Segmented} label=${t("remove.bg, about $0.20 a picture")} options=${[["never", t("Never")], ["fallback", t("Where ours fails")], ["always", t("Always")]]} value=${set.use_cloud_removal} onChange=${(value) => save({ use_cloud_removal: value })} /></${Section}>
    <${Section} title=${t("Privacy")} about=${t("What is kept, and for how long.")}>
      <${Segmented} label=${t("Keep pictures for")} options=${[["1", t("1 day")], ["7", t("7 days")], ["14", t("14 days")], ["", t("As long as this Darkroom does")]]} value=${set.source.retention_days === "user" ? String(set.retention_days) : ""} onChange=${(days) => save({ retention_days: days ? Number(days) : null })} />
      <${Switch} label=${t("Only providers that keep nothing")} hint=${t("Fewer models can be used")} checked=${set.zero_data_retention} onChange=${(on) => save({ zero_data_retention: on })} /></${Section}>
    <${Section} title=${t("Tokens")} about=${t("For scripts and other programs. Each is shown once.")}><${Tokens} /></${Section}>
    <${Section} title=${t("Appearance")} about=${t("On this device.")}>
      <${Segmented} label=${t("Theme")} options=${[["system", t("As the system")], ["light", t("Light")], ["dark", t("Dark")]]} value=${theme.value} onChange=${choose} />
      <${Segmented} label=${t("Language")} options=${Object.entries(LANGUAGES)} value=${language} onChange=${speak} /></${Section}>`;
}
