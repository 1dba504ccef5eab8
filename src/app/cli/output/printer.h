// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The answer of a call in the form that was asked for: -o table, json, jsonl or yaml, or the
// values of one field.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "app/cli/verb.h"

namespace confab::app::cli {

enum class Format : std::uint8_t { kUsual, kTable, kJson, kJsonLines, kYaml };

struct Form {
    Format format = Format::kUsual;
    std::string field;  // beats the format
    bool is_machine() const {
        return !field.empty() || (format != Format::kUsual && format != Format::kTable);
    }
};

// Of JSON that is whole. A list is given by its items; then `name` is the field they stand in.
struct Answer {
    std::string json;                // an object
    std::vector<std::string> items;  // objects
    std::string name;                // of the list; empty: this is no list
    // Members of the object beside the list, without braces: "nextPageToken":"…".
    std::string others;
    std::string whole() const;
};

Answer answer_of(const google::protobuf::Message& message, const Print& print);

// `sentence`: print.sentence with its values.
std::string printed(const Answer& answer, const Print& print, const Form& form,
                    const std::string& sentence);

// The cells of one item.
std::vector<std::string> cells_of(const json::Value& item, std::span<const Column> columns);

}  // namespace confab::app::cli
