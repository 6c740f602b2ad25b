#pragma once

#include <array>
#include <filesystem>
#include <string_view>

#include "sim_data/dataset.h"

namespace swipegym {

/// The public data sets that are read in the files they are published as, by the names that import_data_set() takes.
inline constexpr std::array<std::string_view, 5> kDataSetNames = {"kuairec", "kuaisar", "movielens", "tenrec",
                                                                  "wechat"};

/// Reads a data set into a store at `out`, out of core. docs/guide/data.md says which files and columns of each are
/// read, what becomes of them, and what is assumed where a data set does not know it. Of `options` skip_bad_rows,
/// threads and progress matter. Throws InputError with file, line and column for the first bad cell, and for files that
/// are missing.
LoadReport import_data_set(std::string_view name, const std::filesystem::path& path, const std::filesystem::path& out,
                           const LoadOptions& options = {});

/// KuaiRec 2.0 (Gao et al., CIKM 2022): the folder with big_matrix.csv or small_matrix.csv or both, and with
/// user_features.csv, item_daily_features.csv and item_categories.csv as far as they are there.
LoadReport import_kuairec(const std::filesystem::path& folder, const std::filesystem::path& out,
                          const LoadOptions& options);
/// KuaiSAR (Sun et al., CIKM 2023): the folder with rec_inter.csv, and with user_features.csv and item_features.csv as
/// far as they are there.
LoadReport import_kuaisar(const std::filesystem::path& folder, const std::filesystem::path& out,
                          const LoadOptions& options);
/// MovieLens (Harper and Konstan, TiiS 2015): the folder with ratings.csv, ratings.dat or u.data, and with the films
/// and people of the same release as far as they are there.
LoadReport import_movielens(const std::filesystem::path& folder, const std::filesystem::path& out,
                            const LoadOptions& options);
/// Tenrec (Yuan et al., NeurIPS 2022): QB-video.csv, QK-video.csv or ctr_data_1M.csv, or a folder with one of them.
LoadReport import_tenrec(const std::filesystem::path& path, const std::filesystem::path& out,
                         const LoadOptions& options);
/// WeChat Big Data Challenge 2021: the folder with user_action.csv and feed_info.csv.
LoadReport import_wechat(const std::filesystem::path& folder, const std::filesystem::path& out,
                         const LoadOptions& options);

}  // namespace swipegym
