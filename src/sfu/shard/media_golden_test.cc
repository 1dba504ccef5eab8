// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Recordings of a LiveKit server between a publisher and its subscribers, played into a shard; what
// the shard sends is held against what was recorded. Compared by relation, not by value: which
// packets of the publisher go on, the steps of number and time between them, markers, extensions,
// VP8 descriptors, dependency descriptors, the server's own packets and their times, RTX, sender
// reports, and the feedback to the publisher. Every difference must be in the table below, and
// every row of the table must be needed. Recordings of a subscriber alone, and those about
// bandwidth, are not among them: there is nothing to play in, or it is the allocator's
// (allocator/).
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "sfu/shard/media_replay_testing.h"
#include "wire/video/h264.h"
#include "wire/video/vp8.h"

namespace confab::sfu {
namespace {

using test::MediaReplay;
using test::Observed;
using test::SentPacket;

constexpr std::int64_t kReaction = 30;  // ms, to a packet
constexpr std::int64_t kTimer = 100;    // of timers up to 1 s
constexpr std::int64_t kFrame = 83;     // between two frames of the publisher

struct Meant {
    std::string_view file;  // end of the name
    std::string_view kind;
    std::int64_t from_ms;
    std::int64_t to_ms;
    std::string_view reason;
};
constexpr std::int64_t kEver = 1'000'000;
constexpr std::array kMeant{
    // ---- ours does better
    Meant{"", "extension too 2", 0, kEver,
          "the capture time is the publisher's own and true at once (IN-40); the recorded server "
          "leaves it out behind every switch and resume until the layer's next report"},
    Meant{"rtp-loss-nack-rtx", "pli too", 4241, 11757,
          "what the publisher did not send again when asked five times takes a key frame; its "
          "subscribers' decoders ask for one after three seconds (IN-08)"},
    Meant{"rtp-vp8-simulcast-layers", "pli missing", 1091, 1091,
          "the layer's first key frame, "
          "used up by the recorded server while it looked at the SSRC, was kept (IN-13)"},
    Meant{"rtp-loss-nack-rtx", "pli missing", 1094, 1094, "as above"},
    Meant{"rtp-chromium-vp9", "sent too", 220, 609, "as above"},
    Meant{"rtp-chromium-vp9", "pli missing", 631, 631, "as above"},
    Meant{"rtp-chromium-vp9", "state", 658, 658, "as above"},
    Meant{"rtp-chromium-vp9-temporal", "sent too", 172, 738, "as above"},
    Meant{"rtp-chromium-vp9-temporal", "pli missing", 776, 776, "as above"},
    Meant{"rtp-chromium-vp9-temporal", "state", 831, 831, "as above"},
    Meant{
        "rtp-chromium-vp8", "sent too", 667, 2556,
        "the top layer's first report, which the recorded server lost as it came before the first "
        "packet, was kept (IN-13): its first key frame is taken, not its third"},
    Meant{"rtp-chromium-vp8", "not sent", 670, 2501, "as above, of the layer below"},
    Meant{"rtp-chromium-vp8", "pli missing", 1575, 1575, "as above"},
    Meant{"rtp-chromium-vp8", "pli missing", 2577, 2577, "as above"},
    Meant{"rtp-chromium-vp8-temporal", "sent too", 662, 1556, "as above"},
    Meant{"rtp-chromium-vp8-temporal", "not sent", 665, 1499, "as above, of the layer below"},
    Meant{"rtp-chromium-vp8-temporal", "pli missing", 1568, 1568, "as above"},
    Meant{"rtp-chromium-h264", "pli missing", 190, 190,
          "one request brings key frames on all layers (IN-53)"},
    Meant{"rtp-chromium-h264", "pli missing", 8902, 8902, "as above"},
    Meant{"rtp-chromium-vp8", "pli missing", 8902, 8902, "as above"},
    Meant{"rtp-chromium-av1", "sent too", 3126, 3128,
          "a frame is decided once; the recorded server cut it when the request came"},
    Meant{"rtp-chromium-vp9-temporal", "sent too", 4636, 4637, "as above"},
    Meant{"rtp-chromium-vp9-temporal", "descriptor mask", 6128, 6129, "as above, the other way"},
    Meant{"rtp-chromium-av1", "descriptor meaning", 7449, 7706,
          "descriptors are patched in place (FWD-08); the recorded ones were written anew, with a "
          "template of another temporal layer"},
    Meant{"rtp-chromium-vp9", "descriptor meaning", 3342, 7855, "as above"},
    Meant{"rtp-chromium-vp8-temporal", "not sent", 6149, 6356,
          "refers to a frame of temporal layer 1 that was left out: undecodable (FWD-05)"},
    // ---- as good
    Meant{"rtp-mute", "not sent", 11056, 11056,
          "a disabled track stops at once; the recorded request took 50 ms to the forwarder"},
    Meant{"rtp-chromium-vp8", "not sent", 8161, 8162, "as above"},
    Meant{"rtp-chromium-vp9", "not sent", 8145, 8146, "as above"},
    Meant{"rtp-chromium-e2ee-vp8", "pli too", 3168, 4668,
          "LOW asked: q is sent with gaps of 900 ms; the recorded server took it for stopped and "
          "did not go there"},
    Meant{"rtp-chromium-e2ee-vp8", "own form", 7319, 7486,
          "our 8×8 key frame is another one, a byte shorter"},
    Meant{"rtp-chromium-e2ee-vp8", "own payload", 7319, 7486, "as above"},
    Meant{"rtp-unpublish", "own form", 4008, 12184, "as above"},
    Meant{"rtp-loss-nack-rtx", "rtx time", 3840, 3840,
          "29 ms behind the first transmission, when no round trip was measured yet: the phase of "
          "our reports is another (FWD-11)"},
    Meant{"rtp-chromium-opus-red-dtx", "report count", 0, 0,
          "the recorded phase of 3 s falls twice into a time without forwarding (FWD-10)"},
    // ---- the recording
    Meant{"rtp-audio", "without extension 2", 1004, 1004,
          "the publisher's first report has the millisecond of this packet"},
    Meant{"rtp-chromium-h264", "number", 3193, 3193,
          "two packets changed places: the clocks of both sides differ by 2 ms"},
    Meant{"rtp-chromium-h264", "not sent", 3194, 3194, "as above"},
    Meant{"rtp-chromium-av1-temporal", "not sent", 4349, 4349,
          "the temporal limit came between two packets of one millisecond"},
    Meant{"rtp-unpublish", "transport-cc twice", 0, 0,
          "the synthetic publisher counts from 0 again with its second track, no browser does"},
};

struct Difference {
    std::string kind;
    std::int64_t from_ms = 0;
    std::int64_t to_ms = 0;
    int count = 0;
    std::string detail;
};

class Comparison {
  public:
    explicit Comparison(const MediaReplay& replay) : replay_(replay) {}
    std::vector<Difference> run() {
        for (const auto& [ssrc, track] : replay_.tracks())
            compare_track(ssrc, track);
        compare_own();
        compare_rtx();
        compare_reports();
        compare_feedback();
        compare_states();
        return std::move(differences_);
    }

