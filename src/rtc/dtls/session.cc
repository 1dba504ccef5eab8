// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The state machine around one SSL object.
#include "rtc/dtls/session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string>

#include "rtc/dtls/datagram_bio.h"
#include "rtc/dtls/export_keys.h"
#include "rtc/dtls/moved_records.h"
#include "rtc/dtls/record_filter.h"
#include "rtc/dtls/record_keys.h"
#include "rtc/dtls/retransmit_clock.h"
#include "rtc/dtls/verify.h"

namespace confab::dtls {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxQueued = 64;  // datagrams or records in a state

std::vector<Bytes> contents(const Ring<Bytes, kMaxQueued>& ring) {
    std::vector<Bytes> list;
    list.reserve(ring.size());
    for (std::size_t i = 0; i < ring.size(); ++i)
        list.push_back(ring[i]);
    return list;
}

struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// kUnverified: the handshake is complete, the fingerprint is still to come.
enum class State : std::uint8_t { kIdle, kHandshaking, kUnverified, kConnected, kFailed };

}  // namespace

class Session::Impl {
  public:
    Impl(const Context& context, Config config);
    // One that was moved.
    Impl(Role role, MovedRecords moved);

    void start(Timestamp now);
    void set_expected_fingerprints(Timestamp now, std::vector<Fingerprint> fingerprints);
    void handle_packet(Timestamp now, BytesView datagram);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    bool send_application_data(BytesView data);

    bool is_movable() const;
    void save(StateWriter& out) const;
    static std::unique_ptr<Impl> load(StateReader& in);
    void skip_ahead(std::uint64_t count) {
        if (moved_) moved_->layer().skip_ahead(count);
    }

    State state() const { return state_; }
    Role role() const { return role_; }
    Counters snapshot() const;

    DatagramPort port_;
    Ring<Event, 2> events_;
    ApplicationData application_data_;

  private:
    bool create_ssl(const Context& context, const std::vector<SrtpProfile>& profiles);
    RecordFilter::Phase phase(Timestamp now) const;
    bool within_budget(BytesView records);
    void take_records(BytesView records);
    void advance();
    void keep_final_flight(std::size_t from);
    void finish_handshake();
    void become_connected();
    void read_records();
    void keep_buffers(bool keep);
    void fail_with(FailureReason reason);
    bool handshake_done() const {
        return state_ == State::kUnverified || state_ == State::kConnected;
    }

    Role role_;
    State state_ = State::kIdle;
    PeerCheck peer_;
    RecordFilter filter_;
    RetransmitClock clock_;
    Counters counters_;
    Timestamp limit_ = Timestamp::never();
    Timestamp next_repeat_;
    Duration repeat_interval_ = kFirstRetransmit / 4;
    int repeats_ = 0;
    std::size_t handshake_bytes_ = 0;
    std::size_t handshake_datagrams_ = 0;
    // For a move: what libssl does not tell.
    std::uint64_t opened_ = 0;  // records of application data
    RecordWindow received_;
    std::vector<Bytes> final_flight_;      // a server's, until the client speaks
    std::unique_ptr<MovedRecords> moved_;  // in place of ssl_
    // Last, so that it goes first: it points to port_ and peer_.
    std::unique_ptr<SSL, FreeSsl> ssl_;
};

Session::Impl::Impl(const Context& context, Config config)
    : role_(config.role), filter_(config.role) {
    if (config.fingerprints.size() > kMaxFingerprints) config.fingerprints.resize(kMaxFingerprints);
    peer_.expected = std::move(config.fingerprints);
    if (!create_ssl(context, config.srtp_profiles)) fail_with(FailureReason::kLibrary);
}

bool Session::Impl::create_ssl(const Context& context, const std::vector<SrtpProfile>& profiles) {
    ssl_.reset(SSL_new(context.native()));
    BIO* const bio = ssl_ ? make_datagram_bio(port_) : nullptr;
    if (bio == nullptr) return false;
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), &peer_);
    SSL_set_mtu(ssl_.get(), static_cast<long>(kMtu));
    clock_.attach(ssl_.get());
    if (role_ == Role::kClient) {
        SSL_set_connect_state(ssl_.get());
    } else {
        SSL_set_accept_state(ssl_.get());
    }
    // This one function returns 0 for success.
    return SSL_set_tlsext_use_srtp(ssl_.get(), srtp_profile_list(profiles).c_str()) == 0;
}

