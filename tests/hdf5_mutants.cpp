#include "tests/hdf5_mutants.h"

#include <fmt/format.h>
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/hdf5_handle.h"
#include "core/random.h"

namespace swipegym::testing {
namespace {

using Json = nlohmann::ordered_json;
using Dims = std::vector<hsize_t>;  // empty: a scalar

// An object and its elements as they are stored.
struct Object {
  std::string name;  // without the "@" of attributes
  bool attribute = false;
  Hdf5Handle type;
  H5T_class_t kind = H5T_NO_CLASS;
  std::size_t width = 0;  // bytes an element
  bool is_signed = false;
  Dims dims;
  FileImage values;

  std::size_t count() const noexcept { return width == 0 ? 0 : values.size() / width; }
  bool is_number() const noexcept { return kind == H5T_FLOAT || kind == H5T_INTEGER; }
  std::string text() const {
    const std::string padded(values.begin(), values.end());
    return padded.substr(0, padded.find_last_not_of('\0') + 1);
  }
};

Hdf5Handle open_file(const MemoryFile& file) {
  return Hdf5Handle(H5Fopen(file.path().c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
}

Dims dims_of(hid_t space) {
  Dims dims(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  if (!dims.empty()) H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  return dims;
}

// False for what cannot be read, as a damaged column cannot.
bool read_object(hid_t file, const std::string& name, Object& out) {
  out.attribute = name.starts_with('@');
  out.name = out.attribute ? name.substr(1) : name;
  const Hdf5Handle object(out.attribute ? H5Aopen(file, out.name.c_str(), H5P_DEFAULT)
                                        : H5Dopen2(file, out.name.c_str(), H5P_DEFAULT));
  if (!object) return false;
  const Hdf5Handle space(out.attribute ? H5Aget_space(object.get()) : H5Dget_space(object.get()));
  out.type = Hdf5Handle(out.attribute ? H5Aget_type(object.get()) : H5Dget_type(object.get()));
  out.kind = H5Tget_class(out.type.get()), out.width = H5Tget_size(out.type.get());
  out.is_signed = out.kind == H5T_INTEGER && H5Tget_sign(out.type.get()) == H5T_SGN_2;
  out.dims = dims_of(space.get());
  const auto count = static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.get())));
  constexpr std::size_t kMost = std::size_t{1} << 28;  // what an earlier mutation claims is not read
  if (H5Tis_variable_str(out.type.get()) > 0 || count > kMost / std::max<std::size_t>(1, out.width)) return false;
  out.values.assign(count * out.width, 0);
  if (count == 0) return true;
  return (out.attribute ? H5Aread(object.get(), out.type.get(), out.values.data())
                        : H5Dread(object.get(), out.type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, out.values.data())) >= 0;
}

// Data sets and, with "@" before them, the file's own attributes.
std::vector<std::string> names_in(hid_t file) {
  std::vector<std::string> names;
  H5Aiterate2(
      file, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr,
      [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
        static_cast<std::vector<std::string>*>(out)->push_back(std::string("@") + name);
        return 0;
      },
      &names);
  H5Lvisit(
      file, H5_INDEX_NAME, H5_ITER_NATIVE,
      [](hid_t group, const char* name, const H5L_info_t* info, void* out) -> herr_t {
        if (info->type != H5L_TYPE_HARD) return 0;
        if (const Hdf5Handle object(H5Oopen(group, name, H5P_DEFAULT)); H5Iget_type(object.get()) == H5I_DATASET)
          static_cast<std::vector<std::string>*>(out)->push_back(name);
        return 0;
      },
      &names);
  return names;
}

// ---- putting an object in the place of another

Hdf5Handle plain() {
  return Hdf5Handle(H5Pcreate(H5P_DATASET_CREATE));
}

Hdf5Handle chunked(const Dims& chunk) {
  Hdf5Handle creation = plain();
  H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
  return creation;
}

// Layout and filters of the data set that is there.
Hdf5Handle creation_of(hid_t file, const Object& object) {
  const Hdf5Handle old(H5Dopen2(file, object.name.c_str(), H5P_DEFAULT));
  return Hdf5Handle(H5Dget_create_plist(old.get()));
}

void unlink(hid_t file, const Object& object) {
  H5Ldelete(file, object.name.c_str(), H5P_DEFAULT);
}

// Without values, nothing is written: chunks stay unallocated.
void remake(hid_t file, const Object& object, hid_t type, hid_t space, const Hdf5Handle& creation, const void* values) {
  if (object.attribute) {
    H5Adelete(file, object.name.c_str());
    const Hdf5Handle made(H5Acreate2(file, object.name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
    if (values != nullptr) H5Awrite(made.get(), type, values);
    return;
  }
  unlink(file, object);
  const Hdf5Handle made(H5Dcreate2(file, object.name.c_str(), type, space, H5P_DEFAULT, creation.get(), H5P_DEFAULT));
  if (values != nullptr && H5Sget_simple_extent_npoints(space) > 0)
    H5Dwrite(made.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

// With the layout and the filters there were, where they suit the new shape.
void remake(hid_t file, const Object& object, hid_t type, const Dims& dims, const void* values) {
  Hdf5Handle creation = object.attribute ? plain() : creation_of(file, object);
  const bool grows = H5Pget_layout(creation.get()) == H5D_CHUNKED && dims.size() == 1;
  if (!grows) creation = plain();
  const hsize_t unlimited = H5S_UNLIMITED;
  const Hdf5Handle space(
      dims.empty() ? H5Screate(H5S_SCALAR)
                   : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), grows ? &unlimited : nullptr));
  remake(file, object, type, space.get(), creation, values);
}

void rewrite(hid_t file, const Object& object, const Dims& dims, const FileImage& values) {
  remake(file, object, object.type.get(), dims, values.data());
}

// ---- single numbers

template <class T>
void change(std::uint8_t* at, T (*make)(T old)) {
  T value;
  std::memcpy(&value, at, sizeof value);
  value = make(value);
  std::memcpy(at, &value, sizeof value);
}

// Wraps around, as damage does.
void add_to_integer(std::uint8_t* at, std::size_t width, std::uint64_t step) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, width);
  word += step;
  std::memcpy(at, &word, width);
}

void set_top_byte(std::uint8_t* at, std::size_t width, std::uint8_t rest, std::uint8_t top) {
  std::memset(at, rest, width);
  at[width - 1] = top;
}

// A null pointer: not for numbers of that kind.
struct Value {
  const char* name;
  float (*to_float)(float old);
  double (*to_double)(double old);
  void (*to_integer)(std::uint8_t* at, std::size_t width, bool is_signed);

