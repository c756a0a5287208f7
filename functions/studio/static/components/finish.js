// A cut-out made ready: background, frame, shadow and format are drawn here, so they are at once there and cost nothing.

export const GROUNDS = [
  ["checker", "transparent"],
  ["#ffffff", "white"],
  ["#f4ecde", "linen"],
  ["#e3e7ea", "mist"],
  ["#d9532c", "rust"],
  ["#1d4a4d", "green"],
  ["#161514", "black"],
  ["linear-gradient(160deg, #fdf6e3, #c9c2b2)", "gradient"],
];
/** Frames in px; `fill`: how much of the frame the subject takes. */
export const PRESETS = [
  { name: "none" },
  { name: "amazon", title: "Amazon", width: 2000, height: 2000, fill: 0.85, ground: "#ffffff" },
  { name: "ebay", title: "eBay", width: 1600, height: 1600, fill: 0.9, ground: "#ffffff" },
  { name: "etsy", title: "Etsy", width: 2700, height: 2025, fill: 0.8, ground: "#f4ecde" },
  { name: "instagram", title: "Instagram", width: 1080, height: 1350, fill: 0.82, ground: "#e3e7ea" },
  { name: "favicon", title: "Favicon", width: 512, height: 512, fill: 0.96, ground: "checker" },
];
const ROOM = 0.05;
const SMALL = 256;
const sheet = (width, height) => Object.assign(document.createElement("canvas"), { width: Math.round(width), height: Math.round(height) });

/** Where the subject is, in px of the cut-out: {x, y, width, height}. */
export function subjectOf(bitmap) {
  const scale = Math.min(1, SMALL / Math.max(bitmap.width, bitmap.height));
  const small = sheet(Math.max(1, bitmap.width * scale), Math.max(1, bitmap.height * scale)), g = small.getContext("2d", { willReadFrequently: true });
  g.drawImage(bitmap, 0, 0, small.width, small.height);
  const { data } = g.getImageData(0, 0, small.width, small.height);
  let [left, top, right, bottom] = [small.width, small.height, 0, 0];
  for (let y = 0; y < small.height; y++)
    for (let x = 0; x < small.width; x++)
      if (data[(y * small.width + x) * 4 + 3] > 12) {
        left = Math.min(left, x);
        right = Math.max(right, x + 1);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y + 1);
      }
  if (right <= left) return { x: 0, y: 0, width: bitmap.width, height: bitmap.height };
  return { x: left / scale, y: top / scale, width: (right - left) / scale, height: (bottom - top) / scale };
}

function paint(g, ground, backdrop, width, height) {
  if (ground === "checker") return;
  if (ground === "picture" && backdrop) {
    const scale = Math.max(width / backdrop.width, height / backdrop.height), [w, h] = [backdrop.width * scale, backdrop.height * scale];
    return void g.drawImage(backdrop, (width - w) / 2, (height - h) / 2, w, h);
  }
  g.fillStyle = ground;
  if (ground.startsWith("linear")) {
    const [from, to] = ground.match(/#\w{6}/g);
    g.fillStyle = g.createLinearGradient(width * 0.3, 0, width * 0.7, height);
    g.fillStyle.addColorStop(0, from);
    g.fillStyle.addColorStop(1, to);
  }
  g.fillRect(0, 0, width, height);
}

/** Draws it. `most`: the longest side in px, for a preview. */
export function finished(bitmap, { ground, backdrop, preset, shadow, crop }, most = Infinity) {
  const framed = preset.width, tight = framed || crop;
  const box = tight ? subjectOf(bitmap) : { x: 0, y: 0, width: bitmap.width, height: bitmap.height };
  const room = tight && !framed ? ROOM * Math.max(box.width, box.height) : 0;
  const [width, height] = framed ? [preset.width, preset.height] : [box.width + 2 * room, box.height + 2 * room];
  const shrink = Math.min(1, most / Math.max(width, height));
  const made = sheet(width * shrink, height * shrink), g = made.getContext("2d");
  g.imageSmoothingQuality = "high";
  paint(g, ground, backdrop, made.width, made.height);
  const fits = framed ? Math.min((width * preset.fill) / box.width, (height * preset.fill) / box.height) : 1;
  const [w, h] = [box.width * fits * shrink, box.height * fits * shrink];
  if (shadow) Object.assign(g, { shadowColor: "rgb(20 12 4 / 0.38)", shadowBlur: made.width * 0.03, shadowOffsetX: made.width * 0.012, shadowOffsetY: made.width * 0.018 });
  g.drawImage(bitmap, box.x, box.y, box.width, box.height, (made.width - w) / 2, (made.height - h) / 2, w, h);
  return made;
}

export const MEDIA = { png: "image/png", webp: "image/webp", jpeg: "image/jpeg" };
/** The file, as a Blob. JPEG has no transparency: white is below. */
export async function fileOf(bitmap, finish, format) {
  const solid = format === "jpeg" && finish.ground === "checker" ? { ...finish, ground: "#ffffff" } : finish;
  const made = finished(bitmap, solid);
  return new Promise((done) => made.toBlob(done, MEDIA[format], 0.92));
}
/** Whether anything but the cut-out itself is wanted. */
export const isPlain = (finish, format) => finish.ground === "checker" && !finish.preset.width && !finish.shadow && !finish.crop && format === "png";
