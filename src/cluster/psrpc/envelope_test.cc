// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/envelope.h"

#include <doctest/doctest.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "cluster/psrpc/channel.h"
#include "psrpc_internal.pb.h"

using namespace confab;
using namespace confab::cluster::psrpc;

namespace {

std::string hex(std::string_view bytes) {
    return to_hex(as_bytes(bytes));
}

// A line of testdata/payloads.tsv.
struct Recorded {
    std::string type;
    bool of_client = false;
    std::string kind;
    std::string service;
    std::string name;  // the method, or the client
    rpc::Topic topic;
    std::string channel;
    std::string lock;
    std::string payload;
};

std::vector<Recorded> recorded() {
    std::ifstream file(std::filesystem::path(CONFAB_SOURCE_DIR) /
                       "src/cluster/psrpc/testdata/payloads.tsv");
    REQUIRE(file);
    std::vector<Recorded> all;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        const auto columns = split(line, '\t');
        REQUIRE(columns.size() == 9);
        Recorded one;
        one.type = columns[0];
        one.of_client = columns[1] == "client";
        one.kind = columns[2];
        one.service = columns[3];
        one.name = columns[4];
        if (columns[5] != "-")
            for (const std::string_view topic : split(columns[5], ','))
                one.topic.emplace_back(topic);
        one.channel = columns[6];
        one.lock = columns[7];
        const auto bytes = base64_decode(columns[8]);
        REQUIRE(bytes);
        one.payload = as_text(*bytes);
        all.push_back(std::move(one));
    }
    return all;
}

std::string channel_of(const Recorded& one) {
    if (one.of_client) {
        if (one.kind == "RES") return response_channel(one.service, one.name);
        if (one.kind == "CLAIM") return claim_channel(one.service, one.name);
        return client_stream_channel(one.service, one.name);
    }
    const rpc::Method method{one.service, one.name};
    if (one.kind == "REQ") return request_channel(method, one.topic);
    if (one.kind == "RCLAIM") return choice_channel(method, one.topic);
    return stream_channel(method, one.topic);
}

template <typename Message>
std::string again(const Envelope& envelope) {
    const auto message = read<Message>(envelope);
    REQUIRE(message);
    // All of it has a place in our messages.
    CHECK(message->ByteSizeLong() == envelope.value.size());
    return seal(*message);
}

std::string again(std::string_view payload) {
    const auto envelope = open(payload);
    REQUIRE(envelope);
    if (envelope->type == "internal.Request") return again<internal::Request>(*envelope);
    if (envelope->type == "internal.Response") return again<internal::Response>(*envelope);
    if (envelope->type == "internal.ClaimRequest") return again<internal::ClaimRequest>(*envelope);
    if (envelope->type == "internal.ClaimResponse")
        return again<internal::ClaimResponse>(*envelope);
    if (envelope->type == "internal.Stream") return again<internal::Stream>(*envelope);
    return seal(envelope->type, envelope->value);
}

std::string zipped(const std::string& value) {
    namespace io = google::protobuf::io;
    std::string result;
    io::StringOutputStream bytes(&result);
    io::GzipOutputStream stream(&bytes);
    io::CodedOutputStream out(&stream);
    out.WriteString(value);
    out.Trim();
    REQUIRE(stream.Close());
    return result;
}

// A Msg around a value that is packed in that way.
constexpr char kGzip = 1;
std::string packed(const std::string& value, char how = kGzip) {
    return seal("internal.Request", value) + '\x20' + how;
}

internal::Request list_participants() {
    internal::Request request;
    request.set_request_id("REQ_abcdefghijkl");
    request.set_client_id("CLI_ABCDEFGHIJKL");
    request.set_sent_at(1'700'000'000'000'000'000);
    request.set_expiry(1'700'000'003'000'000'000);
    request.set_raw_request("\x0a\x05room1");
    return request;
}

}  // namespace

TEST_CASE("Envelope: the golden vectors, byte for byte [PSR-01] [PSR-02] [PSR-22]") {
    CHECK(hex(seal("rpc.KeepalivePing", std::string_view("\x08\x80\xe2\xcf\xaa\x06"))) ==
          "0a25747970652e676f6f676c65617069732e636f6d2f7270632e4b656570616c69766550696e67120608"
          "80e2cfaa06");
    const std::string request = seal(list_participants());
    CHECK(hex(request) ==
          "0a24747970652e676f6f676c65617069732e636f6d2f696e7465726e616c2e5265717565737412410a10"
          "5245515f6162636465666768696a6b6c1210434c495f4142434445464748494a4b4c188080a8b1e39fe7"
          "cb172080bce9c7ee9fe7cb1742070a05726f6f6d31");
    CHECK(lock_key(request) == "Ow55twejSh21mPjb3cmLKXPfUOlpMkwqvdGCLTLWdMo=");
    internal::ClaimRequest claim;
    claim.set_request_id("REQ_abcdefghijkl");
    claim.set_server_id("SRV_mnopqrstuvwx");
    claim.set_affinity(1);
    CHECK(hex(seal(claim)) ==
          "0a29747970652e676f6f676c65617069732e636f6d2f696e7465726e616c2e436c61696d526571756573"
          "7412290a105245515f6162636465666768696a6b6c12105352565f6d6e6f7071727374757677781d0000"
          "803f");
}

