// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: every message there is, random contents, and protobuf's own printer and reader.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "livekit_metrics.pb.h"
#include "livekit_models.pb.h"
#include "livekit_room.pb.h"
#include "livekit_rtc.pb.h"
#include "livekit_sip.pb.h"
#include "livekit_webhook.pb.h"

namespace confab::proto {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

inline std::vector<const Message*> all_messages() {
    std::vector<const Message*> found;
    for (const auto* file :
         {livekit::Room::descriptor()->file(), livekit::CreateRoomRequest::descriptor()->file(),
          livekit::SignalResponse::descriptor()->file(),
          livekit::MetricsBatch::descriptor()->file(),
          livekit::SIPInboundTrunkInfo::descriptor()->file(),
          livekit::WebhookEvent::descriptor()->file()})
        for (int i = 0; i < file->message_type_count(); ++i)
            found.push_back(google::protobuf::MessageFactory::generated_factory()->GetPrototype(
                file->message_type(i)));
    return found;
}

inline bool is_well_known(const FieldDescriptor& field) {
    return field.message_type() != nullptr &&
           field.message_type()->file()->package() == "google.protobuf";
}

// Fills about half of the fields; messages in messages end after a few levels. Types of
// google.protobuf are left out.
class Filler {
  public:
    explicit Filler(Rng& rng) : rng_(rng) {}

    void fill(Message& message, int levels = 3) {
        const Descriptor& type = *message.GetDescriptor();
        for (int i = 0; i < type.field_count(); ++i) {
            const FieldDescriptor& field = *type.field(i);
            const bool deep = field.message_type() != nullptr && levels == 0;
            if (is_well_known(field) || deep || rng_.below(2) == 0) continue;
            const std::uint64_t count = field.is_repeated() ? rng_.below(3) : 1;
            for (std::uint64_t n = 0; n < count; ++n)
                put(message, field, levels);
        }
    }

  private:
    // Also the bounds, and nothing.
    template <typename T>
    T number() {
        const std::uint64_t kind = rng_.below(4);
        if (kind == 0) return std::numeric_limits<T>::max();
        if (kind == 1) return std::numeric_limits<T>::lowest();
        return kind == 2 ? T{} : static_cast<T>(rng_.u32() % 1000) / T{8};
    }
    std::string text() {
        static constexpr std::string_view kParts[] = {"a",    "\"", "\\",     "/",  "\n",  "\x01",
                                                      "\x7f", "é",  "\u2028", "😀", "<&>", ""};
        std::string out;
        for (std::uint64_t n = rng_.below(5); n > 0; --n)
            out += kParts[rng_.below(std::size(kParts))];
        return out;
    }
    std::string octets() {
        Bytes out(rng_.below(6));
        rng_.fill(out);
        return std::string(as_text(out));
    }
    int enumerator(const FieldDescriptor& field) {
        const auto& type = *field.enum_type();
        if (rng_.below(8) == 0) return 12'345;  // one we do not know
        return type
            .value(static_cast<int>(rng_.below(static_cast<std::uint64_t>(type.value_count()))))
            ->number();
    }
    void put(Message& message, const FieldDescriptor& field, int levels);

    Rng& rng_;
};

inline void Filler::put(Message& message, const FieldDescriptor& field, int levels) {
    const Reflection& r = *message.GetReflection();
    const bool add = field.is_repeated();
    const auto set = [&](auto one, auto more, auto value) {
        (r.*(add ? more : one))(&message, &field, std::move(value));
    };
    switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_INT32:
            return set(&Reflection::SetInt32, &Reflection::AddInt32, number<std::int32_t>());
        case FieldDescriptor::CPPTYPE_INT64:
            return set(&Reflection::SetInt64, &Reflection::AddInt64, number<std::int64_t>());
        case FieldDescriptor::CPPTYPE_UINT32:
            return set(&Reflection::SetUInt32, &Reflection::AddUInt32, number<std::uint32_t>());
        case FieldDescriptor::CPPTYPE_UINT64:
            return set(&Reflection::SetUInt64, &Reflection::AddUInt64, number<std::uint64_t>());
        case FieldDescriptor::CPPTYPE_FLOAT:
            return set(&Reflection::SetFloat, &Reflection::AddFloat, number<float>());
        case FieldDescriptor::CPPTYPE_DOUBLE:
            return set(&Reflection::SetDouble, &Reflection::AddDouble, number<double>());
        case FieldDescriptor::CPPTYPE_BOOL:
            return set(&Reflection::SetBool, &Reflection::AddBool, rng_.below(2) == 1);
        case FieldDescriptor::CPPTYPE_ENUM:
            return set(&Reflection::SetEnumValue, &Reflection::AddEnumValue, enumerator(field));
        case FieldDescriptor::CPPTYPE_STRING:
            return set(&Reflection::SetString, &Reflection::AddString,
                       field.type() == FieldDescriptor::TYPE_BYTES ? octets() : text());
        case FieldDescriptor::CPPTYPE_MESSAGE:
            return fill(add ? *r.AddMessage(&message, &field) : *r.MutableMessage(&message, &field),
                        levels - 1);
    }
}

// As it comes from the wire: without keys that are twice in a map.
inline void fill_randomly(Message& message, Rng& rng) {
    Filler(rng).fill(message);
    (void)message.ParseFromString(message.SerializeAsString());
}

inline std::string library_print(const Message& message, bool api) {
    google::protobuf::util::JsonPrintOptions options;
    options.always_print_primitive_fields = api;
    options.preserve_proto_field_names = api;
    std::string out;
    if (!google::protobuf::util::MessageToJsonString(message, &out, options).ok()) return "failed";
    return out;
}

inline bool library_read(std::string_view text, Message& message) {
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    message.Clear();
    return google::protobuf::util::JsonStringToMessage(std::string(text), &message, options).ok();
}

// All of a message, maps in order.
inline std::string contents(const Message& message) {
    std::string out;
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    (void)message.SerializeToCodedStream(&coded);
    coded.Trim();
    return out;
}

}  // namespace confab::proto
