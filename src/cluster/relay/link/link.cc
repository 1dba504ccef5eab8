// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/link/link.h"

#include <algorithm>
#include <utility>

#include "crypto/hmac.h"

namespace confab::cluster::relay {
namespace {

constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kMaxNodeId = 64;

// Behind its length, so that two texts are never those of another pair.
void append_text(std::string& out, std::string_view text) {
    out.push_back(static_cast<char>(text.size()));
    out.append(text);
}

}  // namespace

Link::Link(Timestamp now, Options options, const Nonce& nonce)
    : options_(std::move(options)),
      own_nonce_(as_text(nonce)),
      heard_(now),
      said_(now),
      judged_(now) {
    if (options_.secret.empty()) {
        end("no secret");
        return;
    }
    ::rpc::LinkFrame frame;
    frame.mutable_hello()->set_version(kVersion);
    frame.mutable_hello()->set_node_id(options_.node);
    frame.mutable_hello()->set_nonce(own_nonce_);
    write(now, frame);
}

void Link::received(Timestamp now, BytesView bytes) {
    if (state_ == State::kEnded) return;
    heard_ = now;
    acknowledged_.reset();
    standing_ = false;
    input_.append(as_text(bytes));
    std::size_t at = 0;
    while (state_ != State::kEnded && input_.size() - at >= kLengthSize) {
        const std::size_t size = load_be32(as_bytes(input_).data() + at);
        if (size > (state_ == State::kUp ? kMaxFrame : kMaxGreeting)) return end("frame too long");
        if (input_.size() - at - kLengthSize < size) break;
        ::rpc::LinkFrame frame;
        if (!frame.ParseFromArray(input_.data() + at + kLengthSize, static_cast<int>(size)))
            return end("frame cannot be read");
        at += kLengthSize + size;
        take(now, frame);
    }
    if (state_ != State::kEnded) input_.erase(0, at);
}

void Link::take(Timestamp now, const ::rpc::LinkFrame& frame) {
    using Frame = ::rpc::LinkFrame;
    if (state_ == State::kGreeting) {
        if (frame.has_hello() && peer_nonce_.empty()) return greet(now, frame.hello());
        if (frame.frame_case() == Frame::kProof && !peer_nonce_.empty())
            return check_proof(now, frame.proof());
        return end("not greeted properly");
    }
    // What later versions say is no fault.
    if (frame.has_message() || frame.has_acknowledgement() || frame.has_close())
        frames_.push_back(frame);
}

void Link::greet(Timestamp now, const ::rpc::LinkHello& hello) {
    if (hello.version() == 0) return end("unknown version");
    if (hello.node_id().empty() || hello.node_id().size() > kMaxNodeId) return end("no node id");
    if (hello.nonce().size() != own_nonce_.size() || hello.nonce() == own_nonce_)
        return end("no nonce");
    if (hello.node_id() == options_.node) return end("connected to itself");
    if (!options_.peer.empty() && hello.node_id() != options_.peer) return end("another node");
    options_.peer = hello.node_id();
    peer_nonce_ = hello.nonce();
    // Who was called says nothing to somebody unknown.
    if (options_.role == Role::kListener) return;
    ::rpc::LinkFrame frame;
    frame.set_proof(proof_of(Role::kDialer));
    write(now, frame);
}

void Link::check_proof(Timestamp now, std::string_view proof) {
    const bool dials = options_.role == Role::kDialer;
    if (!equal_constant_time(as_bytes(proof),
                             as_bytes(proof_of(dials ? Role::kListener : Role::kDialer))))
        return end(kOtherSecret);
    state_ = State::kUp;
    if (dials) return;
    ::rpc::LinkFrame frame;
    frame.set_proof(proof_of(Role::kListener));
    write(now, frame);
}

// The role keeps a proof from being sent back to whom it came from.
std::string Link::proof_of(Role prover) const {
    const bool own = prover == options_.role;
    std::string text = "confab link 1";
    text.push_back(prover == Role::kDialer ? 'D' : 'L');
    append_text(text, own ? options_.node : options_.peer);
    append_text(text, own ? own_nonce_ : peer_nonce_);
    append_text(text, own ? options_.peer : options_.node);
    append_text(text, own ? peer_nonce_ : own_nonce_);
    return std::string(as_text(crypto::hmac_sha256(as_bytes(options_.secret), as_bytes(text))));
}

std::string Link::take_output() {
    return std::exchange(output_, {});
}

bool Link::send(Timestamp now, const ::rpc::LinkFrame& frame) {
    const std::size_t size = frame.ByteSizeLong();
    if (state_ != State::kUp || size > kMaxFrame || output_.size() + size > kMaxUnsent)
        return false;
    write(now, frame);
    return true;
}

void Link::write(Timestamp now, const ::rpc::LinkFrame& frame) {
    std::array<std::uint8_t, kLengthSize> length;
    store_be32(length.data(), static_cast<std::uint32_t>(frame.ByteSizeLong()));
    output_.append(as_text(length));
    frame.AppendToString(&output_);
    said_ = now;
}

std::optional<::rpc::LinkFrame> Link::poll_frame() {
    if (frames_.empty()) return std::nullopt;
    ::rpc::LinkFrame frame = std::move(frames_.front());
    frames_.pop_front();
    return frame;
}

void Link::handle_timeout(Timestamp now) {
    if (state_ == State::kEnded) return;
    judge_silence(now);
    judged_ = now;
    if (state_ != State::kUp || now < said_ + kHeartbeat) return;
    ::rpc::LinkFrame frame;
    frame.set_ping(true);
    write(now, frame);
}

bool Link::is_quiet(Timestamp now) const {
    return state_ == State::kUp && now >= heard_ + kQuiet;
}

void Link::system_acknowledged(Timestamp now, bool all, Duration since) {
    // Something was sent since the peer was heard, so that its system had something to say.
    if (is_quiet(now) && all && since < kSilence && said_ > heard_) acknowledged_ = now;
}

void Link::judge_silence(Timestamp now) {
    // An acknowledgement of the last ping may be on its way just now: the one before counts.
    constexpr Duration kNews = Duration::millis(1500);
    // Much too late: we stood still ourselves, and have not read yet what came meanwhile.
    if (state_ == State::kUp && now >= next_deadline() + kHeartbeat)
        heard_ = std::max(heard_, now - kSilence + kHeartbeat);
    standing_ =
        is_quiet(now) && acknowledged_ && now - *acknowledged_ < kNews && now < heard_ + kStanding;
    if (now >= heard_ + kSilence && !standing_)
        end(state_ == State::kUp ? "peer is silent" : "not greeted in time");
}

Timestamp Link::next_deadline() const {
    if (state_ == State::kEnded) return Timestamp::never();
    const Timestamp silent = heard_ + (standing_ ? kStanding : kSilence);
    return state_ == State::kUp ? earlier(silent, earlier(said_, judged_) + kHeartbeat) : silent;
}

void Link::end(std::string_view why) {
    if (state_ == State::kEnded) return;
    state_ = State::kEnded;
    why_ = why;
    standing_ = false;
    input_.clear();
    output_.clear();
}

}  // namespace confab::cluster::relay
