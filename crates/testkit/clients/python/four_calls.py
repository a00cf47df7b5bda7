"""The official Python client does the four calls of the file server on a real tree.

Environment: MCP_URL, MCP_KEY and MCP_ERA (`modern` or `legacy`). With MCP_BRIDGE, the path of
`llmbasedos`, the calls go through that program's standard input and output. The last line on
standard output is one JSON object; the exit code is 0 only if every step did what it should.
"""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager, contextmanager

import httpx2
import mcp
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

SDK = "python"
PROTOCOL = {"modern": "2026-07-28", "legacy": "2025-11-25"}
TOOLS = ["fs_delete", "fs_list", "fs_read", "fs_write"]
SECONDS = 20


class Mismatch(Exception):
    """A step did not do what it should."""


def check(condition, reason):
    """Like `assert`, which an optimised Python leaves out."""
    if not condition:
        raise Mismatch(reason)


def equal(found, wanted, what):
    check(found == wanted, f"{what} is {found!r} and not {wanted!r}")


class FourCalls:
    """One run, and what it has found."""

    def __init__(self, era):
        self.report = {
            "sdk": SDK, "era": era, "protocol": None, "tools": [], "ok": False, "steps": [],
        }

    @contextmanager
    def step(self, name):
        try:
            yield
        except Exception as error:
            raise Mismatch(f"{name}: {type(error).__name__}: {error}") from error
        self.report["steps"].append(name)

    async def run(self, url, key):
        era = self.report["era"]
        check(era in PROTOCOL, f"MCP_ERA is {era}")
        # `auto` asks the server what it speaks, as a host does; it may fall back to the old era,
        # which the check of the version below would notice.
        mode = "auto" if era == "modern" else "legacy"
        async with transport_to(url, key) as transport:
            async with mcp.Client(
                transport, mode=mode, read_timeout_seconds=SECONDS
            ) as client:
                with self.step("connect"):
                    self.report["protocol"] = client.protocol_version
                    equal(client.protocol_version, PROTOCOL[era], "the protocol")
                await self.exchange(client, era)

    async def exchange(self, client, era):
        file = f"from-{SDK}-{era}.txt"
        path = f"/notes/{file}"
        content = f"Written by {SDK} in the {era} era: naïve café, 漢字, 🦀\nsecond line\n"

        with self.step("list_tools"):
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            self.report["tools"] = list(tools)
            for name in TOOLS:
                check(name in tools, f"there is no tool {name}")
                schema = tools[name].input_schema
                equal(schema.get("type"), "object", f"the type of what {name} takes")
                check("path" in schema["properties"], f"{name} takes no path")
        with self.step("fs_write"):
            written = await call(client, "fs_write", path=path, content=content)
            equal(written["path"], path, "the path")
            equal(written["bytes_written"], len(content.encode()), "the number of bytes")
            equal(written["status"], "success", "the status")
        with self.step("fs_list with the file"):
            check(file in await names(client, "/notes"), "the written file is not listed")
        with self.step("fs_read"):
            read = await call(client, "fs_read", path=path)
            equal(read["path"], path, "the path")
            equal(read["content"], content, "the content")
        with self.step("fs_delete"):
            deleted = await call(client, "fs_delete", path=path)
            equal((deleted["path"], deleted["status"]), (path, "success"), "the result")
        with self.step("fs_list without the file"):
            check(file not in await names(client, "/notes"), "the deleted file is listed")
        with self.step("fs_read of an unknown path"):
            result = await client.call_tool("fs_read", {"path": path})
            check(result.is_error, "it is no error")
            check(result.content, "the error has no text")


@asynccontextmanager
async def transport_to(url, key):
    """The transport that the environment asks for."""
    bridge = os.environ.get("MCP_BRIDGE")
    if bridge:
        yield stdio_client(StdioServerParameters(
            command=bridge, args=["mcp", "--url", url], env={"LLMBASEDOS_KEY": key},
        ))
        return
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=SECONDS) as http:
        yield streamable_http_client(url, http_client=http)


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    check(not result.is_error, f"{tool} failed: {result.content}")
    check(result.content, f"{tool} has no content for clients that show text")
    return result.structured_content


async def names(client, path):
    result = await call(client, "fs_list", path=path)
    equal(result["path"], path, "the path")
    for entry in result["entries"]:
        for key in ("name", "path", "type", "size", "modified_at"):
            check(key in entry, f"an entry of fs_list has no {key}: {entry}")
    return [entry["name"] for entry in result["entries"]]


def reason(error):
    """What really happened: task groups wrap the errors of their tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, Mismatch) else f"{type(error).__name__}: {error}"


def main():
    run = FourCalls(os.environ.get("MCP_ERA"))
    try:
        asyncio.run(run.run(os.environ["MCP_URL"], os.environ["MCP_KEY"]))
        run.report["ok"] = True
    except Exception as error:
        run.report["error"] = reason(error)
    print(json.dumps(run.report))
    return 0 if run.report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
