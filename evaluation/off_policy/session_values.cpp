#include "evaluation/off_policy/session_values.h"

namespace swipegym {

SessionValues session_values(const JudgedRows& judged, const ValueFit& fit, RandomKey key) {
  SessionValues out;
  for (std::size_t i = 0; i < judged.row.size(); ++i) {
    out.log.reward.push_back(judged.row[i].reward);
    out.log.weight.push_back(judged.row[i].weight);
    if (judged.linear.continues[i] != 0) continue;
    out.log.offset.push_back(i + 1);
    out.log.user.push_back(judged.row[i].user);
  }
  FittedValues fitted = fit_values(judged.linear, fit, key);
  out.model_converged = fitted.converged;
  if (!fitted.converged) return out;
  out.log.q_logged = std::move(fitted.value.logged), out.log.q_policy = std::move(fitted.value.policy);
  return out;
}

Interval logged_session_value(const LoggedTrajectories& log, double discount, RandomKey key,
                              const BootstrapOptions& options) {
  LoggedTrajectories own{.offset = log.offset,
                         .reward = log.reward,
                         .weight = std::vector<double>(log.reward.size(), 1.0),
                         .q_logged = {},
                         .q_policy = {},
                         .user = log.user};
  return estimate_sequences(own, {.discount = discount}, key, options).per_decision;
}

}  // namespace swipegym
