import { html, render, useEffect, signal, effect } from "./html.js";
import { path, go } from "./state/router.js";
import { t, tn } from "./state/language.js";
import { toast, online, expired, limited } from "./state/notices.js";
import { session, isSignedIn, initials, loadSession } from "./state/session.js";
import { day, loadUsage } from "./state/account.js";
import { running, resume } from "./state/jobs.js";
import { choose, isDark } from "./state/theme.js";
import { Icon, Mark } from "./components/icon.js";
import { Meter } from "./components/meter.js";
import { usd } from "./components/money.js";

// A view is one file (`views/<name>.js` exports View) with its styles, and a line here; its place is its place in the
// rail. `bare`: without the shell.
const VIEWS = [
  { name: "create", icon: "create", styles: ["styles/sheet.css"] },
  { name: "cutout", icon: "cut", styles: ["styles/stage.css"] },
  { name: "chat", icon: "chat", styles: ["styles/stage.css", "styles/sheet.css"] },
  { name: "gallery", icon: "gallery", styles: ["styles/sheet.css"] },
  { name: "models", icon: "models", styles: ["styles/sheet.css"] },
  { name: "spend", icon: "spend", styles: ["styles/sheet.css"] },
  { name: "settings", icon: "settings", minor: true, styles: ["styles/sheet.css"] },
  { name: "welcome", bare: true },
];
const RAIL = VIEWS.filter((view) => view.icon);
const HOME = VIEWS.find((view) => view.icon);
const here = import.meta.url.replace(/app\.js.*/, "");

// Views and their styles, once each.
const loaded = signal({});
async function load(view) {
  if (view.loading) return;
  view.loading = true;
  try {
    const [module] = await Promise.all([import(`./views/${view.name}.js`), ...[`views/${view.name}.css`, ...(view.styles ?? [])].map(style)]);
    loaded.value = { ...loaded.value, [view.name]: module.View };
  } catch {
    view.loading = false;
    loaded.value = { ...loaded.value, [view.name]: Unloaded };
  }
}
const style = (name) =>
  new Promise((done) => {
    if (document.querySelector(`link[data-style="${name}"]`)) return done();
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: here + name, onload: done, onerror: done });
    link.dataset.style = name;
    document.head.append(link);
  });
const Unloaded = () => html`<div class="empty"><h2>${t("view.unloaded")}</h2><button onClick=${() => location.reload()}>${t("view.reload")}</button></div>`;

const Rail = ({ current }) => html`
  <nav class="rail" aria-label=${t("shell.views")}>
    <a class="rail-mark" href="#/${HOME.name}" aria-label="Darkroom"><${Mark} /></a>
    ${RAIL.map(
      (view, i) => html`
      <a href="#/${view.name}" class=${view.minor ? "minor" : ""} aria-current=${view === current ? "page" : null} title="${t(`view.${view.name}`)} (${i + 1})">
        <${Icon} name=${view.icon} size=${22} /><span>${t(`view.${view.name}`)}</span></a>`,
    )}
  </nav>`;

const Header = ({ view }) => html`
  <header class="top">
    <a class="top-mark" href="#/${HOME.name}" aria-label="Darkroom"><${Mark} size=${26} /></a>
    <h1>${t(`view.${view.name}`)}</h1>
    <div class="top-right">
      ${running.value.length > 0 && html`<a class="running" href="#/${VIEWS.some((v) => v.name === "gallery") ? "gallery?show=running" : "create"}"><i class="pulse"></i><b>${running.value.length}</b><span>${t("shell.running")}</span></a>`}
      ${isSignedIn.value && html`<${Meter} budget=${day.value} />`}
      <button class="quiet square theme" aria-label=${t(isDark() ? "shell.light" : "shell.dark")} onClick=${() => choose(isDark() ? "light" : "dark")}><${Icon} name=${isDark() ? "sun" : "moon"} /></button>
      ${
        session.value &&
        (isSignedIn.value
          ? html`<a class="avatar" href=${VIEWS.some((v) => v.name === "settings") ? "#/settings" : "/oauth"} title=${t("shell.account")}>${initials}<span class="sr">${t("shell.account")}</span></a>`
          : html`<a class="button small" href="#/welcome">${t("shell.sign_in")}</a>`)
      }
    </div>
  </header>`;

// One notice at a time, the gravest first.
function Notice() {
  const said = (icon, about, more, kind = "", role = "status") => html`<div class="notice ${kind}" role=${role}><${Icon} name=${icon} /><p><b>${t(`notice.${about}`)}</b> ${t(`notice.${about}.more`)}</p>${more}</div>`;
  if (!online.value) return said("offline", "offline");
  if (expired.value) return said("key", "expired", html`<a class="button small" href="#/welcome">${t("notice.expired.do")}</a>`, "", "alert");
  if (limited.value) return html`<div class="notice warn" role="alert"><${Icon} name="clock" /><p>${tn("notice.limited", limited.value)}</p></div>`;
  const budget = day.value;
  if (budget && budget.remaining_usd <= 0)
    return html`<div class="notice warn" role="alert"><${Icon} name="warn" /><p><b>${t("notice.over", { limit: usd(budget.limit_usd) })}</b> ${t("notice.over.more", until(budget.resets_at))}</p><a class="button small" href="#/spend">${t("notice.over.do")}</a></div>`;
  return null;
}
function until(moment) {
  const minutes = Math.max(0, Math.round((new Date(moment) - Date.now()) / 60000));
  return { h: Math.floor(minutes / 60), min: minutes % 60 };
}

function App() {
  const named = VIEWS.find((v) => v.name === path.value[0]);
  const known = session.value;
  // Without an account the first thing seen is what Darkroom does; everything else keeps its place meanwhile.
  const view = named ?? (known && !known.signed_in ? VIEWS.find((v) => v.name === "welcome") : HOME);
  const Shown = loaded.value[view.name];
  useEffect(() => {
    load(view);
    document.title = `${t(`view.${view.name}`)} · Darkroom`;
  }, [view]);
  const waits = html`<div class="developing-page" role="status">${t("view.loading")}</div>`;
  if (!named && !known) return html`<${Frame} view=${HOME}>${waits}</${Frame}>`;
  if (view.bare) return Shown ? html`<${Shown} />` : waits;
  return html`<${Frame} view=${view}>${Shown ? html`<${Shown} />` : waits}</${Frame}>`;
}

const Frame = ({ view, children }) => html`
  <a class="skip" href="#main" onClick=${(e) => {
    e.preventDefault();
    document.getElementById("main").focus();
  }}>${t("shell.skip")}</a>
  <div class="shell">
    <${Rail} current=${view} />
    <div class="side">
      <${Header} view=${view} />
      <${Notice} />
      <main id="main" tabindex="-1" class="view view-${view.name}">${children}</main>
    </div>
  </div>
  <div class="toast" role="status" aria-live="polite">${toast.value && html`<p><${Icon} name="check" size=${18} />${toast.value}</p>`}</div>`;

const KEYS = "darkroom.keys";
addEventListener("keydown", (event) => {
  if (event.target.closest("input:not([type=range]),textarea,select,dialog") || event.metaKey || event.ctrlKey || event.altKey || localStorage.getItem(KEYS) === "off") return;
  const view = RAIL[event.key - 1];
  if (view) go(view.name);
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("[data-search]")?.focus();
  }
});
// A picture that misses its place would be opened by the browser, and the page be gone.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
effect(() => {
  if (isSignedIn.value) loadUsage().catch(() => {});
});
loadSession()
  .then((found) => found.signed_in && resume())
  .catch(() => (session.value = { signed_in: false, user: null }));
