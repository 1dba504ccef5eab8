// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/commands.h"

#include <utility>

namespace confab::cluster::store {
namespace {

using redis::Value;

// Rights of the login; Redis 6 words a refusal inside a script in its own way.
bool is_denied(std::string_view error) {
    for (const std::string_view sign :
         {"NOPERM", "NOAUTH", "can't run this command", "can't access", "has no permissions"})
        if (error.find(sign) != error.npos) return true;
    return false;
}

bool is_wrong_type(std::string_view error) {
    return error.find("WRONGTYPE") != error.npos;
}

// Not now: a Redis Cluster that has lost a master, or moves the keys; a script that runs too long.
bool is_passing(std::string_view code) {
    for (const std::string_view one :
         {"CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "MASTERDOWN", "LOADING", "BUSY"})
        if (code == one) return true;
    return false;
}

// All keys that are named after something are one to whoever has to do with rights.
std::string family(std::string_view key) {
    const std::size_t end = key.rfind("}_state:") == key.npos ? key.find(':') : key.rfind(':');
    return std::string(key.substr(0, end)) + (end == key.npos ? "" : ":*");
}

std::string remedy(std::string_view error, std::string_view command, std::string_view key) {
    if (is_denied(error))
        return "let the user of redis.username do it: ACL SETUSER with +" + std::string(command) +
               " and ~" + std::string(key);
    if (is_wrong_type(error))
        return "something else wrote this key: each cluster needs a database of its own "
               "(redis.db); delete the key or choose another database";
    if (error.starts_with("OOM")) return "raise maxmemory, or free memory";
    if (error.starts_with("READONLY")) return "redis.address is a replica; name the master";
    if (error.starts_with("MISCONF")) return "Redis cannot save to its disk";
    return "see the log of Redis";
}

}  // namespace

void Commands::send(Timestamp now, redis::Words words, Done done) {
    const std::string command(words.front());
    // EVAL script number key …
    const std::size_t at = command == "EVAL" ? 3 : 1;
    std::string key(at < words.size() ? words[at] : std::string_view());
    // The callback moves into the reply, and is needed here if that is not taken.
    const auto holder = std::make_shared<Done>(std::move(done));
    const auto taken = port_.command(
        now, words,
        [this, alive = std::weak_ptr<const bool>(alive_), holder, command, key = std::move(key)](
            Timestamp at_time, Result<Value, redis::Fault> reply) {
            if (alive.expired()) return;
            if (!reply)
                return (*holder)(at_time,
                                 fail(Failure{Failure::Code::kUnavailable, reply.error().text}));
            if (is_passing(reply->error_code()))
                return (*holder)(at_time, fail(Failure{Failure::Code::kUnavailable, reply->text}));
            if (reply->is_error())
                return (*holder)(at_time, fail(refusal(at_time, command, key, reply->text)));
            (*holder)(at_time, std::move(*reply));
        });
    if (!taken) (*holder)(now, fail(Failure{Failure::Code::kUnavailable, taken.error().text}));
}

void Commands::send_all(Timestamp now, const std::vector<std::vector<std::string_view>>& all,
                        Callback<Timestamp, std::vector<Answer>> done) {
    struct Gathered {
        std::vector<Answer> answers;
        std::size_t missing = 0;
        Callback<Timestamp, std::vector<Answer>> done;
    };
    if (all.empty()) return done(now, {});
    const auto gathered =
        std::make_shared<Gathered>(Gathered{{all.size(), Answer()}, all.size(), std::move(done)});
    for (std::size_t i = 0; i < all.size(); ++i)
        send(now, all[i], [gathered, i](Timestamp at, Answer answer) {
            gathered->answers[i] = std::move(answer);
            if (--gathered->missing == 0) gathered->done(at, std::move(gathered->answers));
        });
}

void Commands::eval(Timestamp now, std::string_view script, const std::vector<std::string>& keys,
                    const std::vector<std::string>& arguments, Done done) {
    const std::string count = std::to_string(keys.size());
    std::vector<std::string_view> words = {"EVAL", script, count};
    words.insert(words.end(), keys.begin(), keys.end());
    words.insert(words.end(), arguments.begin(), arguments.end());
    send(now, words, std::move(done));
}

Failure Commands::refusal(Timestamp now, const std::string& command, const std::string& key,
                          const std::string& error) {
    const std::string what = is_wrong_type(error) ? key : family(key);
    const std::string text = "Redis refuses " + command + " of " + what + ": " + error + "; " +
                             remedy(error, command, what);
    notices_.tell(now, {is_wrong_type(error) ? Notice::Kind::kWrongType : Notice::Kind::kRefused,
                        what, command, text});
    return {Failure::Code::kRefused, text};
}

}  // namespace confab::cluster::store
