import { html, useEffect, useRef, useState } from "../html.js";
import { Icon } from "./icon.js";
import { t } from "../state/language.js";

const image = (src) =>
  new Promise((done, fail) => {
    const found = new Image();
    found.crossOrigin = "anonymous";
    found.onload = () => done(found);
    found.onerror = fail;
    found.src = src;
  });
// What the strokes that can be undone may take of memory.
const REMEMBERED = 160e6;
const SIDES = [["left", 25], ["top", 25], ["width", 50], ["height", 50]];

/** What was marked as a PNG: white where it is and transparent elsewhere; `out`: the other way round, as painters want it. */
export const maskOf = (canvas, out = false) =>
  new Promise((done) => {
    const made = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height }), g = made.getContext("2d");
    g.drawImage(canvas, 0, 0);
    g.globalCompositeOperation = out ? "source-out" : "source-in";
    g.fillStyle = "#fff";
    g.fillRect(0, 0, made.width, made.height);
    made.toBlob(done);
  });

// Erase from a cut-out, bring the original back, or mark an area. The size stays the same on the screen at every zoom;
// each stroke is one undo. `onStroke` gets the canvas after each, and how many there are. A box in per cent does what the pointer does.
export function Brush({ original, cut, width, height, mode, ground, onStroke = () => {}, children }) {
  const canvas = useRef(), cursor = useRef(), source = useRef(), past = useRef([]), last = useRef();
  const [size, setSize] = useState(36), [depth, setDepth] = useState(0), [zoom, setZoom] = useState(1), [out, setOut] = useState(false);
  const most = Math.max(2, Math.min(30, Math.floor(REMEMBERED / (width * height * 4))));
  const draw = () => canvas.current.getContext("2d", { willReadFrequently: true });
  useEffect(() => {
    if (mode !== "mark") Promise.all([image(original), image(cut)]).then(([before, after]) => {
      source.current = before;
      draw().drawImage(after, 0, 0, width, height);
    }, () => {});
  }, [original]);
  const place = (e) => {
    const box = canvas.current.getBoundingClientRect(), scale = width / box.width;
    Object.assign(cursor.current.style, { left: `${e.clientX - box.left}px`, top: `${e.clientY - box.top}px` });
    return { x: (e.clientX - box.left) * scale, y: (e.clientY - box.top) * scale, r: (size / 2) * scale };
  };
  // Fills a path as the mode says. `trace` draws the path.
  const fill = (trace) => {
    const g = draw();
    g.save();
    g.beginPath();
    trace(g);
    if (mode === "restore") {
      g.clip();
      if (source.current) g.drawImage(source.current, 0, 0, width, height);
    } else {
      if (mode === "erase" || out) g.globalCompositeOperation = "destination-out";
      g.fillStyle = "#ff5a26";
      g.fill();
    }
    g.restore();
  };
  const stroke = (a, b) => {
    const steps = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / (b.r / 3)));
    fill((g) => {
      for (let i = 0; i <= steps; i++) {
        const at = i / steps, x = a.x + (b.x - a.x) * at, y = a.y + (b.y - a.y) * at;
        g.moveTo(x + b.r, y);
        g.arc(x, y, b.r, 0, 7);
      }
    });
  };
  const remember = () => {
    past.current = [...past.current.slice(1 - most), draw().getImageData(0, 0, width, height)];
    setDepth(past.current.length);
  };
  const down = (e) => {
    canvas.current.setPointerCapture(e.pointerId);
    remember();
    last.current = place(e);
    stroke(last.current, last.current);
  };
  const move = (e) => {
    const here = place(e);
    if (e.buttons && last.current) {
      stroke(last.current, here);
      last.current = here;
    }
  };
  const up = () => {
    if (last.current) onStroke(canvas.current, past.current.length);
    last.current = null;
  };
  const undo = () => {
    const before = past.current.pop();
    if (before) draw().putImageData(before, 0, 0);
    setDepth(past.current.length);
    onStroke(canvas.current, past.current.length);
  };
  const box = (event) => {
    event.preventDefault();
    const [left, top, w, h] = SIDES.map(([side]) => Number(new FormData(event.target).get(side)) / 100);
    remember();
    fill((g) => g.rect(left * width, top * height, w * width, h * height));
    onStroke(canvas.current, past.current.length);
  };
  const keys = (e) => {
    if (e.target.closest("input[type=number]")) return;
    if (e.key === "[") setSize((s) => Math.max(6, s - 6));
    if (e.key === "]") setSize((s) => Math.min(160, s + 6));
    if (e.key === "z") (e.stopPropagation(), undo());
  };
  const checker = ground === "checker";
  return html`
    <div class="brush" onKeyDown=${keys} role="group" aria-label=${t(`brush.${mode}`)}>
      <div class="brush-pan" tabindex="0" role="group" aria-label=${t("Picture")}><div class="brush-sheet ${mode} ${checker ? "checker" : ""}" style=${{ "--ratio": width / height, "--zoom": zoom, background: checker ? null : ground }}>
        <img class="brush-ghost" src=${original} alt="" />
        <canvas ref=${canvas} width=${width} height=${height} onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${up}></canvas>
        <i ref=${cursor} class="brush-cursor ${mode === "erase" || out ? "erase" : ""}" style=${{ width: `${size}px`, height: `${size}px` }}></i></div></div>
      <div class="brush-bar"><label><span>${t("brush.size")}</span><input type="range" min="6" max="160" value=${size} onInput=${(e) => setSize(+e.target.value)} /></label>
        ${mode === "mark" && html`<button class="quiet square" aria-pressed=${out} aria-label=${t("Unmark")} title=${t("Unmark")} onClick=${() => setOut(!out)}><${Icon} name="erase" /></button>`}
        <button class="quiet square" aria-label="${zoom}× ${t("Zoom")}" title=${t("Zoom")} aria-pressed=${zoom > 1} onClick=${() => setZoom(zoom >= 4 ? 1 : zoom * 2)}><span>${zoom}×</span></button>
        <details class="brush-box"><summary class="button quiet square" aria-label=${t("A box in per cent")} title=${t("A box in per cent")}><${Icon} name="image" /></summary><form onSubmit=${box}>${SIDES.map(([side, value]) => html`<label><span>${t(side)}</span><input name=${side} type="number" min="0" max="100" value=${value} /></label>`)}<button class="small">${t("Fill the box")}</button></form></details>
        <button class="quiet square" aria-label=${t("brush.undo")} title="${t("brush.undo")} (Z)" disabled=${!depth} onClick=${undo}><${Icon} name="undo" /></button>${children?.({ canvas: canvas.current, isMarked: depth > 0 })}</div>
    </div>`;
}
