// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "call.h"

#include <algorithm>
#include <utility>

#include "room/negotiate/extension_uris.h"
#include "room/publish/codec_lists.h"
#include "room/publish/layers.h"
#include "rtc/sdp/state_fields.h"

namespace confab::process_node {
namespace {

// Ids follow from who it is and of which kind a track is: both processes come to the same.
constexpr std::uint64_t kSound = 0;
constexpr std::uint64_t kPicture = 1;
constexpr std::uint32_t kRtx = 0x1000;  // added to the SSRC of what it repairs
const sfu::RoomId kRoom(1);

std::uint64_t kind_of(sdp::Kind kind) {
    return kind == sdp::Kind::kVideo ? kPicture : kSound;
}
// From 16 on: of the tracks of `publisher`.
std::uint64_t track_id(std::size_t publisher, std::uint64_t kind) {
    return 16 * (publisher + 1) + kind;
}
std::size_t other(std::size_t person) {
    return 1 - person;
}
std::string name(std::size_t person) {
    return person == 0 ? "alice" : "bob";
}

sdp::Sender sender_of(std::size_t publisher, std::uint64_t kind) {
    sdp::Sender sender;
    sender.id = track_id(publisher, kind);
    sender.kind = kind == kPicture ? sdp::Kind::kVideo : sdp::Kind::kAudio;
    sender.track_id = "TR_" + std::to_string(sender.id);
    sender.stream_id = "PA_" + name(publisher) + "|" + sender.track_id;
    sender.ssrc = static_cast<std::uint32_t>(0x10000 + sender.id);
    sender.rtx_ssrc = sender.ssrc + kRtx;
    sender.mimes = {kind == kPicture ? "video/VP8" : "audio/opus"};
    return sender;
}

sdp::PendingTrack announced(std::size_t person, std::uint64_t kind) {
    sdp::PendingTrack track;
    track.cid = name(person) + std::to_string(kind);
    track.kind = kind == kPicture ? sdp::Kind::kVideo : sdp::Kind::kAudio;
    track.codec_cids = {track.cid};
    track.codec_mimes = {kind == kPicture ? "video/vp8" : "audio/opus"};
    track.disable_red = true;
    return track;
}

std::vector<sfu::ReceiveLayer> layers_of(const sdp::PublishSection& section) {
    std::vector<sfu::ReceiveLayer> layers;
    for (const std::string& rid : room::order_rids(section.rids)) {
        const auto spatial = static_cast<std::uint8_t>(layers.size());
        sfu::ReceiveLayer& layer = layers.emplace_back();
        layer.rid = rid;
        layer.spatial = spatial;
    }
    if (!layers.empty()) return layers;
    sfu::ReceiveLayer& layer = layers.emplace_back();
    if (section.ssrcs.empty()) return layers;
    layer.ssrc = Ssrc(section.ssrcs.front());
    const auto rtx = section.rtx_of.find(section.ssrcs.front());
    if (rtx != section.rtx_of.end()) layer.rtx_ssrc = Ssrc(rtx->second);
    return layers;
}

template <typename Made>
std::vector<Made> codecs_of(const std::vector<sdp::NegotiatedCodec>& negotiated) {
    std::vector<Made> result;
    for (const sdp::NegotiatedCodec& codec : negotiated) {
        Made made;
        made.codec = room::codec_of(codec.mime);
        made.pt = PayloadType(codec.pt);
        if (codec.rtx_pt) made.rtx_pt = PayloadType(*codec.rtx_pt);
        made.clock_rate = codec.clock_rate;
        made.nack = codec.nack;
        if (made.codec != sfu::Codec::kNone) result.push_back(made);
    }
    return result;
}

template <typename Io, typename P>
void person_fields(Io& io, P& person) {
    io.list(2, person.published, sdp::kMaxSections,
            [](auto& inner, auto& section) { sdp::published_fields(inner, section); });
    io.list(3, person.bound, sdp::kMaxSections,
            [](auto& inner, auto& bound) { sdp::bound_fields(inner, bound); });
}

}  // namespace

Control::Control(const room::WorkerAddresses& addresses, std::string fingerprint,
                 std::uint64_t seed)
    : ids(0, seed, room::seeded_secrets(seed)) {
    config.media.workers = {addresses};
    config.media.fingerprint_sha256 = std::move(fingerprint);
}

// ---------------------------------------------------------------- negotiated

room::PeerLinkConfig Call::link_config() const {
    room::PeerLinkConfig config;
    config.single = true;
    config.client.takes_gcm = true;
    config.client.takes_padding = true;
    config.codecs = &control_->config.codecs.current();
    return config;
}

void Call::connect(std::size_t person) {
    Person& p = people_[person];
    p.link = std::make_unique<room::PeerLink>(control_->scope, link_config());
    for (const std::uint64_t kind : {kSound, kPicture})
        p.link->add_sender(sender_of(other(person), kind));
    control_->out.command(0, member(person));
    control_->out.command(0, workers());
}

Result<Answered, std::string> Call::answer(std::size_t person, std::string_view offer) {
    Person& p = people_[person];
    if (!p.link) connect(person);
    std::vector<sdp::PendingTrack> pending;
    for (const std::uint64_t kind : {kSound, kPicture})
        if (std::ranges::none_of(p.published,
                                 [&](const auto& one) { return kind_of(one.kind) == kind; }))
            pending.push_back(announced(person, kind));
    const auto answer = p.link->handle_offer(offer, pending);
    if (!answer) return fail(std::string(sdp::to_text(answer.error())));
    publish(person, answer->publish);
    subscribe(person, answer->bound);
    Answered result{answer->sdp, {}};
    for (const livekit::SignalResponse& trickle : p.link->take_trickles())
        result.candidates.push_back(trickle.trickle().candidateinit());
    return result;
}

void Call::publish(std::size_t person, const std::vector<sdp::PublishSection>& sections) {
    std::vector<sdp::PublishSection>& published = people_[person].published;
    for (const sdp::PublishSection& section : sections) {
        const auto same = [&](const auto& one) { return one.mid == section.mid; };
        if (std::ranges::any_of(published, same)) continue;
        published.push_back(section);
        control_->out.command(0, receiver(person, section));
    }
}

void Call::subscribe(std::size_t person, const std::vector<sdp::BoundSender>& bound) {
    std::vector<sdp::BoundSender>& known = people_[person].bound;
    for (const sdp::BoundSender& sender : bound) {
        const auto same = [&](const auto& one) { return one.id == sender.id; };
        if (std::ranges::any_of(known, same)) continue;
        known.push_back(sender);
        control_->out.command(0, down_track(person, sender));
    }
}

// ---------------------------------------------------------------- as commands

sfu::AddReceiver Call::receiver(std::size_t person, const sdp::PublishSection& section) const {
    sfu::AddReceiver add;
    add.receiver = sfu::ReceiverId(track_id(person, kind_of(section.kind)));
    add.peer = peer(person);
    add.room = kRoom;
    add.kind = section.kind == sdp::Kind::kVideo ? sfu::MediaKind::kVideo : sfu::MediaKind::kAudio;
    add.mid = section.mid;
    add.codecs = codecs_of<sfu::ReceiveCodec>(section.codecs);
    add.extensions = room::receive_extensions(section.extensions);
    add.layers = layers_of(section);
    add.microphone = add.kind == sfu::MediaKind::kAudio;
    return add;
}

sfu::AddDownTrack Call::down_track(std::size_t person, const sdp::BoundSender& bound) const {
    const std::size_t publisher = other(person);
    const std::uint64_t kind = bound.id == track_id(publisher, kPicture) ? kPicture : kSound;
    const sdp::Sender sender = sender_of(publisher, kind);
    sfu::AddDownTrack add;
    add.down_track = sfu::DownTrackId(bound.id);
    add.peer = peer(person);
    add.receiver = sfu::ReceiverId(bound.id);
    add.kind = kind == kPicture ? sfu::MediaKind::kVideo : sfu::MediaKind::kAudio;
    add.ssrc = Ssrc(sender.ssrc);
    add.rtx_ssrc = Ssrc(sender.rtx_ssrc);
    add.codecs = codecs_of<sfu::SendCodec>(bound.codecs);
    add.extensions = room::send_extensions(bound.extensions, false);
    add.cname = sender.stream_id;
    add.mid = bound.mid;
    return add;
}

sfu::DataMember Call::member(std::size_t person) const {
    sfu::DataMember member;
    member.room = kRoom;
    member.member = sfu::MemberId(person + 1);
    member.peer = member.publisher = member.subscriber = peer(person);
    member.identity = name(person);
    member.sid = "PA_" + name(person);
    member.may_publish = true;
    return member;
}

sfu::DataWorkers Call::workers() const {
    return {kRoom, {0}};
}

sfu::ImportPeer Call::import(std::size_t person) const {
    const Person& p = people_[person];
    sfu::ImportPeer import;
    import.create = p.link->description();
    for (const sdp::PublishSection& section : p.published)
        import.receivers.push_back(receiver(person, section));
    for (const sdp::BoundSender& bound : p.bound)
        import.down_tracks.push_back(down_track(person, bound));
    return import;
}

// ---------------------------------------------------------------- from one process to another

void Call::save(StateWriter& out) const {
    for (const Person& person : people_)
        out.record(1, [&person](StateWriter& inner) {
            inner.part(1, *person.link);
            person_fields(inner, person);
        });
}

void Call::load(StateReader& in) {
    std::size_t number = 0;
    std::vector<bool> seen;
    in.list(1, seen, kPeople, [&](StateReader& inner, auto&&) {
        Person& person = people_[number++];
        inner.record(1, [&](StateReader& link) {
            person.link = room::PeerLink::load(control_->scope, link_config(), link);
        });
        person_fields(inner, person);
        inner.require(person.link != nullptr);
    });
    in.require(is_whole());
}

}  // namespace confab::process_node
