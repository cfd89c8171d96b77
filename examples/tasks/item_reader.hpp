#ifndef SYNCLINE_EXAMPLES_TASKS_ITEM_READER_HPP
#define SYNCLINE_EXAMPLES_TASKS_ITEM_READER_HPP

// Cuts a stream of JSON into its items, one at a time, so that a file of any length needs the memory of one item.

#include <cstddef>
#include <istream>
#include <optional>
#include <string>

class item_reader {
public:
    /// @param in    a JSON array, or JSON values one after the other (JSON lines)
    /// @param name  names the stream in messages
    item_reader(std::istream& in, std::string name) : in_(&in), name_(std::move(name)) {}

    /// The text of the next item; nothing: the end. Throws a `failure` where an array is not one.
    std::optional<std::string> next();
    /// Where the last item began, for messages.
    [[nodiscard]] std::string where() const;

private:
    int peek_past_blanks();
    int take();
    std::string take_item();
    [[noreturn]] void refuse(const std::string& why) const;

    std::istream* in_;
    std::string name_;
    std::size_t line_ = 1;
    std::size_t item_ = 0;
    std::size_t item_line_ = 1;
    bool began_ = false;
    bool in_array_ = false;
};

#endif
