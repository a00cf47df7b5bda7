"""The WebSocket client of the official Python SDK does the four calls of the file server on a real tree.

Environment: MCP_WS and MCP_KEY. That client was written before there were keys, so the header is added to what it connects
with; everything else is its own. The last line on standard output is one JSON object; the exit code is 0 only if every step
did what it should.
"""

import asyncio
import functools
import json
import os
import sys
import warnings

import mcp.client.websocket as transport
from mcp import ClientSession

SDK = "python"
SECONDS = 20


class Mismatch(Exception):
    """A step did not do what it should."""


def equal(found, wanted, what):
    if found != wanted:
        raise Mismatch(f"{what} is {found!r} and not {wanted!r}")


async def call(session, tool, **arguments):
    result = await session.call_tool(tool, arguments)
    equal(result.isError, False, f"the failure of {tool} ({result.content})")
    return result.structuredContent


async def names(session):
    listed = await call(session, "fs_list", path="/notes")
    return [entry["name"] for entry in listed["entries"]]


async def exchange(session, steps):
    file, content = f"from-{SDK}-websocket.txt", "naïve café, 漢字, 🦀\nsecond line\n"
    path = f"/notes/{file}"
    greeting = await session.initialize()
    equal(greeting.protocolVersion, "2025-11-25", "the protocol")
    steps.append("initialize")
    tools = {tool.name for tool in (await session.list_tools()).tools}
    equal({"fs_delete", "fs_list", "fs_read", "fs_write"} <= tools, True, "the set of tools")
    steps.append("list_tools")
    written = await call(session, "fs_write", path=path, content=content)
    equal(written["bytes_written"], len(content.encode()), "the number of bytes")
    equal(file in await names(session), True, "the listing of the file")
    steps.append("fs_write, fs_list")
    # Many at once on one connection: each answer must find its call.
    many = [call(session, "fs_read", path=path) for _ in range(20)]
    equal({read["content"] for read in await asyncio.gather(*many)}, {content}, "the content")
    steps.append("fs_read, 20 at once")
    await call(session, "fs_delete", path=path)
    equal(file in await names(session), False, "the listing of the deleted file")
    steps.append("fs_delete")
    failed = await session.call_tool("fs_read", {"path": path})
    equal(failed.isError, True, "the failure of a read of nothing")
    steps.append("fs_read of an unknown path")


async def main():
    headers = {"Authorization": f"Bearer {os.environ['MCP_KEY']}"}
    transport.ws_connect = functools.partial(transport.ws_connect, additional_headers=headers)
    report = {"sdk": SDK, "ok": False, "steps": []}
    try:
        async with asyncio.timeout(SECONDS):
            async with transport.websocket_client(os.environ["MCP_WS"]) as (read, write):
                async with ClientSession(read, write) as session:
                    await exchange(session, report["steps"])
        report["ok"] = True
    except Exception as error:
        report["error"] = f"{type(error).__name__}: {error}"
    print(json.dumps(report))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    sys.exit(asyncio.run(main()))
