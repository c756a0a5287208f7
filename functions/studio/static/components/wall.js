import { html, useEffect, useMemo, useRef, useState } from "../html.js";

const GAP = 8;

/** Rows of one height each, as wide as the wall; the last as tall as the others at the most. */
function rowsOf(tiles, width, tall) {
  const rows = [];
  let row = [], shape = 0, top = 0;
  const close = (height) => {
    let left = 0;
    rows.push({ top, height, at: rows.length, items: row.map(([tile, r, at]) => {
      const box = { tile, at, left, width: r * height };
      left += box.width + GAP;
      return box;
    }) });
    top += height + GAP;
    [row, shape] = [[], 0];
  };
  tiles.forEach((tile, at) => {
    const r = Math.min(3, Math.max(0.5, tile.image.width / tile.image.height));
    row.push([tile, r, at]);
    shape += r;
    const height = (width - GAP * (row.length - 1)) / shape;
    if (height <= tall) close(height);
  });
  if (row.length) close(Math.min(tall, (width - GAP * (row.length - 1)) / shape));
  return { rows, height: Math.max(0, top - GAP) };
}

/** Justified rows, of which only those near the window are in the page: five hundred pictures scroll as ten do. */
export function Wall({ tiles, Tile, onEnd, label }) {
  const box = useRef();
  const [width, setWidth] = useState(0);
  const [span, setSpan] = useState([0, 2000]);
  const scroller = () => box.current.closest("main");
  useEffect(() => {
    const look = () => {
      if (!box.current) return;
      const from = scroller().getBoundingClientRect().top - box.current.getBoundingClientRect().top;
      const low = Math.floor(from / 400) * 400;
      setSpan((old) => (old[0] === low - 800 ? old : [low - 800, low + scroller().clientHeight + 1200]));
    };
    const sizes = new ResizeObserver(([entry]) => (setWidth(entry.target.clientWidth), look()));
    sizes.observe(box.current);
    const main = scroller();
    main.addEventListener("scroll", look, { passive: true });
    return () => (sizes.disconnect(), main.removeEventListener("scroll", look));
  }, []);
  const { rows, height } = useMemo(() => rowsOf(tiles, width, width < 600 ? 150 : 270), [tiles, width]);
  useEffect(() => {
    if (width && span[1] > height - 400) onEnd();
  }, [span, height, width]);
  const near = width ? rows.filter((row) => row.top + row.height > span[0] && row.top < span[1]) : [];
  return html`<ul class="wall" ref=${box} aria-label=${label} style=${{ height: `${height}px` }}>${near.flatMap((row) =>
    row.items.map(
      (each) => html`<${Tile} key=${each.tile.id} tile=${each.tile} at=${each.at} of=${tiles.length} style=${{ top: `${row.top}px`, left: `${each.left}px`, width: `${each.width}px`, height: `${row.height}px` }} />`,
    ),
  )}</ul>`;
}
