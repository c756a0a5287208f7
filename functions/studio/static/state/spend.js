// A month's spending: what is left, by day, model, work and token, and its receipts.
import { signal } from "../html.js";
import { listReceipts, showUsage } from "../api/usage.js";

export const month = signal(null);
export const days = signal(null);
export const parts = signal({});
export const receipts = signal(null);
export const older = signal(null);
export const against = signal(null);
export const problem = signal(null);
export const usageCsv = (of) => `/v1/usage?month=${of}&by=day,model,op&format=csv`;

export async function load(which) {
  month.value = days.value = receipts.value = older.value = against.value = problem.value = null;
  parts.value = {};
  try {
    const query = which ? { month: which } : {};
    const [daily, page] = await Promise.all([showUsage({ ...query, by: "day,model" }), listReceipts({ ...query, limit: 50 })]);
    month.value = daily;
    days.value = daily.groups;
    parts.value = { model: sums(daily.groups, "model") };
    receipts.value = page.data;
    older.value = page.next_cursor;
  } catch (error) {
    problem.value = error;
  }
}

function sums(groups, by) {
  const found = new Map();
  for (const each of groups) {
    const name = each[by] ?? null, before = found.get(name) ?? { name, usd: 0, images: 0, requests: 0 };
    found.set(name, { name, usd: before.usd + each.cost_usd, images: before.images + each.images, requests: before.requests + each.requests });
  }
  return [...found.values()].filter((each) => each.usd > 0 || each.requests).sort((a, b) => b.usd - a.usd);
}

export async function split(by) {
  if (parts.value[by]) return;
  const found = await showUsage({ month: month.value.month, by });
  parts.value = { ...parts.value, [by]: sums(found.groups, by) };
}

export async function elsewhere(model) {
  against.value = model ? { model } : null;
  if (model) against.value = (await showUsage({ month: month.value.month, against: model })).savings;
}

export async function olderReceipts() {
  const page = await listReceipts({ month: month.value.month, limit: 50, cursor: older.value });
  receipts.value = [...receipts.value, ...page.data];
  older.value = page.next_cursor;
}

/** All of the month's receipts as a file's text. */
export async function receiptsCsv() {
  while (older.value) await olderReceipts();
  const columns = ["created_at", "job_id", "op", "status", "provider", "model_used", "images", "estimated_usd", "reserved_usd", "actual_usd", "charged"];
  const cell = (value) => (/[",\n]/.test(value ?? "") ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));
  return [columns.join(), ...receipts.value.map((each) => columns.map((name) => cell(each[name])).join())].join("\r\n");
}
