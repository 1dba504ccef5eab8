// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// room mute-track, update-subscriptions, send-data, and calls of methods (05 C.2).
#include "app/cli/call/call.h"
#include "app/cli/verbs/verbs.h"
#include "livekit_room.pb.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

constexpr Param kRoom{.names = "-r,--room",
                      .help = "The room",
                      .field = "room",
                      .required = true,
                      .live = Live::kRoom};
constexpr Param kIdentity{.names = "-i,--identity",
                          .help = "Who",
                          .field = "identity",
                          .required = true,
                          .live = Live::kIdentity};

constexpr Param kMute[] = {
    kRoom,
    kIdentity,
    {.names = "--track,track",
     .help = "Sid of the track",
     .field = "track_sid",
     .required = true,
     .live = Live::kTrack},
    {.names = "-m,--mute,--muted", .help = "Mute it; so it is without a flag", .kind = Kind::kBool},
    {.names = "-u,--unmute", .help = "Unmute it", .kind = Kind::kBool},
};
constexpr Param kSubscriptions[] = {
    kRoom,
    kIdentity,
    {.names = "--track,tracks",
     .help = "Sids of the tracks",
     .field = "track_sids",
     .kind = Kind::kList,
     .required = true,
     .live = Live::kTrack},
    {.names = "-s,--subscribe", .help = "Subscribe; so it is without a flag", .kind = Kind::kBool},
    {.names = "-S,--unsubscribe", .help = "Unsubscribe", .kind = Kind::kBool},
};
constexpr Param kData[] = {
    kRoom,
    {.names = "--data,data", .help = "What to send", .field = "data", .required = true},
    {.names = "--topic", .help = "Its topic", .field = "topic"},
    {.names = "-i,--identity",
     .help = "To whom; repeatable; to all without",
     .field = "destination_identities",
     .kind = Kind::kList,
     .live = Live::kIdentity},
    {.names = "--participantID",
     .help = "",
     .field = "destination_sids",
     .kind = Kind::kList,
     .hidden = true},
    {.names = "--lossy", .help = "Once, and not again if it is lost", .kind = Kind::kBool},
};
constexpr Param kRpc[] = {
    kRoom,
    {.names = "-i,--identity",
     .help = "Whose method",
     .field = "destination_identity",
     .required = true,
     .live = Live::kIdentity},
    {.names = "--method,method", .help = "Its name", .field = "method", .required = true},
    {.names = "--payload", .help = "What it is given", .field = "payload"},
    {.names = "--timeout-ms",
     .help = "How long the answer may take",
     .field = "response_timeout_ms",
     .kind = Kind::kNumber},
};

// Which of two flags is meant; neither: the first.
Result<bool, std::string> either(const Values& values, const char* yes, const char* no) {
    if (values.flag(yes) && values.flag(no))
        return fail("--" + std::string(yes) + " and --" + no + " exclude each other");
    return !values.flag(no);
}

Result<void, std::string> set_muted(Call& call, Message& message) {
    CONFAB_TRY(const bool muted, either(call.values(), "mute", "unmute"));
    static_cast<livekit::MuteRoomTrackRequest&>(message).set_muted(muted);
    call.values().set("done", {muted ? "Muted" : "Unmuted"});
    return {};
}

Result<void, std::string> set_subscribe(Call& call, Message& message) {
    CONFAB_TRY(const bool subscribe, either(call.values(), "subscribe", "unsubscribe"));
    static_cast<livekit::UpdateSubscriptionsRequest&>(message).set_subscribe(subscribe);
    call.values().set("done", {subscribe ? "Subscribed to" : "Unsubscribed from"});
    return {};
}

Result<void, std::string> set_kind(Call& call, Message& message) {
    auto& request = static_cast<livekit::SendDataRequest&>(message);
    if (call.values().flag("lossy")) request.set_kind(livekit::DataPacket::LOSSY);
    return {};
}

constexpr Verb kVerbs[] = {
    {.group = "room",
     .name = "mute-track",
     .help = "Mute or unmute a track",
     .examples = "confab room mute-track TR_AMx2PuQ --room demo --identity anna\n"
                 "confab room mute-track TR_AMx2PuQ -r demo -i anna --unmute",
     .params = kMute,
     .api = {"livekit.RoomService/MutePublishedTrack", prototype<livekit::MuteRoomTrackRequest>,
             prototype<livekit::MuteRoomTrackResponse>, grant::kAdmin},
     .print = {.shape = Shape::kDone, .sentence = "{done} track [{track}]"},
     .prepare = set_muted,
     .old_names = "mute-track"},
    {.group = "room",
     .name = "update-subscriptions",
     .help = "Subscribe a participant to tracks, or unsubscribe",
     .examples = "confab room update-subscriptions TR_AMx2PuQ --room demo --identity ben -S",
     .params = kSubscriptions,
     .api = {"livekit.RoomService/UpdateSubscriptions",
             prototype<livekit::UpdateSubscriptionsRequest>,
             prototype<livekit::UpdateSubscriptionsResponse>, grant::kAdmin},
     .print = {.shape = Shape::kDone, .sentence = "{done} tracks [{track}]"},
     .prepare = set_subscribe,
     .old_names = "update-subscriptions"},
    {.group = "room",
     .name = "send-data",
     .help = "Send data to a room, or to some in it",
     .examples = "confab room send-data '{\"hello\": 1}' --room demo --topic chat",
     .params = kData,
     .api = {"livekit.RoomService/SendData", prototype<livekit::SendDataRequest>,
             prototype<livekit::SendDataResponse>, grant::kAdmin},
     .print = {.shape = Shape::kDone, .sentence = "sent data to room {room}"},
     .prepare = set_kind,
     .old_names = "send-data"},
    {.group = "room",
     .name = "call",
     .help = "Call a method of a participant (RPC); its answer is printed",
     .examples = "confab room call greet --room demo --identity anna --payload hello",
     .params = kRpc,
     .api = {"livekit.RoomService/PerformRpc", prototype<livekit::PerformRpcRequest>,
             prototype<livekit::PerformRpcResponse>, grant::kAdmin},
     .print = {.shape = Shape::kObject}},
};

}  // namespace

std::span<const Verb> track_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
