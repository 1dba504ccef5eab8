// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/output/printer.h"

#include <google/protobuf/descriptor.h>

#include <memory>

#include "app/cli/output/json_text.h"
#include "app/cli/output/table_text.h"
#include "app/cli/output/yaml_text.h"
#include "base/text.h"
#include "proto/proto_json.h"

namespace confab::app::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string lines_of(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts)
        out += text + "\n";
    return out;
}

// "EgressID: EG_… Status: EGRESS_STARTING", without what is empty.
std::string lines_of(const json::Value& value, std::span<const Column> columns) {
    const std::vector<std::string> cells = cells_of(value, columns);
    std::string out;
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (!cells[i].empty())
            out += std::string(columns[i].head) + ": " + printable(cells[i]) + "\n";
    return out;
}

// Without columns a table has a row for each member.
std::string members_table(const json::Value& value) {
    std::vector<Row> rows;
    rows.reserve(value.members.size());
    for (const json::Member& member : value.members)
        rows.push_back({member.name, member.value.kind == json::Kind::kString
                                         ? member.value.string
                                         : std::string(member.value.raw)});
    return table_text({"Field", "Value"}, rows);
}

std::string list_table(const Answer& answer, const Print& print) {
    Row heads;
    for (const Column& column : print.columns)
        heads.emplace_back(column.head);
    std::vector<Row> rows;
    for (const std::string& item : answer.items)
        if (const auto value = json::parse(item)) rows.push_back(cells_of(*value, print.columns));
    return table_text(heads, rows);
}

// One value of the answer after the other: its items, or itself.
std::string each(const Answer& answer, const std::function<std::string(const json::Value&)>& text) {
    std::string out;
    const auto add = [&](const std::string& one) {
        if (const auto value = json::parse(one)) out += text(*value);
    };
    if (answer.name.empty()) add(answer.json);
    for (const std::string& item : answer.items)
        add(item);
    return out;
}

std::string as_yaml(const Answer& answer) {
    if (answer.name.empty() || answer.items.empty())
        return each({.json = answer.whole(), .items = {}, .name = {}, .others = {}}, yaml_of);
    // Item by item, so that a long list is no deep tree at once.
    std::string out;
    const std::string others = "{" + answer.others + "}";
    if (const auto value = json::parse(others); value && !value->members.empty())
        out += yaml_of(*value);
    out += answer.name + ":\n";
    for (const std::string& item : answer.items) {
        const auto value = json::parse(item);
        if (!value) continue;
        std::string lines = yaml_of(*value);
        lines.pop_back();
        std::string_view rest = lines;
        for (bool first = true; first || !rest.empty(); first = false)
            out += (first ? "  - " : "    ") + std::string(next_token(rest, '\n')) + "\n";
    }
    return out;
}

std::string usual(const Answer& answer, const Print& print, Format format,
                  const std::string& sentence) {
    std::string said = sentence.empty() ? "" : sentence + "\n";
    if (print.shape == Shape::kList) return list_table(answer, print);
    if (print.shape == Shape::kDone) return said;
    if (!print.columns.empty())
        return said +
               each(answer, [&](const auto& value) { return lines_of(value, print.columns); });
    if (format == Format::kTable) return said + each(answer, members_table);
    return said + indented(answer.json) + "\n";
}

}  // namespace

std::string Answer::whole() const {
    if (name.empty()) return json;
    std::string out = "{" + others;
    // As protojson has it, an empty list is left out.
    if (items.empty()) return out + "}";
    out += std::string(others.empty() ? "" : ",") + "\"" + name + "\":[";
    for (std::size_t i = 0; i < items.size(); ++i)
        out += (i > 0 ? "," : "") + items[i];
    return out + "]}";
}

Answer answer_of(const Message& message, const Print& print) {
    const FieldDescriptor* const list =
        message.GetDescriptor()->FindFieldByName(std::string(print.items));
    if (print.items.empty() || list == nullptr)
        return {.json = proto::to_camel_json(message), .items = {}, .name = {}, .others = {}};
    const auto* const reflection = message.GetReflection();
    Answer answer;
    answer.name = list->json_name();
    for (int i = 0; i < reflection->FieldSize(message, list); ++i)
        answer.items.push_back(
            proto::to_camel_json(reflection->GetRepeatedMessage(message, list, i)));
    const std::unique_ptr<Message> rest(message.New());
    rest->CopyFrom(message);
    reflection->ClearField(rest.get(), list);
    const std::string others = proto::to_camel_json(*rest);
    answer.others = others.substr(1, others.size() - 2);
    return answer;
}

std::vector<std::string> cells_of(const json::Value& item, std::span<const Column> columns) {
    std::vector<std::string> cells;
    for (const Column& column : columns) {
        std::string text;
        if (column.text != nullptr) {
            text = column.text(item);
        } else {
            for (const std::string& one : texts_at(item, column.path))
                text += (text.empty() ? "" : ",") + one;
        }
        cells.push_back(text.empty() ? std::string(column.otherwise) : std::move(text));
    }
    return cells;
}

std::string printed(const Answer& answer, const Print& print, const Form& form,
                    const std::string& sentence) {
    if (!form.field.empty())
        return each(answer, [&](const json::Value& value) {
            return lines_of(texts_at(value, form.field));
        });
    switch (form.format) {
        case Format::kJson:
            return indented(answer.whole()) + "\n";
        case Format::kJsonLines:
            return answer.name.empty() ? answer.json + "\n" : lines_of(answer.items);
        case Format::kYaml:
            return as_yaml(answer);
        case Format::kUsual:
        case Format::kTable:
            break;
    }
    return usual(answer, print, form.format, sentence);
}

}  // namespace confab::app::cli
