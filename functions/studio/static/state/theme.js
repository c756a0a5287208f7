import { signal, effect } from "../html.js";

const KEY = "darkroom.theme";
const DARK = matchMedia("(prefers-color-scheme: dark)");
export const theme = signal(localStorage.getItem(KEY) ?? "system");
effect(() => {
  const chosen = theme.value;
  if (chosen === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = chosen;
  localStorage.setItem(KEY, chosen);
});
export const isDark = () => theme.value === "dark" || (theme.value === "system" && DARK.matches);
export const choose = (chosen) => (theme.value = chosen);
