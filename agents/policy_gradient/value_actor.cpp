#include "agents/policy_gradient/actor_network.h"
#include "agents/training_memory.h"

namespace swipegym {
namespace {

class ValueActor final : public ActorNetwork {
 public:
  ValueActor(std::shared_ptr<ValueModel> model, const CandidateScorer::Settings& settings, std::size_t most_rows)
      : model_(std::move(model)), policy_(model_), scorer_(*model_, settings, most_rows) {}

  const Policy& policy() const noexcept override { return policy_; }
  std::shared_ptr<const Policy> snapshot() const override {
    auto model = std::make_shared<ValueModel>(*model_);
    model->network.set_shards(1);
    model->header.temperature = 1.0F;
    return std::make_shared<ValuePolicy>(std::move(model));
  }
  const ItemInputs& items() const noexcept override { return *model_->items; }
  void score(const Rollout& rollout, std::span<const std::uint32_t> rows, std::span<float> out) override {
    scorer_.score(rollout, rows, out);
  }
  Step step(const Rollout& rollout, std::span<const std::uint32_t> rows, const RowLoss& loss) override {
    return scorer_.step(rollout, rows, loss);
  }
  Adam& adam() noexcept override { return scorer_.adam(); }
  std::size_t bytes() const override { return bytes_of(model_->network.parameters(), model_->network.embeddings()); }
  void save(Hdf5Writer& file, const std::string& name) const override {
    model_->network.save(file, name, /*moments=*/true);
  }
  void load(const Hdf5Reader& file, const std::string& name) override { model_->network.load(file, name); }

 private:
  std::shared_ptr<ValueModel> model_;
  ValuePolicy policy_;
  CandidateScorer scorer_;
};

}  // namespace

std::unique_ptr<ActorNetwork> make_value_actor(std::shared_ptr<ValueModel> model,
                                               const CandidateScorer::Settings& settings, std::size_t most_rows) {
  return std::make_unique<ValueActor>(std::move(model), settings, most_rows);
}

}  // namespace swipegym
