#ifndef SYNCLINE_MODEL_MODEL_TRAITS_HPP
#define SYNCLINE_MODEL_MODEL_TRAITS_HPP

#include <syncline/model/field_codec.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/record.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/ulid.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

SYNCLINE_NAMESPACE_BEGIN

/// The description of a user's struct as a model. Undefined unless described, in one of two ways:
///
/// Inside the class, which cannot be seen too late and is the usual way:
///
/// ```cpp
/// struct task {
///     std::string id;
///     std::string title;
///     std::int64_t votes = 0;
///     std::optional<std::string> project;
///
///     struct syncline_model {
///         static constexpr std::string_view name() { return "task"; }
///         static constexpr auto key() { return syncline::key_field<"id", &task::id>(); }
///         static constexpr auto fields() {
///             return std::tuple{syncline::field<"title", &task::title>(),
///                               syncline::field<"votes", &task::votes, syncline::merges::counter>(),
///                               syncline::reference<"project_id", &task::project, "project">()};
///         }
///     };
/// };
/// static_assert(syncline::check_model<task>());
/// ```
///
/// Or, for a class that cannot be changed, `template <> struct syncline::model_traits<task> { ... };` with the same
/// members, right after the class and before anything asks for it: a concept's answer is frozen when it is first given.
///
/// | static member function | meaning |
/// |---|---|
/// | `name()` | the model's name, not empty; convertible to `std::string_view` |
/// | `key()` | `key_field<"column", &T::member>()`; the member is a `std::string`, `ulid`, `uuid` or an integer. Or `assigned_key<...>()`, see there |
/// | `fields()` | a `std::tuple` of `field<...>()` and `reference<...>()`, the key not among them |
/// | `overlap()`, optional | an `overlap_policy`; `by_field` when absent |
/// | `table()`, optional | the app's table where it differs from the name |
/// | `version()`, optional | the version of the description, `std::uint32_t`; 1 when absent |
///
/// They are functions because a function's body sees the complete class, and a nested class's data member does not.
template <class T>
struct model_traits;

template <class T>
    requires requires { typename T::syncline_model; }
struct model_traits<T> : T::syncline_model {};

/// A string literal as a template argument.
template <std::size_t Size>
struct fixed_string {
    char characters[Size]{};

    consteval fixed_string(const char (&literal)[Size]) {
        for (std::size_t i = 0; i < Size; ++i) characters[i] = literal[i];
    }
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {characters, Size - 1}; }
};

/// A field without a merge of its own: a plain register.
struct no_merge {};

