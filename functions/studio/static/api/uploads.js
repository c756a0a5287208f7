import { call, Problem } from "./client.js";

export const createUpload = (media_type) => call("POST /v1/uploads", { body: { media_type } });

/** Sends a file to the bucket by the form that createUpload gave; `progress` hears 0 to 1. */
export const sendFile = (form, file, progress, signal) =>
  new Promise((done, fail) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => (request.status < 300 ? done(form.upload_id) : fail(new Problem(request.status, { code: "UPLOAD_FAILED", charged: false })));
    request.onerror = () => fail(new Problem(0, { code: "UPLOAD_FAILED", charged: false }));
    signal?.addEventListener("abort", () => request.abort());
    request.open("POST", form.url);
    request.send(body);
  });
