#include "cli/command.h"
#include "cli/load.h"
#include "env/platform/creator_fit.h"
#include "evaluation/json_number.h"
#include "evaluation/text_table.h"

namespace swipegym::cli {
namespace {

struct CreatorsFitOptions {
  std::filesystem::path data, out;
  std::int32_t until = 99999999;
};

std::string show_estimate(const CreatorEstimate& estimate) {
  return fmt::format("{:.4g}", estimate.value);
}

std::string show_ends(const CreatorEstimate& estimate) {
  return estimate.identified() ? fmt::format("{:.4g} to {:.4g}", estimate.low, estimate.high) : "not identified";
}

// What a coefficient is, in a few words.
constexpr std::array<const char*, kNumCreatorCoefficients> kCoefficientWords = {"a, log-odds of an upload a day: mean",
                                                                                "its deviation among creators",
                                                                                "share of creators who answer",
                                                                                "b of those, by ln(1 + S / scale)",
                                                                                "b of the others",
                                                                                "by days since the last upload",
                                                                                "P(leaves for good) on a day at S = 0",
                                                                                "S at which that has fallen to 37 %"};

std::string estimates_text(const CreatorFit& fit) {
  Table table({"coefficient", "estimate", "95 % interval"});
  const auto add = [&](std::string_view name, const char* words, const CreatorEstimate& estimate) {
    table.add({fmt::format("{:<16}{}", name, words), show_estimate(estimate), show_ends(estimate)});
  };
  for (std::size_t i = 0; i < kNumCreatorCoefficients; ++i)
    add(kCreatorCoefficientNames[i], kCoefficientWords[i], fit.coefficients[i]);
  add("mean_response", "b of all creators, mean", fit.mean_response);
  return table.text();
}

Json estimate_json(const CreatorEstimate& estimate) {
  return {{"value", estimate.value},
          {"error", json_number(estimate.error)},
          {"low", json_number(estimate.low)},
          {"high", json_number(estimate.high)}};
}

Json estimates_json(const CreatorFit& fit, const CreatorPanelReport& report) {
  Json coefficients = Json::object();
  for (std::size_t i = 0; i < kNumCreatorCoefficients; ++i)
    coefficients[std::string(kCreatorCoefficientNames[i])] = estimate_json(fit.coefficients[i]);
  return {{"coefficients", coefficients},
          {"mean_response", estimate_json(fit.mean_response)},
          {"creators", fit.creators},
          {"creator_days", fit.creator_days},
          {"uploads", fit.uploads},
          {"log_likelihood", fit.log_likelihood},
          {"memory", fit.settings.given.memory},
          {"steps", fit.steps},
          {"converged", fit.converged},
          {"first_date", fit.first_date},
          {"last_date", fit.last_date},
          {"rows", report.rows},
          {"authors", report.authors},
          {"authors_without_upload", report.later_authors},
          {"earlier_authors", report.earlier_authors},
          {"undated_videos", report.undated_videos}};
}

void fit_of_creators(const CreatorsFitOptions& options, Run& run) {
  const auto settings = run.read_config<CreatorFitSettings>();
  const LoadedDataset loaded = load_data(run, options.data);
  const LoadedCreatorPanel made = panel_of(loaded.data, {.until = options.until,
                                                         .watch = settings.watch,
                                                         .newcomers = settings.newcomers,
                                                         .most_creators = settings.most_creators,
                                                         .key = make_key(run.seed)});
  const CreatorPanelReport& report = made.report;
  if (report.undated_videos > 0) run.note("{} videos have no upload date", show_count(report.undated_videos));
  CreatorFit fit = fit_creators(made.panel, settings, run.threads, run.progress);
  fit.first_date = report.first_date, fit.last_date = report.last_date;
  fit.data_fingerprint = loaded.data.fingerprint;
  if (!fit.converged) run.note("stopped after {} steps, before the greatest likelihood: see max_steps", fit.steps);
  save_creator_fit(fit, options.out);

  run.print("{} of {} authors, {} to {}; {} rows\n{} creator-days, {} with an upload after that of arrival\n\n",
            show_count(fit.creators), show_count(report.authors), fit.first_date, fit.last_date,
            show_count(report.rows), show_count(fit.creator_days), show_count(fit.uploads));
  run.print("{}\n", estimates_text(fit));
  run.print(
      "S: a day's worth is {:g} watches ({}) + {:g} likes + {:g} follows, kept by {:g} a day{}\n"
      "given, not fitted: these weights, reception_scale {:g}, response_width {:g}{}\n"
      "An association: where the log is a sample of what was shown, S is a sample of what creators got,\n"
      "only uploads that were shown are known, and what else moves both is not taken out.\n",
      settings.given.watch_weight, settings.watch, settings.given.like_weight, settings.given.follow_weight,
      fit.settings.given.memory, settings.memories.empty() ? "" : " (the likeliest of memories)",
      settings.given.reception_scale, settings.response_width, settings.memories.empty() ? ", memory" : "");
  run.write_json(estimates_json(fit, report), config_to_json(settings), loaded.data.fingerprint);
}

}  // namespace

void add_creators_commands(std::vector<Command>& table) {
  auto settings = std::make_shared<CreatorsFitOptions>();
  Command command{.name = "creators fit",
                  .group = CommandGroup::kSimulator,
                  .summary = "fit how creators answer what their videos get"};
  command.about =
      "Fits when a log's creators upload and when they give up, by what their videos got, by maximum likelihood: "
      "authors "
      "of the video table with their upload dates, and rows of both logs. Writes the coefficients with their intervals "
      "to "
      "a file. Refuses a log in which no upload follows a row, as in KuaiRand-Pure.";
  command.examples = {"swipegym creators fit --data season/logs/thompson-s1 --until 20220630 --out creators.h5",
                      "swipegym creators fit --data KuaiRand-1K --config configs/creators_fit.json --out creators.h5"};
  command.next = "swipegym settings creators fit";
  command.settings = {settings_page<CreatorFitSettings>(command.name)};
  command.used_settings = [](const Run& run) { return used_settings<CreatorFitSettings>(run.given_settings()); };
  command.options.group("Input")
      .input("data", settings->data, "DIR|FILE", "a KuaiRand release, or a store from 'data import'")
      .date("until", settings->until, "the last day that is fitted; all days when absent")
      .group("Output")
      .output("out", settings->out, "FILE", "the coefficients", Writing::kBinary);
  command.run = [settings](Run& run) { fit_of_creators(*settings, run); };
  table.push_back(std::move(command));
}

}  // namespace swipegym::cli