namespace detail {

template <class>
struct member_pointer;
template <class Member, class Class>
struct member_pointer<Member Class::*> {
    using owner = Class;
    using member = Member;
};

template <auto Pointer>
concept pointer_to_data_member = std::is_member_object_pointer_v<decltype(Pointer)>;

/// The entry of one field; what `field` and `reference` give.
template <fixed_string Name, auto Member, class Merge, fixed_string Target, reference_action OnErase>
    requires pointer_to_data_member<Member>
struct field_entry {
    using owner = typename member_pointer<decltype(Member)>::owner;
    using type = typename member_pointer<decltype(Member)>::member;
    using merge = Merge;
    static constexpr auto member = Member;
    static constexpr std::string_view name() noexcept { return Name.view(); }
    static constexpr std::string_view target() noexcept { return Target.view(); }
    static constexpr reference_action on_erase() noexcept { return OnErase; }
};

/// The entry of the key; what `key_field` and `assigned_key` give.
template <fixed_string Name, auto Member, bool Assigned>
    requires pointer_to_data_member<Member>
struct key_entry {
    using owner = typename member_pointer<decltype(Member)>::owner;
    using type = typename member_pointer<decltype(Member)>::member;
    static constexpr auto member = Member;
    static constexpr bool assigned = Assigned;
    static constexpr std::string_view name() noexcept { return Name.view(); }
};

template <class>
inline constexpr bool is_field_entry = false;
template <fixed_string Name, auto Member, class Merge, fixed_string Target, reference_action OnErase>
inline constexpr bool is_field_entry<field_entry<Name, Member, Merge, Target, OnErase>> = true;

template <class>
inline constexpr bool is_key_entry = false;
template <fixed_string Name, auto Member, bool Assigned>
inline constexpr bool is_key_entry<key_entry<Name, Member, Assigned>> = true;

template <class>
inline constexpr bool is_tuple = false;
template <class... Entries>
inline constexpr bool is_tuple<std::tuple<Entries...>> = true;

template <class T>
using fields_of = decltype(model_traits<T>::fields());
template <class T>
using key_of_model = decltype(model_traits<T>::key());

/// Applies a check to every type of a tuple.
template <template <class> class Check, class Tuple>
inline constexpr bool all_entries = false;
template <template <class> class Check, class... Entries>
inline constexpr bool all_entries<Check, std::tuple<Entries...>> = (Check<Entries>::value && ...);

template <class Entry>
struct entry_is_field : std::bool_constant<is_field_entry<Entry>> {};
template <class Entry>
struct entry_type_is_supported : std::bool_constant<field_type<typename Entry::type>> {};
template <class Entry>
struct entry_has_name : std::bool_constant<!Entry::name().empty()> {};

template <class Merge>
concept names_erased_merge = requires {
    { Merge::erased } -> std::convertible_to<const field_merge&>;
};

/// A merge may say for which kinds it is meant: `static constexpr bool accepts(value_kind)`.
template <class Entry>
consteval bool merge_suits() {
    using merge = typename Entry::merge;
    if constexpr (std::is_same_v<merge, no_merge>)
        return true;
    else if constexpr (!names_erased_merge<merge>)
        return false;
    else if constexpr (requires { merge::accepts(value_kind::null); })
        return merge::accepts(field_codec<typename Entry::type>::kind());
    else
        return true;
}
template <class Entry>
struct entry_merge_suits : std::bool_constant<merge_suits<Entry>()> {};

template <class T>
struct entry_belongs_to {
    template <class Entry>
    struct check : std::bool_constant<std::is_same_v<typename Entry::owner, T> ||
                                      std::is_base_of_v<typename Entry::owner, T>> {};
};

template <class... Entries>
consteval bool names_are_distinct(std::string_view key, const std::tuple<Entries...>*) {
    const std::array<std::string_view, sizeof...(Entries) + 1> names{key, Entries::name()...};
    for (std::size_t i = 0; i < names.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (names[i] == names[j]) return false;
    return true;
}

template <class T>
concept key_type = is_one_of<T, std::string, ulid, uuid> || storable_integer<T>;

}  // namespace detail

/// The key of a model: its column, and the member that holds it.
template <fixed_string Name, auto Member>
[[nodiscard]] constexpr detail::key_entry<Name, Member, false> key_field() noexcept {
    return {};
}

/// The key of a model whose table has a primary key of its own that is not synced: a column that the store adds where it is missing, and in
/// which it gives every row that comes without one a ULID (`model_schema::key_assigned`). The primary key is no field of the model.
template <fixed_string Name, auto Member>
    requires std::is_same_v<typename detail::member_pointer<decltype(Member)>::member, std::string> ||
             std::is_same_v<typename detail::member_pointer<decltype(Member)>::member, ulid>
[[nodiscard]] constexpr detail::key_entry<Name, Member, true> assigned_key() noexcept {
    return {};
}

/// A field of a model: its name, the member that holds it, and how concurrent changes of it are merged.
/// @tparam Merge  a stateless type with a static `erased` of type `field_merge`, such as those of `merges`
template <fixed_string Name, auto Member, class Merge = no_merge>
[[nodiscard]] constexpr detail::field_entry<Name, Member, Merge, "", reference_action::none> field() noexcept {
    return {};
}

/// A field that holds the key of a record of the model called @p Target.
/// @tparam OnErase  what the database does to this record when that one is erased
template <fixed_string Name, auto Member, fixed_string Target, reference_action OnErase = reference_action::none>
[[nodiscard]] constexpr detail::field_entry<Name, Member, no_merge, Target, OnErase> reference() noexcept {
    return {};
}

/// T is described, inside itself or by a specialization.
template <class T>
concept has_model_description = requires { sizeof(model_traits<T>); };

/// `name()` is there and is text.
template <class T>
concept has_model_name = has_model_description<T> && requires {
    { model_traits<T>::name() } -> std::convertible_to<std::string_view>;
};

/// `key()` is there and is a `key_field` of a member of T.
template <class T>
concept has_model_key = has_model_description<T> && requires {
    model_traits<T>::key();
    requires detail::is_key_entry<detail::key_of_model<T>>;
    requires detail::entry_belongs_to<T>::template check<detail::key_of_model<T>>::value;
};

/// The key's member is of a type that can be a key.
template <class T>
concept has_supported_key = has_model_key<T> && detail::key_type<typename detail::key_of_model<T>::type>;

/// `fields()` is there and is a tuple.
template <class T>
concept has_model_fields = has_model_description<T> && requires {
    model_traits<T>::fields();
    requires detail::is_tuple<detail::fields_of<T>>;
};

/// Every element of `fields()` is a `field` or a `reference`, of a member of T.
template <class T>
concept has_field_entries = has_model_fields<T> && detail::all_entries<detail::entry_is_field, detail::fields_of<T>> &&
                            detail::all_entries<detail::entry_belongs_to<T>::template check, detail::fields_of<T>>;

/// Every field's member is of a type that can be a field.
template <class T>
concept has_supported_fields =
    has_field_entries<T> && detail::all_entries<detail::entry_type_is_supported, detail::fields_of<T>>;

/// Every field's merge has its erased form and is meant for the field's type.
template <class T>
concept has_suitable_merges =
    has_supported_fields<T> && detail::all_entries<detail::entry_merge_suits, detail::fields_of<T>>;

/// There is at least one field and not more than `max_fields`.
template <class T>
concept has_countable_fields = has_field_entries<T> && std::tuple_size_v<detail::fields_of<T>> >= 1 &&
                               std::tuple_size_v<detail::fields_of<T>> <= max_fields;

/// Key and fields have names, and no two the same.
template <class T>
concept has_distinct_names =
    has_field_entries<T> && has_model_key<T> && !detail::key_of_model<T>::name().empty() &&
    detail::all_entries<detail::entry_has_name, detail::fields_of<T>> &&
    detail::names_are_distinct(detail::key_of_model<T>::name(), static_cast<const detail::fields_of<T>*>(nullptr));

/// What is optional in the description is of its type where it is there.
template <class T>
concept has_valid_options =
    has_model_description<T> &&
    (!requires { model_traits<T>::overlap(); } || requires {
        { model_traits<T>::overlap() } -> std::same_as<overlap_policy>;
    }) &&
    (!requires { model_traits<T>::table(); } || requires {
        { model_traits<T>::table() } -> std::convertible_to<std::string_view>;
    }) &&
    (!requires { model_traits<T>::version(); } || requires {
        { model_traits<T>::version() } -> std::convertible_to<std::uint32_t>;
    }) &&
    (!requires { model_traits<T>::created_at(); } || requires {
        { model_traits<T>::created_at() } -> std::convertible_to<time_column>;
    }) &&
    (!requires { model_traits<T>::updated_at(); } || requires {
        { model_traits<T>::updated_at() } -> std::convertible_to<time_column>;
    }) &&
    (!requires { model_traits<T>::deleted_at(); } || requires {
        { model_traits<T>::deleted_at() } -> std::convertible_to<time_column>;
    });

/// A user's struct that Syncline can work with. `check_model<T>()` says in words which part is missing.
template <class T>
concept model = std::default_initializable<T> && std::movable<T> && has_model_name<T> && has_supported_key<T> &&
                has_suitable_merges<T> && has_countable_fields<T> && has_distinct_names<T> && has_valid_options<T>;

namespace detail {

// One function per entry, so that the compiler's note names the field that the message is about.
template <class T, class Entry>
consteval void check_entry() {
    static_assert(is_field_entry<Entry>,
                  "syncline: fields() holds something that is not a field; write "
                  "syncline::field<\"name\", &T::member>() or syncline::reference<...>() for every element");
    if constexpr (is_field_entry<Entry>) {
        static_assert(entry_belongs_to<T>::template check<Entry>::value,
                      "syncline: a field names a member of another class; write field<\"name\", &T::member>() with a member "
                      "of the model itself");
        static_assert(entry_has_name<Entry>::value,
                      "syncline: a field has an empty name; write the column's name as the first argument of field<...>");
        static_assert(field_type<typename Entry::type>,
                      "syncline: a field's member is of a type that is no field type; use bool, an integer of at most 64 bits "
                      "signed, float, double, std::string, decimal_text, bytes, json_text, timestamp, ulid, uuid, an "
                      "enumeration or std::optional of one of these, or specialize syncline::field_codec for the type");
        if constexpr (field_type<typename Entry::type>) {
            static_assert(std::is_same_v<typename Entry::merge, no_merge> || names_erased_merge<typename Entry::merge>,
                          "syncline: a field's merge has no erased form; write a static constexpr syncline::field_merge "
                          "called `erased` in it, or use one of syncline::merges");
            if constexpr (names_erased_merge<typename Entry::merge>) {
                constexpr bool suits = merge_suits<Entry>();  // named, so that the sentence is not behind the whole type
                static_assert(suits,
                              "syncline: a field's merge is not meant for the type of its member; use another merge or another "
                              "type (a counter wants an integer or a double)");
            }
        }
    }
}

template <class T, class... Entries>
consteval void check_entries(const std::tuple<Entries...>*) {
    (check_entry<T, Entries>(), ...);
}

}  // namespace detail

/// True for a model; for anything else compilation ends with a sentence that says what to write. Meant to be asked right
/// after the class: `static_assert(syncline::check_model<task>());`
template <class T>
consteval bool check_model() {
    static_assert(has_model_description<T>,
                  "syncline: this type is not described as a model; write a nested `struct syncline_model` with name(), key() "
                  "and fields(), or specialize syncline::model_traits right after the type");
    if constexpr (has_model_description<T>) {
        static_assert(std::default_initializable<T> && std::movable<T>,
                      "syncline: a model is created empty and moved; give it a default constructor and a move constructor");
        static_assert(has_model_name<T>,
                      "syncline: the model has no name; write `static constexpr std::string_view name() { return \"...\"; }` "
                      "in its description");
        static_assert(has_model_key<T>,
                      "syncline: the model has no key; write `static constexpr auto key() { return syncline::key_field<\"id\", "
                      "&T::id>(); }` in its description, with a member of the model itself");
        if constexpr (has_model_key<T>)
            static_assert(has_supported_key<T>,
                          "syncline: the key's member is of a type that cannot be a key; use std::string, syncline::ulid, "
                          "syncline::uuid or an integer");
        static_assert(has_model_fields<T>,
                      "syncline: the model has no fields; write `static constexpr auto fields() { return "
                      "std::tuple{syncline::field<\"name\", &T::member>(), ...}; }` in its description");
        if constexpr (has_model_fields<T>) {
            detail::check_entries<T>(static_cast<const detail::fields_of<T>*>(nullptr));
            if constexpr (has_field_entries<T>) {
                static_assert(has_countable_fields<T>,
                              "syncline: a model has at least one field beside its key, and at most 256");
                if constexpr (has_model_key<T>)
                    static_assert(has_distinct_names<T>,
                                  "syncline: two fields of the model have the same name, or one has the key's, or a name is "
                                  "empty; give each its own");
            }
        }
        static_assert(has_valid_options<T>,
                      "syncline: an option of the description has the wrong type; overlap() gives a syncline::overlap_policy, "
                      "table() text, version() a number, created_at(), updated_at() and deleted_at() a column's name or a "
                      "syncline::time_column");
    }
    return true;
}

namespace detail {

[[nodiscard]] inline std::string key_text(const std::string& key) { return key; }
[[nodiscard]] inline std::string key_text(const ulid& key) { return to_string(key); }
[[nodiscard]] inline std::string key_text(const uuid& key) { return to_string(key); }
template <storable_integer Integer>
[[nodiscard]] std::string key_text(Integer key) {
    return std::to_string(key);
}

template <key_type Key>
[[nodiscard]] result<Key> read_key(std::string_view text) {
    if constexpr (std::is_same_v<Key, std::string>) {
        if (text.empty()) return make_fault(errc::invalid_key, "the key is empty");
        return std::string{text};
    } else if constexpr (std::is_same_v<Key, ulid> || std::is_same_v<Key, uuid>) {
        auto id = [&] {
            if constexpr (std::is_same_v<Key, ulid>)
                return parse_ulid(text);
            else
                return parse_uuid(text);
        }();
        if (!id) return make_fault(errc::invalid_key, "the key is not of its form: ", id.error().detail);
        return *id;
    } else {
        Key key{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key);
        // Printing it again refuses second spellings (`007`, `-0`): one record has one key.
        if (error != std::errc{} || end != text.data() + text.size() || key_text(key) != text)
            return make_fault(errc::invalid_key, "the key is not an integer that fits its member, in plain decimal digits");
        return key;
    }
}

template <class Merge>
[[nodiscard]] constexpr const field_merge* merge_pointer() noexcept {
    if constexpr (std::is_same_v<Merge, no_merge>)
        return nullptr;
    else
        return &static_cast<const field_merge&>(Merge::erased);
}

/// Calls @p visit with every entry and its index until it returns false. @return whether all returned true
template <class Visit, class... Entries>
bool visit_entries(const std::tuple<Entries...>*, Visit&& visit) {
    std::size_t index = 0;
    return (visit(static_cast<const Entries*>(nullptr), index++) && ...);
}

template <model T, class Visit>
bool visit_fields(Visit&& visit) {
    return visit_entries(static_cast<const fields_of<T>*>(nullptr), visit);
}

}  // namespace detail

/// The version of T's description; 1 where it names none.
template <model T>
[[nodiscard]] constexpr std::uint32_t version_of() {
    if constexpr (requires { model_traits<T>::version(); })
        return static_cast<std::uint32_t>(model_traits<T>::version());
    else
        return 1;
}

namespace detail {

template <model T>
[[nodiscard]] result<model_schema> describe() {
    model_schema schema;
    schema.name = std::string{std::string_view{model_traits<T>::name()}};
    if (schema.name.empty())
        return make_fault(errc::invalid_argument, "a model's name() is empty; return the name of the model there");
    schema.key_name = std::string{key_of_model<T>::name()};
    schema.key_kind =
        storable_integer<typename key_of_model<T>::type> ? value_kind::integer : value_kind::text;
    schema.key_assigned = key_of_model<T>::assigned;
    schema.fields.reserve(std::tuple_size_v<fields_of<T>>);
    visit_fields<T>([&]<class Entry>(const Entry*, std::size_t index) {
        field_schema f;
        f.name = std::string{Entry::name()};
        f.kind = field_codec<typename Entry::type>::kind();
        f.nullable = optional_field_type<typename Entry::type>;
        f.merge = merge_pointer<typename Entry::merge>();
        schema.fields.push_back(std::move(f));
        if constexpr (!Entry::target().empty()) {
            reference_schema r;
            r.field = static_cast<field_index>(index);
            r.model = std::string{Entry::target()};
            r.on_erase = Entry::on_erase();
            schema.references.push_back(std::move(r));
        }
        return true;
    });
    if constexpr (requires { model_traits<T>::overlap(); }) schema.overlap = model_traits<T>::overlap();
    if constexpr (requires { model_traits<T>::table(); })
        schema.table = std::string{std::string_view{model_traits<T>::table()}};
    if constexpr (requires { model_traits<T>::created_at(); }) schema.times.created_at = model_traits<T>::created_at();
    if constexpr (requires { model_traits<T>::updated_at(); }) schema.times.updated_at = model_traits<T>::updated_at();
    if constexpr (requires { model_traits<T>::deleted_at(); }) schema.times.deleted_at = model_traits<T>::deleted_at();
    return schema;
}

}  // namespace detail

/// The run-time description that stores, engines and wires work on. Where T is no `model`, compilation ends with the sentence of
/// `check_model`.
/// @return the schema, or `errc::invalid_argument` when `name()` is empty
template <class T>
[[nodiscard]] result<model_schema> schema_of() {
    static_assert(check_model<T>());
    if constexpr (model<T>)
        return detail::describe<T>();
    else
        return fault{};
}

/// The schemas of several models, in the order of @p Models: what a store is opened with. Checks each as `schema_of` does.
/// @return the set; or the fault of `schema_of` or `schema_set::add`
template <class... Models>
    requires(sizeof...(Models) > 0)
[[nodiscard]] result<schema_set> schemas_of() {
    schema_set all;
    result<void> done;
    const auto add = [&](result<model_schema> schema) {
        if (!schema) done = std::move(schema).error();
        else if (auto id = all.add(*std::move(schema)); !id) done = std::move(id).error();
        return static_cast<bool>(done);
    };
    if (!(add(schema_of<Models>()) && ...)) return std::move(done).error();
    return all;
}

namespace detail {

template <auto Left, auto Right>
struct same_member : std::is_same<std::integral_constant<decltype(Left), Left>, std::integral_constant<decltype(Right), Right>> {};

template <auto Member, class... Entries>
consteval std::size_t position_of(const std::tuple<Entries...>*) {
    const std::array<bool, sizeof...(Entries)> hits{same_member<Member, Entries::member>::value...};
    for (std::size_t i = 0; i < hits.size(); ++i)
        if (hits[i]) return i;
    return hits.size();
}

}  // namespace detail

/// The position of the field that @p Member holds: `field_index_of<task, &task::title>()`.
template <model T, auto Member>
[[nodiscard]] consteval field_index field_index_of() {
    constexpr std::size_t position = detail::position_of<Member>(static_cast<const detail::fields_of<T>*>(nullptr));
    static_assert(position < std::tuple_size_v<detail::fields_of<T>>,
                  "syncline: this member is not among the fields() of the model; list it there or ask for another");
    return static_cast<field_index>(position);
}

/// The sync key of @p x as text: integers in decimal digits, ULIDs and UUIDs in their usual form.
template <model T>
[[nodiscard]] std::string key_of(const T& x) {
    return detail::key_text(x.*(detail::key_of_model<T>::member));
}

/// The fields of @p x in the order of `fields()`; the key stands beside it, not in it.
template <model T>
[[nodiscard]] record to_record(const T& x) {
    record r;
    r.fields.reserve(std::tuple_size_v<detail::fields_of<T>>);
    detail::visit_fields<T>([&]<class Entry>(const Entry*, std::size_t) {
        r.fields.push_back(field_codec<typename Entry::type>::to_value(x.*(Entry::member)));
        return true;
    });
    return r;
}

/// The struct that @p key and @p r stand for. Members that are not described keep what the default constructor gave them.
/// Fields that @p r does not have count as null: they were added to the model after it was written.
/// @return the struct, or
///         - `errc::invalid_key` when @p key is not of the key's type
///         - `errc::malformed_value` naming the field whose value is of another kind, out of range, or null where the member
///           is not optional; or when @p r has more fields than the model
template <model T>
[[nodiscard]] result<T> from_record(std::string_view key, const record& r) {
    const auto name = model_traits<T>::name();  // whatever it returns, kept alive
    if (r.fields.size() > std::tuple_size_v<detail::fields_of<T>>)
        return make_fault(errc::malformed_value, "a row of model `", name, "` has more fields than the model describes");
    auto id = detail::read_key<typename detail::key_of_model<T>::type>(key);
    if (!id) return make_fault(id.error().code, "model `", name, "`: ", id.error().detail);
    T x{};
    x.*(detail::key_of_model<T>::member) = *std::move(id);
    fault why;
    const value missing;
    const bool ok = detail::visit_fields<T>([&]<class Entry>(const Entry*, std::size_t index) {
        auto member =
            field_codec<typename Entry::type>::from_value(index < r.fields.size() ? r.fields[index] : missing);
        if (!member) {
            why = make_fault(member.error().code, "model `", name, "`, field `", Entry::name(), "`: ", member.error().detail);
            return false;
        }
        x.*(Entry::member) = *std::move(member);
        return true;
    });
    if (!ok) return why;
    return x;
}

SYNCLINE_NAMESPACE_END

#endif
