import { html, useEffect, useRef } from "../html.js";
import { Icon } from "./icon.js";
import { t } from "../state/language.js";

/** A sheet over the page: Esc, the cross and a press beside it close it; the focus goes back by itself. */
export function Sheet({ title, onClose, children, small }) {
  const dialog = useRef();
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog class="sheet ${small ? "small-sheet" : ""}" ref=${dialog} aria-label=${title} onClose=${(event) => (event.stopPropagation(), onClose())}
    onClick=${(event) => event.target === dialog.current && dialog.current.close()}>
    <header><h2>${title}</h2><button type="button" class="quiet square" aria-label=${t("Close")} onClick=${() => dialog.current.close()}><${Icon} name="close" /></button></header>
    ${children}</dialog>`;
}

export const Confirm = ({ title, deed, onConfirm, onClose, children }) => html`
  <${Sheet} small title=${title} onClose=${onClose}><p>${children}</p>
    <footer class="deeds"><button type="button" onClick=${onClose}>${t("Keep")}</button><button type="button" class="primary" onClick=${() => (onClose(), onConfirm())}>${deed}</button></footer></${Sheet}>`;
