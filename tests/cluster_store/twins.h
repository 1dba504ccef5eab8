// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Random cases for each script: what the keys hold before, keys and arguments. Few different
// values, so that what is compared is often the same.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "cluster/store/keys.h"
#include "cluster/store/scripts.h"

namespace confab::cluster::store {

struct Case {
    std::vector<std::vector<std::string>> before;  // commands
    std::vector<std::string> keys;
    std::vector<std::string> arguments;
};

class Cases {
  public:
    explicit Cases(std::uint64_t seed) : rng_(seed) {}

    Case of(std::string_view script) {
        Case made;
        if (script == scripts::kSyncRooms) made = sync_rooms();
        if (script == scripts::kDeleteRoom) made = delete_room();
        if (script == scripts::kStoreIngress) made = store_ingress();
        if (script == scripts::kSetIngressState) made = set_ingress_state();
        if (script == scripts::kDeleteIngress) made = delete_ingress();
        if (script == scripts::kReplaceText) made = text_case(std::string(keys::kVersion), 2);
        if (script == scripts::kClaimRooms) made = claim_rooms();
        if (script == scripts::kPutFields || script == scripts::kReplaceFields)
            made = participants();
        if (script == scripts::kTakeField) made = room_case(keys::kRooms, {"a"});
        if (script == scripts::kDropRouting) made = room_case(keys::kRoomNodeMap, {"a", node()});
        // Now and then a key of another type.
        if (rng_.below(8) == 0)
            made.before.insert(made.before.begin(), {pick({"SET", "SADD"}),
                                                     made.keys[rng_.below(made.keys.size())], "m"});
        return made;
    }

  private:
    std::string pick(std::initializer_list<const char*> all) {
        return all.begin()[rng_.below(all.size())];
    }
    std::string node() { return pick({"ND_a", "ND_b"}); }
    std::string identity() { return pick({"alice", "bob", "carol", ""}); }
    std::string value() {
        return rng_.below(6) == 0 ? std::string("\0\r\n\xff", 4) : pick({"x", "y", "", "17"});
    }
    bool often() { return rng_.below(3) != 0; }
    void hash(Case& made, std::string_view key, const std::string& field, const std::string& held) {
        if (often()) made.before.push_back({"HSET", std::string(key), field, held});
    }
    void room_before(Case& made, const std::string& name) {
        hash(made, keys::kRoomNodeMap, name, node());
        hash(made, keys::kRooms, name, value());
        hash(made, keys::kRoomInternal, name, value());
        for (int i = 0; i < 3; ++i)
            hash(made, keys::participants(name), identity(), value());
    }

    Case sync_rooms() {
        Case made;
        made.keys = {std::string(keys::kRoomNodeMap), std::string(keys::kRooms),
                     std::string(keys::kRoomInternal)};
        made.arguments = {node()};
        for (const char* name : {"a", "b", "c"}) {
            room_before(made, name);
            if (rng_.below(4) == 0) continue;
            made.keys.push_back(keys::participants(name));
            const std::size_t count = rng_.below(3);
            made.arguments.insert(made.arguments.end(), {name, value(), pick({"0", "1"}), value(),
                                                         std::to_string(count)});
            for (std::size_t i = 0; i < count; ++i)
                made.arguments.insert(made.arguments.end(), {identity(), value()});
        }
        return made;
    }
    Case delete_room() {
        Case made;
        made.keys = keys::of_room("a");
        made.arguments = {"a", pick({"ND_a", "ND_b", ""})};
        room_before(made, "a");
        hash(made, keys::agent_dispatch("a"), "d", value());
        hash(made, keys::agent_job("a"), "j", value());
        return made;
    }
    Case room_case(std::string_view key, std::vector<std::string> arguments) {
        Case made;
        made.keys = {std::string(key)};
        room_before(made, "a");
        made.arguments = std::move(arguments);
        return made;
    }
    Case claim_rooms() {
        Case made = room_case(keys::kRoomNodeMap, {node()});
        room_before(made, "b");
        for (const char* name : {"a", "b", "c"})
            if (often()) made.arguments.push_back(name);
        return made;
    }
    Case participants() {
        Case made = room_case(keys::participants("a"), {});
        for (std::size_t i = rng_.below(3); i > 0; --i)
            made.arguments.insert(made.arguments.end(), {identity(), value()});
        return made;
    }
    Case text_case(const std::string& key, std::size_t arguments) {
        Case made;
        made.keys = {key};
        if (often()) made.before.push_back({"SET", key, value()});
        for (std::size_t i = 0; i < arguments; ++i)
            made.arguments.push_back(value());
        return made;
    }
    void ingress_before(Case& made) {
        hash(made, keys::kIngress, "IN_1", value());
        hash(made, keys::kIngressStreamKey, pick({"k", "l"}), "IN_1");
        if (often()) made.before.push_back({"SADD", keys::room_ingress(pick({"r", "s"})), "IN_1"});
        if (often()) made.before.push_back({"SET", keys::ingress_state("IN_1"), value()});
    }
    Case store_ingress() {
        Case made;
        ingress_before(made);
        const std::string was = pick({"r", "s", ""});
        const std::string is = pick({"r", "s", ""});
        made.keys = {std::string(keys::kIngress), std::string(keys::kIngressStreamKey),
                     keys::ingress_state("IN_1"), keys::room_ingress(was), keys::room_ingress(is)};
        made.arguments = {"IN_1", value(), value(), pick({"k", "l", ""}), pick({"k", "l", ""}),
                          was,    is,      value()};
        return made;
    }
    Case set_ingress_state() {
        Case made;
        ingress_before(made);
        made.keys = {std::string(keys::kIngress), keys::ingress_state("IN_1")};
        made.arguments = {"IN_1", value(), value()};
        return made;
    }
    Case delete_ingress() {
        Case made;
        ingress_before(made);
        made.keys = {std::string(keys::kIngress), std::string(keys::kIngressStreamKey),
                     keys::ingress_state("IN_1"), keys::room_ingress(pick({"r", "s"}))};
        made.arguments = {"IN_1", value(), pick({"k", "l", ""})};
        return made;
    }

    Rng rng_;
};

}  // namespace confab::cluster::store
