// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Contexts as bytes (base/state/state.h): the session keys, not the master key, which nobody needs
// any more. Who has these bytes can read and forge what the peer connection carries.
#include "base/state/state.h"

#include <algorithm>

#include "rtc/srtp/receive_context.h"
#include "rtc/srtp/send_context.h"

namespace confab::srtp {
namespace {

constexpr std::uint32_t kVersion = 1;

void save_keys(StateWriter& out, const SessionKeys& keys) {
    out.field(1, static_cast<std::uint16_t>(keys.profile));
    out.field(2, keys.key.view().first(key_size(keys.profile)));
    out.field(3, is_aead(keys.profile) ? BytesView{} : keys.auth.view());
    out.field(4, keys.salt.view().first(salt_size(keys.profile)));
}

void load_secret(StateReader& in, std::uint8_t tag, std::size_t size, BytesSpan out) {
    BytesView bytes;
    in.field(tag, bytes);
    in.require(bytes.size() == size);
    if (in.ok()) std::copy(bytes.begin(), bytes.end(), out.begin());
}

void load_keys(StateReader& in, SessionKeys& keys) {
    std::uint16_t number = 0;
    in.field(1, number);
    keys.profile = static_cast<Profile>(number);
    switch (keys.profile) {
        case Profile::kAes128CmSha1_80:
        case Profile::kAeadAes128Gcm:
        case Profile::kAeadAes256Gcm:
            break;
        default:
            return in.refuse();
    }
    load_secret(in, 2, key_size(keys.profile), keys.key.writable());
    load_secret(in, 3, is_aead(keys.profile) ? 0 : kAuthKeySize, keys.auth.writable());
    load_secret(in, 4, salt_size(keys.profile), keys.salt.writable());
}

void save_both(StateWriter& out, const SessionKeys& rtp, const SessionKeys& rtcp) {
    out.record(2, [&rtp](auto& inner) { save_keys(inner, rtp); });
    out.record(3, [&rtcp](auto& inner) { save_keys(inner, rtcp); });
}

// Whether there are keys.
bool load_both(StateReader& in, ContextKeys& keys) {
    const bool both = in.record(2, [&keys](auto& inner) { load_keys(inner, keys.rtp); }) &&
                      in.record(3, [&keys](auto& inner) { load_keys(inner, keys.rtcp); });
    in.require(both && keys.rtp.profile == keys.rtcp.profile);
    return in.ok();
}

}  // namespace

void SendContext::save(StateWriter& out) const {
    state_version(out, kVersion);
    save_both(out, rtp_keys_, rtcp_keys_);
    out.field(4, next_srtcp_index_);
}

std::optional<SendContext> SendContext::load(Engine& engine, StateReader& in) {
    state_version(in, kVersion);
    ContextKeys keys;
    if (!load_both(in, keys)) return std::nullopt;
    std::optional<SendContext> context(std::in_place, engine, keys);
    // All used up, if it is not there: better silent than twice.
    context->next_srtcp_index_ = kMaxSrtcpIndex + 1;
    in.field(4, context->next_srtcp_index_);
    in.require(context->next_srtcp_index_ <= kMaxSrtcpIndex + 1);
    if (!in.ok()) context.reset();
    return context;
}

void SendContext::skip_ahead(std::uint32_t count) {
    next_srtcp_index_ += std::min(count, kMaxSrtcpIndex + 1 - next_srtcp_index_);
}

template <typename Self, typename Io>
void ReceiveContext::fields(Self& self, Io& io) {
    io.record(4, [&self](auto& inner) { self.rollovers_.fields(self.rollovers_, inner); });
    io.record(5, [&self](auto& inner) { self.windows_.fields(self.windows_, inner); });
    io.field(6, self.counters_.rtp);
    io.field(7, self.counters_.rtcp);
    io.field(8, self.counters_.malformed);
    io.field(9, self.counters_.authentication_failures);
    io.field(10, self.counters_.replays);
}

void ReceiveContext::save(StateWriter& out) const {
    state_version(out, kVersion);
    save_both(out, rtp_keys_, rtcp_keys_);
    fields(*this, out);
}

std::optional<ReceiveContext> ReceiveContext::load(Engine& engine, StateReader& in) {
    state_version(in, kVersion);
    ContextKeys keys;
    if (!load_both(in, keys)) return std::nullopt;
    std::optional<ReceiveContext> context(std::in_place, engine, keys);
    fields(*context, in);
    if (!in.ok()) context.reset();
    return context;
}

}  // namespace confab::srtp
