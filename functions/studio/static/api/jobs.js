import { call, listen } from "./client.js";

export const listJobs = (query = {}, signal) => call("GET /v1/jobs", { query, signal });
export const showJob = (job_id, signal) => call("GET /v1/jobs/{job_id}", { path: { job_id }, signal });
export const followJob = (job_id, hear, ended) => listen("GET /v1/jobs/{job_id}/events", { path: { job_id }, hear, ended });
export const labelJob = (job_id, body) => call("PATCH /v1/jobs/{job_id}", { path: { job_id }, body });
export const cancelJob = (job_id) => call("POST /v1/jobs/{job_id}/cancel", { path: { job_id } });
export const removeJob = (job_id) => call("DELETE /v1/jobs/{job_id}", { path: { job_id } });
export const removeJobs = (ids) => call("POST /v1/jobs/remove", { body: { ids } });
