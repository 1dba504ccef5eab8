// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/cluster/cluster_client.h"

#include <algorithm>
#include <utility>

namespace confab::redis {
namespace {

constexpr auto kCommands = static_cast<std::size_t>(Line::kCommands);
constexpr auto kChannels = static_cast<std::size_t>(Line::kChannels);
constexpr std::uint16_t kNoOwner = 0xffff;
// How long a member is kept that was asked on behalf of another.
constexpr Duration kLinger = Duration::seconds(30);
// Between the words to its old and to its new owner each of them says that the other has a slot:
// who is said to have it by one that gave it away is asked again.
constexpr Duration kDisputePause = Duration::millis(25);

}  // namespace

struct ClusterClient::Member {
    Member(Timestamp now, Address where, std::uint64_t seed)
        : address(std::move(where)), line(now, seed) {}

    Address address;
    Lifeline line;
    bool wanted = false;   // a master, or a seed while no master is known
    Timestamp kept_until;  // by a redirection: while slots move it is no master of them yet
    bool is_of_use(Timestamp now) const { return wanted || now < kept_until; }
};

struct ClusterClient::Errand {
    std::vector<std::string> words;
    Reply done;
    std::size_t redirects = 0;
    // While it is held: for whom, and until when.
    std::size_t to = 0;
    bool asking = false;
    Timestamp not_before;
    Timestamp deadline;
    std::optional<Address> sent_by;  // who said to go where it is now
};

ClusterClient::ClusterClient(Timestamp now, std::vector<Address> seeds, std::size_t max_redirects,
                             Login login, Events events, std::uint64_t seed, Timing timing)
    : seeds_(std::move(seeds)),
      max_redirects_(max_redirects),
      login_(std::move(login)),
      events_(std::move(events)),
      timing_(timing),
      seed_(seed),
      channel_line_(now, seed),
      channel_place_(seed % seeds_.size()),
      channels_(events_),
      next_ask_(now) {
    login_.db = 0;  // a Cluster has no other (RDS-28)
    owners_.fill(kNoOwner);
    want_seeds(now);
}

ClusterClient::~ClusterClient() = default;

// ---------------------------------------------------------------- members

Lifeline* ClusterClient::line(std::size_t link) {
    if (link == 0) return &channel_line_;
    return link <= members_.size() ? &members_[link - 1]->line : nullptr;
}

const Lifeline* ClusterClient::line(std::size_t link) const {
    if (link == 0) return &channel_line_;
    return link <= members_.size() ? &members_[link - 1]->line : nullptr;
}

// The member at that address; one that is not wanted any more may give its place.
std::size_t ClusterClient::member(Timestamp now, const Address& address) {
    std::size_t place = kNobody;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        if (members_[i]->address == address) return i;
        if (!members_[i]->is_of_use(now) && !members_[i]->line.keeps()) place = i;
    }
    auto made = std::make_unique<Member>(now, address, seed_ + members_.size() + 1);
    if (place != kNobody) {
        members_[place] = std::move(made);
        return place;
    }
    if (members_.size() == kMaxMembers) return kNobody;
    members_.push_back(std::move(made));
    return members_.size() - 1;
}

void ClusterClient::want_seeds(Timestamp now) {
    for (const Address& seed : seeds_)
        if (const std::size_t i = member(now, seed); i != kNobody) members_[i]->wanted = true;
}

std::size_t ClusterClient::any_ready() const {
    for (std::size_t i = 0; i < members_.size(); ++i)
        if (members_[i]->wanted && members_[i]->line.is_ready()) return i;
    return kNobody;
}

// ---------------------------------------------------------------- slots

void ClusterClient::ask_for_slots(Timestamp now) {
    const std::size_t whom = any_ready();
    if (whom == kNobody || asking_for_slots_) return;
    const std::array<std::string_view, 2> words = {"CLUSTER", "SLOTS"};
    const auto taken = members_[whom]->line.session()->command(
        now, words,
        [this, asked = members_[whom]->address](Timestamp at, const Result<Value, Fault>& reply) {
            asking_for_slots_ = false;
            if (!reply) return;
            if (reply->is_error()) {
                latest_ = Fault{Fault::Code::kNotReady,
                                "redis.cluster_addresses names no Redis Cluster (Redis says: " +
                                    reply->text + ")"};
                next_ask_ = at + kAskEvery;
                return;
            }
            learn(at, read_slots(*reply, asked));
        });
    asking_for_slots_ = taken.has_value();
    next_ask_ = now + (up_[kCommands] ? kAskEvery : kAskAgain);
}

