#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/hdf5_handle.h"
#include "core/hdf5_reader.h"
#include "core/hdf5_writer.h"
#include "tests/hdf5_mutants.h"

using namespace swipegym;
using namespace swipegym::testing;
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

namespace {

const std::vector<float> kNumbers = {1.5F, -2.0F, 3.25F, 8.0F};

// A file of a few kilobytes with an object of each kind that files of ours hold.
FileImage sample() {
  const fs::path path = fs::temp_directory_path() / ("swipegym-sample-" + std::to_string(::getpid()) + ".h5");
  {
    Hdf5Writer writer(path);
    writer.attribute("kind", "sample");
    writer.attribute("schema_version", std::int64_t{1});
    writer.attribute("ratio", 0.5);
    writer.write("group/numbers", kNumbers);
    writer.write("group/bytes", std::vector<std::uint8_t>{1, 2, 3});
    writer.write_matrix("matrix", std::span<const double>(std::vector<double>{1, 2, 3, 4, 5, 6}), 2, 3);
    writer.write_text("text", "{\"until\":20220428}");
    writer.write_texts("texts", {"one", "two", "three"});
    writer.commit();
  }
  FileImage image = read_image(path);
  fs::remove(path);
  return image;
}

// Adds "damaged" to the sample as `make` says and hands the file to `use`.
using Make = std::function<void(hid_t file, hid_t space)>;
void with_damaged(const Make& make, const std::function<void(const Hdf5Reader&)>& use) {
  const MemoryFile file(sample());
  {
    const hsize_t extent = kNumbers.size();
    const Hdf5Handle opened(H5Fopen(file.path().c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    const Hdf5Handle space(H5Screate_simple(1, &extent, nullptr));
    make(opened.get(), space.get());
  }
  use(Hdf5Reader(file.path(), "sample", 1));
}
void check_refused(const Make& make, const std::string& why) {
  with_damaged(make, [&](const Hdf5Reader& reader) {
    CHECK_THROWS_WITH(reader.read<float>("damaged"),
                      Contains(reader.path().string()) && Contains("'damaged'") && Contains(why));
    CHECK_THROWS_AS(reader.read<float>("damaged"), InputError);
  });
}

void create(hid_t file, hid_t space, hid_t creation, const void* values, hid_t type = H5T_NATIVE_FLOAT) {
  const Hdf5Handle made(H5Dcreate2(file, "damaged", type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  REQUIRE(made);
  if (values != nullptr) REQUIRE(H5Dwrite(made.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
}

Hdf5Handle in_chunks(hsize_t chunk) {
  Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_chunk(creation.get(), 1, &chunk);
  return creation;
}

}  // namespace

TEST_CASE("chunks that are not there are not read as gigabytes of fill values", "[hdf5]") {
  check_refused(
      [](hid_t file, hid_t) {
        const hsize_t extent = hsize_t{1} << 30;
        const Hdf5Handle space(H5Screate_simple(1, &extent, nullptr));
        create(file, space.get(), in_chunks(1 << 14).get(), nullptr);
      },
      "chunks");
  // One of two is there.
  check_refused(
      [](hid_t file, hid_t space) {
        create(file, space, in_chunks(2).get(), nullptr);
        const Hdf5Handle made(H5Dopen2(file, "damaged", H5P_DEFAULT));
        const hsize_t offset = 2;
        H5Dwrite_chunk(made.get(), H5P_DEFAULT, 0, &offset, 2 * sizeof(float), kNumbers.data());
      },
      "chunks");
}

TEST_CASE("packed data that claims more than deflate can pack is refused", "[hdf5]") {
  check_refused(
      [](hid_t file, hid_t) {
        const hsize_t extent = hsize_t{1} << 28;
        const Hdf5Handle space(H5Screate_simple(1, &extent, nullptr)), creation = in_chunks(extent);
        H5Pset_deflate(creation.get(), 1);
        create(file, space.get(), creation.get(), nullptr);
        const Hdf5Handle made(H5Dopen2(file, "damaged", H5P_DEFAULT));
        const std::vector<std::uint8_t> bytes(1000, 0);
        const hsize_t offset = 0;
        H5Dwrite_chunk(made.get(), H5P_DEFAULT, 0, &offset, bytes.size(), bytes.data());
      },
      "larger than");
}

TEST_CASE("data that was packed again, as h5repack does, is read as it was", "[hdf5]") {
  with_damaged(
      [](hid_t file, hid_t space) {
        const Hdf5Handle creation = in_chunks(3);
        H5Pset_shuffle(creation.get());
        H5Pset_deflate(creation.get(), 6);
        create(file, space, creation.get(), kNumbers.data());
      },
      [](const Hdf5Reader& reader) { CHECK(reader.read<float>("damaged") == kNumbers); });
  with_damaged(
      [](hid_t file, hid_t space) {
        const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE));
        H5Pset_layout(creation.get(), H5D_COMPACT);
        create(file, space, creation.get(), kNumbers.data());
      },
      [](const Hdf5Reader& reader) { CHECK(reader.read<float>("damaged") == kNumbers); });
}

TEST_CASE("what lies outside of a file is never read", "[hdf5]") {
  const auto outside = [](hid_t file, hid_t space) {
    const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_external(creation.get(), "/proc/self/environ", 0, H5F_UNLIMITED);
    create(file, space, creation.get(), nullptr);
  };
  check_refused(outside, "another file");
  const auto assembled = [](hid_t file, hid_t space) {
    const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_virtual(creation.get(), space, "other.h5", "numbers", space);
    create(file, space, creation.get(), nullptr);
  };
  check_refused(assembled, "other data sets");

  const auto to_file = [](hid_t file, hid_t) {
    H5Lcreate_external("other.h5", "/numbers", file, "damaged", H5P_DEFAULT, H5P_DEFAULT);
  };
  const auto to_name = [](hid_t file, hid_t) {
    H5Lcreate_soft("/group/numbers", file, "damaged", H5P_DEFAULT, H5P_DEFAULT);
  };
  const auto to_itself = [](hid_t file, hid_t) {
    H5Lcreate_soft("/damaged", file, "damaged", H5P_DEFAULT, H5P_DEFAULT);
  };
  for (const Make& link : {Make(to_file), Make(to_name), Make(to_itself)}) {
    check_refused(link, "link");
    with_damaged(link, [](const Hdf5Reader& reader) {
      CHECK_THROWS_AS(reader.has("damaged"), InputError);
      CHECK_THROWS_AS(reader.read<float>("damaged/numbers"), InputError);  // nor on the way
    });
  }
}

TEST_CASE("a user's own kind of link is refused too", "[hdf5]") {
  static const H5L_class_t kClass = {
      .version = H5L_LINK_CLASS_T_VERS,
      .id = static_cast<H5L_type_t>(200),
      .comment = "test",
      .create_func = nullptr,
      .move_func = nullptr,
      .copy_func = nullptr,
      .trav_func = [](auto, hid_t group, auto...) -> hid_t { return H5Oopen(group, "/group/numbers", H5P_DEFAULT); },
      .del_func = nullptr,
      .query_func = nullptr};
  REQUIRE(H5Lregister(&kClass) >= 0);
  check_refused(
      [](hid_t file, hid_t) { H5Lcreate_ud(file, "damaged", kClass.id, nullptr, 0, H5P_DEFAULT, H5P_DEFAULT); },
      "link");
  H5Lunregister(kClass.id);
}

TEST_CASE("a type or a filter that no file of ours has is refused", "[hdf5]") {
  const auto shared_type = [](hid_t file, hid_t space) {
    const Hdf5Handle type(H5Tcopy(H5T_NATIVE_FLOAT));
    H5Tcommit2(file, "type", type.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    create(file, space, H5P_DEFAULT, kNumbers.data(), type.get());
  };
  check_refused(shared_type, "type");
  const auto other_order = [](hid_t file, hid_t space) {
    create(file, space, H5P_DEFAULT, kNumbers.data(), H5T_IEEE_F32BE);
  };
  check_refused(other_order, "type");
  const auto checksum = [](hid_t file, hid_t space) {
    const Hdf5Handle creation = in_chunks(2);
    H5Pset_fletcher32(creation.get());
    create(file, space, creation.get(), kNumbers.data());
  };
  check_refused(checksum, "filter");
  const auto nothing = [](hid_t file, hid_t) {
    create(file, Hdf5Handle(H5Screate(H5S_NULL)).get(), H5P_DEFAULT, nullptr);
  };
  check_refused(nothing, "nothing");
}

TEST_CASE("attributes have the very type and shape that they are written with", "[hdf5]") {
  for (const hid_t type : {H5T_NATIVE_INT32, H5T_NATIVE_UINT64, H5T_STD_I64BE, H5T_NATIVE_DOUBLE})
    with_damaged(
        [&](hid_t file, hid_t) {
          const Hdf5Handle space(H5Screate(H5S_SCALAR));
          const std::int64_t value = 7;
          const Hdf5Handle made(H5Acreate2(file, "damaged", type, space.get(), H5P_DEFAULT, H5P_DEFAULT));
          H5Awrite(made.get(), type, &value);
        },
        [](const Hdf5Reader& reader) { CHECK_THROWS_WITH(reader.attribute_int("damaged"), Contains("'damaged'")); });
  with_damaged(
      [&](hid_t file, hid_t space) {
        const Hdf5Handle made(H5Acreate2(file, "damaged", H5T_NATIVE_INT64, space, H5P_DEFAULT, H5P_DEFAULT));
        const std::int64_t values[4] = {};
        H5Awrite(made.get(), H5T_NATIVE_INT64, values);
      },
      [](const Hdf5Reader& reader) { CHECK_THROWS_WITH(reader.attribute_int("damaged"), Contains("'damaged'")); });
}

TEST_CASE("a FIFO in the place of a file is bad input, not a wait", "[hdf5]") {
  const fs::path path = fs::temp_directory_path() / ("swipegym-fifo-" + std::to_string(::getpid()));
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(Hdf5Reader(path, "sample", 1), Contains("no regular file"));
  CHECK_THROWS_AS(hdf5_kind(path), InputError);
  fs::remove(path);
}

TEST_CASE("whatever is done to an object, a file gives what it holds or says what is wrong", "[hdf5]") {
  const FileImage image = sample();
  const std::vector<Hdf5Mutation> mutations = hdf5_mutations(image);
  REQUIRE(mutations.size() > 200);
  std::size_t refused = 0;
  for (const Hdf5Mutation& mutation : mutations) {
    CAPTURE(mutation.object, mutation.change);
    const FileImage damaged = mutated(image, mutation);
    CHECK(damaged != image);
    const MemoryFile file(damaged);
    try {
      const Hdf5Reader reader(file.path(), "sample", 1);
      reader.attribute_double("ratio");
      std::size_t bytes = reader.read<float>("group/numbers").size() * sizeof(float);
      bytes += reader.read<std::uint8_t>("group/bytes").size();
      bytes += reader.read<double>("matrix").size() * sizeof(double);
      bytes += reader.read_text("text").size();
      for (const std::string& text : reader.read_texts("texts")) bytes += text.size();
      CHECK(bytes < damaged.size() + 1000);
    } catch (const InputError& error) {
      ++refused;
      CHECK_THAT(error.what(), Contains(file.path().string()));
      const std::string name = mutation.object.starts_with('@') ? mutation.object.substr(1) : mutation.object;
      if (name != "kind" && name != "schema_version") CHECK_THAT(error.what(), Contains(name));
    }
  }
  CHECK(refused > 70);
}
