// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/packet_parser.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"
#include "sfu/layers/simulcast_selector.h"

namespace confab::sfu {
namespace {

// Packets of one VP8 stream of Chromium: one-byte descriptor, dependency descriptor beside it.
class Chromium {
  public:
    MediaPacket frame(std::string_view descriptor, bool key = false) {
        return packet(descriptor, ++sequence_, key, false);
    }
    MediaPacket packet(std::string_view descriptor, std::int64_t sequence, bool key, bool late) {
        dd_ = test::from_hex(descriptor);
        payload_ = {
            0x10, static_cast<std::uint8_t>(key ? 0x00 : 0x01), 0, 0, 0x9D, 1, 0x2A, 64, 0, 48, 0};
        MediaPacket packet;
        packet.codec = Codec::kVp8;
        packet.payload = payload_;
        packet.dd_bytes = dd_;
        packet.marker = true;
        packet.sequence = sequence;
        packet.late = late;
        wire::FrameSize size;
        REQUIRE(parse_payload({}, state_, packet, size));
        return packet;
    }

  private:
    DependencyState state_;
    std::int64_t sequence_ = 100;
    Bytes dd_;
    Bytes payload_;
};

}  // namespace

TEST_CASE("parse_payload: where temporal layers of VP8 can be taken up [FWD-05] [IN-25]") {
    // As recorded: a key frame, and frames of an L1T3 stream; frame numbers count for three
    // streams.
    Chromium stream;
    const MediaPacket key = stream.frame("8000018002044eaaaf2860414d34538a0940409fc059c0", true);
    CHECK(key.sync_temporal == 2);
    CHECK(key.needs_lower_only);
    const MediaPacket base = stream.frame("80008012e0");  // layer 0: S S S, 8 frames back
    CHECK(base.temporal == 0);
    CHECK(base.sync_temporal == 2);
    const MediaPacket required = stream.frame("82007812e0");  // S R R: layers above need more
    CHECK(required.sync_temporal == 0);
    const MediaPacket top = stream.frame("85007a12c880");  // - - D, refers to a frame not seen
    CHECK(top.temporal == 2);
    CHECK(top.sync_temporal == -1);
    CHECK_FALSE(top.needs_lower_only);
    const MediaPacket middle = stream.frame("84007b12e900");  // - D S, to frames 115 and 120
    CHECK(middle.temporal == 1);
    CHECK(middle.sync_temporal == 2);
    CHECK_FALSE(middle.needs_lower_only);

    // A subscriber that was on layer 0 only: up at the frame that allows it, not at any other.
    LayerState state;
    state.target = {0, 3};
    for (const auto& [packet, after] :
         {std::pair{required, 0}, std::pair{top, 0}, std::pair{middle, 0}, std::pair{base, 2}}) {
        state.current = {0, 0};
        CHECK(update_vp8_temporal(state, packet) == after);
    }
    state.current = {0, 1};
    CHECK(update_vp8_temporal(state, middle) == 2);
}

TEST_CASE("parse_payload: a late structure is taken if it is the newer one [IN-20]") {
    constexpr std::string_view kThreeLayers = "8000018002044eaaaf2860414d34538a0940409fc059c0";
    constexpr std::string_view kOneLayer = "80000180003a410100400001";
    constexpr std::string_view kMiddle = "84007b12e900";  // template 4: there in the first only
    Chromium stream;
    (void)stream.packet(kThreeLayers, 200, true, false);
    // Repaired, from before.
    CHECK_FALSE(stream.packet(kOneLayer, 190, true, true).has_dd);
    CHECK(stream.packet(kMiddle, 201, false, false).temporal == 1);
    // Repaired, from behind: the packets that follow are of it.
    CHECK(stream.packet(kOneLayer, 205, true, true).has_dd);
    CHECK_FALSE(stream.packet(kMiddle, 206, false, false).has_dd);
}

TEST_CASE("parse_payload: the Y bit of a full VP8 descriptor [FWD-05]") {
    DependencyState state;
    const auto parsed = [&](std::uint8_t tid_y) {
        Bytes payload{0x90, 0xF0, 0x90, 0x01, 0x05, tid_y, 0x01, 0, 0};
        MediaPacket packet;
        packet.codec = Codec::kVp8;
        packet.payload = payload;
        wire::FrameSize size;
        REQUIRE(parse_payload({}, state, packet, size));
        return packet;
    };
    CHECK(parsed(0xA0).sync_temporal == 2);  // TID 2, Y
    CHECK(parsed(0xA0).needs_lower_only);
    CHECK(parsed(0x80).sync_temporal == -1);  // TID 2
    CHECK(parsed(0x20).sync_temporal == -1);  // TID 0, Y: nothing of the layers above
}

namespace {

struct Parsed {
    MediaPacket packet;
    wire::FrameSize size{9, 9};  // of something before
    bool ok = false;
};
Parsed parse(Codec codec, const Bytes& payload, const ParseOptions& options = {},
             const Bytes& descriptor = {}, DependencyState* kept = nullptr) {
    DependencyState fresh;
    Parsed out;
    out.packet.codec = codec;
    out.packet.spatial = 7;
    out.packet.payload = payload;
    out.packet.dd_bytes = descriptor;
    out.ok = parse_payload(options, kept != nullptr ? *kept : fresh, out.packet, out.size);
    return out;
}

constexpr std::string_view kVp9Key =
    "bae0d1105000f0008701e0010e03c0021c83498342000ef008781df810d8a0e0";
constexpr std::string_view kVp9Upper = "b8e0d1138702020003be021b";
constexpr std::string_view kVp9T2 = "fde0d250028700000001de01";
constexpr std::string_view kH264Key = "7800136742c0168c8d405017bcb37010d01078442350000468ce3c80";
constexpr std::string_view kAv1Key =
    "681c08008707238191c04860e430321809041c8206410124cf7f0d8034013400127790f03bf021b4c6028a28";

constexpr auto kSvc = LayerMode::kMultipleSpatialLayersPerStream;
constexpr auto kSimulcast = LayerMode::kOneSpatialLayerPerStream;

}  // namespace

TEST_CASE("parse_payload: key frames, borders, layers and sizes by codec [IN-25] [IN-26]") {
    struct Row {
        const char* what;
        Codec codec;
        std::string_view payload;
        LayerMode mode;
        bool key, start, end;
        int spatial, temporal;
        wire::FrameSize size;
    };
    const Row rows[] = {
        {"VP9 key", Codec::kVp9, kVp9Key, kSvc, true, true, false, 0, 0, {960, 540}},
        {"VP9 S1", Codec::kVp9, kVp9Upper, kSvc, false, true, false, 1, 0, {}},
        {"VP9 T2", Codec::kVp9, kVp9T2, kSvc, false, true, true, 0, 2, {}},
        {"VP9 simulcast", Codec::kVp9, kVp9Upper, kSimulcast, false, true, false, 2, 0, {}},
        {"H264 STAP-A", Codec::kH264, kH264Key, kSimulcast, true, true, false, 2, 0, {640, 360}},
        {"H264 FU-A", Codec::kH264, "7c05e166", kSimulcast, false, false, false, 2, 0, {}},
        {"H264 in SVC", Codec::kH264, "7c05e166", kSvc, false, false, false, 0, 0, {}},
        {"H265 T2", Codec::kH265, "02038000", kSimulcast, false, true, false, 2, 2, {}},
        {"H265 PPS", Codec::kH265, "4401c000", kSimulcast, true, true, false, 2, 0, {}},
        {"AV1 key", Codec::kAv1, kAv1Key, kSvc, true, true, false, 0, 0, {960, 540}},
        {"AV1 rest", Codec::kAv1, "90d813ee826418c8", kSimulcast, false, false, false, 2, 0, {}}};
    for (const Row& row : rows) {
        CAPTURE(row.what);
        const Bytes payload = test::from_hex(row.payload);
        const Parsed p = parse(row.codec, payload, {row.mode, 2, false});
        REQUIRE(p.ok);
        CHECK(p.packet.key_frame == row.key);
        CHECK(p.packet.frame_start == row.start);
        CHECK(p.packet.frame_end == row.end);
        CHECK(p.packet.spatial == row.spatial);
        CHECK(p.packet.temporal == row.temporal);
        CHECK(p.size == row.size);
        CHECK(p.packet.sync_temporal == -1);
    }
    CHECK(parse(Codec::kVp9, test::from_hex(kVp9Upper)).packet.vp9.inter_layer_dependency);
    CHECK(parse(Codec::kOpus, {}).size == wire::FrameSize{});
}

TEST_CASE("parse_payload: what does not parse is refused, unless it is encrypted [IN-43]") {
    for (const Codec codec : {Codec::kVp8, Codec::kVp9, Codec::kH264, Codec::kH265, Codec::kAv1}) {
        CAPTURE(static_cast<int>(codec));
        CHECK_FALSE(parse(codec, {}).ok);
        const Parsed secret = parse(codec, {}, {kSimulcast, 1, true});
        CHECK(secret.ok);
        CHECK(secret.packet.spatial == 1);
        CHECK_FALSE(secret.packet.key_frame);
    }
    for (const Codec codec : {Codec::kOpus, Codec::kRed, Codec::kPcmu, Codec::kPcma})
        CHECK(parse(codec, {}).ok);
}

TEST_CASE(
    "parse_payload: key frames of encrypted VP9 are told by its descriptor [IN-43] [FWD-07]") {
    // A picture of two layers that refers to nothing before it, and one that does; in the octet
    // behind each descriptor the ciphertext of another kind of header.
    const Bytes key = test::from_hex("bc8001000011");
    const Bytes upper = test::from_hex("bc8001038211");
    const Bytes delta = test::from_hex("fc800200028211");
    const ParseOptions secret{kSvc, 0, true};
    CHECK(parse(Codec::kVp9, key, secret).packet.key_frame);
    CHECK_FALSE(parse(Codec::kVp9, upper, secret).packet.key_frame);
    CHECK_FALSE(parse(Codec::kVp9, delta, secret).packet.key_frame);
    // In the clear the header says.
    const ParseOptions open{kSvc, 0, false};
    CHECK_FALSE(parse(Codec::kVp9, key, open).packet.key_frame);
    CHECK(parse(Codec::kVp9, delta, open).packet.key_frame);
}

TEST_CASE("parse_payload: the descriptor's word counts where there is one [IN-20] [IN-26]") {
    DependencyState state;
    const Bytes payload = test::from_hex("90d813ee826418c8");
    const Bytes delta = test::from_hex("cd0006");
    // Before the structure an AV1 packet belongs nowhere; VP9 has a descriptor of its own.
    CHECK_FALSE(parse(Codec::kAv1, payload, {kSvc, 0, false}, delta, &state).ok);
    const Bytes vp9 = test::from_hex(kVp9Upper);
    const Parsed own = parse(Codec::kVp9, vp9, {kSvc, 0, false}, delta, &state);
    CHECK(own.ok);
    CHECK_FALSE(own.packet.has_dd);
    CHECK(own.packet.spatial == 1);
    CHECK(state.without_structure == 2);

    const Bytes structure = test::from_hex(test::kL3T3KeyStructure);
    const Parsed key = parse(Codec::kAv1, payload, {kSvc, 0, false}, structure, &state);
    REQUIRE(key.ok);
    CHECK(key.packet.has_dd);
    CHECK(key.packet.frame_start);  // the payload alone would say it is not
    CHECK(key.packet.frame_end == key.packet.dd.last_packet_in_frame);
    CHECK(key.size == wire::FrameSize{960, 540});
    const Parsed upper = parse(Codec::kAv1, payload, {kSvc, 0, false}, delta, &state);
    REQUIRE(upper.ok);
    CHECK(upper.packet.dd.frame_number == 6);
    CHECK(upper.packet.spatial == 2);
    CHECK(upper.packet.temporal == 2);
    CHECK(upper.packet.frame_end);
    CHECK(upper.size == wire::FrameSize{});  // only a structure tells it
    CHECK(upper.packet.sync_temporal == -1);
    CHECK(parse(Codec::kAv1, payload, {kSimulcast, 1, false}, delta, &state).packet.spatial == 1);
    CHECK(parse(Codec::kVp9, vp9, {kSvc, 0, false}, delta, &state).packet.spatial == 2);
    CHECK(state.without_structure == 2);
}

TEST_CASE("parse_payload: the marker ends a frame, sizes and layers of VP8 [IN-25] [FWD-05]") {
    MediaPacket marked;
    marked.codec = Codec::kVp8;
    marked.marker = true;
    const Bytes key{0x10, 0x00, 0, 0, 0x9D, 1, 0x2A, 64, 0, 48, 0};
    marked.payload = key;
    DependencyState state;
    wire::FrameSize size;
    REQUIRE(parse_payload({}, state, marked, size));
    CHECK(marked.frame_end);
    CHECK(marked.frame_start);
    CHECK(marked.vp8.size == 1);
    CHECK(size == wire::FrameSize{64, 48});
    const Bytes delta{0x10, 0x01, 0, 0, 0x9D, 1, 0x2A, 64, 0, 48, 0};
    const Parsed other = parse(Codec::kVp8, delta);
    CHECK(other.size == wire::FrameSize{});
    CHECK_FALSE(other.packet.frame_end);
    // TID bits without T say nothing.
    const Bytes untold{0x90, 0xD0, 0x90, 0x01, 0x05, 0xA0, 0x01, 0, 0};
    CHECK(parse(Codec::kVp8, untold).packet.temporal == 0);
    // The second packet of a frame is no point to go up.
    const Bytes three = test::from_hex("8000018002044eaaaf2860414d34538a0940409fc059c0");
    const Parsed first = parse(Codec::kVp8, key, {}, three, &state);
    CHECK(first.packet.sync_temporal == 2);
    CHECK(first.size == state.structure.resolutions[0]);
    const Parsed again = parse(Codec::kVp8, key, {}, test::from_hex("00008012e0"), &state);
    CHECK(again.packet.has_dd);
    CHECK(again.packet.sync_temporal == -1);
    CHECK(again.size == wire::FrameSize{64, 48});
}

}  // namespace confab::sfu