void ClusterClient::learn(Timestamp now, const std::vector<SlotRange>& ranges) {
    if (ranges.empty()) return;  // asked of one that has been thrown out
    owners_.fill(kNoOwner);
    owned_ = 0;
    for (const std::unique_ptr<Member>& one : members_)
        one->wanted = false;
    for (const SlotRange& range : ranges) {
        const std::size_t i = member(now, range.master);
        if (i == kNobody) continue;
        members_[i]->wanted = true;
        owned_ += static_cast<std::size_t>(range.last - range.first) + 1;
        std::fill(owners_.begin() + range.first, owners_.begin() + range.last + 1,
                  static_cast<std::uint16_t>(i));
    }
}

// ---------------------------------------------------------------- commands

Result<void, Fault> ClusterClient::command(Timestamp now, Words words, Reply done) {
    if (words[0] == "PUBSUB")
        return fail(Fault{Fault::Code::kRefused,
                          "each member of a Redis Cluster counts its own listeners only"});
    const auto slot = slot_of(words);
    std::size_t to = slot && owners_[*slot] != kNoOwner ? owners_[*slot] : kNobody;
    // Anybody may publish: the owner of the channel's slot keeps the order, as long as it lives.
    const bool anywhere = !slot || words[0] == "PUBLISH";
    if (anywhere && (to == kNobody || !members_[to]->line.is_ready())) to = any_ready();
    if (to == kNobody || !members_[to]->line.is_ready())
        return fail(Fault{Fault::Code::kClosed, "no connection to Redis: " + trouble_});
    auto errand = std::make_shared<Errand>();
    errand->words.assign(words.begin(), words.end());
    errand->done = std::move(done);
    errand->deadline = now + timing_.reply;
    return send(now, to, false, errand);
}

Result<void, Fault> ClusterClient::send(Timestamp now, std::size_t to, bool asking,
                                        const std::shared_ptr<Errand>& errand) {
    Session& session = *members_[to]->line.session();
    const std::array<std::string_view, 1> ask = {"ASKING"};
    if (asking) CONFAB_TRY_VOID(session.command(now, ask, {}));
    const std::vector<std::string_view> words(errand->words.begin(), errand->words.end());
    return session.command(
        now, words,
        [this, by = members_[to]->address, errand](Timestamp at, Result<Value, Fault> reply) {
            answered(at, by, errand, std::move(reply));
        });
}

// A command that has to go elsewhere is held until the turn of that member, which may have to be
// connected first.
void ClusterClient::answered(Timestamp now, const Address& by,
                             const std::shared_ptr<Errand>& errand, Result<Value, Fault> reply) {
    const auto where = reply ? read_redirection(*reply, by) : std::nullopt;
    if (!where) {
        if (errand->done) errand->done(now, std::move(reply));
        return;
    }
    next_ask_ = now;
    const bool disputed = errand->sent_by == where->to;
    const std::size_t to = member(now, disputed ? by : where->to);
    if (to != kNobody) members_[to]->kept_until = now + kLinger;
    if (to != kNobody && where->moved) owners_[where->slot] = static_cast<std::uint16_t>(to);
    if (to == kNobody || ++errand->redirects > max_redirects_ || held_.size() >= kMaxHeld) {
        if (errand->done) errand->done(now, std::move(reply));
        return;
    }
    errand->to = to;
    errand->asking = !where->moved;
    errand->not_before = disputed ? now + kDisputePause : now;
    errand->sent_by = disputed ? where->to : by;
    held_.push_back(errand);
}

void ClusterClient::go_on(Timestamp now) {
    for (const std::shared_ptr<Errand>& errand : std::exchange(held_, {})) {
        const bool ready = members_[errand->to]->line.is_ready();
        if ((!ready || now < errand->not_before) && now < errand->deadline) {
            held_.push_back(errand);
            continue;
        }
        Result<void, Fault> sent =
            fail(Fault{Fault::Code::kTimeout, "Redis has not answered in time"});
        if (ready) sent = send(now, errand->to, errand->asking, errand);
        if (!sent && errand->done) errand->done(now, fail(sent.error()));
    }
}

// ---------------------------------------------------------------- channels

void ClusterClient::subscribe(Timestamp, std::string channel) {
    channels_.add(std::move(channel));
}

void ClusterClient::unsubscribe(Timestamp, const std::string& channel) {
    channels_.remove(channel);
}

