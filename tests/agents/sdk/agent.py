# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""An agent of livekit-agents: answers each text with the same in upper case."""

import asyncio
import os

from livekit.agents import JobContext, WorkerOptions, cli

running = set()


async def entrypoint(ctx: JobContext) -> None:
    async def answer(reader, identity: str) -> None:
        text = await reader.read_all()
        await ctx.room.local_participant.send_text(
            text.upper() + " " + ctx.job.metadata, topic="answer", destination_identities=[identity]
        )

    def heard(reader, identity: str) -> None:
        task = asyncio.create_task(answer(reader, identity))
        running.add(task)
        task.add_done_callback(running.discard)

    ctx.room.register_text_stream_handler("question", heard)
    await ctx.connect()
    await ctx.room.local_participant.set_attributes({"ready": "python"})


if __name__ == "__main__":
    # A busy machine would refuse jobs by its own load.
    options = WorkerOptions(
        entrypoint_fnc=entrypoint,
        agent_name=os.environ.get("AGENT_NAME", ""),
        load_fnc=lambda *_: 0.1,
        num_idle_processes=1,
        port=0,
        host="127.0.0.1",
    )
    cli.run_app(options)
