import { html, useState } from "../html.js";
import { Icon, Mark } from "../components/icon.js";
import { Compare } from "../components/compare.js";
import { Segmented } from "../components/field.js";
import { t } from "../state/language.js";
import { comeBack, go } from "../state/router.js";
import { session } from "../state/session.js";

const here = import.meta.url.replace(/views\/.*/, "pictures/");
const LIMITS = ["5", "10", "25", ""];

function consent(limit) {
  const terms = limit ? { limit_usd: limit, limit_reset: "monthly" } : {};
  return `/oauth/start?${new URLSearchParams({ return_to: "/", ...terms })}`;
}

export function View() {
  const [limit, setLimit] = useState("10");
  return html`<main id="main" class="welcome">
    <section class="welcome-words">
      <p class="brand"><${Mark} size=${34} /><span>Darkroom</span></p>
      <h1>${t("welcome.title")}</h1>
      <p class="lead">${t("welcome.lead")}</p>
      <${Segmented} label=${t("welcome.limit")} options=${LIMITS.map((each) => [each, each ? `$${each}` : t("welcome.no_limit")])} value=${limit} onChange=${setLimit} />
      <a class="button primary large" href=${consent(limit)} onClick=${() => comeBack("create")}>${t("welcome.openrouter")}</a>
      <p class="fine">${limit ? t("welcome.fine", { limit }) : t("welcome.fine.none")} ${t("welcome.sealed")}</p>
      <div class="or"><span>${t("welcome.or")}</span></div>
      <div class="stack">
        <button class="large" onClick=${() => go("cutout")}><${Icon} name="cut" />${t("welcome.cutout")}</button>
        <details><summary>${t("welcome.token")}</summary>
          <form method="post" action="/oauth/token" onSubmit=${() => comeBack("create")}><input type="hidden" name="return_to" value="/" />
            <label class="field"><span class="label">${t("welcome.token.label")}</span><input type="password" name="token" required autocomplete="off" placeholder="dk_…" /></label>
            <button>${t("welcome.token.do")}</button></form></details>
      </div>
      ${session.value?.signed_in && html`<p class="fine"><a class="link" href="#/cutout">${t("welcome.signed_in", { user: session.value.user })}</a></p>`}
    </section>
    <section class="welcome-picture"><${Compare} before="${here}astronaut.webp" after="${here}astronaut-cut.webp" width=${512} height=${512} subject=${t("welcome.subject")} /><p>${t("welcome.picture")} <b>$0.00</b></p></section>
  </main>`;
}
