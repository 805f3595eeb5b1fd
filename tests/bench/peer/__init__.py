"""The benchmark's peer: the same four APIs, each a FastAPI application in a native process.

What the shop does is the components' own code, wired to aiohttp and asyncio instead of WASI: same
routes, same contracts, same workflow with the same calls to the same sidecars. What is compared is
the way to run it. Nothing here slows it down: uvicorn with uvloop and httptools and without an
access log, connections to the sidecar that are kept, pydantic 2 with its native core.
"""
