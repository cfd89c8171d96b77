#ifndef SYNCLINE_EXAMPLES_SERVER_CONFIGURATION_DOCUMENT_HPP
#define SYNCLINE_EXAMPLES_SERVER_CONFIGURATION_DOCUMENT_HPP

// The configuration as JSON: from the file, changed by flags, into `configuration` and back.

#include "configuration.hpp"
#include "member_reader.hpp"

#include <nlohmann/json.hpp>

#include <string>

/// The document in the file at @p path, its paths taken from the file's folder. Ends the program where it cannot be read or is not JSON.
[[nodiscard]] nlohmann::json read_document(const std::string& path);

/// Makes the paths in @p document, where they are relative, those in @p folder.
void make_paths_absolute(nlohmann::json& document, const std::string& folder);

/// What @p document says, with the defaults of all that it leaves out. What is wrong with it is added to @p wrong.
[[nodiscard]] configuration read_configuration(const nlohmann::json& document, complaints& wrong);

/// @p c in full, as a document that reads back as the same.
[[nodiscard]] nlohmann::ordered_json document_of(const configuration& c);

#endif
