// The official TypeScript client does the four calls of the file server on a real tree.
//
// Environment: MCP_URL, MCP_KEY, MCP_ERA (`modern` or `legacy`), and LLMBASEDOS_TOOLS, the folder
// that `cargo xtask tools` fills. With MCP_BRIDGE, the path of `llmbasedos`, the calls go through
// that program's standard input and output. The last line on standard output is one JSON object;
// the exit code is 0 only if every step did what it should.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const SDK = "typescript";
const PROTOCOL = { modern: "2026-07-28", legacy: "2025-11-25" };
const TOOLS = ["fs_delete", "fs_list", "fs_read", "fs_write"];

function env(name) {
  const value = process.env[name];
  assert.ok(value, `the environment variable ${name} is not set`);
  return value;
}

// The SDK is installed in the cache folder, where an `import` from the checkout does not look.
const fromTools = createRequire(join(env("LLMBASEDOS_TOOLS"), "node", "package.json"));
const { Client, StreamableHTTPClientTransport } = fromTools("@modelcontextprotocol/client");
const { StdioClientTransport } = fromTools("@modelcontextprotocol/client/stdio");

const report = { sdk: SDK, era: env("MCP_ERA"), protocol: null, tools: [], ok: false, steps: [] };

async function call(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name} failed: ${JSON.stringify(result.content)}`);
  assert.ok(result.content.length > 0, `${name} has no content for clients that show text`);
  return result.structuredContent;
}

async function names(client, path) {
  const list = await call(client, "fs_list", { path });
  assert.equal(list.path, path);
  for (const entry of list.entries) {
    for (const key of ["name", "path", "type", "size", "modified_at"]) {
      assert.ok(key in entry, `an entry of fs_list has no ${key}: ${JSON.stringify(entry)}`);
    }
  }
  return list.entries.map((entry) => entry.name);
}

async function step(name, work) {
  try {
    await work();
  } catch (error) {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
  report.steps.push(name);
}

function transportTo(url, key) {
  const command = process.env.MCP_BRIDGE;
  if (command) {
    const args = ["mcp", "--url", url];
    return new StdioClientTransport({ command, args, env: { LLMBASEDOS_KEY: key } });
  }
  return new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { Authorization: `Bearer ${key}` } },
  });
}

async function main() {
  assert.ok(report.era in PROTOCOL, `MCP_ERA is ${report.era}`);
  // `auto` asks the server what it speaks, as a host does; it may fall back to the old era, which
  // the check of the version below would notice.
  const mode = report.era === "modern" ? "auto" : "legacy";
  const client = new Client(
    { name: "llmbasedos-four-calls", version: "1.0.0" },
    { versionNegotiation: { mode } },
  );
  const transport = transportTo(env("MCP_URL"), env("MCP_KEY"));
  await step("connect", async () => {
    await client.connect(transport);
    report.protocol = client.getNegotiatedProtocolVersion();
    assert.equal(client.getProtocolEra(), report.era);
    assert.equal(report.protocol, PROTOCOL[report.era]);
  });
  try {
    await exchange(client);
    // Ends the session of the old era, which closing alone leaves behind; the new era has none, and
    // a program ends with its input.
    await transport.terminateSession?.();
  } finally {
    await client.close();
  }
}

async function exchange(client) {
  const file = `from-${SDK}-${report.era}.txt`;
  const path = `/notes/${file}`;
  const content = `Written by ${SDK} in the ${report.era} era: naïve café, 漢字, 🦀\nsecond line\n`;

  await step("list_tools", async () => {
    const { tools } = await client.listTools();
    report.tools = tools.map((tool) => tool.name);
    for (const name of TOOLS) {
      const tool = tools.find((candidate) => candidate.name === name);
      assert.ok(tool, `there is no tool ${name}`);
      assert.equal(tool.inputSchema.type, "object");
      assert.ok("path" in tool.inputSchema.properties, `${name} takes no path`);
    }
  });
  await step("fs_write", async () => {
    const written = await call(client, "fs_write", { path, content });
    assert.equal(written.path, path);
    assert.equal(written.bytes_written, Buffer.byteLength(content));
    assert.equal(written.status, "success");
  });
  await step("fs_list with the file", async () => {
    assert.ok((await names(client, "/notes")).includes(file), "the written file is not listed");
  });
  await step("fs_read", async () => {
    const read = await call(client, "fs_read", { path });
    assert.equal(read.path, path);
    assert.equal(read.content, content);
  });
  await step("fs_delete", async () => {
    const deleted = await call(client, "fs_delete", { path });
    assert.deepEqual([deleted.path, deleted.status], [path, "success"]);
  });
  await step("fs_list without the file", async () => {
    assert.ok(!(await names(client, "/notes")).includes(file), "the deleted file is listed");
  });
  await step("fs_read of an unknown path", async () => {
    const result = await client.callTool({ name: "fs_read", arguments: { path } });
    assert.equal(result.isError, true);
    assert.ok(result.content.length > 0, "the error has no text");
  });
}

try {
  await main();
  report.ok = true;
} catch (error) {
  report.error = error.message;
  process.exitCode = 1;
}
console.log(JSON.stringify(report));
