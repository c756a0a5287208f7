import { call } from "./client.js";

export const showSettings = (signal) => call("GET /v1/settings", { signal });
export const changeSettings = (body) => call("PATCH /v1/settings", { body });
