import { call } from "./client.js";

export const listModels = (query = {}, signal) => call("GET /v1/models", { query, signal });
export const estimate = (body, signal) => call("POST /v1/estimates", { body, signal });
export const addFavorite = (model_id) => call("PUT /v1/models/{model_id}", { path: { model_id: `${model_id}/favorite` } });
export const removeFavorite = (model_id) => call("DELETE /v1/models/{model_id}", { path: { model_id: `${model_id}/favorite` } });
