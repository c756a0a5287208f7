import { call } from "./client.js";

export const listRecipes = () => call("GET /v1/recipes");
export const saveRecipe = (name, body) => call("PUT /v1/recipes/{name}", { path: { name }, body });
export const removeRecipe = (name) => call("DELETE /v1/recipes/{name}", { path: { name } });
export const applyRecipe = (body, key) => call("POST /v1/recipes/apply", { body, key });
