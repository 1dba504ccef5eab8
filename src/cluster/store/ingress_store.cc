// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/ingress_store.h"

#include <utility>

#include "cluster/store/keys.h"
#include "cluster/store/record.h"
#include "cluster/store/scripts.h"
#include "livekit_ingress.pb.h"

namespace confab::cluster::store {
namespace {

using livekit::IngressInfo;
using livekit::IngressState;

constexpr std::string_view kAbsent = "ingress does not exist";

template <typename Message>
std::optional<Failure> fault_of(const std::string& record) {
    if (record.size() > kMaxRecord)
        return Failure{Failure::Code::kTooLarge, "an ingress of more than 1 MiB is not stored"};
    if (!Message().ParseFromString(record))
        return Failure{Failure::Code::kInvalid, "no record of an ingress"};
    return std::nullopt;
}

Failure races_lost() {
    return {Failure::Code::kBusy, "others changed the ingress at the same time, again and again"};
}

std::string stream_key_of(std::string_view info) {
    return std::string(text_of(info, IngressInfo::kStreamKeyFieldNumber));
}
std::string room_of(std::string_view info) {
    return std::string(text_of(info, IngressInfo::kRoomNameFieldNumber));
}

// RDS-23: what becomes of `fresh` where `there` is.
enum class Order : std::uint8_t { kWrite, kIgnore, kOutdated };
Order order_of(std::string_view fresh, std::string_view there) {
    const std::int64_t started = signed_of(fresh, IngressState::kStartedAtFieldNumber);
    const std::int64_t stored = signed_of(there, IngressState::kStartedAtFieldNumber);
    if (started != stored) return started < stored ? Order::kOutdated : Order::kWrite;
    return signed_of(fresh, IngressState::kUpdatedAtFieldNumber) <
                   signed_of(there, IngressState::kUpdatedAtFieldNumber)
               ? Order::kIgnore
               : Order::kWrite;
}

}  // namespace

struct IngressStore::Change {
    std::string id;
    std::optional<std::string> info;  // to be, without state; none: to be removed
    std::string state;                // of a new one
    Callback<Timestamp, Result<std::string, Failure>> done;  // with what was there
    int tries = 0;
};
struct IngressStore::StateChange {
    std::string id;
    std::string state;
    Got<std::optional<std::string>> done;
    int tries = 0;
};

std::string IngressStore::Ingress::whole() const {
    std::string all = info;
    append_field(all, IngressInfo::kStateFieldNumber, state);
    return all;
}

// ---------------------------------------------------------------- written

void IngressStore::store(Timestamp now, const std::string& info, Got<bool> done) {
    if (const auto fault = fault_of<IngressInfo>(info)) return done(now, fail(*fault));
    const std::string id(text_of(info, IngressInfo::kIngressIdFieldNumber));
    if (id.empty())
        return done(now, fail(Failure{Failure::Code::kInvalid, "an ingress without an id"}));
    auto change = std::make_shared<Change>();
    change->id = id;
    change->info = without(info, {IngressInfo::kStateFieldNumber});
    change->state = text_of(info, IngressInfo::kStateFieldNumber);
    change->done = [done = std::move(done)](Timestamp at,
                                            Result<std::string, Failure> was) mutable {
        if (!was) return done(at, fail(was.error()));
        done(at, was->empty());
    };
    read(now, std::move(change));
}

void IngressStore::remove(Timestamp now, const std::string& id, Got<Ingress> done) {
    auto change = std::make_shared<Change>();
    change->id = id;
    const auto state = std::make_shared<std::string>();
    commands_.send(now, {"GET", keys::ingress_state(id)}, [state](Timestamp, Answer answer) {
        if (answer) *state = take_text(std::move(*answer));
    });
    change->done = [state, done = std::move(done)](Timestamp at,
                                                   Result<std::string, Failure> was) mutable {
        if (!was) return done(at, fail(was.error()));
        done(at, Ingress{std::move(*was), std::move(*state)});
    };
    read(now, std::move(change));
}

void IngressStore::read(Timestamp now, std::shared_ptr<Change> change) {
    if (++change->tries > kTries) return change->done(now, fail(races_lost()));
    const std::string id = change->id;
    commands_.send(now, {"HGET", keys::kIngress, id},
                   [this, change = std::move(change)](Timestamp at, Answer answer) {
                       if (!answer) return change->done(at, fail(answer.error()));
                       apply(at, change, take_text(std::move(*answer)));
                   });
}

void IngressStore::apply(Timestamp now, const std::shared_ptr<Change>& change,
                         const std::string& there) {
    if (!change->info && there.empty())
        return change->done(now, fail(Failure{Failure::Code::kNotFound, std::string(kAbsent)}));
    std::vector<std::string> places = {
        std::string(keys::kIngress), std::string(keys::kIngressStreamKey),
        keys::ingress_state(change->id), keys::room_ingress(room_of(there))};
    std::vector<std::string> arguments = {change->id, there};
    if (change->info) {
        places.push_back(keys::room_ingress(room_of(*change->info)));
        arguments.insert(arguments.end(),
                         {*change->info, stream_key_of(there), stream_key_of(*change->info),
                          room_of(there), room_of(*change->info), change->state});
    } else {
        arguments.push_back(stream_key_of(there));
    }
    commands_.eval(now, change->info ? scripts::kStoreIngress : scripts::kDeleteIngress, places,
                   arguments, [this, change, there](Timestamp at, const Answer& answer) {
                       if (!answer) return change->done(at, fail(answer.error()));
                       if (answer->integer != 1) return read(at, change);
                       change->done(at, there);
                   });
}

void IngressStore::set_state(Timestamp now, const std::string& id, const std::string& state,
                             Got<bool> done) {
    replace_state(
        now, id, state,
        [done = std::move(done)](Timestamp at,
                                 const Result<std::optional<std::string>, Failure>& was) mutable {
            if (!was) return done(at, fail(was.error()));
            done(at, was->has_value());
        });
}

void IngressStore::replace_state(Timestamp now, const std::string& id, const std::string& state,
                                 Got<std::optional<std::string>> done) {
    if (const auto fault = fault_of<IngressState>(state)) return done(now, fail(*fault));
    read_state(now, std::make_shared<StateChange>(StateChange{id, state, std::move(done)}));
}

void IngressStore::read_state(Timestamp now, std::shared_ptr<StateChange> change) {
    if (++change->tries > kTries) return change->done(now, fail(races_lost()));
    const std::string key = keys::ingress_state(change->id);
    commands_.send(now, {"GET", key},
                   [this, change = std::move(change)](Timestamp at, Answer answer) {
                       if (!answer) return change->done(at, fail(answer.error()));
                       apply_state(at, change, take_text(std::move(*answer)));
                   });
}

void IngressStore::apply_state(Timestamp now, const std::shared_ptr<StateChange>& change,
                               const std::string& there) {
    const Order order = order_of(change->state, there);
    if (order == Order::kOutdated)
        return change->done(
            now, fail(Failure{Failure::Code::kOutdated, "a newer state of the ingress is stored"}));
    if (order == Order::kIgnore) return change->done(now, std::nullopt);
    commands_.eval(now, scripts::kSetIngressState,
                   {std::string(keys::kIngress), keys::ingress_state(change->id)},
                   {change->id, there, change->state},
                   [this, change, there](Timestamp at, const Answer& answer) {
                       if (!answer) return change->done(at, fail(answer.error()));
                       if (answer->integer == -1)
                           return change->done(
                               at, fail(Failure{Failure::Code::kNotFound, std::string(kAbsent)}));
                       if (answer->integer != 1) return read_state(at, change);
                       change->done(at, std::optional<std::string>(there));
                   });
}

// ---------------------------------------------------------------- read

void IngressStore::load(Timestamp now, const std::string& id, Got<Ingress> done) {
    commands_.send(now, {"HGET", keys::kIngress, id},
                   [this, id, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       auto info = one_of<IngressInfo>(at, commands_.notices(), keys::kIngress, id,
                                                       kAbsent, std::move(answer));
                       if (!info) return done(at, fail(info.error()));
                       with_states(
                           at, StoredList{{id, std::move(*info)}},
                           [done = std::move(done)](
                               Timestamp then, Result<std::vector<Ingress>, Failure> all) mutable {
                               if (!all) return done(then, fail(all.error()));
                               done(then, std::move(all->front()));
                           });
                   });
}

void IngressStore::load_by_stream_key(Timestamp now, const std::string& key, Got<Ingress> done) {
    commands_.send(now, {"HGET", keys::kIngressStreamKey, key},
                   [this, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       if (!answer) return done(at, fail(answer.error()));
                       const std::string id = take_text(std::move(*answer));
                       if (id.empty())
                           return done(
                               at, fail(Failure{Failure::Code::kNotFound, std::string(kAbsent)}));
                       load(at, id, std::move(done));
                   });
}

void IngressStore::list(Timestamp now, Got<std::vector<Ingress>> done) {
    commands_.send(
        now, {"HGETALL", keys::kIngress},
        [this, done = std::move(done)](Timestamp at, Answer answer) mutable {
            with_states(
                at, all_of<IngressInfo>(at, commands_.notices(), keys::kIngress, std::move(answer)),
                std::move(done));
        });
}

void IngressStore::list(Timestamp now, const std::string& room, Got<std::vector<Ingress>> done) {
    list_members<IngressInfo>(
        now, commands_, keys::room_ingress(room), keys::kIngress,
        [this, done = std::move(done)](Timestamp at, Result<StoredList, Failure> infos) mutable {
            with_states(at, std::move(infos), std::move(done));
        });
}

// One GET each, in one pipeline. A state that does not decode counts as an empty one.
void IngressStore::with_states(Timestamp now, Result<StoredList, Failure> infos,
                               Got<std::vector<Ingress>> done) {
    if (!infos) return done(now, fail(infos.error()));
    if (infos->empty()) return done(now, std::vector<Ingress>());
    struct Gathered {
        std::vector<Ingress> all;
        std::optional<Failure> trouble;
        std::size_t missing = 0;
        Got<std::vector<Ingress>> done;
    };
    const auto gathered = std::make_shared<Gathered>();
    gathered->done = std::move(done);
    gathered->missing = infos->size();
    for (Stored& info : *infos)
        gathered->all.push_back({std::move(info.bytes), {}});
    for (std::size_t i = 0; i < infos->size(); ++i) {
        const std::string key = keys::ingress_state((*infos)[i].name);
        commands_.send(now, {"GET", key}, [this, gathered, i, key](Timestamp at, Answer answer) {
            if (!answer) {
                gathered->trouble = answer.error();
            } else {
                Stored state{"", take_text(std::move(*answer))};
                if (is_sound<IngressState>(at, commands_.notices(), key, state))
                    gathered->all[i].state = std::move(state.bytes);
            }
            if (--gathered->missing > 0) return;
            if (gathered->trouble) return gathered->done(at, fail(*gathered->trouble));
            gathered->done(at, std::move(gathered->all));
        });
    }
}

}  // namespace confab::cluster::store
