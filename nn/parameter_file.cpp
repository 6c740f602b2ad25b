#include <fmt/format.h>

#include <limits>

#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "core/validate.h"
#include "nn/gru.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"
#include "nn/mlp.h"
#include "nn/parameter.h"
#include "nn/transformer.h"

namespace swipegym {
namespace {

void write(Hdf5Writer& file, const std::string& name, const Matrix& matrix) {
  file.write_matrix<float>(name, {matrix.data(), static_cast<std::size_t>(matrix.size())},
                           static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols()));
}

// Numbers of a file, on their way into a matrix.
struct Tensor {
  const std::string& name;
  std::vector<float> values;
  float low, high;
  void validate() const { require_between<float>(name, values, low, high); }
};

void read(const Hdf5Reader& file, const std::string& name, float low, float high, Matrix& matrix) {
  const auto rows = static_cast<std::size_t>(matrix.rows()), columns = static_cast<std::size_t>(matrix.cols());
  const Tensor tensor = file.checked(Tensor{name, file.read_matrix<float>(name, rows, columns), low, high});
  std::copy(tensor.values.begin(), tensor.values.end(), matrix.data());
}

}  // namespace

void save(Hdf5Writer& file, const std::string& name, const Parameter& parameter, bool moments) {
  write(file, name + "/value", parameter.value);
  if (!moments) return;
  write(file, name + "/first_moment", parameter.first_moment);
  write(file, name + "/second_moment", parameter.second_moment);
}

void load(const Hdf5Reader& file, const std::string& name, Parameter& parameter) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  read(file, name + "/value", -kLargestWeight, kLargestWeight, parameter.value);
  if (file.has(name + "/first_moment") || file.has(name + "/second_moment")) {
    read(file, name + "/first_moment", -kLargest, kLargest, parameter.first_moment);
    read(file, name + "/second_moment", 0.0F, kLargest, parameter.second_moment);
  } else {
    parameter.first_moment.setZero();
    parameter.second_moment.setZero();
  }
  parameter.zero_gradient();
}

void save(Hdf5Writer& file, const std::string& name, const Linear& layer, bool moments) {
  save(file, name + "/weight", layer.weight, moments);
  save(file, name + "/bias", layer.bias, moments);
}

void load(const Hdf5Reader& file, const std::string& name, Linear& layer) {
  load(file, name + "/weight", layer.weight);
  load(file, name + "/bias", layer.bias);
}

void save(Hdf5Writer& file, const std::string& name, const Mlp& mlp, bool moments) {
  for (std::size_t i = 0; i < mlp.layers.size(); ++i) save(file, fmt::format("{}/{}", name, i), mlp.layers[i], moments);
}

void load(const Hdf5Reader& file, const std::string& name, Mlp& mlp) {
  for (std::size_t i = 0; i < mlp.layers.size(); ++i) load(file, fmt::format("{}/{}", name, i), mlp.layers[i]);
}

void save(Hdf5Writer& file, const std::string& name, const LayerNorm& layer, bool moments) {
  save(file, name + "/gamma", layer.gamma, moments);
  save(file, name + "/beta", layer.beta, moments);
}

void load(const Hdf5Reader& file, const std::string& name, LayerNorm& layer) {
  load(file, name + "/gamma", layer.gamma);
  load(file, name + "/beta", layer.beta);
}

void save(Hdf5Writer& file, const std::string& name, const Gru& gru, bool moments) {
  save(file, name + "/input", gru.input, moments);
  save(file, name + "/hidden", gru.hidden, moments);
}

void load(const Hdf5Reader& file, const std::string& name, Gru& gru) {
  load(file, name + "/input", gru.input);
  load(file, name + "/hidden", gru.hidden);
}

namespace {

// Calls use(name, layer) for every layer of a transformer, whatever its constness.
template <class AnyTransformer, class Use>
void each_layer(const std::string& name, AnyTransformer& transformer, const Use& use) {
  for (std::size_t i = 0; i < transformer.blocks.size(); ++i) {
    auto& block = transformer.blocks[i];
    const std::string at = fmt::format("{}/{}/", name, i);
    use(at + "attention_norm", block.attention_norm);
    use(at + "ffn_norm", block.ffn_norm);
    use(at + "query", block.query);
    use(at + "key_value", block.key_value);
    use(at + "projection", block.projection);
    use(at + "inner", block.inner);
    use(at + "outer", block.outer);
  }
  use(name + "/last_norm", transformer.last_norm);
}

}  // namespace

void save(Hdf5Writer& file, const std::string& name, const Transformer& transformer, bool moments) {
  each_layer(name, transformer, [&](const std::string& at, const auto& layer) { save(file, at, layer, moments); });
}

void load(const Hdf5Reader& file, const std::string& name, Transformer& transformer) {
  each_layer(name, transformer, [&](const std::string& at, auto& layer) { load(file, at, layer); });
}

}  // namespace swipegym