void Session::Impl::start(Timestamp now) {
    if (state_ != State::kIdle) return;
    state_ = State::kHandshaking;
    limit_ = now + kHandshakeLimit;
    advance();
    clock_.observe(port_, now);
}

void Session::Impl::set_expected_fingerprints(Timestamp now,
                                              std::vector<Fingerprint> fingerprints) {
    if (!peer_.expected.empty() || fingerprints.empty() || moved_) return;
    if (fingerprints.size() > kMaxFingerprints) fingerprints.resize(kMaxFingerprints);
    peer_.expected = std::move(fingerprints);
    peer_.decide();
    if (state_ == State::kFailed || state_ == State::kIdle) return;
    if (peer_.verdict == PeerVerdict::kMismatch) {
        // The certificate was accepted for the time being; libssl has no call for a fatal alert
        // now.
        (void)SSL_shutdown(ssl_.get());
        fail_with(FailureReason::kFingerprint);
    } else if (state_ == State::kUnverified && peer_.verdict == PeerVerdict::kMatch) {
        become_connected();
    }
    clock_.observe(port_, now);
}

// A peer that missed our last flight sends its own again, and libssl answers each with ours; at the
// thirteenth it fails. So these are taken more and more seldom.
RecordFilter::Phase Session::Impl::phase(Timestamp now) const {
    if (!handshake_done()) return RecordFilter::Phase::kHandshake;
    return now >= next_repeat_ && repeats_ < kMaxRepeats ? RecordFilter::Phase::kDoneRepeating
                                                         : RecordFilter::Phase::kDone;
}

bool Session::Impl::within_budget(BytesView records) {
    if (handshake_done()) return true;
    handshake_bytes_ += records.size();
    ++handshake_datagrams_;
    return handshake_bytes_ <= kMaxHandshakeBytes && handshake_datagrams_ <= kMaxHandshakeDatagrams;
}

void Session::Impl::handle_packet(Timestamp now, BytesView datagram) {
    if (moved_) return moved_->handle_packet(now, datagram, port_, application_data_, counters_);
    if (state_ == State::kIdle || state_ == State::kFailed) return;
    const BytesView records = filter_.filter(datagram, phase(now), counters_);
    if (records.empty()) return;
    if (handshake_done() && filter_.passed_encrypted_handshake()) {
        repeat_interval_ = std::min(repeat_interval_ * 2, kMaxRetransmit);
        next_repeat_ = now + repeat_interval_;
        ++repeats_;
    }
    if (!within_budget(records)) {
        fail_with(FailureReason::kBudget);
        return;
    }
    take_records(records);
    clock_.observe(port_, now);
    keep_buffers(false);
}

// One by one, so that it is known which of them were authentic.
void Session::Impl::take_records(BytesView records) {
    ByteReader in(records);
    while (const auto record = next_record(in)) {
        if (state_ == State::kFailed) return;
        const std::uint64_t before = opened_;
        port_.incoming = record->whole;
        advance();
        port_.incoming = {};
        if (opened_ == before || record->type != kTypeApplicationData) continue;
        received_.commit(record->number);
        final_flight_ = {};
    }
}

// libssl holds 18 KB per association for the record it is at. Most associations are silent most of
// the time, so a connected one has them only while it works (02 DES-34); libssl takes them anew
// when it reads, but not when it writes.
void Session::Impl::keep_buffers(bool keep) {
    if (state_ != State::kConnected) return;
    (void)(keep ? SSL_alloc_buffers(ssl_.get()) : SSL_free_buffers(ssl_.get()));
}

