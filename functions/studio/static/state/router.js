import { signal, computed } from "../html.js";

const KEY = "darkroom.return";
const read = () => location.hash.replace(/^#\/?/, "");
// Before consent the place is put aside, for `return_to` carries a path alone.
const kept = sessionStorage.getItem(KEY);
if (kept && !read()) history.replaceState(null, "", kept);
sessionStorage.removeItem(KEY);

const address = signal(read());
addEventListener("hashchange", () => (address.value = read()));

export const path = computed(() => address.value.split("?")[0].split("/"));
export const query = computed(() => new URLSearchParams(address.value.split("?")[1] ?? ""));
export const go = (to) => (location.hash = `#/${to}`);
/** Before the browser leaves for another site: the next load goes on from here, or from `to`. */
export const comeBack = (to) => sessionStorage.setItem(KEY, to ? `#/${to}` : location.hash);
