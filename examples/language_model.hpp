#ifndef SYNCLINE_EXAMPLES_LANGUAGE_MODEL_HPP
#define SYNCLINE_EXAMPLES_LANGUAGE_MODEL_HPP

// The model that the language server and its devices share: the ISO 639-3 list, one record a language, keyed by its three-letter code.

#include <syncline/model/model_traits.hpp>

#include <optional>
#include <string>

struct language {
    std::string id;
    std::string name;
    std::string kind;   // L living, E extinct, H historical, A ancient, C constructed, S special
    std::string scope;  // I individual, M macrolanguage, S special
    std::optional<std::string> alpha_2;
    std::optional<std::string> inverted_name;
    std::optional<std::string> note;

    struct syncline_model {
        static constexpr auto name() { return "language"; }
        static constexpr auto key() { return syncline::key_field<"id", &language::id>(); }
        static constexpr auto fields() {
            using syncline::field;
            return std::tuple{field<"name", &language::name>(),       field<"kind", &language::kind>(),
                              field<"scope", &language::scope>(),     field<"alpha_2", &language::alpha_2>(),
                              field<"inverted_name", &language::inverted_name>(), field<"note", &language::note>()};
        }
    };
};

/// The app's own table, as any program would make it.
inline constexpr const char* language_table =
    "CREATE TABLE IF NOT EXISTS language(id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL, "
    "alpha_2 TEXT, inverted_name TEXT, note TEXT)";

#endif
