// Calls of JavaScript clients as their documentation shows them. Usage: node calls.mjs NAME
// Reads BASE_URL (without /v1) and API_KEY; prints what came of the call as one line of JSON.
import { readFileSync } from "node:fs";

const root = process.env.BASE_URL;
const apiKey = process.env.API_KEY;
const TALKER = "google/gemini-2.5-flash";
const BOTH = "google/gemini-2.5-flash-image";
const PAINTER = "openai/gpt-image-1-mini";
const KLEIN = "black-forest-labs/flux.2-klein-4b";

async function openai() {
  const { default: OpenAI } = await import("openai");
  return new OpenAI({ baseURL: `${root}/v1`, apiKey });
}

async function vercel() {
  const { createOpenAI } = await import("@ai-sdk/openai");
  return createOpenAI({ baseURL: `${root}/v1`, apiKey });
}

async function compatible() {
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  return createOpenAICompatible({ name: "darkroom", baseURL: `${root}/v1`, apiKey });
}

const weather = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

async function openrouter() {
  const { OpenRouter } = await import("@openrouter/sdk");
  return new OpenRouter({ serverURL: `${root}/v1`, apiKey });
}

const bytes = (base64) => Buffer.from(base64, "base64").length;
const hello = [{ role: "user", content: "Hello there" }];