void ClusterClient::look_at_channels(Timestamp now) {
    if (channel_line_.is_ready() && channels_.ask(now, *channel_line_.session()) &&
        !std::exchange(up_[kChannels], true)) {
        channel_line_.is_well();
        if (events_.on_up) events_.on_up(now, Line::kChannels);
    }
    const std::optional<Fault> fault = channel_line_.look(now);
    if (!fault) return;
    ++channel_place_;
    up_[kChannels] = false;
    if (events_.on_down) events_.on_down(now, Line::kChannels, *fault);
}

// ---------------------------------------------------------------- the driver

std::optional<Dial> ClusterClient::dial(Timestamp now) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& one = *members_[i];
        if (!one.is_of_use(now) || !one.line.wants(now)) continue;
        one.line.dialled();
        return Dial{i + 1, one.address};
    }
    if (!channel_line_.wants(now)) return std::nullopt;
    // To one that answers, if there is any.
    for (std::size_t tries = 0; tries < members_.size(); ++tries, ++channel_place_) {
        const Member& one = *members_[channel_place_ % members_.size()];
        if (one.wanted && (one.line.is_ready() || any_ready() == kNobody)) break;
    }
    channel_line_.dialled();
    return Dial{0, members_[channel_place_ % members_.size()]->address};
}

void ClusterClient::connected(Timestamp now, std::size_t link) {
    Session::MessageHandler on_message;
    if (link == 0) {
        channels_.forget();
        on_message = events_.on_message;
    }
    line(link)->connected(now, login_, std::move(on_message), timing_);
}

void ClusterClient::received(Timestamp now, std::size_t link, BytesView bytes) {
    if (Session* session = line(link)->session()) session->received(now, bytes);
    look(now);
}

void ClusterClient::closed(Timestamp now, std::size_t link, std::string_view why) {
    line(link)->closed(now, why);
    look(now);
}

void ClusterClient::advance(Timestamp now) {
    for (std::size_t link = 0; link < links(); ++link)
        if (Session* session = line(link)->session()) session->advance(now);
    look(now);
}

Timestamp ClusterClient::next_deadline() const {
    if (channels_.has_changes() && channel_line_.is_ready()) return Timestamp();
    Timestamp next = channel_line_.next_deadline();
    for (const std::unique_ptr<Member>& one : members_)
        if (one->wanted || one->line.keeps() || !held_.empty())
            next = earlier(next, one->line.next_deadline());
    if (any_ready() != kNobody && !asking_for_slots_) next = earlier(next, next_ask_);
    for (const std::shared_ptr<Errand>& errand : held_)
        next = earlier(
            next, members_[errand->to]->line.is_ready() ? errand->not_before : errand->deadline);
    return next;
}

std::string ClusterClient::take_output(std::size_t link) {
    Session* session = line(link)->session();
    return session ? session->take_output() : std::string();
}

bool ClusterClient::keeps(std::size_t link) const {
    return line(link)->keeps();
}

// ---------------------------------------------------------------- up and down

// After each input: what the connections have become.
void ClusterClient::look(Timestamp now) {
    look_at_channels(now);
    for (const std::unique_ptr<Member>& one : members_) {
        if (one->line.is_ready()) one->line.is_well();
        const bool left = !one->is_of_use(now) && one->line.is_ready();
        if (left) one->line.closed(now, "it has no slots any more");
        if (auto fault = one->line.look(now); fault && !left) {
            latest_ = std::move(fault);
            next_ask_ = now;
        }
    }
    if (any_ready() == kNobody) want_seeds(now);
    if (next_ask_ <= now) ask_for_slots(now);
    go_on(now);
    tell(now);
}

void ClusterClient::tell(Timestamp now) {
    const std::string missing = what_is_missing();
    const bool up = missing.empty();
    const bool was_up = std::exchange(up_[kCommands], up);
    trouble_ = missing;
    if (up && !was_up && events_.on_up) events_.on_up(now, Line::kCommands);
    const std::optional<Fault> fault = std::exchange(latest_, std::nullopt);
    if (up || (!was_up && !fault)) return;
    if (events_.on_down)
        events_.on_down(now, Line::kCommands,
                        fault.value_or(Fault{Fault::Code::kNotReady, missing}));
}

// Empty when every slot has a master that is connected.
std::string ClusterClient::what_is_missing() const {
    for (const std::unique_ptr<Member>& one : members_)
        if (one->wanted && !one->line.is_ready())
            return "no connection to " + to_text(one->address) +
                   (one->line.trouble().empty() ? "" : ": " + one->line.trouble());
    if (owned_ >= kSlots) return {};
    return latest_ ? latest_->text : "not every slot of the Redis Cluster has a master";
}

}  // namespace confab::redis
