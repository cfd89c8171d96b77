#ifndef SYNCLINE_EXAMPLES_SERVER_FILES_HPP
#define SYNCLINE_EXAMPLES_SERVER_FILES_HPP

#include "member_reader.hpp"

#include <string>

/// Whether others on this machine may read it.
enum class file_kind { open_to_all, secret };

/// Adds to @p wrong where no file stands at @p path, it cannot be read, everybody can write it, or it is a secret that others can read or write.
/// @param member  what names it, as it stands in a sentence
/// @return whether it is fine
bool check_file(const std::string& path, const std::string& member, file_kind kind, complaints& wrong);

#endif
