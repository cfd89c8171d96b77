#ifndef SYNCLINE_EXAMPLES_SERVER_MEMBER_READER_HPP
#define SYNCLINE_EXAMPLES_SERVER_MEMBER_READER_HPP

// Reads the members of a JSON object one by one, and tells of all that is wrong with them, not only of the first mistake.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// What is wrong with a configuration, a sentence each.
using complaints = std::vector<std::string>;

class member_reader {
public:
    /// @param path  where @p object stands, such as `jwt`; empty: at the top
    member_reader(const nlohmann::json& object, std::string path, complaints& wrong);
    member_reader(const member_reader&) = delete;
    member_reader& operator=(const member_reader&) = delete;

    // Each leaves what it fills in as it is where there is no such member.
    void text(const char* name, std::string& into);
    void boolean(const char* name, bool& into);
    void number(const char* name, std::int64_t& into, std::int64_t least, std::int64_t most);
    void texts(const char* name, std::vector<std::string>& into);
    /// One of several words. @tparam T an enumeration
    template <class T>
    void word(const char* name, T& into, const std::vector<std::pair<std::string, T>>& words) {
        std::string written;
        const auto before = wrong_.size();
        text(name, written);
        if (written.empty() && (find(name) == nullptr || wrong_.size() != before)) return;
        std::vector<std::string> known;
        for (const auto& [word_of, value] : words) {
            if (word_of == written) return void(into = value);
            known.push_back(word_of);
        }
        unknown_word(name, written, known);
    }
    /// The member itself, for those who read on in it; nullptr: there is none.
    [[nodiscard]] const nlohmann::json* member(const char* name);
    /// Refuses a member by its name, with a reason of its own.
    void refuse(const char* name, const std::string& why);
    /// Complains of the members that nobody read. Call last.
    void finish();

    /// Where the member called @p name stands.
    [[nodiscard]] std::string path_of(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

private:
    [[nodiscard]] const nlohmann::json* find(const char* name) const;
    [[nodiscard]] const nlohmann::json* expect(const char* name, nlohmann::json::value_t kind, const char* what);
    void unknown_word(const char* name, const std::string& written, const std::vector<std::string>& known);

    const nlohmann::json& object_;
    std::string path_;
    complaints& wrong_;
    std::vector<std::string> known_;
};

#endif
