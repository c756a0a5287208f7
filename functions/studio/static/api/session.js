import { call } from "./client.js";

export const showSession = (signal) => call("GET /v1/session", { signal });
