// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/data/data_blobs.h"

#include <doctest/doctest.h>

namespace confab::room {
namespace {

using Response = livekit::RequestResponse;

livekit::DataBlobKey key_of(const std::string& generic) {
    livekit::DataBlobKey key;
    key.set_generic(generic);
    return key;
}

livekit::DataBlobKey schema_key(const std::string& name, const std::string& custom) {
    livekit::DataBlobKey key;
    key.mutable_schema_id()->set_name(name);
    key.mutable_schema_id()->mutable_encoding()->set_custom(custom);
    return key;
}

livekit::DataBlob blob_of(livekit::DataBlobKey key, const std::string& contents) {
    livekit::DataBlob blob;
    *blob.mutable_key() = std::move(key);
    blob.set_contents(contents);
    return blob;
}
livekit::DataBlob blob_of(const std::string& key, std::size_t size) {
    return blob_of(key_of(key), std::string(size, '.'));
}

// The words of the refusal, none when it was stored.
std::string stored(DataBlobs& blobs, const livekit::DataBlob& blob, DataBlobs::Limits limits = {}) {
    const auto refusal = blobs.store(blob, limits);
    return refusal ? refusal->message : "";
}

std::string contents(const DataBlobs& blobs, const livekit::DataBlobKey& key) {
    const livekit::DataBlob* found = blobs.find(key);
    return found == nullptr ? "none" : found->contents();
}

constexpr const char* kInvalid = "data blob is invalid";
constexpr const char* kTooMuch = "async attribute definition exceeds limit";
constexpr const char* kEncoding = "encoding identifier is empty or exceeds the maximum length";

}  // namespace

TEST_CASE("DataBlobs: found by its key, the last under it [SIG-127]") {
    DataBlobs blobs;
    CHECK(contents(blobs, key_of("a")) == "none");
    CHECK(stored(blobs, blob_of(key_of("a"), "one")).empty());
    CHECK(stored(blobs, blob_of(key_of("b"), "other")).empty());
    CHECK(stored(blobs, blob_of(key_of("a"), "second")).empty());
    CHECK(contents(blobs, key_of("a")) == "second");
    CHECK(contents(blobs, key_of("b")) == "other");
    CHECK(contents(blobs, livekit::DataBlobKey()) == "none");
    CHECK(blobs.size() == 2);
    CHECK(blobs.bytes() == 1 + 6 + 1 + 5);
    CHECK(blobs.find(key_of("a"))->key().generic() == "a");
}

TEST_CASE("DataBlobs: a text and a schema of the same name are two keys [SIG-127]") {
    DataBlobs blobs;
    livekit::DataBlobKey well_known;
    well_known.mutable_schema_id()->set_name("a");
    well_known.mutable_schema_id()->mutable_encoding()->set_well_known(
        livekit::DataTrackSchemaEncoding::WELL_KNOWN_SCHEMA_ENCODING_PROTOBUF);
    CHECK(stored(blobs, blob_of(key_of("a"), "text")).empty());
    CHECK(stored(blobs, blob_of(schema_key("a", "x"), "custom")).empty());
    CHECK(stored(blobs, blob_of(well_known, "known")).empty());
    CHECK(contents(blobs, key_of("a")) == "text");
    CHECK(contents(blobs, schema_key("a", "x")) == "custom");
    CHECK(contents(blobs, well_known) == "known");
    CHECK(contents(blobs, schema_key("a", "y")) == "none");
    CHECK(blobs.bytes() == 1 + 4 + 2 + 6 + 1 + 5);
}

TEST_CASE("DataBlobs: no key, no contents, an encoding without a name [SIG-127]") {
    DataBlobs blobs;
    livekit::DataBlob no_key;
    no_key.set_contents("x");
    CHECK(stored(blobs, no_key) == kInvalid);
    CHECK(stored(blobs, blob_of(livekit::DataBlobKey(), "x")) == kInvalid);
    CHECK(stored(blobs, blob_of(key_of("a"), "")) == "data blob is empty");
    CHECK(stored(blobs, blob_of(schema_key("a", ""), "x")) == kEncoding);
    for (const auto& wrong : {no_key, blob_of("a", 0)})
        CHECK(blobs.store(wrong, {})->reason == Response::INVALID_REQUEST);
    CHECK(blobs.size() == 0);
    CHECK(blobs.bytes() == 0);
    CHECK(stored(blobs, blob_of(key_of(""), "x")).empty());
}

TEST_CASE("DataBlobs: the length of a key, at its limit and next to it [SIG-127]") {
    for (const std::size_t length : {255U, 256U, 257U}) {
        CAPTURE(length);
        DataBlobs blobs;
        const bool fits = length <= 256;
        CHECK(stored(blobs, blob_of(std::string(length, 'k'), 1)).empty() == fits);
        const auto schema = schema_key(std::string(length - 10, 'n'), std::string(10, 'c'));
        CHECK(stored(blobs, blob_of(schema, "x")).empty() == fits);
        CHECK(stored(blobs, blob_of(std::string(length, 'k'), 1), {.key = 0}).empty());
    }
    for (const std::size_t length : {31U, 32U, 33U}) {
        DataBlobs blobs;
        const auto key = schema_key("n", std::string(length, 'c'));
        CHECK(stored(blobs, blob_of(key, "x")) == (length <= 32 ? "" : kEncoding));
        CHECK(stored(blobs, blob_of(key, "x"), {.custom_encoding = 0}).empty());
    }
}

TEST_CASE("DataBlobs: keys and contents together, at the limit and next to it [SIG-127]") {
    for (const std::size_t size : {63'896U, 63'897U, 63'898U}) {
        CAPTURE(size);
        DataBlobs blobs;
        REQUIRE(stored(blobs, blob_of("ab", 100)).empty());
        const auto refusal = blobs.store(blob_of("c", size), {});
        CHECK(refusal.has_value() == (size + 103 > 64'000));
        if (!refusal) continue;
        CHECK(refusal->reason == Response::LIMIT_EXCEEDED);
        CHECK(std::string(refusal->message) == kTooMuch);
        CHECK(blobs.size() == 1);
        CHECK(blobs.bytes() == 102);
    }
}

TEST_CASE("DataBlobs: what is replaced does not count, and stays when it is not [SIG-127]") {
    DataBlobs blobs;
    const DataBlobs::Limits limits{.all = 100};
    REQUIRE(stored(blobs, blob_of("a", 90), limits).empty());
    CHECK(stored(blobs, blob_of("a", 99), limits).empty());
    CHECK(stored(blobs, blob_of("a", 100), limits) == kTooMuch);
    CHECK(contents(blobs, key_of("a")).size() == 99);
    CHECK(stored(blobs, blob_of("a", 1), limits).empty());
    CHECK(blobs.bytes() == 2);
    CHECK(stored(blobs, blob_of("b", 97), limits).empty());
}

TEST_CASE("DataBlobs: without a limit there is one, of bytes and of how many [SIG-127]") {
    for (const std::size_t configured : {std::size_t{0}, 2 * DataBlobs::kMaxBytes}) {
        CAPTURE(configured);
        DataBlobs blobs;
        const DataBlobs::Limits limits{.all = configured};
        CHECK(stored(blobs, blob_of("a", DataBlobs::kMaxBytes - 2), limits).empty());
        CHECK(stored(blobs, blob_of("a", DataBlobs::kMaxBytes - 1), limits).empty());
        CHECK(stored(blobs, blob_of("a", DataBlobs::kMaxBytes), limits) == kTooMuch);
    }
    DataBlobs blobs;
    for (std::size_t i = 0; i + 1 < DataBlobs::kMaxBlobs; ++i)
        REQUIRE(stored(blobs, blob_of(std::to_string(i), 1)).empty());
    CHECK(stored(blobs, blob_of("last", 1)).empty());
    CHECK(stored(blobs, blob_of("more", 1)) == kTooMuch);
    CHECK(stored(blobs, blob_of("last", 2)).empty());
    CHECK(blobs.size() == DataBlobs::kMaxBlobs);
}

TEST_CASE("DataBlobs: fields that nobody knows are not kept, and make no other key [SIG-127]") {
    // Field 15 of the blob, of its key and of the schema, 200 octets each.
    const std::string unknown = std::string("\x7A\xC8\x01", 3) + std::string(200, 'u');
    livekit::DataBlobKey key;
    REQUIRE(key.ParseFromString("\x12\xCE\x01\x0A\x01s" + unknown + unknown));
    REQUIRE(key.schema_id().name() == "s");
    livekit::DataBlob blob;
    REQUIRE(blob.ParseFromString("\x12\x01x" + unknown));
    *blob.mutable_key() = key;
    DataBlobs blobs;
    CHECK(stored(blobs, blob).empty());
    CHECK(blobs.bytes() == 2);
    livekit::DataBlobKey plain;
    plain.mutable_schema_id()->set_name("s");
    const livekit::DataBlob* found = blobs.find(plain);
    REQUIRE(found != nullptr);
    CHECK(found == blobs.find(key));
    CHECK(found->ByteSizeLong() < 20);
}

}  // namespace confab::room
