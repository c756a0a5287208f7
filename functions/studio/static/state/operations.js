// Operations by their names: what they are called in this language, and what their fields may be.
import { signal } from "../html.js";
import { listOperations } from "../api/operations.js";
import { language } from "./language.js";

export const operations = signal({});
let asking;
export const loadOperations = () =>
  (asking ??= listOperations().then(
    ({ data }) => (operations.value = Object.fromEntries(data.map((each) => [each.op, each]))),
    () => (asking = null),
  ));

const first = (text) => text[0].toUpperCase() + text.slice(1);
/** "Brightness", in this language once the list is there. */
export const stepName = (op) => first(operations.value[op]?.title[language] ?? op.replaceAll("_", " "));

/** Of an operation the fields that a slider can move, the one that says how much before others: {field: {minimum, maximum}}. */
export function movable(op) {
  const { parameters = {}, required = [] } = operations.value[op] ?? {};
  const found = Object.entries(parameters).filter(([, each]) => each.minimum != null && each.maximum != null && each.maximum <= 500);
  return found.sort(([a], [b]) => required.includes(b) - required.includes(a)).slice(0, 3);
}
/** What is taken where a recipe does not say it. */
export const valueOf = (operation, field, range) => operation[field] ?? range.default ?? Math.max(0, range.minimum);
