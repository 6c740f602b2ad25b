#include "nn/onednn_product.h"

#include <fmt/format.h>

#include "core/error.h"

#ifdef SWIPEGYM_ONEDNN
#include <array>
#include <cstdint>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#ifdef _OPENMP
#include <omp.h>
#endif
#endif

namespace swipegym {

#ifdef SWIPEGYM_ONEDNN

namespace {

// Our own loops cut the work; a team of oneDNN's threads inside each of our workers would only stand in the way. The
// number is a setting of the calling thread.
void stay_on_this_thread() {
#ifdef _OPENMP
  thread_local const bool set = (omp_set_num_threads(1), true);
  (void)set;
#endif
}

// Products of bf16 by shape: making one compiles code. One set a thread, since executing shares scratch memory.
struct Bf16Product {
  dnnl::matmul product;
  dnnl::memory left, right, out;          // in the layout the product wants
  dnnl::reorder round_left, round_right;  // fp32 as it lies -> bf16
  dnnl::memory plain_left, plain_right;
};

using Bf16Shape = std::array<std::size_t, 8>;

dnnl::engine& cpu_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::desc plain_desc(const Factor<float>& f) {
  const auto rows = static_cast<dnnl::memory::dim>(f.height()), columns = static_cast<dnnl::memory::dim>(f.width());
  const auto stride = static_cast<dnnl::memory::dim>(f.stride);
  const dnnl::memory::dims strides = f.transposed ? dnnl::memory::dims{1, stride} : dnnl::memory::dims{stride, 1};
  return {{rows, columns}, dnnl::memory::data_type::f32, strides};
}

Bf16Product make_bf16_product(const Factor<float>& left, const Factor<float>& right, std::size_t out_stride) {
  using Desc = dnnl::memory::desc;
  using Type = dnnl::memory::data_type;
  using Tag = dnnl::memory::format_tag;
  const auto m = static_cast<dnnl::memory::dim>(left.height()), k = static_cast<dnnl::memory::dim>(left.width());
  const auto n = static_cast<dnnl::memory::dim>(right.width());
  const Desc l({m, k}, Type::bf16, Tag::ab), r({k, n}, Type::bf16, Tag::any);
  const Desc o({m, n}, Type::f32, dnnl::memory::dims{static_cast<dnnl::memory::dim>(out_stride), 1});
  dnnl::primitive_attr attributes;
  dnnl::post_ops sum;
  sum.append_sum(1.0F);
  attributes.set_post_ops(sum);
  dnnl::engine& engine = cpu_engine();
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc chosen(engine, l, r, o, attributes);
#else
  const dnnl::matmul::primitive_desc chosen(dnnl::matmul::desc(l, r, o), attributes, engine);
#endif
  Bf16Product made;
  made.product = dnnl::matmul(chosen);
  made.left = dnnl::memory(chosen.src_desc(), engine);
  made.right = dnnl::memory(chosen.weights_desc(), engine);
  made.out = dnnl::memory(chosen.dst_desc(), engine, nullptr);
  made.plain_left = dnnl::memory(plain_desc(left), engine, nullptr);
  made.plain_right = dnnl::memory(plain_desc(right), engine, nullptr);
  made.round_left = dnnl::reorder(made.plain_left, made.left);
  made.round_right = dnnl::reorder(made.plain_right, made.right);
  return made;
}

void multiply_bf16(const Factor<float>& left, const Factor<float>& right, float* out, std::size_t out_stride) {
  thread_local std::map<Bf16Shape, Bf16Product> products;
  thread_local dnnl::stream stream(cpu_engine());
  const Bf16Shape shape = {left.height(), left.width(), right.width(),   left.stride,
                           right.stride,  out_stride,   left.transposed, right.transposed};
  auto found = products.find(shape);
  if (found == products.end()) {
    if (products.size() >= 512) products.clear();  // lengths vary from batch to batch
    found = products.emplace(shape, make_bf16_product(left, right, out_stride)).first;
  }
  Bf16Product& p = found->second;
  p.plain_left.set_data_handle(const_cast<float*>(left.data));
  p.plain_right.set_data_handle(const_cast<float*>(right.data));
  p.out.set_data_handle(out);
  p.round_left.execute(stream, p.plain_left, p.left);
  p.round_right.execute(stream, p.plain_right, p.right);
  p.product.execute(stream, {{DNNL_ARG_SRC, p.left}, {DNNL_ARG_WEIGHTS, p.right}, {DNNL_ARG_DST, p.out}});
  stream.wait();
}

}  // namespace

bool has_onednn() noexcept {
  return true;
}

bool has_onednn_bf16() noexcept {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
}

void multiply_onednn(const Factor<float>& left, const Factor<float>& right, float* out, std::size_t out_stride,
                     bool bf16) {
  if (left.height() == 0 || right.width() == 0 || left.width() == 0) return;
  stay_on_this_thread();
  if (bf16) return multiply_bf16(left, right, out, out_stride);
  const auto dim = [](std::size_t size) { return static_cast<dnnl_dim_t>(size); };
  const dnnl_status_t status = dnnl_sgemm(left.transposed ? 'T' : 'N', right.transposed ? 'T' : 'N', dim(left.height()),
                                          dim(right.width()), dim(left.width()), 1.0F, left.data, dim(left.stride),
                                          right.data, dim(right.stride), 1.0F, out, dim(out_stride));
  if (status != dnnl_success)
    throw SystemError(fmt::format("oneDNN could not multiply {}x{} by {}x{} (status {})", left.height(), left.width(),
                                  right.height(), right.width(), static_cast<int>(status)));
}

#else

bool has_onednn() noexcept {
  return false;
}
bool has_onednn_bf16() noexcept {
  return false;
}
void multiply_onednn(const Factor<float>&, const Factor<float>&, float*, std::size_t, bool) {
  throw SystemError("this build has no oneDNN");
}

#endif

}  // namespace swipegym
