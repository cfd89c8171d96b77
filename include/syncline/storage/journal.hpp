#ifndef SYNCLINE_STORAGE_JOURNAL_HPP
#define SYNCLINE_STORAGE_JOURNAL_HPP

#include <syncline/support/version.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

SYNCLINE_NAMESPACE_BEGIN

/// How to take back what was done to an object of type @p State: the memory stores' transactions. Every change goes through it
/// and leaves a step that restores what was there; taking back runs the steps, newest first.
///
/// The steps name places in the state and not addresses, so they can also be run on a copy of it.
/// @tparam State  a class whose data members are reached through pointers to members
template <class State>
class undo_journal {
public:
    /// How many steps there are: a point to come back to.
    [[nodiscard]] std::size_t mark() const noexcept { return steps_.size(); }

    /// Makes @p key of the map @p where mean @p to.
    /// @param where  pointer to a data member of the state
    template <class Where, class Key, class T>
    void put(State& state, Where where, const Key& key, T to) {
        auto& map = state.*where;
        const auto at = map.find(key);
        if (at == map.end()) {
            remember(where, map, key, nullptr);
            map.emplace(key, std::move(to));
            return;
        }
        remember(where, map, key, &at->second);
        at->second = std::move(to);
    }

    /// Takes @p key out of the map @p where. @return whether it was there
    template <class Where, class Key>
    bool drop(State& state, Where where, const Key& key) {
        auto& map = state.*where;
        const auto at = map.find(key);
        if (at == map.end()) return false;
        remember(where, map, at->first, &at->second);  // a copy of both: `key` may lie in the entry itself
        map.erase(at);
        return true;
    }

    /// Empties the map @p where.
    template <class Where>
    void clear(State& state, Where where) {
        auto& map = state.*where;
        if (map.empty()) return;
        steps_.emplace_back([where, was = map](State& s) { s.*where = was; });
        map.clear();
    }

    /// Makes the member @p where be @p to.
    template <class Where, class T>
    void set(State& state, Where where, T to) {
        steps_.emplace_back([where, was = state.*where](State& s) { s.*where = was; });
        state.*where = std::move(to);
    }

    /// Takes back every step after @p to, and forgets them.
    void roll_back(State& state, std::size_t to = 0) {
        while (steps_.size() > to) {
            steps_.back()(state);
            steps_.pop_back();
        }
    }

    /// Takes back every step on @p copy of the state, and keeps them.
    void undo_on(State& copy) const {
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)(copy);
    }

    /// Forgets all steps: what was done stays.
    void forget() noexcept { steps_.clear(); }

private:
    /// One kind of step for everything that happens to an entry: a compiler makes each kind anew for each map.
    template <class Where, class Map>
    void remember(Where where, const Map&, const typename Map::key_type& key, const typename Map::mapped_type* was) {
        steps_.emplace_back([where, key, was = was ? std::optional(*was) : std::nullopt](State& s) {
            if (was)
                (s.*where).insert_or_assign(key, *was);
            else
                (s.*where).erase(key);
        });
    }

    std::vector<std::function<void(State&)>> steps_;
};

SYNCLINE_NAMESPACE_END

#endif
