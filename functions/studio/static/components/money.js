// Money is never rounded to nothing: under ten cents to a tenth of a cent, else to a cent.
export const usd = (x) => (x == null ? "–" : x === 0 ? "$0.00" : `$${x.toFixed(x < 0.1 ? (x < 0.01 ? 4 : 3) : 2)}`);
/** "0.6 s", "12 s" */
export const seconds = (x) => `${x < 10 ? x.toFixed(1) : Math.round(x)} s`;
export const about = (x) => (x == null ? "" : `≈ ${usd(x)}`);