TEST_CASE("Envelope: recorded payloads give the same bytes, channels and locks [PSR-05] [PSR-09]") {
    std::size_t locks = 0;
    const auto all = recorded();
    CHECK(all.size() == 43);
    for (const Recorded& one : all) {
        CAPTURE(one.channel);
        const auto envelope = open(one.payload);
        REQUIRE(envelope);
        CHECK(envelope->type == one.type);
        CHECK(hex(again(one.payload)) == hex(one.payload));
        CHECK(channel_of(one) == one.channel);
        if (one.lock == "-") continue;
        ++locks;
        CHECK(lock_key(one.payload) == one.lock);
    }
    CHECK(locks == 10);
}

TEST_CASE("Envelope: cut off anywhere it is an error or another message, never more [PSR-01]") {
    for (const Recorded& one : recorded())
        for (std::size_t size = 0; size < one.payload.size(); ++size) {
            const std::string cut = one.payload.substr(0, size);  // exactly: sanitizers watch
            const auto envelope = open(cut);
            if (!envelope) continue;
            CHECK(envelope->value.size() < cut.size());
            (void)read<internal::Request>(*envelope);
            (void)read<internal::Stream>(*envelope);
        }
}

TEST_CASE("Envelope: what is no message of the type is refused [PSR-01]") {
    const auto error = [](std::string_view payload) { return open(payload).error(); };
    CHECK(error("") == EnvelopeError::kMalformed);
    CHECK(error("\xff\xff\xff") == EnvelopeError::kMalformed);
    internal::Msg msg;
    for (const char* url : {"", "internal.Request", "type.googleapis.com/"}) {
        msg.set_type_url(url);
        CHECK(error(msg.SerializeAsString()) == EnvelopeError::kMalformed);
    }
    msg.set_type_url("elsewhere/x/internal.Request");
    msg.set_channel("left out");
    CHECK(open(msg.SerializeAsString())->type == "internal.Request");

    CHECK(read<internal::Response>(*open(seal(list_participants()))).error() ==
          EnvelopeError::kWrongType);
    CHECK(read<internal::Request>({"internal.Request", "\x0a\xff"}).error() ==
          EnvelopeError::kMalformed);
    CHECK(read<internal::Request>({"internal.Request", "\x0a\x01\xff"}).error() ==
          EnvelopeError::kMalformed);  // an id that is no UTF-8
}

TEST_CASE("Envelope: a payload beyond kMaxPayload is not read [PSR-20]") {
    const std::size_t around = seal("a.B", std::string(kMaxPayload, 'x')).size() - kMaxPayload;
    CHECK(open(seal("a.B", std::string(kMaxPayload - around, 'x'))));
    CHECK(open(seal("a.B", std::string(kMaxPayload - around + 1, 'x'))).error() ==
          EnvelopeError::kTooBig);
}

TEST_CASE("Envelope: what psrpc 0.8 packs is read, what cannot be unpacked is not [PSR-01]") {
    internal::Request request = list_participants();
    request.set_raw_request(std::string(5000, 'x'));
    const std::string plain = request.SerializeAsString();
    const auto opened = open(packed(zipped(plain)));
    REQUIRE(opened);
    CHECK(opened->type == "internal.Request");
    CHECK(opened->value == plain);
    CHECK(open(packed(zipped("")))->value.empty());
    CHECK(open(packed(plain, 0))->value == plain);

    const auto error = [](const std::string& value, char how) {
        return open(packed(value, how)).error();
    };
    // As plain bytes these would be messages.
    for (const char unknown : {'\2', '\3', '\x7f'})
        CHECK(error(plain, unknown) == EnvelopeError::kMalformed);
    CHECK(error(plain, kGzip) == EnvelopeError::kMalformed);
    const std::string whole = zipped(plain);
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(error(whole.substr(0, size), kGzip) == EnvelopeError::kMalformed);
    std::string broken = whole;
    broken[broken.size() - 5] ^= 1;  // of the checksum
    CHECK(error(broken, kGzip) == EnvelopeError::kMalformed);

    CHECK(open(packed(zipped(std::string(kMaxPayload, 'x')))));
    CHECK(error(zipped(std::string(kMaxPayload + 1, 'x')), kGzip) == EnvelopeError::kTooBig);
}

TEST_CASE("Envelope: fields that others may add are kept, maps have one order [RDS-25]") {
    internal::Request request = list_participants();
    for (const char* key : {"b", "traceparent", "a"})
        (*request.mutable_metadata())[key] = "1";
    const std::string bytes = seal(request);
    CHECK(bytes.find("traceparent") > bytes.find("\x0a\x01"
                                                 "b"));
    CHECK(bytes.find("\x0a\x01"
                     "b") > bytes.find("\x0a\x01"
                                       "a"));
    const std::string newer =
        seal("internal.Request", request.SerializeAsString() + "\xa2\x06\x01x");
    CHECK(again<internal::Request>(*open(newer)).ends_with("\xa2\x06\x01x"));
}

TEST_CASE("clean: no byte that would spoil a text for others [PSR-02]") {
    CHECK(clean("schön") == "schön");
    CHECK(clean("a\xff"
                "b\xc3") == "a?b?");
}
