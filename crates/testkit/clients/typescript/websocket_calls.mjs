// The WebSocket client of the official TypeScript SDK (its 1.x line, the last that has one) does the four calls of the file
// server on a real tree.
//
// Environment: MCP_WS, MCP_KEY, MCP_SHOW (`protocol` or `frame`: how the key is shown, since neither this client nor a
// browser can set headers), and LLMBASEDOS_TOOLS, the folder that `cargo xtask tools` fills. The last line on standard
// output is one JSON object; the exit code is 0 only if every step did what it should.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const fromTools = createRequire(join(process.env.LLMBASEDOS_TOOLS, "node", "package.json"));
const { Client } = fromTools("@modelcontextprotocol/sdk/client/index.js");
const { WebSocketClientTransport } = fromTools("@modelcontextprotocol/sdk/client/websocket.js");

const { MCP_WS, MCP_KEY, MCP_SHOW } = process.env;
const report = { sdk: "typescript", show: MCP_SHOW, ok: false, steps: [] };

// The key as a second sub-protocol, of which the gateway selects the first.
class WithKey extends WebSocket {
  constructor(url, protocol) {
    super(url, [protocol, `llmbasedos.key.${Buffer.from(MCP_KEY).toString("base64url")}`]);
  }
}

// The key in a first frame; as a notification it has no answer that the client would wonder at.
class FirstFrame extends WebSocketClientTransport {
  async start() {
    await super.start();
    await this.send({ jsonrpc: "2.0", method: "mcp.auth", params: { key: MCP_KEY } });
  }
}

async function call(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name} failed: ${JSON.stringify(result.content)}`);
  return result.structuredContent;
}

async function names(client) {
  return (await call(client, "fs_list", { path: "/notes" })).entries.map((entry) => entry.name);
}

async function run() {
  const complaints = [];
  if (MCP_SHOW === "protocol") globalThis.WebSocket = WithKey;
  const Transport = MCP_SHOW === "frame" ? FirstFrame : WebSocketClientTransport;
  const client = new Client({ name: "real-client", version: "1.0.0" });
  client.onerror = (error) => complaints.push(error.message);
  await client.connect(new Transport(new URL(MCP_WS)));
  report.steps.push("connect");

  const file = `from-typescript-${MCP_SHOW}.txt`;
  const path = `/notes/${file}`;
  const content = "naïve café, 漢字, 🦀\nsecond line\n";
  const tools = (await client.listTools()).tools.map((tool) => tool.name);
  for (const name of ["fs_delete", "fs_list", "fs_read", "fs_write"]) assert.ok(tools.includes(name), name);
  report.steps.push("listTools");
  await call(client, "fs_write", { path, content });
  assert.ok((await names(client)).includes(file));
  report.steps.push("fs_write, fs_list");
  // Many at once on one connection: each answer must find its call.
  const many = await Promise.all(Array.from({ length: 20 }, () => call(client, "fs_read", { path })));
  for (const read of many) assert.equal(read.content, content);
  report.steps.push("fs_read, 20 at once");
  await call(client, "fs_delete", { path });
  assert.ok(!(await names(client)).includes(file));
  report.steps.push("fs_delete");
  const failed = await client.callTool({ name: "fs_read", arguments: { path } });
  assert.ok(failed.isError, "a read of nothing is no error");
  report.steps.push("fs_read of an unknown path");
  await client.close();
  assert.deepEqual(complaints, []);
}

try {
  await run();
  report.ok = true;
} catch (error) {
  report.error = error.message;
}
console.log(JSON.stringify(report));
process.exit(report.ok ? 0 : 1);