const calls = {
  async openai_generate() {
    const answer = await (await openai()).images.generate({ model: PAINTER, prompt: "A fox", quality: "low", n: 2 });
    return { keys: answer.data.map((each) => Object.keys(each).sort()), sizes: answer.data.map((each) => bytes(each.b64_json)) };
  },
  async openai_link() {
    const answer = await (await openai()).images.generate({ model: "dall-e-3", prompt: "A fox" });
    return { keys: answer.data.map((each) => Object.keys(each).sort()) };
  },
  async openai_edit() {
    const { toFile } = await import("openai");
    const image = await toFile(readFileSync(process.env.PHOTO), "photo.jpg", { type: "image/jpeg" });
    const answer = await (await openai()).images.edit({ model: PAINTER, image, prompt: "Make it winter", quality: "low" });
    return { sizes: answer.data.map((each) => bytes(each.b64_json)) };
  },
  async openai_chat_stream() {
    const stream = await (await openai()).chat.completions.create({ model: TALKER, messages: hello, stream: true });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
    return { text };
  },
  async openai_one() {
    const answer = await (await openai()).images.generate({ model: KLEIN, prompt: "A red fox", response_format: "b64_json" });
    return { b64_json: answer.data[0].b64_json };
  },
  async vercel_one() {
    const { generateImage, experimental_generateImage } = await import("ai");
    const make = generateImage ?? experimental_generateImage;
    const { image } = await make({ model: (await vercel()).image(KLEIN), prompt: "A red fox" });
    return { b64_json: image.base64 };
  },
  async axios_one() {
    const { default: axios } = await import("axios");
    const headers = { authorization: `Bearer ${apiKey}` };
    const answer = await axios.post(`${root}/v1/images/generations`, { model: KLEIN, prompt: "A red fox" }, { headers, proxy: false });
    return { b64_json: answer.data.data[0].b64_json };
  },
  async fetch_one() {
    const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
    const body = JSON.stringify({ model: KLEIN, prompt: "A red fox" });
    const answer = await fetch(`${root}/v1/images/generations`, { method: "POST", headers, body });
    return { b64_json: (await answer.json()).data[0].b64_json };
  },
  async openai_image_stream() {
    const asked = { model: PAINTER, prompt: "A fox", quality: "low", stream: true, partial_images: 1 };
    const events = [];
    for await (const event of await (await openai()).images.generate(asked)) events.push(event);
    return { types: events.map((each) => each.type), sizes: events.map((each) => bytes(each.b64_json)) };
  },
  async openai_responses() {
    const client = await openai();
    const said = await client.responses.create({ model: TALKER, input: "Hello there" });
    const drawn = await client.responses.create({ model: TALKER, input: "Draw a picture of a fox", tools: [{ type: "image_generation", model: KLEIN }] });
    const [picture] = drawn.output.filter((each) => each.type === "image_generation_call");
    return { text: said.output_text, sizes: [bytes(picture.result)] };
  },
  async openai_responses_stream() {
    const stream = (await openai()).responses.stream({ model: TALKER, input: "Hello there" });
    const types = [];
    for await (const event of stream) types.push(event.type);
    return { types, text: (await stream.finalResponse()).output_text };
  },
  async openai_azure() {
    const { AzureOpenAI } = await import("openai");
    const client = new AzureOpenAI({ endpoint: root, apiKey, apiVersion: "2025-04-01-preview" });
    const said = await client.chat.completions.create({ model: TALKER, messages: hello });
    const made = await client.images.generate({ model: KLEIN, prompt: "A fox" });
    return { text: said.choices[0].message.content, sizes: made.data.map((each) => bytes(each.b64_json)) };
  },
  async openai_refused() {
    const client = await openai();
    const codes = [];
    for (const call of [
      () => client.embeddings.create({ model: "text-embedding-3-small", input: "x" }),
      () => client.moderations.create({ input: "x" }),
      () => client.responses.create({ model: TALKER, input: "x", previous_response_id: "resp_1" }),
      () => client.images.generate({ prompt: "x", model: "nobody/nothing" }),
    ]) {
      try { await call(); } catch (error) { codes.push([error.constructor.name, error.code]); }
    }
    return { codes };
  },
  async vercel_default_text() {
    const { generateText, tool, jsonSchema } = await import("ai");
    const model = (await vercel())(TALKER);
    const { text, usage } = await generateText({ model, prompt: "Hello there" });
    const tools = { get_weather: tool({ description: "The weather", inputSchema: jsonSchema(weather), execute: async () => "4 degrees" }) };
    const { stepCountIs } = await import("ai");
    const used = await generateText({ model, prompt: "What is the weather in Oslo?", tools, stopWhen: stepCountIs(3) });
    return { text, tokens: usage.totalTokens, used: used.text };
  },
  async vercel_default_stream() {
    const { streamText } = await import("ai");
    const { textStream } = streamText({ model: (await vercel())(TALKER), prompt: "Hello there" });
    let text = "";
    for await (const piece of textStream) text += piece;
    return { text };
  },
  async vercel_default_object() {
    const { generateObject, jsonSchema } = await import("ai");
    const { object } = await generateObject({ model: (await vercel())(TALKER), schema: jsonSchema(weather), prompt: "A city" });
    return { object };
  },
  async vercel_image_tool() {
    const { generateText } = await import("ai");
    const provider = await vercel();
    const tools = { image_generation: provider.tools.imageGeneration({ outputFormat: "png" }) };
    const { staticToolResults, toolResults } = await generateText({ model: provider(TALKER), prompt: "Draw a picture of a fox", tools });
    return { sizes: (staticToolResults?.length ? staticToolResults : toolResults).map((each) => bytes(each.output.result)) };
  },
  async compatible_all() {
    const { generateText, streamText, generateImage } = await import("ai");
    const provider = await compatible();
    const { text } = await generateText({ model: provider(TALKER), prompt: "Hello there" });
    let streamed = "";
    for await (const piece of streamText({ model: provider(TALKER), prompt: "Hello there" }).textStream) streamed += piece;
    const { images } = await generateImage({ model: provider.imageModel(KLEIN), prompt: "A fox", n: 2 });
    return { text, streamed, sizes: images.map((each) => each.uint8Array.length) };
  },
  async removebg() {
    const { createRequire } = await import("node:module");
    const { removeBackgroundFromImageFile, removeBackgroundFromImageBase64 } = createRequire(import.meta.url)(process.env.MODULE);
    const options = { apiKey, size: "regular", crop: true };
    const base64img = readFileSync(process.env.PHOTO).toString("base64");
    const made = [
      await removeBackgroundFromImageFile({ ...options, path: process.env.PHOTO }),
      await removeBackgroundFromImageBase64({ ...options, base64img }),
    ];
    return { sizes: made.map((each) => bytes(each.base64img)), charged: made.map((each) => Number(each.creditsCharged)) };
  },
  async webhook() {
    const { Webhook } = await import("standardwebhooks");
    const { secret, body, headers } = JSON.parse(process.env.GIVEN);
    const verified = new Webhook(secret).verify(body, headers);
    let refused = false;
    try { new Webhook(secret).verify(body + " ", headers); } catch { refused = true; }
    return { verified, refused };
  },
  async vercel_four_images() {
    const { experimental_generateImage, generateImage } = await import("ai");
    const model = (await vercel()).image("gpt-image-1-mini");
    const make = generateImage ?? experimental_generateImage;
    const { images } = await make({ model, prompt: "A fox", n: 4, size: "1024x1024" });
    return { sizes: images.map((each) => each.uint8Array.length) };
  },
  async vercel_text() {
    const { generateText } = await import("ai");
    const { text, usage } = await generateText({ model: (await vercel()).chat(TALKER), prompt: "Hello there" });
    return { text, tokens: usage.totalTokens };
  },
  async vercel_stream() {
    const { streamText } = await import("ai");
    const { textStream } = streamText({ model: (await vercel()).chat(TALKER), prompt: "Hello there" });
    let text = "";
    for await (const piece of textStream) text += piece;
    return { text };
  },
  async openrouter_chat() {
    const answer = await (await openrouter()).chat.send({ chatRequest: { model: TALKER, messages: hello } });
    return { text: answer.choices[0].message.content };
  },
  async openrouter_chat_stream() {
    const stream = await (await openrouter()).chat.send({ chatRequest: { model: TALKER, messages: hello, stream: true } });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
    return { text };
  },
  async openrouter_door() {
    const client = await openrouter();
    const made = await client.images.generate({ imageGenerationRequest: { model: PAINTER, prompt: "A fox", quality: "low" } });
    const models = await client.models.list();
    const key = await client.apiKeys.getCurrentKeyMetadata();
    const credits = await client.credits.getCredits();
    return { sizes: made.data.map((each) => bytes(each.b64Json)), models: models.result.data.length, used: key.data.usageDaily, total: credits.data.totalUsage };
  },
  async openrouter_painted_chat() {
    const answer = await (await openrouter()).chat.send({ chatRequest: { model: BOTH, modalities: ["image", "text"], messages: hello } });
    return { sizes: answer.choices[0].message.images.map((each) => bytes(each.imageUrl.url.split(",")[1])) };
  },
  async openrouter_vercel() {
    const { createOpenRouter } = await import("@openrouter/ai-sdk-provider");
    const { generateText, generateImage } = await import("ai");
    const provider = createOpenRouter({ baseURL: `${root}/api/v1`, apiKey });
    const { text } = await generateText({ model: provider.chat(TALKER), prompt: "Hello there" });
    const { images } = await generateImage({ model: provider.imageModel(BOTH), prompt: "A fox" });
    return { text, sizes: images.map((each) => each.uint8Array.length) };
  },
  async mcp() {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    const headers = { Authorization: `Bearer ${apiKey}` };
    const client = new Client({ name: "test", version: "1" });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${root}/mcp`), { requestInit: { headers } }));
    const { tools } = await client.listTools();
    const call = (name, args) => client.callTool({ name, arguments: args });
    const fox = { prompt: "A red fox", model: KLEIN };
    const { structuredContent: quote } = await call("generate_image", fox);
    const made = await call("generate_image", { ...fox, max_cost_usd: quote.max_cost_usd });
    const refused = await call("get_job", { job_id: "job_none" });
    await client.close();
    return {
      tools: tools.map((each) => each.name),
      quoted: { status: quote.status, charged: quote.charged },
      kinds: made.content.map((each) => each.type),
      cost_usd: made.structuredContent.cost_usd,
      refused: { isError: refused.isError, charged: refused.structuredContent.charged },
    };
  },
};

console.log(JSON.stringify(await calls[process.argv[2]]()));