// Lets OpenSSL work on what there is to read.
void Session::Impl::advance() {
    ERR_clear_error();
    keep_buffers(true);
    if (state_ == State::kHandshaking) {
        const std::size_t queued = port_.outgoing.size();
        const int result = SSL_do_handshake(ssl_.get());
        if (result == 1) {
            keep_final_flight(queued);
            finish_handshake();
        } else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
            fail_with(peer_.verdict == PeerVerdict::kMismatch ? FailureReason::kFingerprint
                                                              : FailureReason::kHandshake);
        }
    }
    if (handshake_done()) read_records();
    ERR_clear_error();
}

void Session::Impl::keep_final_flight(std::size_t from) {
    if (role_ == Role::kClient) return;
    for (std::size_t i = from; i < port_.outgoing.size(); ++i)
        if (final_flight_.size() < kMaxFinalFlight) final_flight_.push_back(port_.outgoing[i]);
}

void Session::Impl::finish_handshake() {
    state_ = State::kUnverified;
    // Both sides demand a certificate, so the check has one.
    if (peer_.verdict == PeerVerdict::kMatch) become_connected();
}

void Session::Impl::become_connected() {
    state_ = State::kConnected;
    limit_ = Timestamp::never();
    (void)events_.push(Connected{export_srtp_keys(ssl_.get(), role_)});
}

void Session::Impl::read_records() {
    std::array<std::uint8_t, kMaxDatagram> plain;
    for (;;) {
        ERR_clear_error();
        const int result = SSL_read(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
        if (result <= 0) {
            // No octet without the keys leads to an error here.
            if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ)
                fail_with(FailureReason::kHandshake);
            return;
        }
        ++opened_;
        if (state_ != State::kConnected) {
            ++counters_.unverified_data;
        } else if (!application_data_.push(
                       to_vector(BytesView(plain).first(static_cast<std::size_t>(result))))) {
            ++counters_.dropped_outputs;
        }
    }
}

void Session::Impl::fail_with(FailureReason reason) {
    if (state_ == State::kFailed) return;
    state_ = State::kFailed;
    limit_ = Timestamp::never();
    application_data_.clear();
    events_.clear();  // a Connected that nobody saw is not true any more
    (void)events_.push(Failed{reason});
}

void Session::Impl::handle_timeout(Timestamp now) {
    if (state_ == State::kIdle || state_ == State::kFailed || moved_) return;
    if (now >= limit_) {
        fail_with(FailureReason::kTimeout);
        return;
    }
    if (now < clock_.deadline()) return;
    ERR_clear_error();
    keep_buffers(true);
    switch (clock_.expired(ssl_.get(), port_, now)) {
        case RetransmitClock::Outcome::kNothing:
            break;
        case RetransmitClock::Outcome::kRetransmitted:
            ++counters_.retransmissions;
            break;
        case RetransmitClock::Outcome::kGaveUp:
            fail_with(FailureReason::kTimeout);
            break;
    }
    ERR_clear_error();
}

Timestamp Session::Impl::next_deadline() const {
    if (state_ == State::kIdle || state_ == State::kFailed) return Timestamp::never();
    return earlier(limit_, clock_.deadline());
}

bool Session::Impl::send_application_data(BytesView data) {
    if (state_ != State::kConnected || data.empty() || data.size() > kMaxApplicationData)
        return false;
    if (moved_) return moved_->send(data, port_);
    ERR_clear_error();
    keep_buffers(true);
    const int written = SSL_write(ssl_.get(), data.data(), static_cast<int>(data.size()));
    keep_buffers(false);
    ERR_clear_error();
    return written == static_cast<int>(data.size());
}

// ---------------------------------------------------------------- moving

Session::Impl::Impl(Role role, MovedRecords moved)
    : role_(role),
      state_(State::kConnected),
      filter_(role),
      moved_(std::make_unique<MovedRecords>(std::move(moved))) {}

bool Session::Impl::is_movable() const {
    if (state_ != State::kConnected || !events_.empty()) return false;
    return moved_ != nullptr || derive_record_keys(ssl_.get(), role_).has_value();
}

