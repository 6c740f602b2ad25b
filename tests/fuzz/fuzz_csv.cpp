#include <map>

#include "core/error.h"
#include "sim_data/csv/interactions_csv.h"
#include "sim_data/csv/log_csv_reader.h"
#include "sim_data/csv/table_csv_reader.h"
#include "sim_data/data_sets/data_sets.h"
#include "sim_data/id_map.h"
#include "tests/fuzz/extremes.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/target.h"
#include "tests/sim_data/data_set_samples.h"

namespace swipegym::fuzz {
namespace {

using Path = std::filesystem::path;

constexpr const char* kLog =
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab\n"
    "0,3,20220508,1400,1651988429000,1,0,0,0,0,0,1,11380,10000,0,0,0,0,1\n"
    "1,7,20220422,0,1650556800000,0,0,0,0,0,1,0,0,5000,0,0,0,1,4\n";
constexpr const char* kLogOtherOrder =
    "tab,user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,propensity\r\n"
    "1,0,3,20220508,1400,1651988429000,1,0,0,0,0,0,1,11380,10000,0,0,0,0,0.25\r\n";
constexpr const char* kUsers =
    "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,follow_user_num,"
    "follow_user_num_range,fans_user_num,fans_user_num_range,friend_user_num,friend_user_num_range,register_days,"
    "register_days_range,onehot_feat0,onehot_feat1,onehot_feat2,onehot_feat3,onehot_feat4,onehot_feat5,onehot_feat6,"
    "onehot_feat7,onehot_feat8,onehot_feat9,onehot_feat10,onehot_feat11,onehot_feat12,onehot_feat13,onehot_feat14,"
    "onehot_feat15,onehot_feat16,onehot_feat17\n"
    "0,high_active,0,0,1,100,\"(50,100]\",4,\"[1,10)\",0,0,800,730+,1,13,29,138,3,2,0,1,24,5,1,0,0,0,0,0,0,0\n"
    "1,full_active,0,-124,0,20,\"(10,50]\",0,0,2,\"[1,5)\",50,31-60,0,1,,2,3,0,1,9,8,2,0,1,0,0,0,0,0,0\n";
constexpr const char* kVideos =
    "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,server_height,"
    "music_id,music_type,tag\n"
    "0,7,NORMAL,2022-04-08,ShortImport,public,10000,720,1280,11,9,12\n"
    "1,8,AD,2022-04-09,LongImport,public,,720,1280,3,4,\"3,5\"\n";
constexpr const char* kInteractions = "user_id,item_id,timestamp,rating\n1,10,1650000000,3.5\n2,10,1650000060,5\n";
constexpr const char* kTimedInteractions =
    "user\titem\ttime_ms\tduration_ms\tplay_ms\r\n1\t10\t1650000000000\t10000\t5000\r\n";

// Another cell, line or separator in a place drawn.
std::string change_cell(const std::string& text, RandomStream& random) {
  if (text.empty() || random.below(2) == 0) return {};
  std::size_t at = random.below(static_cast<std::uint32_t>(text.size()));
  const std::size_t begin = text.find_last_of(",\n\t", at) + 1;  // npos + 1 is 0
  const std::size_t end = std::min(text.find_first_of(",\r\n\t", at), text.size());
  if (end < begin) return {};
  static constexpr const char* kWords[] = {"",  "\"",           "\"\"", "\"a,b\"", " 1", "1 ",
                                           "a", "\xEF\xBB\xBF", "\r",   "\n",      ","};
  std::string changed = text;
  const std::string cell = text.substr(begin, end - begin);
  switch (random.below(8)) {
    case 0:
      return changed.replace(begin, end - begin, kWords[random.below(std::size(kWords))]);
    case 1:
      return changed.replace(begin, end - begin, '"' + cell + '"');
    case 2:
      return changed.replace(begin, end - begin, std::string(random.below(40), '9'));
    case 3: {  // a line once more
      const std::size_t line = text.rfind('\n', at) + 1;
      return changed.insert(line, text.substr(line, text.find('\n', line) - line) + '\n');
    }
    default:
      return changed.replace(begin, end - begin, extreme_number(random));
  }
}

// Reads strictly, and what is refused then once more with bad rows left out.
template <class Read>
Target csv_target(std::vector<std::string> seeds, const Read& read) {
  const auto file = std::make_shared<const InputFile>();
  return {.seeds = std::move(seeds),
          .run =
              [file, read](const std::string& input) {
                file->set(input);
                try {
                  read(file->path(), false);
                } catch (const InputError&) {
                  read(file->path(), true);
                }
              },
          .mutate = change_cell};
}

const std::vector<std::int64_t>& ids() {
  static const std::vector<std::int64_t> ids = {0, 1, 2, 3, 4, 5, 6, 7};
  return ids;
}

void read_log(const Path& path, bool skip) {
  static const IdMap users(ids()), videos(ids());
  read_log_csv({path}, users, videos, {.skip_bad_rows = skip, .threads = 1}, [](std::span<const LogRow>) {});
}

void read_users(const Path& path, bool skip) {
  TableCsvCounts counts;
  read_user_csv({path}, {.skip_bad_rows = skip, .threads = 1}, counts);
}

void read_videos(const Path& path, bool skip) {
  TableCsvCounts counts;
  read_video_csv({path}, {.skip_bad_rows = skip, .threads = 1}, counts);
}

void read_interactions(const Path& path, bool skip) {
  static const ScratchFolder folder;
  import_interactions(path, folder.path() / "store.h5", {.skip_bad_rows = skip, .threads = 1});
}

// A data set's files as one text: its name, and before each file a line "=== name".
std::string joined(const std::string& name, const test::SampleFiles& files) {
  std::string text = name + '\n';
  for (const auto& [file, content] : files) text += "=== " + file + '\n' + content;
  return text;
}

void import_joined(const std::string& input, bool skip) {
  static const ScratchFolder folder;
  const Path set = folder.path() / "set";
  std::filesystem::remove_all(set);
  std::filesystem::create_directories(set);
  const std::string name = input.substr(0, input.find('\n'));
  for (std::size_t at = input.find("=== "); at != std::string::npos;) {
    const std::size_t line = input.find('\n', at), next = input.find("\n=== ", at);
    const std::string file = input.substr(at + 4, std::min(line, input.size()) - std::min(at + 4, input.size()));
    // Only names of ours: nothing is written elsewhere.
    if (line != std::string::npos && !file.empty() && file.front() != '.' && file.find('/') == std::string::npos &&
        file.find('\0') == std::string::npos && file.size() < 40)
      test::write_file(set / file, input.substr(line + 1, next == std::string::npos ? next : next - line));
    at = next == std::string::npos ? next : next + 1;
  }
  import_data_set(name, set, folder.path() / "store.h5", {.skip_bad_rows = skip, .threads = 1});
}

Target data_sets_target() {
  return {.seeds = {joined("kuairec", test::kuairec_sample()), joined("kuaisar", test::kuaisar_sample()),
                    joined("movielens", test::movielens_sample()), joined("tenrec", test::tenrec_sample()),
                    joined("wechat", test::wechat_sample())},
          .run =
              [](const std::string& input) {
                try {
                  import_joined(input, false);
                } catch (const InputError&) {
                  import_joined(input, true);
                }
              },
          .mutate = change_cell};
}

const std::map<std::string, std::function<Target()>>& kinds() {
  static const std::map<std::string, std::function<Target()>> kinds = {
      {"csv_log",
       [] {
         return csv_target({kLog, kLogOtherOrder}, read_log);
       }},
      {"csv_users", [] { return csv_target({kUsers}, read_users); }},
      {"csv_videos", [] { return csv_target({kVideos}, read_videos); }},
      {"csv_interactions",
       [] {
         return csv_target({kInteractions, kTimedInteractions}, read_interactions);
       }},
      {"csv_data_sets", [] { return data_sets_target(); }},
  };
  return kinds;
}

}  // namespace

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : kinds()) names.push_back(name);
  return names;
}

Target make_target(const std::string& name) {
  return kinds().at(name)();
}

}  // namespace swipegym::fuzz