  private:
    // Differences of one kind close to each other are one.
    void differ(std::string kind, std::int64_t ms, std::string detail) {
        for (Difference& d : differences_)
            if (d.kind == kind && ms >= d.from_ms - 300 && ms <= d.to_ms + 300) {
                d.from_ms = std::min(d.from_ms, ms);
                d.to_ms = std::max(d.to_ms, ms);
                ++d.count;
                return;
            }
        differences_.push_back({std::move(kind), ms, ms, 1, std::move(detail)});
    }
    static std::map<int, const SentPacket*> by_source(const Observed& side, std::uint32_t ssrc) {
        std::map<int, const SentPacket*> out;
        for (const SentPacket& p : side.sent)
            if (p.ssrc == ssrc && p.source >= 0) out[p.source] = &p;
        return out;
    }
    void compare_track(std::uint32_t ssrc, const AddDownTrack& track);
    void compare_packet(const AddDownTrack& track, const SentPacket& theirs,
                        const SentPacket& ours);
    void compare_step(const AddDownTrack& track, const SentPacket* before[2],
                      const SentPacket* after[2], bool same_run);
    void compare_vp8(const SentPacket* before[2], const SentPacket* after[2]);
    void compare_dependency(const SentPacket& theirs, const SentPacket& ours);
    void compare_own();
    void compare_rtx();
    void compare_reports();
    void compare_feedback();
    void compare_states();

