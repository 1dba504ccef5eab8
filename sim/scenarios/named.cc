// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/scenarios/named.h"

#include "netem/models.h"

namespace confab::sim {
namespace {

// Everybody is there within half a second and publishes audio and three layers of video.
Scenario room(std::string name, std::string story, std::size_t shards, std::size_t clients,
              std::int64_t seconds) {
    Scenario s;
    s.name = std::move(name);
    s.story = std::move(story);
    s.shards = shards;
    s.clients = clients;
    s.length = Duration::seconds(seconds);
    for (ClientId id = 0; id < clients; ++id) {
        const auto at = static_cast<std::int64_t>(100 * id);
        s.steps.push_back(step(at, StepKind::kJoin, id, id % 2));
        s.steps.push_back(step(at + 50, StepKind::kPublishAudio, id));
        s.steps.push_back(step(at + 80, StepKind::kPublishVideo, id));
    }
    return s;
}

Scenario calm(std::size_t shards) {
    return room("calm", "three clients, perfect links: nothing is lost, late or repaired", shards,
                3, 5);
}

Scenario over(std::string name, const netem::LinkProfile& link, std::size_t shards) {
    Scenario s = room(std::move(name), "four clients, all links of one kind", shards, 4, 8);
    for (ClientId id = 0; id < s.clients; ++id)
        s.steps.insert(s.steps.begin(), links(0, id, link, link));
    return s;
}

Scenario muting(std::size_t shards) {
    Scenario s = room("muting", "mutes by publisher and subscriber, one publisher goes on sending",
                      shards, 3, 10);
    s.steps.push_back(step(200, StepKind::kPublishAudio, 2, 1));
    for (std::int64_t at = 2000; at < 9000; at += 1300) {
        s.steps.push_back(step(at, StepKind::kMute, 0, 0));
        s.steps.push_back(step(at + 100, StepKind::kMute, 0, 1));
        s.steps.push_back(step(at + 50, StepKind::kMute, 2, 2));
        s.steps.push_back(step(at + 600, StepKind::kUnmute, 0, 0));
        s.steps.push_back(step(at + 700, StepKind::kUnmute, 0, 1));
        s.steps.push_back(step(at + 800, StepKind::kUnmute, 2, 2));
        sfu::DownTrackSettings off;
        off.enabled = false;
        for (std::uint64_t track = 0; track < 4; ++track) {
            s.steps.push_back(settings(at + 200, 1, track, off));
            s.steps.push_back(settings(at + 900, 1, track, {}));
        }
    }
    return s;
}

Scenario layers(std::size_t shards) {
    Scenario s = room("layers", "subscribers change layers each 400 ms (MC-09)", shards, 3, 12);
    std::uint8_t n = 0;
    for (std::int64_t at = 1500; at < 11'500; at += 400, ++n) {
        sfu::DownTrackSettings wish;
        wish.max_spatial = static_cast<std::uint8_t>(n * 7 % 3);
        wish.max_temporal = static_cast<std::uint8_t>(n * 5 % 4);
        for (std::uint64_t track = 0; track < 4; ++track)
            s.steps.push_back(settings(at, n % 3U, track, wish));
    }
    return s;
}

Scenario rebinding(std::size_t shards) {
    Scenario s = room("rebinding", "the NAT gives client 0 a new port, twice (N6)", shards, 3, 12);
    s.steps.push_back(step(3000, StepKind::kNatRebind, 0));
    s.steps.push_back(step(7500, StepKind::kNatRebind, 0));
    s.healing = Scenario::kLayersReturn;
    return s;
}

Scenario restarts(std::size_t shards) {
    Scenario s =
        room("restarts", "ICE restarts under loss: numbers and times go on (MC-03)", shards, 3, 10);
    netem::LinkProfile link = netem::perfect_link();
    link.loss = 0.05;
    for (ClientId id = 0; id < s.clients; ++id)
        s.steps.insert(s.steps.begin(), links(0, id, link, link));
    for (std::int64_t at = 2000; at < 9000; at += 1700)
        s.steps.push_back(step(at, StepKind::kIceRestart, static_cast<ClientId>(at / 1700 % 3)));
    return s;
}

Scenario door(std::size_t shards) {
    Scenario s = room("door", "clients leave and return all the time", shards, 4, 12);
    for (std::int64_t at = 1500; at < 11'000; at += 900) {
        const auto id = static_cast<ClientId>(at / 900 % 4);
        s.steps.push_back(step(at, StepKind::kLeave, id));
        s.steps.push_back(step(at + 300, StepKind::kJoin, id, 1));
        s.steps.push_back(step(at + 320, StepKind::kPublishVideo, id));
    }
    return s;
}

Scenario narrow(std::size_t shards) {
    Scenario s =
        room("narrow", "a subscriber reports a narrow downlink, later a wide one", shards, 3, 24);
    // One low report is noise, a row of them that fall is a link that fills (BWE-21).
    std::uint64_t bits_per_second = 600'000;
    for (std::int64_t at = 3000; at < 18'000;
         at += 1000, bits_per_second = bits_per_second * 9 / 10)
        s.steps.push_back(step(at, StepKind::kBandwidth, 1, bits_per_second));
    s.steps.push_back(step(20'000, StepKind::kBandwidth, 1, 20'000'000));
    s.healing = Scenario::kProbedAgain;
    return s;
}

Scenario short_outage(std::size_t shards) {
    Scenario s = room("outage", "client 1 hears and says nothing for 4 s", shards, 3, 10);
    s.steps.push_back(step(3000, StepKind::kOutage, 1, 4000));
    s.healing = Scenario::kLayersReturn;
    return s;
}

// ---------------------------------------------------------------- who is there

// Three people, one of them with two connections, and an outage of the first and the second.
Scenario cut_off(std::string name, std::string story, std::size_t shards, std::uint64_t scope,
                 std::uint64_t length_ms = 19'000) {
    Scenario s = room(std::move(name), std::move(story), shards, 3, 25);
    s.light = true;
    s.expects_full_layers = false;
    s.steps.push_back(outage(3000, 0, length_ms, scope));
    s.steps.push_back(outage(3500, 1, length_ms, scope));
    const auto end = static_cast<std::int64_t>(3500 + length_ms);
    for (ClientId id = 0; id < 2; ++id) {
        // Missed for 15 s, the path is given up and TCP takes its place (SIG-145).
        if ((scope & kCutAll) == kCutUdp)
            s.steps.push_back(step(3500 + 15'500, StepKind::kExpectFlow, id));
        // Whatever it was, 2 s behind its end all is well (livekit-server: up to 4 s).
        if (end + 2000 < s.length.ms())
            s.steps.push_back(step(end + 2000, StepKind::kExpectFlow, id));
    }
    s.healing = Scenario::kComeBack;
    return s;
}

Scenario takeover(std::size_t shards) {
    Scenario s = room("takeover", "a second session of an identity takes it over, again and again",
                      shards, 4, 12);
    s.light = true;
    s.expects_full_layers = false;
    s.people.resize(4);
    s.people[2].identity = s.people[3].identity = "twin";
    for (std::int64_t at = 2000; at < 10'000; at += 1100) {
        const auto id = static_cast<ClientId>(2 + at / 1100 % 2);
        s.steps.push_back(step(at, StepKind::kJoin, id, at / 2200 % 2 == 0 ? 0 : 1));
        s.steps.push_back(step(at + 300, StepKind::kPublishAudio, id));
    }
    return s;
}

Scenario rights(std::size_t shards) {
    Scenario s = room("rights", "rights are taken and given back while media flows", shards, 3, 16);
    s.light = true;
    s.expects_full_layers = false;
    for (std::int64_t at = 2000; at < 14'000; at += 2000) {
        const auto id = static_cast<ClientId>(at / 2000 % 3);
        // What is not published any more is not published again.
        const std::uint64_t without = id == 0 ? kMayPublish : kMaySubscribe;
        constexpr std::uint64_t kAll = kMayPublish | kMaySubscribe | kMaySendData;
        s.steps.push_back(step(at, StepKind::kPermission, id, kAll & ~without));
        s.steps.push_back(step(at + 1000, StepKind::kPermission, id, kAll));
    }
    return s;
}

Scenario hidden(std::size_t shards) {
    Scenario s = room("hidden", "somebody hidden sees all and is seen by nobody, also on a resume",
                      shards, 4, 12);
    s.light = true;
    s.expects_full_layers = false;
    s.people.resize(4);
    s.people[3].hidden = true;
    for (ClientId id = 0; id < 4; ++id)
        s.steps.push_back(
            step(3000 + 500 * static_cast<std::int64_t>(id), StepKind::kSignalReset, id));
    s.steps.push_back(outage(6000, 1, 17'000, kCutAll));
    s.healing = Scenario::kComeBack;
    return s;
}

// Everybody publishes a data track; rights, lists and wishes come and go (SIG-42, SIG-112, TOK-13).
Scenario data_rights(std::size_t shards) {
    Scenario s =
        room("data-rights", "data tracks follow rights, access lists and wishes", shards, 4, 24);
    s.light = true;
    s.expects_full_layers = false;
    constexpr std::uint64_t kAll = kMayPublish | kMaySubscribe | kMaySendData;
    for (ClientId id = 0; id < 4; ++id)
        s.steps.push_back(step(1000, StepKind::kPublishData, id));
    for (ClientId id = 0; id < 4; ++id) {
        const auto at = 3000 + 5000 * static_cast<std::int64_t>(id);
        s.steps.push_back(step(at, StepKind::kPermission, id, kAll & ~kMaySubscribe));
        s.steps.push_back(step(at + 2000, StepKind::kPermission, id, kAll));
        s.steps.push_back(
            step(at + 500, StepKind::kPermission, (id + 1) % 4, kAll & ~kMaySendData));
        s.steps.push_back(step(at + 2500, StepKind::kPermission, (id + 1) % 4, kAll));
        s.steps.push_back(step(at + 600, StepKind::kAccess, (id + 2) % 4, 0));
        s.steps.push_back(step(at + 2600, StepKind::kAccess, (id + 2) % 4, 1));
        s.steps.push_back(step(at + 700, StepKind::kDataWish, (id + 3) % 4, 0));
        s.steps.push_back(step(at + 2700, StepKind::kDataWish, (id + 3) % 4, 1));
    }
    return s;
}

// Four people in two rooms, who write to each other's names.
Scenario two_rooms(std::string name, std::string story, std::size_t shards, std::size_t nodes) {
    Scenario s = room(std::move(name), std::move(story), shards, 5, 10);
    s.nodes = nodes;
    s.light = true;
    s.expects_full_layers = false;
    s.people.resize(5);
    s.people[1].room = s.people[3].room = s.people[4].room = 1;
    s.people[0].identity = s.people[1].identity = "namesake";
    for (ClientId id = 0; id < 5; ++id)
        s.steps.push_back(step(1000, StepKind::kPublishData, id));
    s.steps.push_back(step(5000, StepKind::kSignalReset, 0));
    s.steps.push_back(step(7000, StepKind::kRemove, 1));
    s.steps.push_back(step(7500, StepKind::kMetadata, 3));
    return s;
}

}  // namespace

std::vector<Scenario> named_scenarios(std::size_t shards) {
    return {calm(shards),
            over("wifi", netem::wifi_link(), shards),
            over("cellular", netem::cellular_link(), shards),
            over("satellite", netem::satellite_link(), shards),
            over("congested", netem::congested_link(), shards),
            muting(shards),
            layers(shards),
            rebinding(shards),
            restarts(shards),
            door(shards),
            narrow(shards),
            short_outage(shards),
            cut_off("udp-cut", "no UDP for 19 s; TCP and the WebSocket live", shards, kCutUdp),
            cut_off("udp-gone", "no UDP any more: what flows at the end flows over TCP", shards,
                    kCutUdp, 120'000),
            cut_off("all-cut", "nothing at all for 19 s", shards, kCutAll),
            cut_off("up-cut", "nothing of two clients arrives for 12 s", shards, kCutAll | kOnlyUp,
                    12'000),
            cut_off("down-cut", "nothing arrives at two clients for 12 s", shards,
                    kCutAll | kOnlyDown, 12'000),
            data_rights(shards),
            two_rooms("two-rooms", "two rooms of one node know nothing of each other", shards, 1),
            two_rooms("two-nodes", "rooms of two nodes in one virtual time", shards, 2),
            cut_off("signal-cut", "the WebSocket stalls for 19 s, media flows", shards, kCutSignal),
            takeover(shards),
            rights(shards),
            hidden(shards)};
}

std::optional<Scenario> find_scenario(std::string_view name, std::size_t shards) {
    for (Scenario& s : named_scenarios(shards))
        if (s.name == name) return std::move(s);
    return std::nullopt;
}

}  // namespace confab::sim
