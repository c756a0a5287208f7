import { call } from "./client.js";

export const generate = (body, key, signal) => call("POST /v1/images/generations", { body, key, later: true, signal });
export const edit = (body, key, signal) => call("POST /v1/images/edits", { body, key, later: true, signal });
