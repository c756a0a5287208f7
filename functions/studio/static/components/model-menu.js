import { html, signal, useState, useRef, useEffect } from "../html.js";
import { t } from "../state/language.js";
import { ROLES, choose, chosen, models, price } from "../state/account.js";
import { shortName } from "../state/models.js";
import { seconds, usd } from "./money.js";
import { Icon } from "./icon.js";

/** Whether the list is open; a view may open it. */
export const isOpen = signal(false);

// The model as a card that opens into a list: recommended and favorites first, then by price.
export function ModelMenu({ role, label }) {
  const open = isOpen.value, setOpen = (on) => (isOpen.value = on);
  const [words, setWords] = useState("");
  const box = useRef();
  useEffect(() => {
    if (!open) return;
    box.current.querySelector("input").focus();
    const away = (e) => (e.type === "keydown" ? e.key === "Escape" : !box.current.contains(e.target)) && setOpen(false);
    addEventListener("pointerdown", away);
    addEventListener("keydown", away);
    return () => (removeEventListener("pointerdown", away), removeEventListener("keydown", away));
  }, [open]);
  const [task] = ROLES[role];
  const now = chosen(role);
  const rank = (each) => (each.recommended_for?.includes(task) ? 0 : each.favorite ? 1 : 2);
  const rows = (models.value ?? [])
    .filter((each) => task in (each.estimates ?? {}) && `${each.name} ${each.owned_by} ${each.tags}`.toLowerCase().includes(words.toLowerCase()))
    .sort((a, b) => rank(a) - rank(b) || (price(a, role) ?? 9) - (price(b, role) ?? 9));
  const row = (each) => html`
    <li><button type="button" aria-pressed=${each === now} onClick=${() => (choose(role, each.id), setOpen(false))}>
      <span><b>${shortName(each)}</b>${each.recommended_for?.includes(task) && html`<em class="badge">${t("menu.recommended")}</em>`}${each.favorite && html`<${Icon} name="star" size=${14} fill="currentColor" />`}<small>${each.owned_by} · ${each.measured?.median_seconds ? seconds(each.measured.median_seconds) : t("menu.not_tried")}</small></span>
      <span class="num">${price(each, role) == null ? t("menu.no_price") : usd(price(each, role))}</span></button></li>`;
  return html`
    <div class="field menu" ref=${box}><span class="label" id="model-${role}">${label}</span>
      <button type="button" class="model-button" aria-expanded=${open} aria-describedby="model-${role}" onClick=${() => setOpen(!open)}>
        <span><b>${shortName(now) || label}</b><small>${now?.note?.best_for}</small></span><${Icon} name="chevron" size=${18} /></button>
      ${open && html`<div class="popover"><label class="search"><${Icon} name="search" size=${16} /><input aria-label=${t("menu.search")} placeholder=${t("menu.search")} value=${words} onInput=${(e) => setWords(e.target.value)} /></label>
        <ul aria-label=${label}>${rows.map(row)}${rows.length === 0 && html`<li class="none">${t("menu.none", { words })}</li>`}</ul></div>`}
    </div>`;
}
