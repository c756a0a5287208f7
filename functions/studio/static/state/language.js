// The catalogue of the chosen language. A key that is missing shows itself, and a test refuses it.
export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español" };
const KEY = "darkroom.language";
const wished = [localStorage.getItem(KEY), ...(navigator.languages ?? [])].filter(Boolean);
export const language = wished.map((each) => each.slice(0, 2)).find((each) => each in LANGUAGES) ?? "en";
document.documentElement.lang = language;

const words = (await import(`../strings/${language}.js`)).default;

/** The text of a key, with {name} filled in. */
export const t = (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
/** As t, by number: `key.one` or `key.many`. */
export const tn = (key, n, values = {}) => t(`${key}.${n === 1 ? "one" : "many"}`, { n, ...values });
export function speak(chosen) {
  localStorage.setItem(KEY, chosen);
  location.reload();
}
