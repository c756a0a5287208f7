import { call } from "./client.js";

/** `body`: FormData with `image`, or an object with `upload_id`. */
export const removeBackground = (body, { key, signal } = {}) => call("POST /v1/images/background-removals", { body, key, signal });
