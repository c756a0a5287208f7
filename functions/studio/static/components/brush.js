import { html, useEffect, useRef, useState } from "../html.js";
import { Icon } from "./icon.js";
import { t } from "../state/language.js";

const image = (src) =>
  new Promise((done, fail) => {
    const found = new Image();
    found.onload = () => done(found);
    found.onerror = fail;
    found.src = src;
  });
// What the strokes that can be undone may take of memory.
const REMEMBERED = 160e6;

// Erase from a cut-out, bring the original back, or mark an area. The size stays the same on the screen at every zoom;
// each stroke is one undo. `onStroke` gets the canvas after each.
export function Brush({ original, cut, width, height, mode, ground, onStroke = () => {} }) {
  const canvas = useRef(), cursor = useRef(), source = useRef(), past = useRef([]), last = useRef();
  const [size, setSize] = useState(36), [depth, setDepth] = useState(0);
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
  const stroke = (a, b) => {
    const g = draw();
    g.save();
    g.lineCap = g.lineJoin = "round";
    g.lineWidth = b.r * 2;
    if (mode !== "restore") {
      if (mode === "erase") g.globalCompositeOperation = "destination-out";
      else g.strokeStyle = "#ff5a26";
      g.beginPath();
      g.moveTo(a.x, a.y);
      g.lineTo(b.x, b.y + 0.01);
      g.stroke();
    } else if (source.current) {
      const steps = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / (b.r / 3)));
      g.beginPath();
      for (let i = 0; i <= steps; i++) {
        const at = i / steps, x = a.x + (b.x - a.x) * at, y = a.y + (b.y - a.y) * at;
        g.moveTo(x + b.r, y);
        g.arc(x, y, b.r, 0, 7);
      }
      g.clip();
      g.drawImage(source.current, 0, 0, width, height);
    }
    g.restore();
  };
  const down = (e) => {
    canvas.current.setPointerCapture(e.pointerId);
    past.current = [...past.current.slice(1 - most), draw().getImageData(0, 0, width, height)];
    setDepth(past.current.length);
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
    if (last.current) onStroke(canvas.current);
    last.current = null;
  };
  const undo = () => {
    const before = past.current.pop();
    if (before) draw().putImageData(before, 0, 0);
    setDepth(past.current.length);
    onStroke(canvas.current);
  };
  const keys = (e) => {
    if (e.key === "[") setSize((s) => Math.max(6, s - 6));
    if (e.key === "]") setSize((s) => Math.min(160, s + 6));
    if (e.key === "z") undo();
  };
  const checker = ground === "checker";
  return html`
    <div class="brush" onKeyDown=${keys} tabindex="0" role="group" aria-label=${t(`brush.${mode}`)}>
      <div class="brush-sheet ${mode} ${checker ? "checker" : ""}" style=${{ "--ratio": width / height, background: checker ? null : ground }}>
        <img class="brush-ghost" src=${original} alt="" />
        <canvas ref=${canvas} width=${width} height=${height} onPointerDown=${down} onPointerMove=${move} onPointerUp=${up}></canvas>
        <i ref=${cursor} class="brush-cursor ${mode}" style=${{ width: `${size}px`, height: `${size}px` }}></i></div>
      <div class="brush-bar"><label><span>${t("brush.size")}</span><input type="range" min="6" max="160" value=${size} onInput=${(e) => setSize(+e.target.value)} /></label>
        <button class="quiet square" aria-label=${t("brush.undo")} disabled=${!depth} onClick=${undo}><${Icon} name="undo" /></button></div>
    </div>`;
}
