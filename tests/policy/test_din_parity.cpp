#include <vector>

#include "policy/label/din_network.h"
#include "tests/parity/recorded.h"

namespace swipegym {
namespace {

LabelRows recorded_rows(const Json& record) {
  LabelRows rows;
  const Json& given = record["rows"];
  rows.user = given["user"].get<std::vector<std::int32_t>>();
  rows.video = given["video"].get<std::vector<std::int32_t>>();
  rows.bucket = given["bucket"].get<std::vector<std::int32_t>>();
  rows.tag = given["tag"].get<std::vector<std::int32_t>>();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto known = record["known"][i].get<std::size_t>(), length = given["history_video"][i].size();
    const auto begin = static_cast<std::uint32_t>(rows.history_video.size());
    for (std::size_t j = length - known; j < length; ++j) {
      rows.history_video.push_back(given["history_video"][i][j].get<std::int32_t>());
      rows.history_bucket.push_back(given["history_bucket"][i][j].get<std::int32_t>());
      rows.history_tag.push_back(given["history_tag"][i][j].get<std::int32_t>());
    }
    rows.history.push_back({begin, static_cast<std::uint32_t>(rows.history_video.size())});
  }
  const auto fill = [&](const char* name, Matrix& into) {
    const std::vector<double> values = record[name].get<std::vector<double>>();
    into.resize(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(values.size() / rows.size()));
    for (std::size_t i = 0; i < values.size(); ++i) into.data()[i] = static_cast<float>(values[i]);
  };
  fill("user_numbers", rows.user_statistics);
  fill("video_numbers", rows.video_statistics);
  return rows;
}

template <class Scalar>
void assign(const Json& values, MatrixOf<Scalar>& into) {
  REQUIRE(values.size() == static_cast<std::size_t>(into.size()));
  for (std::size_t i = 0; i < values.size(); ++i) into.data()[i] = static_cast<Scalar>(values[i].get<double>());
}

template <class Scalar>
void compare(const Json& recorded, const MatrixOf<Scalar>& ours) {
  const auto values = recorded.get<std::vector<double>>();
  REQUIRE(values.size() == static_cast<std::size_t>(ours.size()));
  test::check_close<Scalar>(
      ours, MatrixOf<double>(Eigen::Map<const MatrixOf<double>>(values.data(), ours.rows(), ours.cols())));
}

template <class Scalar>
void check_parity() {
  const Json record = test::read_recorded("din.json");
  const Json& shape = record["shape"];
  const LabelNetworkConfig config{.embedding = shape["dim"].get<std::size_t>(),
                                  .attention_hidden = shape["hidden"].get<std::size_t>(),
                                  .hidden = shape["layers"].get<std::vector<std::size_t>>()};
  const LabelInputs inputs{.users = shape["users"].get<std::size_t>(),
                           .videos = shape["videos"].get<std::size_t>(),
                           .tags = shape["tags"].get<std::size_t>(),
                           .user_statistics = shape["user_numbers"].get<std::size_t>(),
                           .video_statistics = shape["video_numbers"].get<std::size_t>()};
  DinNetworkOf<Scalar> network(config, inputs, 1, make_key(1));
  const auto parameters = network.parameters();
  const auto embeddings = network.embeddings();
  REQUIRE(record["parameters"].size() == parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) assign(record["parameters"][i]["value"], parameters[i]->value);
  for (std::size_t i = 0; i < embeddings.size(); ++i) assign(record["tables"][i]["value"], embeddings[i]->table.value);

  const std::vector<LabelRows> shards = {recorded_rows(record)};
  using Mode = typename LabelNetworkOf<Scalar>::Mode;
  typename LabelNetworkOf<Scalar>::Pass pass;
  network.forward(shards, Mode::kTrain, 1, pass);
  compare<Scalar>(record["output"], pass.shards[0]->output);
  pass.shards[0]->d_output.resizeLike(pass.shards[0]->output);
  assign(record["slopes"], pass.shards[0]->d_output);
  network.backward(shards, Mode::kTrain, 1, pass);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    CAPTURE(i);
    compare<Scalar>(record["parameters"][i]["gradient"], parameters[i]->gradient());
  }
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    MatrixOf<Scalar> dense =
        MatrixOf<Scalar>::Zero(embeddings[i]->table.value.rows(), embeddings[i]->table.value.cols());
    for (std::size_t r = 0; r < embeddings[i]->touched().size(); ++r)
      dense.row(embeddings[i]->touched()[r]) = embeddings[i]->touched_gradient().row(static_cast<Eigen::Index>(r));
    CAPTURE(i);
    compare<Scalar>(record["tables"][i]["gradient"], dense);
  }
  const auto statistics = network.statistics();
  for (std::size_t i = 0; i < statistics.size(); ++i) compare<Scalar>(record["statistics"][i], statistics[i]->value);
  network.forward(shards, Mode::kPredict, 1, pass);
  compare<Scalar>(record["prediction"], pass.shards[0]->output);
}

TEST_CASE("DIN gives PyTorch's outputs, statistics and gradients", "[policy]") {
  SECTION("in double") {
    check_parity<double>();
  }
  SECTION("in float") {
    check_parity<float>();
  }
}

}  // namespace
}  // namespace swipegym
