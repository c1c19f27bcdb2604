// From ids to prediction with ONNX Runtime's C++ API, checked against an export's golden/.
//
//   student FOLDER        FOLDER is what `filtrate export` or `filtrate run` wrote
//
// C++ has no tokenizer of its own that reads a tokenizer.json: the ids are those of golden/inputs.json.
// github.com/mlc-ai/tokenizers-cpp wraps Hugging Face's library for those who want text to go in.

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using nlohmann::json;
using Logits = std::map<std::string, std::vector<float>>;

json read_json(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(file.string() + ": cannot be read");
  return json::parse(in);
}

class Student {
 public:
  Student(const std::filesystem::path& folder, const std::string& file)
      : config_(read_json(folder / "config.json")),
        session_(environment_, (folder / file).c_str(), Ort::SessionOptions{}) {
    Ort::AllocatorWithDefaultOptions allocator;
    for (size_t i = 0; i < session_.GetInputCount(); ++i) {
      inputs_.emplace_back(session_.GetInputNameAllocated(i, allocator).get());
    }
    for (size_t i = 0; i < session_.GetOutputCount(); ++i) {
      outputs_.emplace_back(session_.GetOutputNameAllocated(i, allocator).get());
    }
  }

  /// The logits of one text, given its ids by the names of the model's inputs.
  Logits logits(const json& ids) {
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    std::vector<std::vector<std::int64_t>> columns;
    columns.reserve(inputs_.size());  // tensors point into them
    std::vector<Ort::Value> feeds;
    std::vector<const char*> names;
    for (const auto& name : inputs_) {
      auto& column = columns.emplace_back(ids.at(name).get<std::vector<std::int64_t>>());
      const std::array<std::int64_t, 2> shape{1, static_cast<std::int64_t>(column.size())};
      feeds.push_back(Ort::Value::CreateTensor<std::int64_t>(
          memory, column.data(), column.size(), shape.data(), shape.size()));
      names.push_back(name.c_str());
    }
    std::vector<const char*> wanted;
    for (const auto& name : outputs_) wanted.push_back(name.c_str());
    const auto results = session_.Run(Ort::RunOptions{nullptr}, names.data(), feeds.data(),
                                      feeds.size(), wanted.data(), wanted.size());
    Logits logits;
    for (size_t i = 0; i < results.size(); ++i) {
      const float* data = results[i].GetTensorData<float>();
      const size_t count = results[i].GetTensorTypeAndShapeInfo().GetElementCount();
      logits[outputs_[i]] = std::vector<float>(data, data + count);
    }
    return logits;
  }

  /// The labels that a row of logits means; none for a score.
  json labels(const std::vector<float>& row) const {
    const std::string kind = config_.value("problem_type", "");
    json given = json::array();
    if (kind == "regression") return given;
    const auto best = std::max_element(row.begin(), row.end()) - row.begin();
    for (size_t i = 0; i < row.size(); ++i) {
      const bool is = kind == "multi_label_classification" ? row[i] > 0 : std::cmp_equal(i, best);
      if (is) given.push_back(config_.at("id2label").at(std::to_string(i)));
    }
    return given;
  }

 private:
  Ort::Env environment_{ORT_LOGGING_LEVEL_WARNING, "student"};
  json config_;
  Ort::Session session_;
  std::vector<std::string> inputs_;
  std::vector<std::string> outputs_;
};

double furthest(const std::vector<float>& row, const std::vector<float>& wanted) {
  if (row.size() != wanted.size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const double apart = std::abs(static_cast<double>(row[i]) - wanted[i]);
    largest = std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(largest, apart);
  }
  return largest;
}

/// Whether every text's ids get the logits and labels of golden/.
bool check(const std::filesystem::path& folder) {
  const json inputs = read_json(folder / "golden" / "inputs.json");
  const json outputs = read_json(folder / "golden" / "outputs.json");
  bool good = true;
  for (const auto& [precision, expected] : outputs.at("precisions").items()) {
    Student student(folder, expected.at("file").get<std::string>());
    const double tolerance = expected.at("tolerance").get<double>();
    double largest = 0;
    for (size_t i = 0; i < inputs.at("examples").size(); ++i) {
      const json& example = inputs.at("examples").at(i);
      const json& wanted = expected.at("examples").at(i);
      const Logits logits = student.logits(example);
      for (const auto& [name, row] : logits) {
        const double apart = furthest(row, wanted.at(name).get<std::vector<float>>());
        largest = std::max(largest, apart);
        if (apart > tolerance) {
          good = false;
          std::cerr << example.at("text") << ": " << name << ": " << json(row) << ", expected "
                    << wanted.at(name) << '\n';
        }
      }
      if (wanted.contains("labels")) {
        const json labels = student.labels(logits.at("logits"));
        if (labels != wanted.at("labels")) {
          good = false;
          std::cerr << example.at("text") << ": labels: " << labels << ", expected "
                    << wanted.at("labels") << '\n';
        }
      }
    }
    std::cout << precision << ": " << inputs.at("examples").size()
              << " texts, logits differ by at most " << largest << " (allowed " << tolerance
              << ")\n";
  }
  return good;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: student FOLDER\n";
    return 2;
  }
  try {
    return check(arguments[1]) ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