void Session::Impl::save(StateWriter& out) const {
    state_version(out, kVersion);
    out.choice(2, role_, Role::kServer);
    out.record(3, [this](StateWriter& inner) {
        if (moved_) return moved_->layer().save(inner);
        if (const auto keys = derive_record_keys(ssl_.get(), role_))
            save_record_state(*keys, port_.sent, received_, inner);
    });
    const auto write = [](StateWriter& inner, const Bytes& bytes) {
        inner.field(1, bytes, kMaxDatagram);
    };
    out.list(4, moved_ ? moved_->final_flight() : final_flight_, kMaxFinalFlight, write);
    out.list(5, contents(port_.outgoing), kMaxQueued, write);
    out.list(6, contents(application_data_), kMaxQueued, write);
}

std::unique_ptr<Session::Impl> Session::Impl::load(StateReader& in) {
    state_version(in, kVersion);
    Role role = Role::kClient;
    in.choice(2, role, Role::kServer);
    std::optional<RecordLayer> layer;
    in.record(3, [&layer](StateReader& inner) { layer = RecordLayer::load(inner); });
    if (!layer) {
        in.refuse();
        return nullptr;
    }
    std::vector<Bytes> flight;
    std::vector<Bytes> outgoing;
    std::vector<Bytes> data;
    const auto read = [](StateReader& inner, Bytes& bytes) {
        inner.field(1, bytes, kMaxDatagram);
        inner.require(!bytes.empty());
    };
    in.list(4, flight, kMaxFinalFlight, read);
    in.list(5, outgoing, kMaxQueued, read);
    in.list(6, data, kMaxQueued, read);
    if (!in.ok()) return nullptr;
    auto impl = std::make_unique<Impl>(role, MovedRecords(*std::move(layer), std::move(flight)));
    for (Bytes& datagram : outgoing)
        (void)impl->port_.outgoing.push(std::move(datagram));
    for (Bytes& record : data)
        (void)impl->application_data_.push(std::move(record));
    return impl;
}

Counters Session::Impl::snapshot() const {
    Counters counters = counters_;
    counters.dropped_outputs += port_.dropped;
    return counters;
}

Session::Session(const Context& context, Config config)
    : impl_(std::make_unique<Impl>(context, std::move(config))) {
    changed();
}
Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
    changed();
}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

void Session::changed() {
    deadline_ = impl_->next_deadline();
    has_output_ = !impl_->port_.outgoing.empty() || !impl_->events_.empty() ||
                  !impl_->application_data_.empty();
}

void Session::start(Timestamp now) {
    impl_->start(now);
    changed();
}
void Session::set_expected_fingerprints(Timestamp now, std::vector<Fingerprint> fingerprints) {
    impl_->set_expected_fingerprints(now, std::move(fingerprints));
    changed();
}
void Session::handle_packet(Timestamp now, BytesView datagram) {
    impl_->handle_packet(now, datagram);
    changed();
}
void Session::handle_timeout(Timestamp now) {
    impl_->handle_timeout(now);
    changed();
}
template <typename Queue>
auto Session::take(Queue& queue) {
    auto first = queue.pop();
    changed();
    return first;
}
std::optional<Bytes> Session::poll_transmit() {
    return has_output_ ? take(impl_->port_.outgoing) : std::nullopt;
}
std::optional<Event> Session::poll_event() {
    return has_output_ ? take(impl_->events_) : std::nullopt;
}
std::optional<Bytes> Session::poll_application_data() {
    return has_output_ ? take(impl_->application_data_) : std::nullopt;
}
bool Session::send_application_data(BytesView data) {
    const bool sent = impl_->send_application_data(data);
    changed();
    return sent;
}
bool Session::is_movable() const {
    return impl_->is_movable();
}
void Session::save(StateWriter& out) const {
    impl_->save(out);
}
std::optional<Session> Session::load(StateReader& in) {
    auto impl = Impl::load(in);
    if (!impl) return std::nullopt;
    return Session(std::move(impl));
}
void Session::skip_ahead(std::uint64_t count) {
    impl_->skip_ahead(count);
    changed();
}
bool Session::connected() const {
    return impl_->state() == State::kConnected;
}
bool Session::failed() const {
    return impl_->state() == State::kFailed;
}
Role Session::role() const {
    return impl_->role();
}
Counters Session::snapshot() const {
    return impl_->snapshot();
}

}  // namespace confab::dtls