    const MediaReplay& replay_;
    std::vector<Difference> differences_;
    wire::DependencyStructure structures_[2];
};

void Comparison::compare_track(std::uint32_t ssrc, const AddDownTrack& track) {
    const auto theirs = by_source(replay_.recorded(), ssrc);
    const auto ours = by_source(replay_.ours(), ssrc);
    structures_[0] = structures_[1] = {};
    const SentPacket* before[2] = {nullptr, nullptr};
    bool same_run = true;
    for (std::size_t i = 0; i < replay_.source().size(); ++i) {
        const auto t = theirs.find(static_cast<int>(i));
        const auto o = ours.find(static_cast<int>(i));
        const std::int64_t ms = replay_.source()[i].ms;
        if (t == theirs.end() && o == ours.end()) continue;
        const SentPacket* after[2] = {t == theirs.end() ? nullptr : t->second,
                                      o == ours.end() ? nullptr : o->second};
        if (after[0] == nullptr || after[1] == nullptr) {
            differ(after[1] != nullptr ? "sent too" : "not sent", ms,
                   "source " + std::to_string(i) + " ssrc " +
                       std::to_string(replay_.source()[i].ssrc));
            same_run = false;
            continue;
        }
        compare_packet(track, *after[0], *after[1]);
        if (before[0] != nullptr) compare_step(track, before, after, same_run);
        before[0] = after[0];
        before[1] = after[1];
        same_run = true;
    }
}

void Comparison::compare_packet(const AddDownTrack& track, const SentPacket& theirs,
                                const SentPacket& ours) {
    if (theirs.marker != ours.marker) differ("marker", ours.ms, std::to_string(ours.source));
    if (theirs.pt != ours.pt) differ("payload type", ours.ms, std::to_string(ours.pt));
    if (theirs.payload_size != ours.payload_size && theirs.payload_size + 1 != ours.payload_size &&
        theirs.payload_size != ours.payload_size + 1)
        differ("size", ours.ms,
               std::to_string(theirs.payload_size) + " / " + std::to_string(ours.payload_size));
    if (ours.ms - theirs.ms > kReaction)
        differ("late", ours.ms, std::to_string(ours.ms - theirs.ms) + " ms");
    std::map<std::uint8_t, Bytes> extensions[2];
    for (const test::Extension& e : theirs.extensions)
        extensions[0][e.id] = e.value;
    for (const test::Extension& e : ours.extensions)
        extensions[1][e.id] = e.value;
    for (const auto& [id, value] : extensions[0])
        if (!extensions[1].contains(id))
            differ("without extension " + std::to_string(id), ours.ms, "");
    for (const auto& [id, value] : extensions[1])
        if (!extensions[0].contains(id)) differ("extension too " + std::to_string(id), ours.ms, "");
    const std::uint8_t capture = track.extensions.abs_capture_time;
    if (extensions[0].contains(capture) && extensions[1].contains(capture)) {
        // The recorded one went through nanoseconds.
        const auto a = static_cast<std::int64_t>(load_be64(extensions[0][capture].data()));
        const auto b = static_cast<std::int64_t>(load_be64(extensions[1][capture].data()));
        if (std::abs(a - b) > 8) differ("capture time", ours.ms, "");
    }
    if (extensions[0].contains(1) && extensions[1].contains(1)) compare_dependency(theirs, ours);
}

void Comparison::compare_step(const AddDownTrack& track, const SentPacket* before[2],
                              const SentPacket* after[2], bool same_run) {
    if (!same_run) return;
    const auto number = [&](int side) {
        return static_cast<std::uint16_t>(after[side]->sequence - before[side]->sequence);
    };
    const auto time = [&](int side) {
        return static_cast<std::int32_t>(after[side]->timestamp - before[side]->timestamp);
    };
    if (number(0) != number(1))
        differ("number", after[1]->ms,
               std::to_string(number(0)) + " / " + std::to_string(number(1)));
    const auto from = [&](const SentPacket* p) -> const test::SourcePacket& {
        return replay_.source()[static_cast<std::size_t>(p->source)];
    };
    const bool same_source = from(after[0]).ssrc == from(before[0]).ssrc;
    const bool contiguous = from(after[0]).ms - from(before[0]).ms < 500;
    const std::int64_t clock = track.kind == MediaKind::kVideo ? 90 : 48;  // per ms
    const std::int64_t slack = same_source && contiguous ? 0 : kReaction * clock;
    if (std::abs(time(0) - time(1)) > slack)
        differ("time", after[1]->ms, std::to_string(time(0)) + " / " + std::to_string(time(1)));
    if (track.codecs.front().codec == Codec::kVp8) compare_vp8(before, after);
}

void Comparison::compare_vp8(const SentPacket* before[2], const SentPacket* after[2]) {
    wire::Vp8Descriptor d[2][2];
    for (int side = 0; side < 2; ++side)
        for (int i = 0; i < 2; ++i) {
            const auto parsed = wire::parse_vp8((i == 0 ? before : after)[side]->payload);
            if (!parsed) return differ("vp8", after[1]->ms, "malformed");
            d[side][i] = *parsed;
        }
    const auto same_step = [&](auto get, int mask) {
        return ((get(d[0][1]) - get(d[0][0])) & mask) == ((get(d[1][1]) - get(d[1][0])) & mask);
    };
    if (d[0][1].extended != d[1][1].extended || d[0][1].has_picture_id != d[1][1].has_picture_id)
        differ("vp8 form", after[1]->ms, "");
    if (!same_step([](const auto& x) { return int{x.picture_id}; }, 0x7F))
        differ("vp8 picture id", after[1]->ms, "");
    if (!same_step([](const auto& x) { return int{x.tl0_pic_idx}; }, 0xFF))
        differ("vp8 tl0picidx", after[1]->ms, "");
    if (!same_step([](const auto& x) { return int{x.key_idx}; }, 0x1F))
        differ("vp8 keyidx", after[1]->ms, "");
    if (d[0][1].temporal_id != d[1][1].temporal_id) differ("vp8 tid", after[1]->ms, "");
}

void Comparison::compare_dependency(const SentPacket& theirs, const SentPacket& ours) {
    wire::DependencyInfo info[2];
    for (int side = 0; side < 2; ++side)
        for (const test::Extension& e : (side == 0 ? theirs : ours).extensions) {
            if (e.id != 1) continue;
            wire::DependencyStructure& s = structures_[side];
            const auto parsed =
                wire::parse_dependency_descriptor(e.value, s.valid() ? &s : nullptr, &s);
            if (!parsed) return differ("descriptor", ours.ms, "malformed " + std::to_string(side));
            info[side] = *parsed;
        }
    const auto& a = info[0];
    const auto& b = info[1];
    if (a.frame_number != b.frame_number) differ("descriptor frame number", ours.ms, "");
    if (a.structure_attached != b.structure_attached) differ("descriptor structure", ours.ms, "");
    if (a.has_active_targets != b.has_active_targets || a.active_targets != b.active_targets)
        differ("descriptor mask", ours.ms,
               std::to_string(a.active_targets) + " / " + std::to_string(b.active_targets));
    if (a.spatial_id != b.spatial_id || a.temporal_id != b.temporal_id || a.dtis != b.dtis ||
        a.chain_diffs != b.chain_diffs || !std::ranges::equal(a.diffs(), b.diffs()) ||
        a.first_packet_in_frame != b.first_packet_in_frame ||
        a.last_packet_in_frame != b.last_packet_in_frame)
        differ("descriptor meaning", ours.ms, "");
}

// Silence and blank frames.
void Comparison::compare_own() {
    for (const auto& [ssrc, track] : replay_.tracks()) {
        std::vector<const SentPacket*> own[2];
        for (const SentPacket& p : replay_.recorded().sent)
            if (p.ssrc == ssrc && p.source == -1) own[0].push_back(&p);
        for (const SentPacket& p : replay_.ours().sent)
            if (p.ssrc == ssrc && p.source == -1) own[1].push_back(&p);
        if (own[0].size() != own[1].size())
            differ("own packets", own[0].empty() ? own[1][0]->ms : own[0][0]->ms,
                   std::to_string(own[0].size()) + " / " + std::to_string(own[1].size()));
        const std::int64_t clock = track.kind == MediaKind::kVideo ? 90 : 48;
        for (std::size_t i = 0; i < std::min(own[0].size(), own[1].size()); ++i) {
            const SentPacket& t = *own[0][i];
            const SentPacket& o = *own[1][i];
            if (std::abs(t.ms - o.ms) > kReaction)
                differ("own time", o.ms, std::to_string(t.ms) + " / " + std::to_string(o.ms));
            if (t.marker != o.marker || t.pt != o.pt || t.payload_size != o.payload_size ||
                t.extensions.size() != o.extensions.size())
                differ("own form", o.ms,
                       std::to_string(t.payload_size) + " / " + std::to_string(o.payload_size) +
                           " bytes, " + std::to_string(t.extensions.size()) + " / " +
                           std::to_string(o.extensions.size()) + " extensions");
            const std::size_t shown = std::min(t.payload.size(), o.payload.size());
            const std::size_t skip = track.kind == MediaKind::kVideo ? 6 : 0;  // picture id
            if (shown < skip || !std::equal(t.payload.begin() + static_cast<std::ptrdiff_t>(skip),
                                            t.payload.begin() + static_cast<std::ptrdiff_t>(shown),
                                            o.payload.begin() + static_cast<std::ptrdiff_t>(skip)))
                differ("own payload", o.ms, std::to_string(o.payload[skip]));
            if (i == 0) continue;
            const auto step = [&](int side) {
                return static_cast<std::int32_t>(own[side][i]->timestamp -
                                                 own[side][i - 1]->timestamp);
            };
            if (own[0][i]->ms - own[0][i - 1]->ms < 1000 &&
                std::abs(step(0) - step(1)) > kReaction * clock)
                differ("own clock", o.ms,
                       std::to_string(step(0)) + " / " + std::to_string(step(1)));
        }
    }
}

void Comparison::compare_rtx() {
    // Which packets were sent again, and how often.
    std::map<int, int> counts[2];
    std::map<int, std::int64_t> times[2];
    for (int side = 0; side < 2; ++side) {
        const Observed& o = side == 0 ? replay_.recorded() : replay_.ours();
        for (const SentPacket& p : o.sent) {
            if (p.source != -2 || p.payload.size() < 2) continue;
            const std::uint16_t original = load_be16(p.payload.data());
            for (const SentPacket& main : o.sent)
                if (main.source >= 0 && main.sequence == original && main.peer == p.peer) {
                    ++counts[side][main.source];
                    times[side].try_emplace(main.source, p.ms);
                    if (main.timestamp != p.timestamp || main.marker != p.marker)
                        differ("rtx form", p.ms, "");
                    break;
                }
        }
    }
    for (const auto& [source, count] : counts[0]) {
        const auto ours = counts[1].find(source);
        if (ours == counts[1].end() || ours->second != count)
            differ("rtx count", times[0][source],
                   std::to_string(source) + ": " + std::to_string(count) + " / " +
                       std::to_string(ours == counts[1].end() ? 0 : ours->second));
        else if (std::abs(times[0][source] - times[1][source]) > kReaction)
            differ("rtx time", times[0][source], "");
    }
    for (const auto& [source, count] : counts[1])
        if (!counts[0].contains(source)) differ("rtx too", times[1][source], "");
}

void Comparison::compare_reports() {
    for (const auto& [ssrc, track] : replay_.tracks()) {
        std::vector<test::SubscriberReport> reports[2];
        for (const auto& r : replay_.recorded().reports)
            if (r.report.ssrc == ssrc) reports[0].push_back(r);
        for (const auto& r : replay_.ours().reports)
            if (r.report.ssrc == ssrc) reports[1].push_back(r);
        const auto count = [](const auto& list) { return static_cast<std::int64_t>(list.size()); };
        if (std::abs(count(reports[0]) - count(reports[1])) > 1)
            differ("report count", 0,
                   track.cname + " " + std::to_string(count(reports[0])) + " / " +
                       std::to_string(count(reports[1])));
        // A report is the publisher's newest one, moved on by the time since, on both sides.
        for (int side = 0; side < 2; ++side)
            for (std::size_t i = 0; i < reports[side].size(); ++i) {
                const test::SubscriberReport& r = reports[side][i];
                const Observed& o = side == 0 ? replay_.recorded() : replay_.ours();
                const SentPacket* nearest = nullptr;
                for (const SentPacket& p : o.sent)
                    if (p.ssrc == ssrc && p.source >= 0 && p.ms <= r.ms) nearest = &p;
                if (nearest == nullptr) continue;
                const auto& from = replay_.source()[static_cast<std::size_t>(nearest->source)];
                const test::TimedReport* known = nullptr;
                for (const test::TimedReport& p : replay_.publisher_reports())
                    if (p.report.ssrc == from.ssrc && p.ms <= r.ms) known = &p;
                if (known == nullptr) {
                    differ("report without source", r.ms, "");
                    continue;
                }
                const Duration since = r.report.ntp - known->report.ntp;
                const auto line =
                    known->report.rtp_time + (nearest->timestamp - from.timestamp) +
                    static_cast<std::uint32_t>(
                        since.us() * test::clock_of(track.codecs.front().codec) / 1'000'000);
                const auto off = static_cast<std::int32_t>(r.report.rtp_time - line);
                if (std::abs(off) > 90)
                    differ(side == 0 ? "recorded report line" : "report line", r.ms,
                           std::to_string(off) + " ticks");
                if (std::abs(since.ms() - (r.ms - known->ms)) > kReaction)
                    differ(side == 0 ? "recorded report clock" : "report clock", r.ms,
                           std::to_string(since.ms() - (r.ms - known->ms)) + " ms");
            }
        for (std::size_t i = 1; i < reports[1].size(); ++i) {
            const std::int64_t step = reports[1][i].ms - reports[1][i - 1].ms;
            if (step % 3000 > 150 && step % 3000 < 2850)
                differ("report interval", reports[1][i].ms, std::to_string(step));
        }
    }
}

void Comparison::compare_feedback() {
    const test::PublisherFeedback& theirs = replay_.recorded().feedback;
    const test::PublisherFeedback& ours = replay_.ours().feedback;
    // Key frames: each request has its counterpart.
    std::vector<bool> used(ours.plis.size());
    for (const auto& t : theirs.plis) {
        bool found = false;
        for (std::size_t i = 0; i < ours.plis.size() && !found; ++i)
            if (!used[i] && ours.plis[i].ssrc == t.ssrc &&
                std::abs(ours.plis[i].ms - t.ms) <= kTimer)
                found = used[i] = true;
        if (!found) differ("pli missing", t.ms, std::to_string(t.ssrc));
    }
    for (std::size_t i = 0; i < used.size(); ++i)
        if (!used[i]) differ("pli too", ours.plis[i].ms, std::to_string(ours.plis[i].ssrc));

    // Losses: the same numbers, as often, first at the same time.
    std::map<std::pair<std::uint32_t, std::uint16_t>, std::vector<std::int64_t>> nacks[2];
    for (int side = 0; side < 2; ++side)
        for (const auto& n : (side == 0 ? theirs : ours).nacks)
            for (const std::uint16_t s : n.sequences)
                nacks[side][{n.ssrc, s}].push_back(n.ms);
    for (const auto& [what, times] : nacks[0]) {
        const auto& mine = nacks[1][what];
        if (mine.size() != times.size())
            differ("nack count", times.front(),
                   std::to_string(times.size()) + " / " + std::to_string(mine.size()));
        for (std::size_t i = 0; i < std::min(times.size(), mine.size()); ++i)
            // Done when a packet comes, and frames are up to 83 ms apart.
            if (std::abs(times[i] - mine[i]) > kTimer + kFrame)
                differ("nack time", times[i],
                       std::to_string(i) + ": " + std::to_string(mine[i] - times[i]));
    }
    for (const auto& [what, times] : nacks[1])
        if (!nacks[0].contains(what)) differ("nack too", times.front(), "");

    // Reports: once a second for each stream, with the same loss.
    std::map<std::uint32_t, std::vector<test::PublisherFeedback::Report>> reports[2];
    for (int side = 0; side < 2; ++side)
        for (const auto& r : (side == 0 ? theirs : ours).reports)
            reports[side][r.ssrc].push_back(r);
    for (const auto& [ssrc, list] : reports[0]) {
        const auto& mine = reports[1][ssrc];
        // Ours come once a second for all streams; the recorded ones with packets of their stream.
        const auto most = (replay_.source().back().ms - replay_.source().front().ms) / 1000 + 2;
        if (mine.size() + 2 < list.size() || static_cast<std::int64_t>(mine.size()) > most)
            differ("receiver reports", list[0].ms,
                   std::to_string(list.size()) + " / " + std::to_string(mine.size()));
        if (mine.empty()) continue;
        if (list.back().lost - mine.back().lost > 1 || mine.back().lost - list.back().lost > 1)
            differ("reported loss", list.back().ms,
                   std::to_string(list.back().lost) + " / " + std::to_string(mine.back().lost));
        if (list.front().highest >> 16 != mine.front().highest >> 16)
            differ("reported cycles", mine.front().ms, std::to_string(mine.front().highest));
        for (std::size_t i = 1; i < mine.size(); ++i)
            if (mine[i].ms - mine[i - 1].ms < 1000)
                differ("receiver report interval", mine[i].ms, "");
    }
    const auto count = [](const auto& list) { return static_cast<std::int64_t>(list.size()); };
    if (std::abs(count(theirs.reference_times) - count(ours.reference_times)) > 2)
        differ("rrtr count", 0,
               std::to_string(count(theirs.reference_times)) + " / " +
                   std::to_string(count(ours.reference_times)));

    // transport-cc: everything the other one told about, and nothing twice.
    // A publisher that counts anew is told anew.
    for (const std::uint16_t number : ours.transport_cc)
        if (ours.transport_cc.count(number) >
            std::max<std::size_t>(replay_.transport_numbers().count(number), 1))
            differ("transport-cc twice", 0,
                   std::to_string(number) + ": " + std::to_string(ours.transport_cc.count(number)));
    std::int64_t missing = 0;
    for (const std::uint16_t number : theirs.transport_cc)
        if (!ours.transport_cc.contains(number)) ++missing;
    if (missing > 30) differ("transport-cc missing", 0, std::to_string(missing));
}

void Comparison::compare_states() {
    const auto compare = [&](const auto& theirs, const auto& ours, const std::string& kind,
                             std::int64_t slack) {
        if (theirs.size() != ours.size())
            differ(kind + " count", theirs.empty() ? 0 : theirs[0].ms,
                   std::to_string(theirs.size()) + " / " + std::to_string(ours.size()));
        for (std::size_t i = 0; i < std::min(theirs.size(), ours.size()); ++i)
            if (theirs[i].active != ours[i].active || std::abs(theirs[i].ms - ours[i].ms) > slack)
                differ(kind, theirs[i].ms,
                       std::to_string(theirs[i].ms) + " / " + std::to_string(ours[i].ms));
    };
    compare(replay_.recorded().states, replay_.ours().states, "state", kReaction);
    // The server looks each 400 ms, from a moment of its own.
    std::vector<test::LevelChange> changes;
    for (const test::LevelChange& level : replay_.recorded().levels)
        if (changes.empty() || changes.back().active != level.active) changes.push_back(level);
    compare(changes, replay_.ours().levels, "speaker", 450);
}

// The differences of a recording that the table does not explain.
std::string unexplained(const std::string& name, const std::vector<Difference>& differences,
                        std::set<std::size_t>& used) {
    std::string out;
    for (const Difference& d : differences) {
        bool meant = false;
        for (std::size_t i = 0; i < kMeant.size() && !meant; ++i) {
            const Meant& m = kMeant[i];
            if (!name.ends_with(m.file) || m.kind != d.kind || d.from_ms < m.from_ms ||
                d.to_ms > m.to_ms)
                continue;
            meant = true;
            used.insert(i);
        }
        if (meant) continue;
        out += name + " " + d.kind + " " + std::to_string(d.from_ms) + "…" +
               std::to_string(d.to_ms) + " ×" + std::to_string(d.count) + " " + d.detail + "\n";
    }
    return out;
}

bool starts_key_frame(const test::SourcePacket& p, std::uint8_t dd_id) {
    if (p.payload.empty()) return false;
    for (const test::Extension& e : p.extensions)
        if (e.id == dd_id && (p.pt == 98 || p.pt == 45)) return e.value.size() > 20;
    if (p.pt == 96) {
        const auto vp8 = wire::parse_vp8(p.payload);
        return vp8 && vp8->key_frame;
    }
    Bytes whole = p.payload;
    whole.resize(p.size - 12 - test::block_size(p.extensions) - p.padding);
    const auto h264 = wire::parse_h264(whole);
    return p.pt == 102 && h264 && h264->key_frame;
}

// A request for any one SSRC brings key frames on all of them, not sooner than 300 ms behind the
// last ones.
void check_key_frames(const MediaReplay& replay, std::string_view name) {
    std::map<std::uint32_t, std::vector<std::int64_t>> key_frames;
    std::set<std::uint32_t> streams;
    for (const test::SourcePacket& p : replay.source()) {
        if (p.pt % 2 == replay.source()[1].pt % 2) streams.insert(p.ssrc);
        if (starts_key_frame(p, 13) || starts_key_frame(p, 12)) key_frames[p.ssrc].push_back(p.ms);
    }
    REQUIRE(!replay.recorded().feedback.plis.empty());
    // Of the three FIRs of that recording Chromium obeyed the first one only.
    const bool one_fir = name.ends_with("vp8-v1");
    for (const auto& request : replay.recorded().feedback.plis)
        for (const auto& [ssrc, times] : key_frames) {
            if (one_fir && request.ms > 5000) continue;
            const bool came = std::any_of(times.begin(), times.end(), [&](std::int64_t ms) {
                return ms >= request.ms && ms <= request.ms + 450;
            });
            CHECK_MESSAGE(came, ssrc << " after " << request.ms);
        }
    CHECK(key_frames.size() == streams.size());
}

// With a server between both, or of a publisher alone.
std::vector<std::filesystem::path> recordings(bool publisher_alone) {
    std::vector<std::filesystem::path> files;
    const auto folder = std::filesystem::path(CONFAB_SOURCE_DIR) / "src/sfu/testdata/media";
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".txt" && (entry.path().stem().string().find("publisher") !=
                                                   std::string::npos) == publisher_alone)
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    REQUIRE(files.size() == (publisher_alone ? 5 : 14));
    return files;
}

}  // namespace

