#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace swipegym::test {

namespace fs = std::filesystem;

/// A temporary folder, gone with the object.
struct Folder {
  Folder() {
    char name[] = "/tmp/swipegym-data-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {})); }
  fs::path path;
};

inline void write_file(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline const std::string kLogHeader =
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab\n";
inline const std::string kUserHeader =
    "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,follow_user_num,"
    "follow_user_num_range,fans_user_num,fans_user_num_range,friend_user_num,friend_user_num_range,register_days,"
    "register_days_range,onehot_feat0,onehot_feat1\n";
inline const std::string kVideoHeader =
    "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,server_height,"
    "music_id,music_type,tag\n";

/// Three users, four videos and nine rows in two log files; users and videos have gaps in their ids.
/// 2022-04-25 10:00 in China is 1650852000000.
struct SampleRelease {
  std::string users = kUserHeader +
                      "3,full_active,0,1,1,514,500+,150,\"[100,1k)\",34,\"[30,60)\",799,730+,1,4\n"
                      "0,full_active,0,-124,1,457,\"(250,500]\",20,\"[10,100)\",3,\"[1,5)\",1474,730+,1,\n"
                      "7,UNKNOWN,0,-124,0,0,0,0,0,0,0,100,61-90,0,2\n";
  std::string videos = kVideoHeader +
                       "10,900,NORMAL,2022-04-10,LongImport,0.0,10000.0,720.0,1280.0,9155697141,9.0,39\n"
                       "11,901,AD,2022-04-11,Web,0.0,,720.0,1280.0,0,,\"12,65\"\n"
                       "12,900,NORMAL,,Web,0.0,30000.0,,,9155697141,9.0,\n"
                       "20,77,NORMAL,2022-04-10,Kmovie,0.0,40000.0,720.0,1280.0,5,4.0,-124\n";
  std::string random = kLogHeader +
                       "3,10,20220425,1000,1650852000000,1,0,0,0,0,0,1,12000,10000,0,0,0,1,1\n"
                       "7,20,20220426,0,1650902400000,0,0,0,0,0,0,0,500,40000,0,0,0,1,1\n";
  std::string standard = kLogHeader +
                         "0,11,20220425,1200,1650859200000,1,1,0,0,0,0,0,3000,8000,5,10,1,0,0\n"
                         "0,11,20220425,1200,1650859200000,1,1,0,0,0,0,0,3000,8000,5,10,1,0,0\n"  // a copy
                         "0,10,20220425,1200,1650859200000,0,0,0,0,0,1,0,0,10000,0,0,0,0,14\n"
                         "0,12,20220424,1100,1650855600000,0,0,1,1,1,0,1,40000,30000,0,0,0,0,1\n"  // date differs
                         "3,12,20220424,959,1650765599000,0,0,0,0,0,0,0,100,0,0,0,0,0,4\n"         // duration 0
                         "3,10,20220425,1000,1650852000000,0,0,0,0,0,0,0,7,10000,0,0,0,0,1\n"  // a copy, other cells
                         "3,11,20220427,1500,1651042800000,0,0,0,0,0,0,0,2000,8000,0,0,0,0,1\n";

  void write(const fs::path& folder) const {
    write_file(folder / "user_features_sample.csv", users);
    write_file(folder / "video_features_basic_sample.csv", videos);
    write_file(folder / "log_random_sample.csv", random);
    write_file(folder / "log_standard_sample.csv", standard);
    write_file(folder / "video_features_statistic_sample.csv", "video_id,counts\n10,nonsense\n");
  }
};

}  // namespace swipegym::test
