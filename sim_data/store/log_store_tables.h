#pragma once

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "sim_data/tables.h"

namespace swipegym {

/// The feature tables as part of a log store: "users/..." and "videos/...".
void write_tables(Hdf5Writer& file, const UserTable& users, const VideoTable& videos, int threads);
/// Throws InputError when an index in the tables points outside of them: later code trusts them.
void read_tables(const Hdf5Reader& file, UserTable& users, VideoTable& videos, int threads);

}  // namespace swipegym
