#include <fmt/format.h>

#include "core/error.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
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

void read(const Hdf5Reader& file, const std::string& name, Matrix& matrix) {
  const std::vector<std::size_t> shape = file.shape(name);
  const auto rows = static_cast<std::size_t>(matrix.rows()), columns = static_cast<std::size_t>(matrix.cols());
  if (shape.size() != 2 || shape[0] != rows || shape[1] != columns)
    throw InputError(fmt::format("{}: {} has shape [{}], expected [{}, {}]; the file was made with another network",
                                 file.path().string(), name, fmt::join(shape, ", "), rows, columns));
  const std::vector<float> values = file.read<float>(name);
  std::copy(values.begin(), values.end(), matrix.data());
}

}  // namespace

void save(Hdf5Writer& file, const std::string& name, const Parameter& parameter, bool moments) {
  write(file, name + "/value", parameter.value);
  if (!moments) return;
  write(file, name + "/first_moment", parameter.first_moment);
  write(file, name + "/second_moment", parameter.second_moment);
}

void load(const Hdf5Reader& file, const std::string& name, Parameter& parameter) {
  read(file, name + "/value", parameter.value);
  if (file.has(name + "/first_moment")) {
    read(file, name + "/first_moment", parameter.first_moment);
    read(file, name + "/second_moment", parameter.second_moment);
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