TEST_CASE(
    "Golden: recorded media, forwarded again [FWD-01] [FWD-02] [FWD-03] [FWD-04] [FWD-06] [FWD-08] "
    "[FWD-09] [FWD-10] [FWD-11] [FWD-13] [FWD-15] [FWD-17] [IN-04] [IN-05] [IN-25] [IN-26] [IN-34] "
    "[IN-40] [IN-43]") {
    std::string report;
    std::set<std::size_t> used;
    std::size_t packets = 0;
    for (const auto& file : recordings(false)) {
        const std::string name = file.stem().string();
        MediaReplay replay(file.string());
        replay.run();
        CAPTURE(name);
        CHECK(replay.ours().sent.size() > 50);
        packets += replay.ours().sent.size();
        report += unexplained(name, Comparison(replay).run(), used);
    }
    for (std::size_t i = 0; i < kMeant.size(); ++i)
        if (!used.contains(i))
            report += "not needed: " + std::string(kMeant[i].file) + " " +
                      std::string(kMeant[i].kind) + " " + std::to_string(kMeant[i].from_ms) + "\n";
    MESSAGE("golden media: " << packets << " packets compared");
    CHECK_MESSAGE(report.empty(), report);
}

// What Chromium sends when nobody stands between: a stand-in for the server answered and asked for
// key frames (P lines as recorded, requests as PLI).
TEST_CASE(
    "Golden: publishers alone, probes and all [IN-03] [IN-50] [IN-51] [IN-52] [IN-53] [IN-02]") {
    for (const auto& file : recordings(true)) {
        const std::string name = file.stem().string();
        CAPTURE(name);
        MediaReplay replay(file.string());
        replay.run();
        const auto& source = replay.source();
        // Every SSRC was recognised; nothing is asked for and nothing repaired by probes.
        CHECK(replay.shard().snapshot().rtp_unknown_ssrc < 5);
        // transport-cc on every packet, RTX and padding included, and each is reported once.
        CHECK(replay.transport_numbers().size() == source.size());
        const auto& told = replay.ours().feedback.transport_cc;
        std::size_t missing = 0;
        for (const std::uint16_t number : replay.transport_numbers())
            if (told.count(number) != 1) ++missing;
        CHECK(missing < 60);  // the last ones wait for the next report

        // The subscriber gets one unbroken stream without a copy.
        const auto& sent = replay.ours().sent;
        REQUIRE(sent.size() > 200);
        std::set<int> sources;
        for (std::size_t i = 0; i < sent.size(); ++i) {
            CHECK(sources.insert(sent[i].source).second);
            CHECK(source[static_cast<std::size_t>(sent[i].source)].pt % 2 ==
                  source[static_cast<std::size_t>(sent[0].source)].pt % 2);  // never RTX
            if (i > 0)
                CHECK(static_cast<std::uint16_t>(sent[i - 1].sequence + 1) == sent[i].sequence);
        }
        check_key_frames(replay, name);
    }
}

}  // namespace confab::sfu
