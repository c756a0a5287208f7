import { call } from "./client.js";

export const showUsage = (query = {}, signal) => call("GET /v1/usage", { query, signal });
export const listReceipts = (query = {}, signal) => call("GET /v1/usage/receipts", { query, signal });
