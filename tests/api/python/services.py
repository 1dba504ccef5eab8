# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
"""Calls every service of the server with livekit-api and prints what came of it, a line of JSON for
each call: {"call", "result"} or {"call", "code", "status", "message"}. The address and the key are in
LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET; the room to use is the first argument.
Then it verifies the webhooks on its standard input, a line of JSON for each: {"body", "token"}."""

import asyncio
import json
import os
import sys

from google.protobuf.json_format import MessageToDict
from livekit import api


def tell(call, **said):
    print(json.dumps({"call": call, **said}), flush=True)


async def attempt(call, awaitable):
    try:
        result = await awaitable
        said = MessageToDict(result, preserving_proto_field_name=True) if hasattr(result, "DESCRIPTOR") else list(map(MessageToDict, result or []))
        tell(call, result=said)
    except api.TwirpError as error:
        tell(call, code=error.code, status=error.status, message=error.message)


async def rooms(client, room):
    await attempt("create_room", client.room.create_room(api.CreateRoomRequest(name=room, metadata="grüße", empty_timeout=77)))
    await attempt("list_rooms", client.room.list_rooms(api.ListRoomsRequest(names=[room, "nowhere"])))
    await attempt("update_room_metadata", client.room.update_room_metadata(api.UpdateRoomMetadataRequest(room=room, metadata="new")))
    await attempt("list_participants", client.room.list_participants(api.ListParticipantsRequest(room=room)))
    await attempt("get_participant", client.room.get_participant(api.RoomParticipantIdentity(room=room, identity="nobody")))
    await attempt("send_data", client.room.send_data(api.SendDataRequest(room=room, data=b"hi", topic="t")))


async def others(client, room):
    dispatch = api.CreateAgentDispatchRequest(room=room, agent_name="helper", metadata="m")
    await attempt("create_dispatch", client.agent_dispatch.create_dispatch(dispatch))
    await attempt("list_dispatch", client.agent_dispatch.list_dispatch(room))
    file = api.EncodedFileOutput(filepath="/out/x.mp4")
    start = client.egress.start_room_composite_egress
    await attempt("start_egress", start(api.RoomCompositeEgressRequest(room_name=room, file_outputs=[file])))
    await attempt("start_egress nowhere", start(api.RoomCompositeEgressRequest(room_name="nowhere", file_outputs=[file])))
    await attempt("list_egress", client.egress.list_egress(api.ListEgressRequest()))
    ingress = api.CreateIngressRequest(input_type=api.IngressInput.WHIP_INPUT, room_name=room, participant_identity="i")
    await attempt("create_ingress", client.ingress.create_ingress(ingress))
    await attempt("list_trunks", client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest()))
    await attempt("delete_room", client.room.delete_room(api.DeleteRoomRequest(room=room)))


def verify_webhooks():
    receiver = api.WebhookReceiver(api.TokenVerifier())
    for line in sys.stdin:
        delivery = json.loads(line)
        try:
            event = receiver.receive(delivery["body"], delivery["token"])
            tell("webhook", result={"event": event.event, "room": event.room.name})
        except Exception as error:  # pylint: disable=broad-exception-caught
            tell("webhook", code=type(error).__name__)


async def main():
    room = sys.argv[1]
    async with api.LiveKitAPI() as client:
        await rooms(client, room)
        await others(client, room)
    # With another secret.
    async with api.LiveKitAPI(api_key=os.environ["LIVEKIT_API_KEY"], api_secret="x" * 40) as stranger:
        try:
            await stranger.room.list_rooms(api.ListRoomsRequest())
        except Exception as error:  # pylint: disable=broad-exception-caught
            tell("wrong secret", status=getattr(error, "status", 0))


asyncio.run(main())
verify_webhooks()