  bool suits(const Object& object) const {
    return object.kind == H5T_FLOAT ? to_float != nullptr : to_integer != nullptr;
  }
  void apply(const Object& object, std::uint8_t* at) const {
    if (object.kind == H5T_INTEGER) to_integer(at, object.width, object.is_signed);
    if (object.kind == H5T_FLOAT && object.width == sizeof(float)) change<float>(at, to_float);
    if (object.kind == H5T_FLOAT && object.width == sizeof(double)) change<double>(at, to_double);
  }
};

using Floats = std::numeric_limits<float>;
using Doubles = std::numeric_limits<double>;

const Value kValues[] = {
    {"max", [](float) { return Floats::max(); }, [](double) { return Doubles::max(); },
     [](auto* at, auto width, bool is_signed) { set_top_byte(at, width, 0xFF, is_signed ? 0x7F : 0xFF); }},
    {"min", [](float) { return Floats::lowest(); }, [](double) { return Doubles::lowest(); },
     [](auto* at, auto width, bool is_signed) { set_top_byte(at, width, 0, is_signed ? 0x80 : 0); }},
    {"zero", [](float) { return 0.0F; }, [](double) { return 0.0; },
     [](auto* at, auto width, bool) { std::memset(at, 0, width); }},
    {"minus one", [](float) { return -1.0F; }, [](double) { return -1.0; },
     [](auto* at, auto width, bool) { std::memset(at, 0xFF, width); }},
    {"plus one", [](float old) { return old + 1.0F; }, [](double old) { return old + 1.0; },
     [](auto* at, auto width, bool) { add_to_integer(at, width, 1); }},
    {"less one", nullptr, nullptr, [](auto* at, auto width, bool) { add_to_integer(at, width, ~std::uint64_t{0}); }},
    {"half of max", [](float) { return Floats::max() / 2; }, [](double) { return Doubles::max() / 2; },
     [](auto* at, auto width, bool is_signed) { set_top_byte(at, width, 0, is_signed ? 0x40 : 0x80); }},
    {"nan", [](float) { return Floats::quiet_NaN(); }, [](double) { return Doubles::quiet_NaN(); }, nullptr},
    {"inf", [](float) { return Floats::infinity(); }, [](double) { return Doubles::infinity(); }, nullptr},
    {"-inf", [](float) { return -Floats::infinity(); }, [](double) { return -Doubles::infinity(); }, nullptr},
};

// Where they are put: elements [first, first + count).
struct Place {
  const char* name;
  std::size_t least;  // elements below which it is another place
  std::size_t (*first)(std::size_t elements);
  bool all = false;
};
const Place kPlaces[] = {
    {"all", 1, [](std::size_t) { return std::size_t{0}; }, true},
    {"first", 2, [](std::size_t) { return std::size_t{0}; }},
    {"last", 2, [](std::size_t elements) { return elements - 1; }},
    {"middle", 3, [](std::size_t elements) { return elements / 2; }},
    {"second", 4, [](std::size_t) { return std::size_t{1}; }},
};

void put(hid_t file, const Object& object, const Value& value, std::size_t first, std::size_t count) {
  FileImage values = object.values;
  for (std::size_t i = first; i < first + count; ++i) value.apply(object, values.data() + i * object.width);
  rewrite(file, object, object.dims, values);
}

// ---- what is done to an object whatever it holds

bool is_any(const Object&) {
  return true;
}
bool is_dataset(const Object& object) {
  return !object.attribute;
}
bool is_list(const Object& object) {
  return !object.attribute && !object.dims.empty() && object.count() > 0;
}
bool is_list_of_numbers(const Object& object) {
  return is_list(object) && object.is_number();
}
bool is_table(const Object& object) {
  return object.dims.size() == 2;
}
bool has_byte_order(const Object& object) {
  return object.is_number() && object.width > 1;
}

void resize_rows(hid_t file, const Object& object, hsize_t rows) {
  const std::size_t row = object.values.size() / object.dims[0];
  FileImage values = object.values;
  while (values.size() < rows * row) values.push_back(values[values.size() - object.values.size()]);
  values.resize(rows * row);
  Dims dims = object.dims;
  dims[0] = rows;
  rewrite(file, object, dims, values);
}

void swap_ends(hid_t file, const Object& object) {
  FileImage values = object.values;
  const auto width = static_cast<std::ptrdiff_t>(object.width);
  std::swap_ranges(values.begin(), values.begin() + width, values.end() - width);
  rewrite(file, object, object.dims, values);
}

void change_byte_order(hid_t file, const Object& object) {
  const Hdf5Handle type(H5Tcopy(object.type.get()));
  H5Tset_order(type.get(), H5T_ORDER_BE);
  remake(file, object, type.get(), object.dims, object.values.data());
}

void change_type(hid_t file, const Object& object) {
  const FileImage zeros(8 * std::max<std::size_t>(1, object.count()), 0);
  remake(file, object, object.kind == H5T_FLOAT ? H5T_NATIVE_INT16 : H5T_NATIVE_FLOAT, object.dims, zeros.data());
}

void make_variable_text(hid_t file, const Object& object) {
  const Hdf5Handle type(H5Tcopy(H5T_C_S1)), space(H5Screate(H5S_SCALAR));
  H5Tset_size(type.get(), H5T_VARIABLE);
  const char* const text = "text";
  remake(file, object, type.get(), space.get(), plain(), &text);
}

// 2^33 elements and no chunk behind them: all of them fill values.
void claim_chunks(hid_t file, const Object& object) {
  const hsize_t extent = hsize_t{1} << 33;
  const Hdf5Handle space(H5Screate_simple(1, &extent, nullptr));
  remake(file, object, object.type.get(), space.get(), chunked({1 << 14}), nullptr);
}

// The same contents in one compressed chunk, as h5repack would store them.
void repack(hid_t file, const Object& object) {
  const Hdf5Handle space(H5Screate_simple(static_cast<int>(object.dims.size()), object.dims.data(), nullptr));
  const Hdf5Handle creation = chunked(object.dims);
  H5Pset_deflate(creation.get(), 6);
  remake(file, object, object.type.get(), space.get(), creation, object.values.data());
}

void store_outside(hid_t file, const Object& object) {
  const Hdf5Handle space(H5Screate_simple(static_cast<int>(object.dims.size()), object.dims.data(), nullptr));
  const Hdf5Handle creation = plain();
  H5Pset_external(creation.get(), "/dev/zero", 0, H5F_UNLIMITED);
  remake(file, object, object.type.get(), space.get(), creation, nullptr);
}

void link_to_itself(hid_t file, const Object& object) {
  unlink(file, object);
  H5Lcreate_soft(("/" + object.name).c_str(), file, object.name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
}

void link_outside(hid_t file, const Object& object) {
  unlink(file, object);
  H5Lcreate_external("/dev/zero", "/", file, object.name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
}

void make_group(hid_t file, const Object& object) {
  unlink(file, object);
  const Hdf5Handle made(H5Gcreate2(file, object.name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

void remove(hid_t file, const Object& object) {
  object.attribute ? H5Adelete(file, object.name.c_str()) : H5Ldelete(file, object.name.c_str(), H5P_DEFAULT);
}

Dims with_rank_more(const Object& object) {
  Dims dims = object.dims;
  dims.push_back(1);
  return dims;
}

struct Deed {
  const char* name;
  bool (*suits)(const Object& object);
  void (*apply)(hid_t file, const Object& object);
};
const Deed kDeeds[] = {
    {"removed", is_any, remove},
    {"emptied", is_list, [](hid_t file, const Object& object) { resize_rows(file, object, 0); }},
    {"doubled", is_list, [](hid_t file, const Object& object) { resize_rows(file, object, 2 * object.dims[0]); }},
    {"one shorter", is_list, [](hid_t file, const Object& object) { resize_rows(file, object, object.dims[0] - 1); }},
    {"one longer", is_list, [](hid_t file, const Object& object) { resize_rows(file, object, object.dims[0] + 1); }},
    {"ends swapped", is_list_of_numbers, swap_ends},
    {"another rank", is_any,
     [](hid_t file, const Object& object) { rewrite(file, object, with_rank_more(object), object.values); }},
    {"transposed", is_table,
     [](hid_t file, const Object& object) {
       rewrite(file, object, {object.dims[1], object.dims[0]}, object.values);
     }},
    {"flattened", is_table,
     [](hid_t file, const Object& object) { rewrite(file, object, {object.count()}, object.values); }},
    {"a scalar", is_list, [](hid_t file, const Object& object) { rewrite(file, object, {}, object.values); }},
    {"null space", is_any,
     [](hid_t file, const Object& object) {
       remake(file, object, object.type.get(), Hdf5Handle(H5Screate(H5S_NULL)).get(), plain(), nullptr);
     }},
    {"another type", is_any, change_type},
    {"another byte order", has_byte_order, change_byte_order},
    {"variable text", is_any, make_variable_text},
    {"a group", is_dataset, make_group},
    {"a link to itself", is_dataset, link_to_itself},
    {"a link outside", is_dataset, link_outside},
    {"stored outside", is_list_of_numbers, store_outside},
    {"claimed chunks", is_dataset, claim_chunks},
    {"repacked", is_list, repack},
};

// ---- texts, and values of settings in them

bool is_text(const Object& object) {
  return object.kind == H5T_STRING && object.count() == 1;
}

void rewrite_text(hid_t file, const Object& object, const std::string& text) {
  const Hdf5Handle type(H5Tcopy(object.type.get()));
  H5Tset_size(type.get(), std::max<std::size_t>(1, text.size()));
  remake(file, object, type.get(), Dims{}, text.empty() ? "" : text.data());
}

std::string repeated(const char* text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

struct Text {
  const char* name;
  std::string (*make)(const std::string& old);
};
const Text kTexts[] = {
    {"empty text", [](const std::string&) { return std::string(); }},
    {"no UTF-8", [](const std::string& old) { return std::string(old.size() + 3, '\xFF'); }},
    {"cut in half", [](const std::string& old) { return old.substr(0, old.size() / 2); }},
    {"minus one as text", [](const std::string&) { return std::string("-1"); }},
    {"deep lists", [](const std::string&) { return repeated("[", 50'000); }},
    {"deep objects", [](const std::string&) { return repeated("{\"a\":", 50'000); }},
    {"empty object", [](const std::string&) { return std::string("{}"); }},
    {"empty list", [](const std::string&) { return std::string("[]"); }},
    {"a huge number", [](const std::string&) { return std::string("1e999"); }},
};

const std::vector<std::pair<const char*, Json>>& json_values() {
  static const std::vector<std::pair<const char*, Json>> values = {
      {"null", nullptr},
      {"a text", "x"},
      {"true", true},
      {"a list", Json::array({1, 2})},
      {"an object", Json::object({{"a", 1}})},
      {"zero", 0},
      {"minus one", -1},
      {"a half", 0.5},
      {"1e300", 1e300},
      {"2^64 - 1", std::numeric_limits<std::uint64_t>::max()},
      {"-2^63", std::numeric_limits<std::int64_t>::min()}};
  return values;
}

// Every value in a JSON text by its pointer; empty for other texts.
Json settings_in(const Object& object) {
  const Json json = Json::parse(object.text(), nullptr, /*allow_exceptions=*/false);
  return json.is_structured() && !json.empty() ? json.flatten() : Json::object();
}

// ---- all of them by name

using Apply = std::function<void(hid_t file)>;

template <class Visit>  // visit(name, apply)
void each_change(const Object& object, const Visit& visit) {
  const auto name = [](const char* a, const char* b) { return fmt::format("{} {}", a, b); };
  if (object.is_number())
    for (const Value& value : kValues)
      for (const Place& place : kPlaces)
        if (value.suits(object) && object.count() >= place.least)
          visit(name(place.name, value.name), Apply([&](hid_t file) {
                  put(file, object, value, place.first(object.count()), place.all ? object.count() : 1);
                }));
  for (const Deed& deed : kDeeds)
    if (deed.suits(object)) visit(std::string(deed.name), Apply([&](hid_t file) { deed.apply(file, object); }));
  if (!is_text(object)) return;
  for (const Text& text : kTexts)
    visit(std::string(text.name), Apply([&](hid_t file) { rewrite_text(file, object, text.make(object.text())); }));
  const Json settings = settings_in(object);
  for (const auto& setting : settings.items())
    for (const auto& named : json_values())
      visit(fmt::format("key '{}' {}", setting.key(), named.first), Apply([&, key = setting.key()](hid_t file) {
              Json whole = settings.unflatten();
              whole[Json::json_pointer(key)] = named.second;
              rewrite_text(file, object, whole.dump());
            }));
}

}  // namespace

FileImage read_image(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  FileImage image(static_cast<std::size_t>(std::max<std::streamoff>(0, in.tellg())));
  in.seekg(0).read(reinterpret_cast<char*>(image.data()), static_cast<std::streamsize>(image.size()));
  return image;
}

MemoryFile::MemoryFile(std::span<const std::uint8_t> image) {
  static std::atomic<unsigned> made{0};
  path_ = fmt::format("/dev/shm/swipegym-{}-{}.h5", ::getpid(), made++);
  std::ofstream out(path_, std::ios::binary | std::ios::trunc);
  if (!out.write(reinterpret_cast<const char*>(image.data()), static_cast<std::streamsize>(image.size())))
    throw std::runtime_error(path_.string() + ": cannot be written");
}

MemoryFile::~MemoryFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

std::vector<Hdf5Mutation> hdf5_mutations(std::span<const std::uint8_t> image) {
  const Hdf5Silence silence;
  std::vector<Hdf5Mutation> out;
  const MemoryFile bytes(image);
  const Hdf5Handle file = open_file(bytes);
  if (!file) return out;
  for (const std::string& name : names_in(file.get()))
    if (Object object; read_object(file.get(), name, object))
      each_change(object, [&](const std::string& change, const Apply&) { out.push_back({name, change}); });
  return out;
}

std::vector<Hdf5Mutation> sample_of(const std::vector<Hdf5Mutation>& mutations, bool few) {
  const auto of_one_element = [](const std::string& change) {
    return std::any_of(std::begin(kPlaces), std::end(kPlaces), [&](const Place& place) {
      return !place.all && change.starts_with(place.name + std::string(" "));
    });
  };
  std::vector<Hdf5Mutation> out;
  for (std::size_t i = 0; i < mutations.size(); ++i)
    if (few ? i % 11 == 0 : i % 3 == 0 || !of_one_element(mutations[i].change)) out.push_back(mutations[i]);
  return out;
}

FileImage mutated(std::span<const std::uint8_t> image, const Hdf5Mutation& mutation) {
  const Hdf5Silence silence;
  const MemoryFile bytes(image);
  bool done = false;
  if (const Hdf5Handle file = open_file(bytes); file) {
    Object object;
    if (read_object(file.get(), mutation.object, object))
      each_change(object, [&](const std::string& change, const Apply& apply) {
        if (done || change != mutation.change) return;
        apply(file.get());
        done = true;
      });
  }
  if (!done) throw std::logic_error(fmt::format("no mutation '{}' of '{}'", mutation.change, mutation.object));
  return read_image(bytes.path());
}

namespace {

// What mutated_at_random() does to a file that is open.
void mutate_at_random(hid_t file, RandomStream& random) {
  const auto below = [&](std::size_t bound) {
    return static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(bound)));
  };
  const std::vector<std::string> names = names_in(file);
  Object object;
  if (names.empty() || !read_object(file, names[below(names.size())], object)) return;
  if (object.is_number() && object.count() > 0 && below(2) == 0) {
    const Value& value = kValues[below(std::size(kValues))];
    const std::size_t first = below(object.count());
    if (value.suits(object)) put(file, object, value, first, 1 + below(object.count() - first));
    return;
  }
  std::vector<std::string> changes;
  each_change(object, [&](const std::string& change, const Apply&) { changes.push_back(change); });
  const std::string& chosen = changes[below(changes.size())];
  each_change(object, [&](const std::string& change, const Apply& apply) {
    if (change == chosen) apply(file);
  });
}

}  // namespace

FileImage mutated_at_random(std::span<const std::uint8_t> image, std::uint64_t seed) {
  const Hdf5Silence silence;
  const MemoryFile bytes(image);
  RandomStream random(make_key(seed));
  if (const Hdf5Handle file = open_file(bytes); file) mutate_at_random(file.get(), random);
  return read_image(bytes.path());
}

}  // namespace swipegym::testing
