// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What Chromium sent, packet by packet, to real rooms and a real shard: sfu/testdata/media. The
// subscriber asks for layers by signalling: 02 §3.2, §3.6, FWD-08.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <set>

#include "room/seam/call_seam_testing.h"
#include "sfu/shard/media_script_testing.h"
#include "wire/video/vp9.h"

namespace confab::room::testing {
namespace {

using sfu::test::Extension;
using sfu::test::Fields;
using sfu::test::ScriptLine;
using sfu::test::SourcePacket;

// The first receiver of a recording: its codec, layers and what its extensions are called.
struct Recording {
    explicit Recording(const std::string& name)
        : lines(sfu::test::read_script((std::filesystem::path(CONFAB_SOURCE_DIR) /
                                        "src/sfu/testdata/media" / (name + ".txt"))
                                           .string())) {
        REQUIRE(lines.size() > 100);
        for (const ScriptLine& line : lines) {
            if (line.kind != "receiver") continue;
            Fields f(line.rest);
            (void)f.number();
            REQUIRE(f.word() == "v");
            (void)f.word();
            codec = f.word();
            pt = f.number<std::uint8_t>();
            rtx_pt = f.number<std::uint8_t>();
            (void)f.word();
            rids = f.list();
            for (const std::string& text : f.list()) {
                const std::size_t at = text.find('=');
                ids[text.substr(0, at)] = parse_decimal<std::uint8_t>(text.substr(at + 1)).value();
            }
            break;
        }
    }
    CallPlan plan(bool descriptors) const {
        CallPlan result;
        result.descriptors = descriptors;
        result.codec = codec == "vp8"   ? "VP8"
                       : codec == "vp9" ? "VP9"
                       : codec == "av1" ? "AV1"
                                        : "H264";
        result.rids = rids;
        return result;
    }
    std::vector<ScriptLine> lines;
    std::string codec;
    std::uint8_t pt = 0;
    std::uint8_t rtx_pt = 0;
    std::vector<std::string> rids;
    std::map<std::string, std::uint8_t> ids;
};

constexpr std::uint32_t kTag =
    0xA500'0000;  // with the number of the packet, at the end of large ones

struct Played : SeamCall {
    explicit Played(const std::string& name, bool descriptors = true)
        : Played(Recording(name), descriptors) {}
    Played(Recording of, bool descriptors)
        : SeamCall(of.plan(descriptors)), recording(std::move(of)) {
        begin_ = w.world.now_ms;
    }
    // Up to that time of the recording, wishes as they were recorded.
    void play(std::int64_t until_ms = 1'000'000) {
        for (; line_ < recording.lines.size(); ++line_) {
            const ScriptLine& line = recording.lines[line_];
            if (line.ms > until_ms) break;
            while (w.world.now_ms - begin_ < line.ms)
                run(1);
            apply(line);
        }
        run(50);
    }
    // Of what packet this one is a copy; -1 when it is too small to tell.
    int source_of(const ReceivedRtp& packet) const {
        if (packet.payload.size() < 200) return -1;
        const std::uint32_t tag = load_be32(&packet.payload[packet.payload.size() - 4]);
        return (tag & 0xFF00'0000) == kTag ? static_cast<int>(tag & 0xFFFFFF) : -1;
    }
    std::string rid_of(const SourcePacket& packet) const { return rid_of_.at(packet.ssrc); }
    BytesView extension(const SourcePacket& packet, const std::string& name) const {
        for (const Extension& e : packet.extensions)
            if (e.id == recording.ids.at(name)) return e.value;
        return {};
    }
    BytesView sent_descriptor(const ReceivedRtp& packet) const {
        return wire::find_extension(wire::parse_rtp(packet.packet).value(),
                                    down.extensions.dependency_descriptor)
            .value_or(BytesView());
    }
    Recording recording;
    std::vector<SourcePacket> source;
    std::vector<std::pair<std::int64_t, int>> wishes;  // when, and the quality, -1: none

  private:
    void apply(const ScriptLine& line) {
        if (line.kind == "P") return pass(sfu::test::read_source(line));
        Fields f(line.rest);
        if (line.kind == "A") {
            wire::SenderReport report;
            report.ssrc = f.number<std::uint32_t>();
            report.ntp = NtpTime(f.big());
            report.rtp_time = f.number<std::uint32_t>();
            tell(receiver.peer,
                 [&](ByteWriter& out) { return wire::write_sender_report(out, report); });
        } else if (line.kind == "settings") {
            (void)f.number();
            const bool enabled = f.number() != 0;
            const auto quality = f.number<int>();
            wishes.emplace_back(line.ms, enabled ? quality : -1);
            wish([&](livekit::UpdateTrackSettings& settings) {
                settings.set_disabled(!enabled);
                settings.set_quality(static_cast<livekit::VideoQuality>(quality));
            });
        }
    }
    void pass(const SourcePacket& p) {
        const auto number = static_cast<std::uint32_t>(source.size());
        source.push_back(p);
        Stream s(receiver, p.ssrc);
        s.named = false;  // as recorded, below
        s.pt = p.pt == recording.rtx_pt ? receiver.codecs[0].rtx_pt.value().value()
                                        : receiver.codecs[0].pt.value();
        s.sequence = p.sequence;
        s.timestamp = p.timestamp;
        for (const Extension& e : p.extensions) {
            const auto& names = recording.ids;
            const auto is = [&](const char* name) {
                const auto it = names.find(name);
                return it != names.end() && it->second == e.id;
            };
            if (is("mid"))
                s.once.emplace_back(receiver.extensions.mid, to_vector(as_bytes(receiver.mid)));
            if (is("rid")) {
                rid_of_[p.ssrc] = std::string(as_text(e.value));
                s.once.emplace_back(receiver.extensions.rid, e.value);
            }
            if (is("rrid")) s.once.emplace_back(receiver.extensions.repaired_rid, e.value);
            if (is("tcc")) s.once.emplace_back(receiver.extensions.transport_cc, e.value);
            if (is("dd")) s.once.emplace_back(receiver.extensions.dependency_descriptor, e.value);
        }
        Bytes payload = p.payload;
        const std::size_t head = 12 + sfu::test::block_size(p.extensions) + p.padding;
        payload.resize(p.size > head ? p.size - head : 0);
        if (payload.size() >= 200) store_be32(payload.data() + payload.size() - 4, number | kTag);
        send(s.packet(payload, p.marker, p.padding));
    }

    std::map<std::uint32_t, std::string> rid_of_;
    std::int64_t begin_ = 0;
    std::size_t line_ = 0;
};

void check_numbers(const std::vector<ReceivedRtp>& heard) {
    for (std::size_t i = 1; i < heard.size(); ++i) {
        CAPTURE(i);
        CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[i - 1].sequence + 1));
        const auto step = static_cast<std::int32_t>(heard[i].timestamp - heard[i - 1].timestamp);
        CHECK(step >= 0);
        CHECK(step <= 90'000 * 2);
    }
}

}  // namespace

TEST_CASE(
    "Recorded: VP8 and H.264 of Chromium go on with their short descriptor and without the other "
    "[IN-25] [IN-50] [IN-51] [IN-52] [FWD-05] [outside]") {
    for (const std::string name :
         {"rtp-chromium-publisher-vp8", "rtp-chromium-publisher-h264", "rtp-chromium-vp8"}) {
        CAPTURE(name);
        Played p(name);
        p.play();
        const auto heard = p.heard();
        REQUIRE(heard.size() > 250);
        check_numbers(heard);
        std::set<int> seen;
        std::set<std::string> layers;
        std::set<std::uint32_t> unnamed;
        for (const ReceivedRtp& packet : heard) {
            CHECK(p.sent_descriptor(packet).empty());
            const int from = p.source_of(packet);
            if (from < 0) continue;
            CHECK(seen.insert(from).second);  // probes bring nothing twice
            const SourcePacket& source = p.source[static_cast<std::size_t>(from)];
            layers.insert(p.rid_of(source));
            if (p.extension(source, "mid").empty()) unnamed.insert(source.ssrc);
            CHECK(packet.marker == source.marker);
            CHECK(std::equal(source.payload.begin(), source.payload.end(), packet.payload.begin()));
        }
        // Layers are known by their SSRC once their packets say no more whose they are.
        CHECK(unnamed.size() >= 2);
        CHECK(layers.contains("f"));
        CHECK(p.w.world.shards[0]->snapshot().rtp_unknown_ssrc < 5);
        CHECK(told_by(p.publisher(), wire::parse_nack).empty());
        std::set<std::uint16_t> told;
        std::set<std::uint16_t> sent;
        for (const auto& feedback : told_by(p.publisher(), wire::parse_transport_feedback))
            for (std::uint16_t i = 0; i < feedback.value.status_count; ++i)
                told.insert(static_cast<std::uint16_t>(feedback.value.base_sequence + i));
        for (const SourcePacket& packet : p.source)
            if (const BytesView value = p.extension(packet, "tcc"); !value.empty())
                sent.insert(load_be16(value.data()));
        CHECK(told.size() + 120 >= sent.size());
        for (const std::uint16_t one : told)
            CHECK(sent.contains(one));
    }
}

TEST_CASE(
    "Recorded: layers of Chromium's VP8 as they are asked for, each from a key frame "
    "[FWD-05] [IN-53] [SUB-01] [outside]") {
    Played p("rtp-chromium-vp8");
    p.play();
    std::map<std::string, int> rank{{"q", 0}, {"h", 1}, {"f", 2}};
    std::int64_t base = -1;
    const auto heard = p.heard();
    int previous = -1;
    for (const ReceivedRtp& packet : heard) {
        const int from = p.source_of(packet);
        if (from < 0) continue;
        const SourcePacket& source = p.source[static_cast<std::size_t>(from)];
        if (base < 0) base = packet.ms - source.ms;
        const int layer = rank.at(p.rid_of(source));
        if (layer != previous) CHECK((source.payload[1] & 1) == 0);
        previous = layer;
        // Half a second behind a wish nothing above it comes any more.
        int wanted = 2;
        std::int64_t since = 0;
        for (const auto& [ms, quality] : p.wishes)
            if (ms <= source.ms) {
                wanted = quality;
                since = source.ms - ms;
            }
        if (since > 500) CHECK(layer <= wanted);
        if (since > 2'000) CHECK(layer == wanted);  // an encoder begins a layer anew
    }
}

TEST_CASE(
    "Recorded: SVC of Chromium, VP9 and AV1: the layers asked for, descriptors with their mask "
    "[IN-20] [IN-26] [FWD-08] [FWD-04] [outside]") {
    for (const std::string name : {"rtp-chromium-vp9", "rtp-chromium-av1"}) {
        CAPTURE(name);
        Played p(name);
        p.play();
        const auto heard = p.heard();
        REQUIRE(heard.size() > 250);
        REQUIRE(!p.wishes.empty());
        check_numbers(heard);
        wire::DependencyStructure ours;
        wire::DependencyStructure theirs;
        std::map<int, wire::DependencyInfo> of_source;
        for (std::size_t i = 0; i < p.source.size(); ++i) {
            const BytesView value = p.extension(p.source[i], "dd");
            if (value.empty()) continue;
            const auto info = wire::parse_dependency_descriptor(
                value, theirs.valid() ? &theirs : nullptr, &theirs);
            REQUIRE(info);
            of_source[static_cast<int>(i)] = *info;
        }
        std::set<int> layers;
        std::set<std::uint32_t> masks;
        std::uint32_t time_offset = 0;
        int odd_markers = 0;
        for (std::size_t i = 0; i < heard.size(); ++i) {
            const BytesView value = p.sent_descriptor(heard[i]);
            const auto info =
                wire::parse_dependency_descriptor(value, ours.valid() ? &ours : nullptr, &ours);
            REQUIRE(info);
            if (i == 0) CHECK(info->structure_attached);
            const int from = p.source_of(heard[i]);
            if (from < 0) continue;
            const SourcePacket& source = p.source[static_cast<std::size_t>(from)];
            const wire::DependencyInfo& before = of_source.at(from);
            CHECK(info->frame_number == before.frame_number);
            CHECK(info->spatial_id == before.spatial_id);
            CHECK(info->temporal_id == before.temporal_id);
            CHECK(info->dtis == before.dtis);
            CHECK(
                std::equal(source.payload.begin(), source.payload.end(), heard[i].payload.begin()));
            if (i == 0) time_offset = heard[i].timestamp - source.timestamp;
            CHECK(heard[i].timestamp - source.timestamp == time_offset);
            layers.insert(info->spatial_id);
            if (info->structure_attached) {
                CHECK(to_vector(value) == to_vector(p.extension(source, "dd")));
            } else {
                CHECK(info->has_active_targets);
                masks.insert(info->active_targets);
            }
            // The last packet of a picture, as the subscriber sees it.
            if (i + 1 < heard.size() &&
                heard[i].marker != (heard[i + 1].timestamp != heard[i].timestamp))
                ++odd_markers;
        }
        // Where a wish came in the middle of a picture, and where the recording has its end not.
        CHECK(odd_markers <= 5);
        CHECK(layers == std::set<int>{0, 1, 2});
        CHECK(masks.contains(0x1FF));
        CHECK(masks.size() >= 2);
        for (const std::uint32_t mask : masks) {
            CAPTURE(mask);
            CHECK((mask == 0x1FF || mask == 0x03F || mask == 0x007));
        }
    }
}

TEST_CASE("Recorded: SVC of VP9 by its own descriptor where there is no other [FWD-07] [outside]") {
    Played p("rtp-chromium-vp9", false);
    p.play();
    const auto heard = p.heard();
    REQUIRE(heard.size() > 250);
    check_numbers(heard);
    std::set<int> layers;
    int previous = -1;
    for (std::size_t i = 0; i < heard.size(); ++i) {
        CHECK(p.sent_descriptor(heard[i]).empty());
        const auto vp9 = wire::parse_vp9(heard[i].payload);
        REQUIRE(vp9);
        if (i == 0) CHECK(vp9->key_frame);
        const int from = p.source_of(heard[i]);
        if (from >= 0) {
            const SourcePacket& source = p.source[static_cast<std::size_t>(from)];
            int wanted = 2;
            std::int64_t since = 0;
            for (const auto& [ms, quality] : p.wishes)
                if (ms <= source.ms) {
                    wanted = quality;
                    since = source.ms - ms;
                }
            if (since > 1'000) CHECK(int{vp9->spatial_id} <= wanted);
            layers.insert(vp9->spatial_id);
        }
        // A larger layer begins a picture of its own, not in the middle of one.
        if (int{vp9->spatial_id} > previous + 1 && i > 0) CHECK(vp9->frame_start);
        previous = vp9->spatial_id;
        if (vp9->spatial_id == 2 && vp9->frame_end) CHECK(heard[i].marker);
    }
    CHECK(layers == std::set<int>{0, 1, 2});
}

TEST_CASE("Recorded: SVC packets before the first structure are nothing [IN-20] [outside]") {
    Played p("rtp-chromium-av1");
    // The recording without its first packets, which held the structure.
    auto& lines = p.recording.lines;
    std::size_t media = 0;
    std::erase_if(lines, [&](const ScriptLine& line) { return line.kind == "P" && ++media <= 20; });
    p.play(6'000);
    const auto heard = p.heard();
    REQUIRE(heard.size() > 40);
    CHECK(wire::dependency_descriptor_has_structure(p.sent_descriptor(heard.front())));
    CHECK(told_by(p.publisher(), wire::parse_pli).size() >= 1);
}

}  // namespace confab::room::testing
