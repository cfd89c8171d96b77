#ifndef SYNCLINE_SYNCLINE_HPP
#define SYNCLINE_SYNCLINE_HPP

/// Everything but adapters/, observe/, testing/ and the one header that throws.

#include <syncline/change/batch.hpp>
#include <syncline/change/bundle.hpp>
#include <syncline/change/change_codec.hpp>
#include <syncline/change/coalesce.hpp>
#include <syncline/change/cursor.hpp>
#include <syncline/change/intent.hpp>
#include <syncline/change/receipt.hpp>
#include <syncline/conflict/conflict.hpp>
#include <syncline/conflict/decide.hpp>
#include <syncline/conflict/merge_lines.hpp>
#include <syncline/conflict/merges.hpp>
#include <syncline/engine/authority.hpp>
#include <syncline/engine/authority_types.hpp>
#include <syncline/engine/bundle_commit.hpp>
#include <syncline/engine/push_decider.hpp>
#include <syncline/engine/replica.hpp>
#include <syncline/engine/row_placement.hpp>
#include <syncline/engine/sealing.hpp>
#include <syncline/model/field_codec.hpp>
#include <syncline/model/field_merge.hpp>
#include <syncline/model/field_set.hpp>
#include <syncline/model/model_schema.hpp>
#include <syncline/model/model_traits.hpp>
#include <syncline/model/record.hpp>
#include <syncline/model/record_codec.hpp>
#include <syncline/model/value.hpp>
#include <syncline/storage/authority_store.hpp>
#include <syncline/storage/replica_store.hpp>
#include <syncline/support/base64.hpp>
#include <syncline/support/hex.hpp>
#include <syncline/support/hlc.hpp>
#include <syncline/support/json_writer.hpp>
#include <syncline/support/random.hpp>
#include <syncline/support/result.hpp>
#include <syncline/support/rfc3339.hpp>
#include <syncline/support/sha256.hpp>
#include <syncline/support/stable_hash.hpp>
#include <syncline/support/system_clock.hpp>
#include <syncline/support/system_random.hpp>
#include <syncline/support/time.hpp>
#include <syncline/support/ulid.hpp>
#include <syncline/support/utf8.hpp>
#include <syncline/support/uuid.hpp>
#include <syncline/support/version.hpp>
#include <syncline/transport/authentication.hpp>
#include <syncline/transport/json_error.hpp>
#include <syncline/transport/loopback.hpp>
#include <syncline/transport/message.hpp>
#include <syncline/transport/mount_table.hpp>
#include <syncline/transport/principal.hpp>
#include <syncline/transport/transport.hpp>

#endif
