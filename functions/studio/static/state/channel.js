// Between tabs of this browser: what one has changed the others load again.
const channel = new BroadcastChannel("darkroom");
const hearing = {};
channel.onmessage = ({ data }) => hearing[data]?.forEach((hear) => hear());
export const tell = (what) => channel.postMessage(what);
export const hear = (what, then) => (hearing[what] ??= []).push(then);
