// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/tokens/shared_revocations.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "cluster/store/keys.h"
#include "rpc_tokens.pb.h"

namespace confab::cluster::tokens {
namespace {

using token::Revocations;

constexpr rpc::Method kRevoked{"Tokens", "Revoked", rpc::Flow::kPublish, false,
                               "rpc.TokensRevoked"};
// Of a command; a record has some 150 octets.
constexpr std::size_t kBatch = 1000;

std::string text_of(const Revocations::Record& record) {
    ::rpc::TokensRevoked message;
    message.set_name(record.name.data(), record.name.size());
    message.set_room(record.room.data(), record.room.size());
    message.set_tenant(record.tenant);
    message.set_before(record.before.s());
    return message.SerializeAsString();
}

bool read_name(const std::string& bytes, Revocations::Name& name) {
    if (bytes.size() != name.size()) return false;
    std::copy(bytes.begin(), bytes.end(), name.begin());
    return true;
}

std::optional<Revocations::Record> read_record(const std::string& bytes) {
    constexpr std::int64_t kYear9999 = 253'402'300'799;
    ::rpc::TokensRevoked message;
    Revocations::Record record;
    if (!message.ParseFromString(bytes) || !read_name(message.name(), record.name) ||
        !read_name(message.room(), record.room) ||
        message.tenant().size() > SharedRevocations::kMaxTenant || message.before() < 0 ||
        message.before() > kYear9999)
        return std::nullopt;
    record.tenant = std::move(*message.mutable_tenant());
    record.before = UnixTime::seconds(message.before());
    return record;
}

std::string field_of(const Revocations::Record& record) {
    return to_hex(BytesView(record.name));
}

}  // namespace

SharedRevocations::SharedRevocations(redis::Port& port, store::Notices& notices, rpc::Bus& bus,
                                     Revocations& table, std::function<UnixTime(Timestamp)> wall)
    : commands_(port, notices), bus_(bus), table_(table), wall_(std::move(wall)) {
    heard_from_ =
        bus_.subscribe(kRevoked, {}, [this](const std::string& payload) { hear(payload); });
}

// As the table has it: not further ahead than it takes.
void SharedRevocations::tell(Timestamp now, const Record& record) {
    Record kept = record;
    const auto before = table_.find(record.name);
    if (!before) return read_again(now);  // it had no place
    kept.before = *before;
    write(now, {kept});
    bus_.publish(kRevoked, {}, text_of(kept));
}

void SharedRevocations::hear(const std::string& payload) {
    auto record = read_record(payload);
    if (!record) return;
    if (heard_.size() >= kMaxHeard) {
        heard_too_much_ = true;
        return;
    }
    heard_.push_back(*std::move(record));
}

void SharedRevocations::take(Timestamp now, const Record& record) {
    using Outcome = Revocations::Outcome;
    if (table_.add(record, wall_(now)) == Outcome::kForgotOther) read_again(now);
}

void SharedRevocations::handle_timeout(Timestamp now) {
    for (const Record& record : std::exchange(heard_, {})) {
        const auto known = table_.find(record.name);
        take(now, record);
        // Whoever told has written it over ours.
        if (known && *known > record.before) tell(now, record);
    }
    if (std::exchange(heard_too_much_, false)) read_at_ = now;
    if (read_at_ <= now) read(now);
}

Timestamp SharedRevocations::next_deadline() const {
    return heard_.empty() && !heard_too_much_ ? read_at_ : Timestamp();
}

void SharedRevocations::read(Timestamp now) {
    read_at_ = now + kReadEvery;
    if (std::exchange(reading_, true)) return read_again(now);
    commands_.send(now, {"HGETALL", store::keys::kRevocations},
                   [this](Timestamp at, store::Answer answer) {
                       reading_ = false;
                       read_done(at, std::move(answer));
                   });
}

std::vector<SharedRevocations::Record> SharedRevocations::records_in(
    Timestamp now, const redis::Value& reply, std::vector<std::string>& bad) {
    std::vector<Record> records;
    for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
        const std::string& field = reply.items[i].text;
        auto record = read_record(reply.items[i + 1].text);
        if (record && field_of(*record) == field) {
            records.push_back(*std::move(record));
            continue;
        }
        commands_.notices().tell(
            now, {store::Notice::Kind::kGarbage, std::string(store::keys::kRevocations), field,
                  "it is no revocation"});
        bad.push_back(field);
    }
    // Where not all have a place, each node forgets the same.
    std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
        return std::pair(a.before, a.name) < std::pair(b.before, b.name);
    });
    return records;
}

// What Redis lacks is written, what nobody needs any more goes.
void SharedRevocations::read_done(Timestamp now, store::Answer answer) {
    if (!answer) return read_again(now);
    std::vector<std::string> gone;
    const std::vector<Record> stored = records_in(now, *answer, gone);
    std::map<Revocations::Name, UnixTime> there;
    const UnixTime wall = wall_(now);
    for (const Record& record : stored) {
        there.emplace(record.name, record.before);
        if (record.before + Revocations::kMaxTokenLifetime >= wall) (void)table_.add(record, wall);
    }
    for (const Record& record : stored)
        if (!table_.find(record.name)) gone.push_back(field_of(record));
    std::vector<Record> missing;
    for (Record& record : table_.records()) {
        const auto known = there.find(record.name);
        if (known == there.end() || known->second < record.before)
            missing.push_back(std::move(record));
    }
    write(now, missing);
    remove(now, gone);
}

void SharedRevocations::write(Timestamp now, const std::vector<Record>& records) {
    for (std::size_t begin = 0; begin < records.size(); begin += kBatch) {
        const std::size_t end = std::min(records.size(), begin + kBatch);
        std::vector<std::string> texts;
        texts.reserve(2 * (end - begin));
        for (std::size_t i = begin; i < end; ++i) {
            texts.push_back(field_of(records[i]));
            texts.push_back(text_of(records[i]));
        }
        std::vector<std::string_view> words{"HSET", store::keys::kRevocations};
        words.insert(words.end(), texts.begin(), texts.end());
        commands_.send(now, words, [this](Timestamp at, const store::Answer& answer) {
            if (!answer) read_again(at);
        });
    }
}

void SharedRevocations::remove(Timestamp now, const std::vector<std::string>& fields) {
    for (std::size_t begin = 0; begin < fields.size(); begin += kBatch) {
        const std::size_t end = std::min(fields.size(), begin + kBatch);
        std::vector<std::string_view> words{"HDEL", store::keys::kRevocations};
        words.insert(words.end(), fields.begin() + static_cast<std::ptrdiff_t>(begin),
                     fields.begin() + static_cast<std::ptrdiff_t>(end));
        commands_.send(now, words, [](Timestamp, const store::Answer&) {});
    }
}

}  // namespace confab::cluster::tokens
