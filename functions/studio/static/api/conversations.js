import { call } from "./client.js";

export const beginConversation = (body) => call("POST /v1/conversations", { body });
export const listConversations = (query = {}, signal) => call("GET /v1/conversations", { query, signal });
export const showConversation = (conversation_id, signal) => call("GET /v1/conversations/{conversation_id}", { path: { conversation_id }, signal });
export const removeConversation = (conversation_id) => call("DELETE /v1/conversations/{conversation_id}", { path: { conversation_id } });
export const say = (conversation_id, body, key, signal) => call("POST /v1/conversations/{conversation_id}/messages", { path: { conversation_id }, body, key, later: true, signal });
export const undo = (conversation_id) => call("POST /v1/conversations/{conversation_id}/undo", { path: { conversation_id } });
export const redo = (conversation_id) => call("POST /v1/conversations/{conversation_id}/redo", { path: { conversation_id } });
export const branch = (conversation_id, version) => call("POST /v1/conversations/{conversation_id}/branch", { path: { conversation_id }, body: { version } });
export const makeVersion = (conversation_id, body, key) => call("POST /v1/conversations/{conversation_id}/versions", { path: { conversation_id }, body, key, later: true });
export const recipeOf = (conversation_id, version) => call("GET /v1/conversations/{conversation_id}/recipe", { path: { conversation_id }, query: { version } });
export const estimateMessage = (conversation_id, body, signal) => call("POST /v1/conversations/{conversation_id}/messages/estimate", { path: { conversation_id }, body, signal });
