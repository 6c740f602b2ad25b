#pragma once

#include <map>
#include <string>

#include "tests/sim_data/sample_release.h"

namespace swipegym::test {

/// Small folders in the schemas of the public data sets, written by hand: file name to text.
using SampleFiles = std::map<std::string, std::string>;

inline void write_samples(const SampleFiles& files, const fs::path& folder) {
  fs::create_directories(folder);
  for (const auto& [name, text] : files) write_file(folder / name, text);
}

inline SampleFiles kuairec_sample() {
  const std::string log = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n";
  return {
      {"big_matrix.csv", log + "0,3649,13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,1.273397\n"
                               "14,147,0,6067,2020-07-05 05:27:48.378,20200705,1593898068.378,0.0\n"},
      {"small_matrix.csv", log + "14,148,4381,6067,2020-07-05 05:27:48.378,20200705,1593898068.378,0.722103\n"
                                 "14,183,11635,6100,,,,1.907377\n"},
      {"user_features.csv", kUserHeader +
                                "0,high_active,0,0,0,5,\"(0,10]\",0,0,0,0,107,61-90,0,3\n"
                                "14,full_active,0,0,1,386,\"(250,500]\",4,\"[1,10)\",2,\"[1,5)\",327,181-365,0,1\n"},
      {"item_daily_features.csv",
       "video_id,date,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,video_width,"
       "video_height,music_id,video_tag_id,video_tag_name,show_cnt\n"
       "147,20200705,3309,NORMAL,2020-03-30,ShortImport,public,6067.0,720,1280,3350323409,841,建筑,8870\n"
       "147,20200706,3309,NORMAL,2020-03-30,ShortImport,public,6067.0,720,1280,3350323409,841,建筑,8011\n"
       "148,20200705,12,NORMAL,2020-03-30,ShortImport,public,6067.0,720,1280,3350323409,-124,\"a,b\",1\n"
       "183,20200705,12,AD,,Web,private,,720,1280,-124,0,,0\n"
       "3649,20200705,9,NORMAL,2020-04-01,LongImport,public,10867.0,720,1280,7,1,x,3\n"},
      {"item_categories.csv", "video_id,feat\n147,[8]\n148,\"[27, 9]\"\n183,[9]\n3649,\"[9, 1, 2]\"\n"},
  };
}

inline SampleFiles kuaisar_sample() {
  return {
      {"rec_inter.csv",
       "user_id,item_id,playing_time,duration_ms,time,timestamp,click,forward,like,follow,search,search_item_related\n"
       "1,50,60792.0,45400.0,2023-05-22 15:53:20,1684742000000.0,1,0,1,0,0,0\n"
       "1,103656000000,0.0,,2023-05-22 15:53:20,1684742000000.0,0,0,0,0,1,0\n"
       "2,50,900.0,45400.0,2023-05-22 15:54:20,1684742060000.0,0,1,0,1,0,0\n"},
      {"user_features.csv",
       "user_id,search_active_level,rec_active_level,onehot_feat1,onehot_feat2\n1,1,4,2,7\n2,0,3,1,3\n"},
      {"item_features.csv",
       "item_id,caption,author_id,item_type,upload_time,upload_type,first_level_category_id,first_level_category_name,"
       "first_level_category_name_en\n"
       "50,\"[1, 213, 24]\",10,NORMAL,2023-04-22,LongImport,9,搞笑,Funny\n"
       "103656000000,[],0,AD,1970-1-1,UNKNOWN,0,空,empty\n"},
  };
}

inline SampleFiles movielens_sample() {
  return {
      {"ratings.csv", "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n7,10,5.0,851868750\n7,31,4.0,851868751\n"},
      {"movies.csv",
       "movieId,title,genres\n10,\"American President, The (1995)\",Comedy|Drama|Romance\n"
       "31,\"Say \"\"yes\"\" (1995)\",Drama\n99,Unseen (2001),(no genres listed)\n"}};
}

inline SampleFiles tenrec_sample() {
  return {{"QB-video.csv",
           "user_id,item_id,click,follow,like,share,video_category,watching_times,gender,age\n"
           "5,100,1,0,1,0,1,2,1,4\n5,101,0,0,0,0,\\N,1,1,4\n5,100,0,1,0,1,1,0,1,4\n9,101,1,0,0,0,0,0,2,\\N\n"}};
}

inline SampleFiles wechat_sample() {
  return {
      {"user_action.csv",
       "userid,feedid,date_,device,read_comment,comment,like,play,stay,click_avatar,forward,follow,favorite\n"
       "8,71474,1,1,0,0,1,500,5366,0,0,0,0\n8,73916,1,1,0,0,0,250,1533,0,0,0,0\n8,71474,2,1,0,1,0,30000,40000,1,1,1,1\n"
       "3,73916,14,2,1,0,0,8000,9000,0,0,0,0\n"},
      {"feed_info.csv",
       "feedid,authorid,videoplayseconds,description,ocr,asr,bgm_song_id,bgm_singer_id,manual_keyword_list,"
       "machine_keyword_list,manual_tag_list,machine_tag_list,description_char,ocr_char,asr_char\n"
       "71474,2327,19,4 5 6,,7,5526.0,333.0,18306;2,\"1;2\",42;0;119,42 0.9;7 0.1,1 2,,3\n"
       "73916,13,8,,,,,,,,,,,,\n"}};
}

}  // namespace swipegym::test
