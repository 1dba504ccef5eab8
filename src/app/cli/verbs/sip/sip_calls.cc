// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// sip participant (05 C.2).
#include "app/cli/call/key_values.h"
#include "app/cli/verbs/sip/sip_requests.h"
#include "app/cli/verbs/verbs.h"
#include "base/text.h"
#include "config/yaml/value.h"
#include "livekit_sip.pb.h"

namespace confab::app::cli {
namespace {

using google::protobuf::Message;

// How long the call may ring when the caller waits for it.
constexpr Duration kWait = Duration::seconds(80);
constexpr Duration kMargin = Duration::millis(500);
// The answer comes when the other side has been rung up.
constexpr Duration kTransferTime = Duration::seconds(95);

constexpr Param kCreate[] = {
    {.names = "--request,request",
     .help = "The whole request: JSON, a file with it, or - for stdin",
     .kind = Kind::kTexts,
     .live = Live::kFile},
    {.names = "-r,--room",
     .help = "The room",
     .field = "room_name",
     .kind = Kind::kName,
     .live = Live::kRoom},
    {.names = "-i,--identity",
     .help = "Of the participant that the call becomes",
     .field = "participant_identity",
     .kind = Kind::kName},
    {.names = "--trunk",
     .help = "By which trunk",
     .field = "sip_trunk_id",
     .live = Live::kOutboundTrunk},
    {.names = "--number", .help = "The number that calls", .field = "sip_number"},
    {.names = "--call", .help = "The number that is called", .field = "sip_call_to"},
    {.names = "--name", .help = "Of the participant", .field = "participant_name"},
    {.names = "--display-name", .help = "In the From header", .field = "display_name"},
    {.names = "--no-display-name",
     .help = "None in the From header, not even a usual one",
     .kind = Kind::kBool},
    {.names = "--wait",
     .help = "Until the call is answered",
     .field = "wait_until_answered",
     .kind = Kind::kBool},
    {.names = "--timeout", .help = "How long it may ring; default 80s"},
    {.names = "--header", .help = "A SIP header, Key:Value; repeatable", .kind = Kind::kTexts},
    {.names = "--media-enc",
     .help = "Encryption of media: disable, allow or require",
     .field = "media_encryption"},
};
constexpr Param kTransfer[] = {
    {.names = "-r,--room",
     .help = "The room",
     .field = "room_name",
     .required = true,
     .live = Live::kRoom},
    {.names = "-i,--identity,identity",
     .help = "Who",
     .field = "participant_identity",
     .required = true,
     .live = Live::kIdentity},
    {.names = "--to", .help = "sip: or tel: address", .field = "transfer_to", .required = true},
    {.names = "--play-dialtone",
     .help = "The caller hears that it rings",
     .field = "play_dialtone",
     .kind = Kind::kBool},
};

constexpr Column kCall[] = {{"SIPCallID", "sipCallId"},
                            {"ParticipantID", "participantId"},
                            {"ParticipantIdentity", "participantIdentity"},
                            {"RoomName", "roomName"}};
constexpr Print kPrint{.shape = Shape::kObject, .columns = kCall};
constexpr Api kCreateApi{"livekit.SIP/CreateSIPParticipant",
                         prototype<livekit::CreateSIPParticipantRequest>,
                         prototype<livekit::SIPParticipantInfo>, grant::kSipCall};

Result<void, std::string> complete(Call& call, Message& message) {
    auto& request = static_cast<livekit::CreateSIPParticipantRequest&>(message);
    const Values& values = call.values();
    if (values.flag("no-display-name")) request.set_display_name("");
    CONFAB_TRY(const KeyValues headers, read_headers(values.list("header")));
    for (const auto& [key, value] : headers)
        (*request.mutable_headers())[key] = value;
    Duration timeout = kWait;
    if (values.has("timeout")) {
        const auto given = config::parse_duration(values.text("timeout"));
        if (!given || *given <= Duration::seconds(1))
            return fail("--timeout " + values.text("timeout") +
                        " is no time above a second; it needs a unit, for example 30s");
        timeout = *given;
    }
    // Who waits hears of the end of ringing before the call to the API ends.
    const bool waits = request.wait_until_answered();
    const Duration ringing = waits ? timeout - kMargin : timeout;
    request.mutable_ringing_timeout()->set_seconds(ringing.us() / 1'000'000);
    request.mutable_ringing_timeout()->set_nanos(
        static_cast<std::int32_t>(ringing.us() % 1'000'000 * 1000));
    call.set_timeout(waits ? timeout : Duration::seconds(30));
    return {};
}

Result<void, std::string> be_patient(Call& call, Message&) {
    call.set_timeout(kTransferTime);
    return {};
}

Outcome create(Call& call) {
    return for_each_request(call, kCreateApi, kPrint,
                            [&](Message& request) { return call.fill(request); });
}

constexpr Verb kVerbs[] = {
    {.group = "sip participant",
     .name = "create",
     .help = "Call somebody into a room",
     .examples = "confab sip participant create --trunk ST_x --call +15105550199 --room demo"
                 " --identity desk --wait",
     .params = kCreate,
     .prepare = complete,
     .run = create,
     .old_names = "create-sip-participant"},
    {.group = "sip participant",
     .name = "transfer",
     .help = "Hand a call on",
     .examples = "confab sip participant transfer desk --room demo --to tel:+15105550123",
     .params = kTransfer,
     .api = {"livekit.SIP/TransferSIPParticipant",
             prototype<livekit::TransferSIPParticipantRequest>,
             prototype<livekit::TransferSIPParticipantResponse>, grant::kSipCall | grant::kAdmin},
     .print = {.shape = Shape::kDone, .sentence = "transferred {identity} to {to}"},
     .prepare = be_patient},
};

}  // namespace

std::span<const Verb> sip_call_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli
