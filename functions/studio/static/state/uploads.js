// How a file reaches the API: in the request while it is small, else by way of the bucket.
import { createUpload, sendFile } from "../api/uploads.js";

const SMALL = 4e6;
const KINDS = { avif: "image/avif", bmp: "image/bmp", gif: "image/gif", heic: "image/heic", heif: "image/heif", jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", tif: "image/tiff", tiff: "image/tiff", webp: "image/webp" };
/** Browsers do not tell the type of HEIC on every system; its name does. */
export const kindOf = (file) => (file.type.startsWith("image/") && file.type !== "image/jpg" ? file.type : KINDS[file.name?.split(".").pop().toLowerCase()]) ?? "";
export const isPicture = (file) => kindOf(file) in Object.fromEntries(Object.values(KINDS).map((kind) => [kind, 1]));

/** The upload's id; `progress` hears 0 to 1. */
export const upload = async (file, progress = () => {}, signal) => sendFile(await createUpload(kindOf(file)), file, progress, signal);

/** What a request says of the file: a form with it, or an object with its upload_id. */
export async function sent(file, fields, progress, signal) {
  if (file.size >= SMALL) return { ...fields, upload_id: await upload(file, progress, signal) };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
  form.append("image", file, file.name || "picture");
  return form;
}
