import { call } from "./client.js";

export const enterAsGuest = () => call("POST /oauth/guest");
export const showSession = (signal) => call("GET /v1/session", { signal });
