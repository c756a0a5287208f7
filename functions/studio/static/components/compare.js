import { html, useState, useRef } from "../html.js";
import { t } from "../state/language.js";

// Before and after under one slider. A real range input carries keyboard and screen reader; the pointer moves it too.
export function Compare({ before, after, width, height, ground = "checker", subject, tags = [t("compare.before"), t("compare.after")] }) {
  const [at, set] = useState(50);
  const box = useRef();
  const move = (event) => {
    const { left, width } = box.current.getBoundingClientRect();
    set(Math.round(Math.min(100, Math.max(0, ((event.clientX - left) / width) * 100))));
  };
  const down = (event) => {
    box.current.setPointerCapture(event.pointerId);
    move(event);
  };
  const checker = ground === "checker";
  return html`
    <div class="compare" ref=${box} style=${{ "--at": `${at}%`, "--ratio": width / height }} onPointerDown=${down} onPointerMove=${(e) => e.buttons && move(e)}>
      <div class="compare-after ${checker ? "checker" : ""}" style=${checker ? {} : { background: ground }}>
        <img src=${after} alt="${subject}: ${tags[1]}" width=${width} height=${height} draggable=${false} /></div>
      <img class="compare-before" src=${before} alt="${subject}: ${tags[0]}" width=${width} height=${height} draggable=${false} />
      <input type="range" min="0" max="100" value=${at} aria-label=${t("compare.label")} aria-valuetext=${t("compare.value", { at })} onInput=${(e) => set(+e.target.value)} />
      <div class="compare-line" aria-hidden="true"><span class="compare-grip"><i></i><i></i></span></div>
      <span class="compare-tag left ${at < 14 ? "gone" : ""}" aria-hidden="true">${tags[0]}</span><span class="compare-tag right ${at > 86 ? "gone" : ""}" aria-hidden="true">${tags[1]}</span>
    </div>`;
}
