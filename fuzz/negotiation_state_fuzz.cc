// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as the state of a negotiation (07 SIO-11): what is taken is written and taken again and
// says the same, and the connection that it makes can be negotiated on. The first octet says whose
// state the rest is: the answering side, the offering side, a connection.
// fuzz: modules room
#include <cstdlib>
#include <memory>
#include <string>

#include "base/state/state.h"
#include "room/negotiate/peer_link.h"
#include "room/scope/scope.h"

using namespace confab;

namespace {

constexpr Timestamp kNow = Timestamp::micros(1'000'000'000);

void require(bool condition) {
    if (!condition) std::abort();
}

std::vector<sdp::EnabledCodec> codecs() {
    std::vector<sdp::EnabledCodec> out;
    for (const char* mime : {"audio/opus", "audio/red", "video/VP8", "video/H264", "video/rtx"})
        out.push_back({mime, ""});
    return out;
}
const sdp::LocalTransport& local() {
    static const sdp::LocalTransport transport{"u", "p", "AA", {}, true, false};
    return transport;
}
sdp::Sender sender() {
    sdp::Sender out;
    out.id = 0xFFFF'0001;
    out.kind = sdp::Kind::kVideo;
    out.track_id = out.stream_id = "TR_new";
    out.ssrc = 1;
    out.rtx_ssrc = 2;
    return out;
}

// Of a client that has data and hears.
constexpr std::string_view kOffer =
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:u\r\n"
    "a=ice-pwd:p\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:0\r\n"
    "a=sctp-port:5000\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n"
    "a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:1\r\na=recvonly\r\na=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\n";

template <typename Machine>
void check(Machine machine, Machine again, BytesView state, auto&& drive) {
    if (!import_state(machine, state, kNow)) return;
    const Bytes saved = export_state(machine, kNow);
    require(import_state(again, saved, kNow));
    require(export_state(again, kNow) == saved);
    drive(machine);
    (void)export_state(machine, kNow);
}

void answers(BytesView state) {
    sdp::AnswererConfig config;
    config.publish_codecs = config.subscribe_codecs = codecs();
    config.single = true;
    check(sdp::Answerer(config), sdp::Answerer(config), state, [](sdp::Answerer& answerer) {
        answerer.add_sender(sender());
        (void)answerer.match_late({{"cid", {"cid"}, {"audio/opus"}}});
        for (int i = 0; i < 2; ++i)
            if (const auto answer = answerer.answer(kOffer, {}, local()))
                require(sdp::parse(answer->sdp).has_value());
        (void)answerer.missing();
        answerer.remove_sender(sender().id);
    });
}

void offers(BytesView state) {
    sdp::OffererConfig config;
    config.codecs = codecs();
    check(sdp::Offerer(config), sdp::Offerer(config), state, [](sdp::Offerer& offerer) {
        offerer.add_sender(sender());
        const sdp::Offer offer = offerer.make_offer(local());
        (void)offerer.apply_answer(offer.sdp);
        offerer.remove_sender(sender().id);
        (void)offerer.make_offer(local());
    });
}

struct Control {
    room::Config config;
    room::Clock clock{kNow, UnixTime::seconds(1)};
    room::Outbox out;
    room::IdSource ids{0, 1, room::seeded_secrets(1)};
    room::MediaRegistry media;
    room::Counters counters;
    room::Placement placement{1};
    room::AgentKinds agents;
    room::RoomScope scope{config, clock, out, ids, media, counters, placement, agents};
};

std::unique_ptr<room::PeerLink> load(Control& control, BytesView state) {
    room::PeerLinkConfig settings;
    settings.codecs = &control.config.codecs.current();
    StateReader in(state, kNow);
    auto link = room::PeerLink::load(control.scope, settings, in);
    return in.finish() ? std::move(link) : nullptr;
}

void connects(BytesView state) {
    Control control;
    const auto link = load(control, state);
    if (!link) return;
    const Bytes saved = export_state(*link, kNow);
    const auto again = load(control, saved);
    require(again && export_state(*again, kNow) == saved);
    link->add_sender(sender());
    (void)link->handle_trickle(R"({"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host"})");
    (void)link->timer.next_deadline(true);
    (void)link->timer.timed_out(kNow);
    if (link->offers()) {
        const sdp::Offer offer = link->make_offer();
        (void)link->handle_answer(offer.sdp);
    } else {
        (void)link->handle_offer(kOffer, {});
    }
    link->restart_ice();
    (void)link->take_trickles();
    (void)link->description();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const BytesView state = BytesView(data, size).subspan(1);
    if (data[0] % 3 == 0) answers(state);
    if (data[0] % 3 == 1) offers(state);
    if (data[0] % 3 == 2) connects(state);
    return 0;
}
