#include "item_reader.hpp"

#include "answer.hpp"

#include <string_view>

namespace {

constexpr std::size_t longest_item = std::size_t{1} << 20;
constexpr int end_of_stream = std::istream::traits_type::eof();

bool is_blank(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

void item_reader::refuse(const std::string& why) const {
    throw failure{exit_code::wrong_use, "bad_import", name_ + ", line " + std::to_string(line_) + ": " + why + "; nothing was imported"};
}

std::string item_reader::where() const {
    return "item " + std::to_string(item_) + " of " + name_ + " (line " + std::to_string(item_line_) + ")";
}

int item_reader::take() {
    const int c = in_->get();
    if (c == '\n') ++line_;
    if (c == end_of_stream && in_->bad()) refuse("the file cannot be read any further");
    return c;
}

int item_reader::peek_past_blanks() {
    while (is_blank(in_->peek())) static_cast<void>(take());
    const int c = in_->peek();
    if (c == end_of_stream && in_->bad()) refuse("the file cannot be read any further");
    return c;
}

std::optional<std::string> item_reader::next() {
    int c = peek_past_blanks();
    if (!began_) {
        began_ = true;
        if (c == '[') {
            static_cast<void>(take());
            in_array_ = true;
            c = peek_past_blanks();
        }
    } else if (in_array_) {
        if (c != ',' && c != ']') refuse(c == end_of_stream ? "the array has no end; is the file whole?" : "there is no comma between two items");
        if (c == ',') {
            static_cast<void>(take());
            c = peek_past_blanks();
            if (c == ']') refuse("a comma stands before the end of the array");
        }
    }
    if (in_array_ && c == ']') {
        static_cast<void>(take());
        if (peek_past_blanks() != end_of_stream) refuse("something follows the end of the array");
        return std::nullopt;
    }
    if (c == end_of_stream) {
        if (in_array_) refuse("the array has no end; is the file whole?");
        return std::nullopt;
    }
    ++item_;
    item_line_ = line_;
    return take_item();
}

// To the end of the value as brackets and quotes show it; whether it is JSON is for its reader to say.
std::string item_reader::take_item() {
    std::string out;
    std::size_t depth = 0;
    bool quoted = false;
    while (true) {
        const int c = in_->peek();
        if (c == end_of_stream) break;
        if (!quoted && depth == 0 && !out.empty() && (is_blank(c) || c == ',' || c == ']')) break;
        out += static_cast<char>(take());
        if (out.size() > longest_item) refuse("the item is longer than 1 MiB");
        if (quoted) {
            if (c == '\\') {
                if (in_->peek() != end_of_stream) out += static_cast<char>(take());
            } else if (c == '"') {
                quoted = false;
            }
            continue;
        }
        if (c == '"') quoted = true;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) break;
    }
    return out;
}
