#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>
#include <string>

#include "core/error.h"
#include "sim_data/csv/interactions_csv.h"
#include "sim_data/data_sets/data_set_import.h"
#include "sim_data/data_sets/data_sets.h"
#include "sim_data/log_limits.h"

namespace swipegym {
namespace {

constexpr double kBestRating = 5.0;

// A release's files; the layouts have the same columns in the same order, so that one parser reads all releases.
struct MovieLensFiles {
  std::string_view ratings, films, people;  // names; `people` may be empty
  std::string_view separator, films_separator;
  bool has_header;
};
constexpr std::array<MovieLensFiles, 3> kMovieLens = {{
    {"ratings.csv", "movies.csv", "", ",", ",", true},
    {"ratings.dat", "movies.dat", "users.dat", "::", "::", false},
    {"u.data", "u.item", "u.user", "\t", "|", false},
}};

namespace ml_rating {
enum : std::size_t { kUser, kFilm, kRating, kTime };
}
namespace ml_film {
enum : std::size_t { kId, kTitle, kGenres };
}
// u.item says by a flag each what the others say by names.
constexpr std::array<std::string_view, 19> kFlaggedGenres = {
    "unknown",     "Action", "Adventure", "Animation", "Children's", "Comedy",  "Crime",
    "Documentary", "Drama",  "Fantasy",   "Film-Noir", "Horror",     "Musical", "Mystery",
    "Romance",     "Sci-Fi", "Thriller",  "War",       "Western"};
constexpr std::size_t kFirstFlag = 5;

struct Film {
  std::int64_t id = 0;
  std::vector<std::string> genres{};
};

DataSetLayout film_layout(const MovieLensFiles& files) {
  DataSetLayout layout{.data_set = "MovieLens",
                       .columns = {"movieId", "title", "genres"},
                       .needed = 3,
                       .separator = files.films_separator,
                       .has_header = files.has_header};
  if (files.films == "u.item") {
    layout.columns = {"movie id", "movie title", "release date", "video release date", "IMDb URL"};
    layout.columns.insert(layout.columns.end(), kFlaggedGenres.begin(), kFlaggedGenres.end());
  }
  return layout;
}

const char* parse_film(const DataSetCells& cells, bool has_flags, Film& film) {
  film.id = cells.id(ml_film::kId);
  if (has_flags) {
    for (std::size_t g = 0; g < kFlaggedGenres.size(); ++g)
      if (cells.flag(kFirstFlag + g)) film.genres.emplace_back(kFlaggedGenres[g]);
    return nullptr;
  }
  for (std::string_view left = cells.text(ml_film::kGenres); !left.empty();) {
    const std::string_view genre = left.substr(0, left.find('|'));
    left.remove_prefix(std::min(left.size(), genre.size() + 1));
    if (genre != "(no genres listed)") film.genres.emplace_back(genre);
  }
  return nullptr;
}

// A genre's tag is its place in the order of their names.
VideoTable make_films(const std::vector<Film>& films, const std::filesystem::path& path) {
  std::map<std::string, std::uint16_t> tag;
  for (const Film& film : films)
    for (const std::string& genre : film.genres) tag.emplace(genre, 0);
  if (tag.size() >= VideoTable::kNoTag)
    throw InputError(path.string() + ": more than 65534 genres; is it MovieLens' table of films?");
  std::uint16_t next = 0;
  for (auto& [genre, code] : tag) code = next++;
  DataSetVideos videos;
  for (const Film& film : films) {
    DataSetVideo video{.id = film.id};
    for (const std::string& genre : film.genres) video.tags.push_back(tag[genre]);
    videos.add(video);
  }
  return videos.take();
}

VideoTable read_films(const std::filesystem::path& path, const MovieLensFiles& files, DataSetImport& import) {
  DataSetFile file(path, film_layout(files));
  std::vector<Film> films;
  IdMap seen;
  read_data_set_rows<Film>(
      file, import.options(), std::string(files.films) + ": ", import.report().dropped,
      [&](const DataSetCells& cells, Film& film) { return parse_film(cells, files.films == "u.item", film); },
      [&](std::span<Film> rows) {
        for (Film& film : rows) {
          if (seen.find_or_add(film.id) == films.size())
            films.push_back(std::move(film));
          else
            ++import.report().dropped[std::string(files.films) + ": repeated film"];
        }
      });
  return make_films(films, path);
}

struct Person {
  std::int64_t id = 0;
  float age = 0.0F;
  std::string gender{}, occupation{};
};

UserTable make_people(const std::vector<Person>& people) {
  UserTable table;
  table.columns.resize(3);
  FeatureColumn &age = table.columns[0], &gender = table.columns[1], &occupation = table.columns[2];
  age.name = "age", gender.name = "gender", occupation.name = "occupation";
  const auto add = [](FeatureColumn& column, const std::string& text) {
    auto found = std::find(column.categories.begin(), column.categories.end(), text);
    if (found == column.categories.end()) found = column.categories.insert(found, text);
    column.value.push_back(static_cast<float>(found - column.categories.begin()));
  };
  for (const Person& person : people) {
    table.raw_id.push_back(person.id);
    age.value.push_back(person.age);
    add(gender, person.gender), add(occupation, person.occupation);
  }
  return table;
}

UserTable read_people(const std::filesystem::path& path, const MovieLensFiles& files, DataSetImport& import) {
  const bool age_first = files.people == "u.user";  // the others say the gender before
  DataSetFile file(
      path, {.data_set = "MovieLens",
             .columns = {"user", age_first ? "age" : "gender", age_first ? "gender" : "age", "occupation", "zip code"},
             .needed = 5,
             .separator = files.films_separator,
             .has_header = files.has_header});
  std::vector<Person> people;
  IdMap seen;
  read_data_set_rows<Person>(
      file, import.options(), std::string(files.people) + ": ", import.report().dropped,
      [&](const DataSetCells& cells, Person& person) -> const char* {
        person.id = cells.id(0);
        person.age = static_cast<float>(cells.number(age_first ? 1 : 2, 0, 1000));
        person.gender = cells.text(age_first ? 2 : 1);
        person.occupation = cells.text(3);
        return nullptr;
      },
      [&](std::span<Person> rows) {
        for (Person& person : rows) {
          if (seen.find_or_add(person.id) == people.size())
            people.push_back(std::move(person));
          else
            ++import.report().dropped[std::string(files.people) + ": repeated user"];
        }
      });
  return make_people(people);
}

// A rating is the share of a video that was watched: 5 is to its end.
const char* parse_rating(const DataSetCells& cells, DataSetRow& row) {
  const double rating = cells.number(ml_rating::kRating, 0, kBestRating);
  row.time_ms = cells.time_ms(ml_rating::kTime, 1000.0);
  row.duration_ms = kAssumedDurationMs;
  row.play_ms = static_cast<std::int32_t>(std::lround(rating / kBestRating * kAssumedDurationMs));
  row.signals = signals_of_play(row.play_ms, row.duration_ms);
  if (rating >= kLikedShare * kBestRating) row.signals = static_cast<SignalBits>(row.signals | bit(Signal::kLike));
  return nullptr;
}

}  // namespace

LoadReport import_movielens(const std::filesystem::path& path, const std::filesystem::path& out,
                            const LoadOptions& options) {
  std::array<std::string_view, kMovieLens.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kMovieLens[i].ratings;
  const std::filesystem::path folder = find_data_set_folder(path, "MovieLens", names);
  const MovieLensFiles* files = nullptr;
  for (const MovieLensFiles& release : kMovieLens)
    if (find_data_set_file(folder, release.ratings)) {
      if (files != nullptr)
        throw InputError(folder.string() + ": holds " + std::string(files->ratings) + " and " +
                         std::string(release.ratings) + ", which are of two releases; keep one in the folder");
      files = &release;
    }
  DataSetImport import(out, options);
  if (const auto file = find_data_set_file(folder, files->films)) import.know_videos(read_films(*file, *files, import));
  if (!files->people.empty())
    if (const auto file = find_data_set_file(folder, files->people))
      import.know_users(read_people(*file, *files, import));
  import.assume("no duration, 10 s assumed, watched by the rating's share of 5");
  const DataSetLayout layout{.data_set = "MovieLens",
                             .columns = {"userId", "movieId", "rating", "timestamp"},
                             .needed = 4,
                             .separator = files->separator,
                             .has_header = files->has_header};
  import.read_log(*find_data_set_file(folder, files->ratings), layout, ml_rating::kUser, ml_rating::kFilm,
                  parse_rating);
  return import.finish(DataSetClock::kTimes);
}

}  // namespace swipegym
