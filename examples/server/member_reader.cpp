#include "member_reader.hpp"

#include "suggestion.hpp"

#include <algorithm>

namespace {

bool is_number_of(const nlohmann::json& value) { return value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX); }

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

}  // namespace

member_reader::member_reader(const nlohmann::json& object, std::string path, complaints& wrong) : object_(object), path_(std::move(path)), wrong_(wrong) {
    if (!object_.is_object()) wrong_.push_back((path_.empty() ? std::string{"the configuration"} : "`" + path_ + "`") + " is not an object, {...}");
}

const nlohmann::json* member_reader::find(const char* name) const {
    if (!object_.is_object()) return nullptr;
    const auto at = object_.find(name);
    return at == object_.end() ? nullptr : &*at;
}

const nlohmann::json* member_reader::member(const char* name) {
    known_.emplace_back(name);
    return find(name);
}

const nlohmann::json* member_reader::expect(const char* name, nlohmann::json::value_t kind, const char* what) {
    const auto* value = member(name);
    if (value == nullptr || value->type() == kind) return value;
    wrong_.push_back("`" + path_of(name) + "` is not " + what);
    return nullptr;
}

void member_reader::text(const char* name, std::string& into) {
    const auto* value = expect(name, nlohmann::json::value_t::string, "a text");
    if (value == nullptr) return;
    if (has_nul(value->get_ref<const std::string&>())) return wrong_.push_back("`" + path_of(name) + "` has a NUL in it");
    into = value->get<std::string>();
}

void member_reader::boolean(const char* name, bool& into) {
    if (const auto* value = expect(name, nlohmann::json::value_t::boolean, "true or false")) into = value->get<bool>();
}

void member_reader::number(const char* name, std::int64_t& into, std::int64_t least, std::int64_t most) {
    const auto* value = member(name);
    if (value == nullptr) return;
    if (!is_number_of(*value) || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most)
        return wrong_.push_back("`" + path_of(name) + "` is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    into = value->get<std::int64_t>();
}

void member_reader::texts(const char* name, std::vector<std::string>& into) {
    const auto* value = expect(name, nlohmann::json::value_t::array, "a list of texts");
    if (value == nullptr) return;
    std::vector<std::string> read;
    for (const auto& one : *value) {
        if (!one.is_string() || one.get_ref<const std::string&>().empty() || has_nul(one.get_ref<const std::string&>()))
            return wrong_.push_back("`" + path_of(name) + "` is not a list of texts that are not empty");
        if (std::find(read.begin(), read.end(), one.get<std::string>()) != read.end())
            return wrong_.push_back("`" + path_of(name) + "` has `" + one.get<std::string>() + "` twice");
        read.push_back(one.get<std::string>());
    }
    into = std::move(read);
}

void member_reader::unknown_word(const char* name, const std::string& written, const std::vector<std::string>& known) {
    wrong_.push_back("`" + path_of(name) + "` is `" + written + "`, which is none of " + listed(known) + suggestion(written, known));
}

void member_reader::refuse(const char* name, const std::string& why) {
    if (find(name) == nullptr) return;
    known_.emplace_back(name);
    wrong_.push_back("`" + path_of(name) + "` " + why);
}

void member_reader::finish() {
    if (!object_.is_object()) return;
    for (const auto& [name, value] : object_.items()) {
        if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
        wrong_.push_back("there is no member `" + path_of(name) + "`" + suggestion(name, known_));
    }
}
