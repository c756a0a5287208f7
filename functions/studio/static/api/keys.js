import { call } from "./client.js";

export const listKeys = () => call("GET /v1/keys");
export const connectKey = (provider, key) => call("PUT /v1/keys/{provider}", { path: { provider }, body: { key } });
export const disconnectKey = (provider) => call("DELETE /v1/keys/{provider}", { path: { provider } });
export const listTokens = () => call("GET /v1/tokens");
export const createToken = (body) => call("POST /v1/tokens", { body });
export const revokeToken = (token_id) => call("DELETE /v1/tokens/{token_id}", { path: { token_id } });
