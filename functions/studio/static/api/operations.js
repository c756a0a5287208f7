import { call } from "./client.js";

export const listOperations = () => call("GET /v1/operations");
