// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// libsrtp as an oracle: what one side protects the other must open, for all profiles and backends.
#include <doctest/doctest.h>
#include <srtp2/srtp.h>

#include "rtc/srtp/srtp_test_util.h"

namespace confab::srtp {
namespace {

using testing::kBackends;
using testing::kProfiles;
using testing::PlainRtp;
using testing::RawKey;

class Oracle {
  public:
    Oracle(const RawKey& raw, bool outbound) {
        static const srtp_err_status_t kInit = srtp_init();
        REQUIRE(kInit == srtp_err_status_ok);
        Bytes key = raw.key;
        key.insert(key.end(), raw.salt.begin(), raw.salt.end());
        srtp_policy_t policy{};
        const auto profile =
            raw.profile == Profile::kAes128CmSha1_80 ? srtp_profile_aes128_cm_sha1_80
            : raw.profile == Profile::kAeadAes128Gcm ? srtp_profile_aead_aes_128_gcm
                                                     : srtp_profile_aead_aes_256_gcm;
        REQUIRE(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile) ==
                srtp_err_status_ok);
        REQUIRE(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile) ==
                srtp_err_status_ok);
        policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
        policy.key = key.data();
        policy.window_size = 1024;
        policy.allow_repeat_tx = 1;
        REQUIRE(srtp_create(&session_, &policy) == srtp_err_status_ok);
    }
    Oracle(const Oracle&) = delete;
    Oracle& operator=(const Oracle&) = delete;
    ~Oracle() { srtp_dealloc(session_); }

    using Function = srtp_err_status_t (*)(srtp_t, void*, int*);
    Bytes run(Function function, Bytes packet) {
        int size = static_cast<int>(packet.size());
        packet.resize(packet.size() + SRTP_MAX_TRAILER_LEN);
        REQUIRE(function(session_, packet.data(), &size) == srtp_err_status_ok);
        packet.resize(static_cast<std::size_t>(size));
        return packet;
    }

  private:
    srtp_t session_ = nullptr;
};

TEST_CASE("Srtp: libsrtp opens our packets and makes the same ones, over a roll-over [SRTP-01]") {
    Rng rng(31);
    for (const Profile profile : kProfiles) {
        for (const Backend backend : kBackends) {
            const RawKey raw(profile, rng);
            Engine engine(backend);
            SendContext sender(engine, raw.master());
            ReceiveContext receiver(engine, raw.master());
            Oracle oracle_in(raw, false), oracle_out(raw, true);
            for (std::uint64_t index = 65'000; index < 66'500; ++index) {
                const PlainRtp packet(rng, 3, static_cast<std::uint16_t>(index), rng.below(1300));
                Bytes ours = testing::protect(sender, packet, index);
                Bytes theirs = oracle_out.run(srtp_protect, packet.joined());
                REQUIRE(ours == theirs);
                CHECK(oracle_in.run(srtp_unprotect, ours) == packet.joined());
                const auto size = receiver.unprotect_rtp(theirs);
                REQUIRE(size);
                theirs.resize(*size);
                CHECK(theirs == packet.joined());
            }
        }
    }
}

TEST_CASE("Srtcp: libsrtp and we open each other's reports [SRTP-01]") {
    Rng rng(32);
    for (const Profile profile : kProfiles) {
        for (const Backend backend : kBackends) {
            const RawKey raw(profile, rng);
            Engine engine(backend);
            SendContext sender(engine, raw.master());
            ReceiveContext receiver(engine, raw.master());
            Oracle oracle_in(raw, false), oracle_out(raw, true);
            for (int i = 0; i < 300; ++i) {
                const Bytes plain = testing::make_rtcp(rng, 6, 8 + rng.below(300) * 4);
                const Bytes ours = testing::protect_rtcp(sender, plain);
                CHECK(oracle_in.run(srtp_unprotect_rtcp, ours) == plain);
                Bytes theirs = oracle_out.run(srtp_protect_rtcp, plain);
                CHECK(theirs.size() == ours.size());
                const auto size = receiver.unprotect_rtcp(theirs);
                REQUIRE(size);
                theirs.resize(*size);
                CHECK(theirs == plain);
            }
        }
    }
}

}  // namespace
}  // namespace confab::srtp
