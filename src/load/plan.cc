// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/plan.h"

#include <algorithm>
#include <array>

#include "load/layout.h"

namespace confab::load {
namespace {

constexpr std::uint32_t kFramesPerSecond = 30;
constexpr std::uint32_t kAudioBitRate = 32'000;

struct Rung {
    const char* rid;
    std::uint16_t width;
    std::uint16_t height;
    std::uint32_t bit_rate;
};
constexpr std::array<Rung, 3> kCamera{
    {{"q", 320, 180, 160'000}, {"h", 640, 360, 450'000}, {"f", 1280, 720, 1'700'000}}};
constexpr Rung kScreen{"", 1920, 1080, 1'500'000};

client::LayerPlan layer_of(const Rung& rung) {
    client::LayerPlan layer;
    layer.rid = rung.rid;
    layer.width = rung.width;
    layer.height = rung.height;
    layer.bit_rate = rung.bit_rate;
    return layer;
}

client::TrackPlan video_plan(std::uint32_t number, std::uint32_t frames_per_second) {
    client::TrackPlan plan;
    plan.number = number;
    plan.kind = client::MediaKind::kVideo;
    plan.frames_per_second = frames_per_second;
    plan.stamps_sending = plan.follows_quality = true;
    return plan;
}

std::string room_name(const Options& options, std::size_t index) {
    return options.rooms == 1 ? options.room : options.room + "-" + std::to_string(index);
}

Duration join_time(const Options& options, std::size_t number) {
    if (options.join_rate <= 0) return {};
    return Duration::seconds(1).scaled(static_cast<double>(number) / options.join_rate);
}

PersonPlan person(const Options& options, std::size_t room, std::size_t index) {
    const bool publisher = index < options.publishers();
    PersonPlan plan;
    plan.room = room_name(options, room);
    plan.room_index = room;
    plan.index = index;
    plan.identity = options.identity_prefix + (publisher ? "-pub-" : "-sub-") +
                    std::to_string(publisher ? index : index - options.publishers());
    plan.audio = index < options.audio_publishers;
    plan.video = index < options.video_publishers;
    plan.screen = index < options.screen_publishers;
    plan.subscribes = !publisher || options.publishers_subscribe;
    return plan;
}

}  // namespace

std::size_t Options::publishers() const {
    return std::max({video_publishers, audio_publishers, screen_publishers});
}

std::vector<PersonPlan> plan_of(const Options& options) {
    std::vector<PersonPlan> people;
    people.reserve(options.participants());
    const std::size_t size = options.publishers() + options.subscribers;
    for (std::size_t index = 0; index < size; ++index)
        for (std::size_t room = 0; room < options.rooms; ++room) {
            people.push_back(person(options, room, index));
            people.back().joins_after = join_time(options, people.size() - 1);
        }
    return people;
}

Duration last_join(const Options& options) {
    return join_time(options, std::max<std::size_t>(options.participants(), 1) - 1);
}

std::size_t expected_tracks(const PersonPlan& person, const Options& options) {
    if (!person.subscribes) return 0;
    const std::size_t audio = options.audio_publishers - (person.audio ? 1 : 0);
    const std::size_t video = options.video_publishers + options.screen_publishers -
                              (person.video ? 1 : 0) - (person.screen ? 1 : 0);
    return audio + std::min(video, slots(options.layout));
}

// A track with one layer names its SSRCs: nothing but its mid would tell a receiver whose they are.
client::TrackPlan camera_plan(std::uint32_t number, const Options& options) {
    client::TrackPlan plan = video_plan(number, kFramesPerSecond);
    const std::size_t top = 2 - static_cast<std::size_t>(options.resolution);
    for (std::size_t i = options.simulcast ? 0 : top; i <= top; ++i)
        plan.layers.push_back(layer_of(kCamera[i]));
    plan.announce_ssrcs = plan.layers.size() == 1;
    if (plan.announce_ssrcs) plan.layers.front().rid.clear();
    return plan;
}

client::TrackPlan screen_plan(std::uint32_t number, const Options& options) {
    client::TrackPlan plan = video_plan(number, std::max(1U, options.screen_fps));
    plan.layers.push_back(layer_of(kScreen));
    plan.announce_ssrcs = true;
    return plan;
}

client::TrackPlan microphone_plan(std::uint32_t number) {
    client::TrackPlan plan;
    plan.number = number;
    plan.stamps_sending = plan.announce_ssrcs = true;
    plan.layers.emplace_back();
    plan.layers.front().bit_rate = kAudioBitRate;
    return plan;
}

std::size_t speaker_at(Duration since_start, std::size_t speakers) {
    if (speakers == 0) return 0;
    return static_cast<std::size_t>(since_start.us() / kSpeakerTurn.us()) % speakers;
}

}  // namespace confab::load
